/// A segment's number and the names its files have.
public enum SegmentName {
    /// What numbers can be: from 1, and so few that adding to one never overflows.
    public static let numbers: ClosedRange<UInt64> = 1...999_999_999_999
    /// The one file of a log of version 1.
    public static let legacy = "run.argentlog"

    static let activeSuffix = ".argentlog"
    /// End of the name of every sealed segment, also where a workstation puts a log before it.
    public static let sealedSuffix = ".argentseg"
    static let unfinishedSuffix = ".argentseg.new"

    /// Name of the active segment `number`: `00000003.argentlog`.
    public static func active(_ number: UInt64) -> String { digits(number) + activeSuffix }

    /// Name of the sealed segment `number`: `00000003.argentseg`.
    public static func sealed(_ number: UInt64) -> String { digits(number) + sealedSuffix }

    /// Name of segment `number` while it is being sealed: `00000003.argentseg.new`.
    public static func unfinished(_ number: UInt64) -> String { digits(number) + unfinishedSuffix }

    /// The number of the active segment called `name`; nil for any other name.
    public static func activeNumber(_ name: String) -> UInt64? { number(name, activeSuffix) }

    /// The number of the sealed segment called `name`; nil for any other name.
    public static func sealedNumber(_ name: String) -> UInt64? { number(name, sealedSuffix) }

    private static func number(_ name: String, _ suffix: String) -> UInt64? {
        guard name.hasSuffix(suffix) else { return nil }
        guard let number = UInt64(name.dropLast(suffix.count)), numbers.contains(number),
            digits(number) + suffix == name
        else { return nil }
        return number
    }

    /// A number as names have it: eight digits at least.
    public static func digits(_ number: UInt64) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }
}
