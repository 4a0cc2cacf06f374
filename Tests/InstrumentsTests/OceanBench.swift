import Quantities

@testable import Instruments

/// The instrument's end of the line, written from the manual's tables for the tests alone: it
/// shares nothing with the code under test. What it sends can be bent on the way.
struct OceanTwin {
    var baud = 9_600
    var speaksASCII = false
    var parameters: [UInt8: UInt16] = [
        UInt8(ascii: "A"): 1, UInt8(ascii: "B"): 0, UInt8(ascii: "G"): 0, UInt8(ascii: "k"): 0,
        UInt8(ascii: "I"): 100, UInt8(ascii: "J"): 0, UInt8(ascii: "T"): 0, UInt8(ascii: "K"): 2,
    ]
    var pixelMode: [UInt16] = [0]
    var constants = ["340.5", "0.375", "-1.2e-05", "-2.5E-10"]
    var padsConstants = true
    var firstEscaped = true
    var sadHeader = false
    /// What the detector sees; index is the pixel.
    var light: (Int, Int) -> UInt16 = { pixel, scan in UInt16(1_000 + pixel * 7 + scan * 3) }
    var scans = 0
    var refuses: Set<UInt8> = []
    var mute = false
    /// Hands out the scan under way instead of starting one.
    var isFreeRunning = false
    var losesSecondSpeedAck = false
    var rejectsSpeed = false
    private var inbox: [UInt8] = []
    private var speedAsked: UInt16?

    static let speeds = [2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200]

    mutating func powerCycle() {
        let constants = constants
        let light = light
        self = OceanTwin()
        self.constants = constants
        self.light = light
    }

    /// Answers to `bytes`, each with the time after which it leaves.
    mutating func take(_ bytes: [UInt8], lineBaud: Int) -> [(after: TimeSpan, bytes: [UInt8])] {
        guard !mute else { return [] }
        guard lineBaud == baud else { return [(.milliseconds(2), [0x00, 0xE6, 0x80])] }
        inbox += bytes
        var replies: [(TimeSpan, [UInt8])] = []
        while let reply = takeOne() { replies.append(reply) }
        return replies.filter { !$0.1.isEmpty }
    }

    private func word(_ value: UInt16) -> [UInt8] { [UInt8(value / 256), UInt8(value % 256)] }

    private func argument(_ at: Int) -> UInt16 { UInt16(inbox[at]) * 256 + UInt16(inbox[at + 1]) }

    private mutating func takeOne() -> (TimeSpan, [UInt8])? {
        guard let letter = inbox.first else { return nil }
        let soon = TimeSpan.milliseconds(1)
        if speaksASCII {
            if inbox.starts(with: Array("bB".utf8)) {
                inbox.removeFirst(2)
                speaksASCII = false
                return (soon, Array("bB".utf8) + [6])
            }
            inbox.removeFirst()
            return (soon, Array("v 1020\r\n".utf8))
        }
        switch letter {
        case UInt8(ascii: "v"):
            inbox.removeFirst()
            return (soon, [6] + word(1020))
        case UInt8(ascii: "S"):
            inbox.removeFirst()
            let exposure = Int64(parameters[UInt8(ascii: "I")] ?? 0)
            return (.milliseconds(isFreeRunning ? exposure / 4 : exposure), scan())
        case UInt8(ascii: "?"):
            guard inbox.count >= 2 else { return nil }
            if inbox[1] == UInt8(ascii: "x") {
                guard inbox.count >= 4 else { return nil }
                let index = Int(argument(2))
                inbox.removeFirst(4)
                var text = Array(constants[index - 1].utf8)
                if padsConstants {
                    while text.count < 15 { text.append(0) }
                } else {
                    text += [13, 10]
                }
                return (soon, [6] + text)
            }
            let asked = inbox[1]
            inbox.removeFirst(2)
            guard let value = parameters[asked], !refuses.contains(asked) else {
                return (soon, [0x15])
            }
            return (soon, [6] + word(value))
        case UInt8(ascii: "P"):
            guard inbox.count >= 9 else { return nil }
            pixelMode = [argument(1), argument(3), argument(5), argument(7)]
            inbox.removeFirst(9)
            return (soon, [6])
        case UInt8(ascii: "K"):
            guard inbox.count >= 3 else { return nil }
            let code = argument(1)
            inbox.removeFirst(3)
            if rejectsSpeed { return (soon, [0x15]) }
            if speedAsked == code {
                speedAsked = nil
                if losesSecondSpeedAck { return (soon, [0x15]) }
                parameters[UInt8(ascii: "K")] = code
                return (soon, [6])
            }
            speedAsked = code
            return (soon, [6])
        default:
            guard parameters[letter] != nil else {
                inbox.removeFirst()
                return (soon, [0x15])
            }
            guard inbox.count >= 3 else { return nil }
            let value = argument(1)
            inbox.removeFirst(3)
            if refuses.contains(letter) { return (soon, [0x15]) }
            parameters[letter] = value
            return (soon, [6])
        }
    }

    /// The speed the instrument changes to once its ACK has left.
    mutating func settleSpeed() {
        if let code = speedAsked { baud = Self.speeds[Int(code)] }
    }

    /// Any deviation restores the old speed.
    mutating func restoreSpeed() {
        speedAsked = nil
        baud = Self.speeds[Int(parameters[UInt8(ascii: "K")] ?? 2)]
    }

    /// The pixels of the mode in force.
    func pixels() -> [Int] {
        guard pixelMode[0] == 3 else { return Array(0..<16) }
        return Array(
            stride(from: Int(pixelMode[1]), through: Int(pixelMode[2]), by: Int(pixelMode[3])))
    }

    mutating func scan() -> [UInt8] {
        let values = pixels().map { light($0, scans) }
        scans += 1
        return encode(values)
    }

    /// STX, header, pixels, FFFD, checksum, as the manuals' tables list them.
    func encode(_ values: [UInt16]) -> [UInt8] {
        let integration = parameters[UInt8(ascii: "I")] ?? 0
        var out: [UInt8] = [2] + word(0xFFFF)
        if sadHeader {
            out += word(0) + word(0) + word(1) + word(integration) + word(77)
        } else {
            out += word(0) + word(1) + word(integration) + word(0x0001) + word(0x2345)
        }
        for number in pixelMode { out += word(number) }
        var sum = 0
        if parameters[UInt8(ascii: "G")] == 1 {
            var previous: Int?
            for value in values {
                let now = Int(value)
                if let before = previous, abs(now - before) <= 127 {
                    let byte = (now - before + 256) % 256
                    out.append(UInt8(byte))
                    sum += byte
                } else if previous == nil, !firstEscaped {
                    out += word(value)
                    sum += now
                } else {
                    out += [0x80] + word(value)
                    sum += now + 0x80
                }
                previous = now
            }
        } else {
            for value in values {
                out += word(value)
                sum += Int(value)
            }
        }
        out += word(0xFFFD)
        if parameters[UInt8(ascii: "k")] != 0 { out += word(UInt16(sum % 65_536)) }
        return out
    }
}

/// A machine and a twin on one line, under a clock that jumps from deadline to deadline.
struct OceanBench {
    var machine: OceanSpectrometer
    var twin = OceanTwin()
    var now = Instant.zero
    /// What was written, in order.
    var written: [UInt8] = []
    /// Bends a reply: gets its number since the bench began, returns what arrives and how late.
    var bend: ((Int, [UInt8]) -> (late: TimeSpan, bytes: [UInt8]))?
    /// Bytes are handed over in portions of this many at most.
    var portion = Int.max
    var replies = 0
    private var lineFreeAt = Instant.zero
    private var pending: [(at: Instant, baud: Int, bytes: [UInt8])] = []

    init(_ options: OceanSpectrometer.Options) { machine = OceanSpectrometer(options) }

    /// What is on its way is lost.
    mutating func losePending() { pending.removeAll() }

    mutating func open() { machine.lineOpened(at: now) }

    /// Runs until `end` or until `stop` says so; the events in between.
    @discardableResult
    mutating func run(
        for span: TimeSpan, until stop: (InstrumentEvent) -> Bool = { _ in false }
    ) -> [InstrumentEvent] {
        let end = now + span
        var seen: [InstrumentEvent] = []
        while now < end {
            flush()
            let fresh = machine.events
            machine.events.removeAll()
            seen += fresh
            if fresh.contains(where: stop) { return seen }
            let nextReply = pending.map(\.at).min() ?? .distantFuture
            now = max(now, min(nextReply, machine.deadline, end))
            while let first = pending.indices.filter({ pending[$0].at <= now }).min(by: {
                pending[$0].at < pending[$1].at
            }) {
                hand(pending.remove(at: first))
            }
            if machine.deadline <= now { machine.advance(to: now) }
        }
        return seen
    }

    private mutating func hand(_ reply: (at: Instant, baud: Int, bytes: [UInt8])) {
        guard reply.baud == machine.baud else {
            return machine.receive([0xF0, 0x1E], at: now)
        }
        var rest = reply.bytes[...]
        while !rest.isEmpty {
            machine.receive(rest.prefix(portion), at: now)
            rest = rest.dropFirst(portion)
        }
    }

    private mutating func flush() {
        guard !machine.output.isEmpty else { return }
        let bytes = machine.output
        machine.output.removeAll()
        written += bytes
        let speed = twin.baud
        // A byte at the wrong speed is a deviation from the handshake.
        if machine.baud != twin.baud, bytes != [] { twin.restoreSpeed() }
        let answers = twin.take(bytes, lineBaud: machine.baud)
        for answer in answers {
            var arrived = (late: TimeSpan.zero, bytes: answer.bytes)
            if let bend { arrived = bend(replies, answer.bytes) }
            replies += 1
            guard !arrived.bytes.isEmpty else { continue }
            let transfer = OceanBench.transfer(arrived.bytes.count, speed)
            // One thing after the other: a reply that is late holds up those behind it.
            lineFreeAt = max(lineFreeAt, now + answer.after) + transfer + arrived.late
            pending.append((lineFreeAt, speed, arrived.bytes))
        }
        if bytes.first == UInt8(ascii: "K"), answers.first?.bytes == [6] { twin.settleSpeed() }
        if answers.first?.bytes == [0x15] { twin.restoreSpeed() }
    }

    static func transfer(_ bytes: Int, _ baud: Int) -> TimeSpan {
        .seconds(Double(bytes) * 10 / Double(baud))
    }
}

extension InstrumentEvent {
    var frame: SpectrometerFrame? {
        if case .frame(let frame) = kind { return frame }
        return nil
    }
    var missed: InstrumentError? {
        if case .frameMissed(let error) = kind { return error }
        return nil
    }
    var trouble: InstrumentError? {
        if case .trouble(let error) = kind { return error }
        return nil
    }
    var isLost: Bool {
        if case .lost = kind { return true }
        return false
    }
    var isReady: Bool { kind == .ready }
}

/// A short sub-range, so that scans are quick to play.
func shortPlan(acquiring: Bool = true, integration: Int64 = 20) -> AcquisitionPlan {
    AcquisitionPlan(
        isAcquiring: acquiring, lampOn: true, integration: .milliseconds(integration),
        firstPixel: 100, lastPixel: 124, pixelStep: 3)
}

/// Options for a bench: no change of speed unless asked for.
func benchOptions(workingBaud: Int = 9_600) -> OceanSpectrometer.Options {
    var options = OceanSpectrometer.Options()
    options.workingBaud = workingBaud
    options.pixelCount = 256
    return options
}
