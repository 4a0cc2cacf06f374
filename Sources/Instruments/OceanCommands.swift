import Quantities

/// The letter commands (Flame manual, RS-232 appendix; SAD500 manual), as bytes in binary mode:
/// a letter, then WORDs with the high byte first.
enum OceanCommand {
    static let acknowledge: UInt8 = 0x06
    static let refuse: UInt8 = 0x15
    static let scanFollows: UInt8 = 0x02
    static let scanRefused: UInt8 = 0x03

    static let version: [UInt8] = [UInt8(ascii: "v")]
    static let acquire: [UInt8] = [UInt8(ascii: "S")]
    /// Leaves ASCII mode; sent without CR or LF.
    static let binaryMode: [UInt8] = [UInt8(ascii: "b"), UInt8(ascii: "B")]

    /// `letter` with its WORDs.
    static func set(_ letter: Unicode.Scalar, _ words: UInt16...) -> [UInt8] {
        var bytes = [UInt8(ascii: letter)]
        for word in words {
            bytes.append(UInt8(word >> 8))
            bytes.append(UInt8(word & 0xFF))
        }
        return bytes
    }

    /// `?letter`: answered by ACK and a WORD.
    static func query(_ letter: Unicode.Scalar) -> [UInt8] {
        [UInt8(ascii: "?"), UInt8(ascii: letter)]
    }

    /// `?x index`: answered by ACK and a number as text.
    static func constant(_ index: UInt16) -> [UInt8] {
        [UInt8(ascii: "?")] + set("x", index)
    }

    /// The WORD that `K` takes for a speed; nil where there is none.
    static func speedCode(_ baud: Int) -> UInt16? {
        let speeds = [2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200]
        return speeds.firstIndex(of: baud).map { UInt16($0) }
    }

    /// What 8N1 needs for `bytes` bytes at `baud`.
    static func transferTime(bytes: Int, baud: Int) -> TimeSpan {
        .seconds(Double(bytes) * 10 / Double(max(1, baud)))
    }
}

/// One question of the configuration and what its answer must be.
struct OceanOrder: Equatable {
    /// As shown in reports, e.g. `I 20`.
    var name: String
    var bytes: [UInt8]
    var shape: OceanReplyReader.Shape
    /// The WORD a query must report.
    var expected: UInt16?
    /// Whether NAK is taken for "this model has no such letter".
    var mayRefuse: Bool

    /// Sets a parameter.
    static func set(
        _ letter: Unicode.Scalar, _ value: UInt16, mayRefuse: Bool = false
    ) -> OceanOrder {
        OceanOrder(
            name: "\(letter) \(value)", bytes: OceanCommand.set(letter, value),
            shape: .acknowledgement, expected: nil, mayRefuse: mayRefuse)
    }

    /// The lamp's line on, and off; made once, as they are wanted again and again.
    static let lampOn = set("J", 1)
    static let lampOff = set("J", 0)

    /// Asks for a parameter, where the model answers that.
    static func verify(_ letter: Unicode.Scalar, is value: UInt16) -> OceanOrder {
        OceanOrder(
            name: "?\(letter)", bytes: OceanCommand.query(letter), shape: .word, expected: value,
            mayRefuse: true)
    }

    /// Reads a calibration constant.
    static func constant(_ index: UInt16) -> OceanOrder {
        OceanOrder(
            name: "?x \(index)", bytes: OceanCommand.constant(index), shape: .constant,
            expected: nil, mayRefuse: false)
    }

    /// Pixel mode 3: `first` through `last`, every `step`th.
    static func pixels(_ request: OceanScanRequest) -> OceanOrder {
        let (first, last, step) = (request.firstPixel, request.lastPixel, request.pixelStep)
        return OceanOrder(
            name: "P 3 \(first) \(last) \(step)",
            bytes: OceanCommand.set("P", 3, first, last, step), shape: .acknowledgement,
            expected: nil, mayRefuse: false)
    }
}

/// A plan in the numbers the instrument takes; only sound plans become one.
struct OceanScanRequest: Equatable {
    var milliseconds: UInt16
    var firstPixel: UInt16
    var lastPixel: UInt16
    var pixelStep: UInt16

    /// Why `plan` cannot be asked of a detector with `pixelCount` pixels; nil when it can.
    static func problem(of plan: AcquisitionPlan, pixelCount: Int) -> String? {
        let nanoseconds = plan.integration.nanoseconds
        guard nanoseconds % 1_000_000 == 0, (1...65_535).contains(nanoseconds / 1_000_000) else {
            return "integration must be whole milliseconds, 1 to 65535"
        }
        let end = min(pixelCount, 65_536)
        guard plan.firstPixel >= 0, plan.firstPixel <= plan.lastPixel, plan.lastPixel < end else {
            return "pixels \(plan.firstPixel) to \(plan.lastPixel) are not within 0 to \(end - 1)"
        }
        guard (1...65_535).contains(plan.pixelStep) else {
            return "pixel step \(plan.pixelStep) must be 1 to 65535"
        }
        return nil
    }

    /// The request for `plan`; nil when it is not sound.
    init?(_ plan: AcquisitionPlan, pixelCount: Int) {
        guard Self.problem(of: plan, pixelCount: pixelCount) == nil else { return nil }
        milliseconds = UInt16(plan.integration.nanoseconds / 1_000_000)
        firstPixel = UInt16(plan.firstPixel)
        lastPixel = UInt16(plan.lastPixel)
        pixelStep = UInt16(plan.pixelStep)
    }

    /// Pixels a scan carries.
    var count: Int { (Int(lastPixel) - Int(firstPixel)) / Int(pixelStep) + 1 }

    /// Exposure of one scan.
    var integration: TimeSpan { .milliseconds(Int64(milliseconds)) }
}
