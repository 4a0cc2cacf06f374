/// What a letter-protocol spectrometer remembers until it is switched off or told `Q`.
struct OceanParameters: Equatable {
    var scans: UInt16 = 1  // A
    var boxcar: UInt16 = 0  // B
    var compression: UInt16 = 0  // G
    var integration: UInt16 = 100  // I, ms
    var lamp: UInt16 = 0  // J
    var checksum: UInt16 = 0  // k
    var storage: UInt16 = 0  // M
    var scansToStore: UInt16 = 1  // N
    var trigger: UInt16 = 0  // T
    var pixelMode: UInt16 = 0  // P
    /// What follows the mode in `P` and in the header.
    var pixelParameters: [UInt16] = []

    /// Most values or ranges in pixel modes 4 and 5.
    static let maximumPixelItems: UInt16 = 10

    /// How many words must still follow the words of a `P` command received so far; nil when they
    /// cannot become a valid one. Modes: 0 all; 1 every n-th; 3 first, last, step; 4 a count and
    /// that many pixels; 5 a count and that many pairs first, last (the form of mode 5 is a
    /// choice: no source spells it out).
    static func missingPixelWords(_ words: [UInt16]) -> Int? {
        guard let mode = words.first else { return 1 }
        let expected: Int
        switch mode {
        case 0: expected = 1
        case 1: expected = 2
        case 3: expected = 4
        case 4, 5:
            guard words.count > 1 else { return 1 }
            guard (1...maximumPixelItems).contains(words[1]) else { return nil }
            expected = 2 + Int(words[1]) * (mode == 4 ? 1 : 2)
        default: return nil
        }
        return max(expected - words.count, 0)
    }

    /// The pixels `words` (a whole `P` command) select of a detector with `count`; nil when a
    /// number makes no sense.
    static func pixels(_ words: [UInt16], of count: Int) -> [Int]? {
        let numbers = words.map { Int($0) }
        guard let mode = numbers.first else { return nil }
        switch mode {
        case 0 where numbers.count == 1: return Array(0..<count)
        case 1 where numbers.count == 2 && numbers[1] > 0:
            return Array(stride(from: 0, to: count, by: numbers[1]))
        case 3 where numbers.count == 4:
            let (first, last, step) = (numbers[1], numbers[2], numbers[3])
            guard first <= last, last < count, step > 0 else { return nil }
            return Array(stride(from: first, through: last, by: step))
        case 4 where numbers.count > 2 && numbers.count == 2 + numbers[1]:
            let listed = Array(numbers.dropFirst(2))
            return listed.allSatisfy { $0 < count } ? listed : nil
        case 5 where numbers.count > 3 && numbers.count == 2 + 2 * numbers[1]:
            var result: [Int] = []
            for index in stride(from: 2, to: numbers.count, by: 2) {
                guard numbers[index] <= numbers[index + 1], numbers[index + 1] < count else {
                    return nil
                }
                result += numbers[index]...numbers[index + 1]
            }
            return result
        default: return nil
        }
    }

    /// Sets what `letter` names; false when there is no such parameter or `value` is out of
    /// range.
    mutating func set(
        _ letter: UInt8, to value: UInt16, options: SimulatedOceanOptions
    ) -> Bool {
        switch letter {
        case UInt8(ascii: "A"):
            guard (1...options.maximumScans).contains(value) else { return false }
            scans = value
        case UInt8(ascii: "B"):
            guard value <= options.maximumBoxcar else { return false }
            boxcar = value
        case UInt8(ascii: "G"):
            guard value <= 1 else { return false }
            compression = value
        case UInt8(ascii: "I"):
            guard value >= options.minimumIntegration else { return false }
            integration = value
        case UInt8(ascii: "J"): lamp = value
        case UInt8(ascii: "k"): checksum = value
        case UInt8(ascii: "M"):
            guard value <= 1 else { return false }
            storage = value
        case UInt8(ascii: "N"):
            guard value >= 1 else { return false }
            scansToStore = value
        case UInt8(ascii: "T"):
            guard value <= 4 else { return false }
            trigger = value
        case UInt8(ascii: "L"): break
        default: return false
        }
        return true
    }

    /// What `?` and a letter answer; nil when the letter is not known.
    func query(_ letter: UInt8, baudCode: UInt16) -> UInt16? {
        switch letter {
        case UInt8(ascii: "A"): scans
        case UInt8(ascii: "B"): boxcar
        case UInt8(ascii: "I"): integration
        case UInt8(ascii: "J"): lamp
        case UInt8(ascii: "K"): baudCode
        case UInt8(ascii: "T"): trigger
        case UInt8(ascii: "i"): UInt16(min(Int(integration) * 100, 65_535))  // tens of µs
        default: nil
        }
    }
}
