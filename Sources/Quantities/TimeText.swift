extension WallTime {
    /// The time of day as ISO 8601 has it, UTC with milliseconds: `2023-11-14T22:13:20.000Z`.
    /// Days are turned into dates by arithmetic on the proleptic Gregorian calendar in years that
    /// begin with March, so that the leap day is the last of its year.
    public var iso8601: String {
        let milliseconds = Self.floorDivide(unixNanoseconds, by: 1_000_000)
        let seconds = Self.floorDivide(milliseconds, by: 1_000)
        let days = Self.floorDivide(seconds, by: 86_400)
        let second = Int(seconds - days * 86_400)
        let (year, month, day) = Self.date(ofDay: days)
        return Self.digits(year, 4) + "-" + Self.digits(month, 2) + "-" + Self.digits(day, 2) + "T"
            + Self.digits(second / 3_600, 2) + ":" + Self.digits(second / 60 % 60, 2) + ":"
            + Self.digits(second % 60, 2) + "."
            + Self.digits(Int(milliseconds - seconds * 1_000), 3) + "Z"
    }

    /// The date alone, `2023-11-14`.
    public var isoDate: String { String(iso8601.prefix { $0 != "T" }) }

    /// The Gregorian date of the day `day` days after 1970-01-01.
    private static func date(ofDay day: Int64) -> (year: Int, month: Int, day: Int) {
        // Day 0 of the arithmetic is 0000-03-01; 400 years have 146,097 days.
        let shifted = day + 719_468
        let era = floorDivide(shifted, by: 146_097)
        let dayOfEra = Int(shifted - era * 146_097)
        let leapless = dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096
        let yearOfEra = leapless / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // March to July and August to December repeat the lengths 31 30 31 30 31: 153 days.
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func floorDivide(_ value: Int64, by divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((-(value + 1)) / divisor) - 1
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(abs(number))
        let zeros = String(repeating: "0", count: max(0, count - text.count))
        return (number < 0 ? "-" : "") + zeros + text
    }
}
