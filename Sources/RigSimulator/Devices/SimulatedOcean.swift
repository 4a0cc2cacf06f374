import Numerics
import Quantities
import World

/// The instrument's end of the Ocean Optics RS-232 letter protocol (Flame manual
/// 225-00000-000-11-201604 pp. 70-114; SAD500 "Communications and Control" pp. 4-18).
///
/// Binary mode after power-up: a letter, then words, most significant byte first. `aA` changes to
/// ASCII, `bB` back. Bytes that come while a scan is integrated wait for its end. Choices where
/// the manuals are silent are options (`SimulatedOceanOptions`) or stated beside the code:
/// external triggers never come, so `S` under one is answered by silence; stored
/// scans do not exist, so `Z` is refused; a boxcar lowers the noise but does not smooth the light.
public final class SimulatedOcean: SimulatedDevice {
    /// Speeds by the argument of `K`.
    public static let speeds = [2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200]
    /// Most bytes that wait while a scan is integrated; more are lost.
    public static let inputLimit = 256
    static let ack: UInt8 = 0x06
    static let nak: UInt8 = 0x15
    static let stx: UInt8 = 0x02
    static let etx: UInt8 = 0x03

    /// A scan that is being integrated.
    struct Scan {
        var from: Instant
        var until: Instant
    }
    /// A change of speed that is not complete.
    struct BaudChange {
        var old: Int
        var code: UInt16
        var acknowledged: Instant
        /// When the new speed applies; the first acknowledgement has left by then.
        var applies: Instant
        var isApplied = false
    }

    let options: SimulatedOceanOptions
    let scene: any SimulatedScene
    var noise: SeededGenerator
    var parameters = OceanParameters()
    var pixels: [Int] = []
    var isASCII = false
    var scan: Scan?
    var baudChange: BaudChange?
    /// Bytes of a command that is not complete, and when the last of them came.
    var command: [UInt8] = []
    var commandAt = Instant.zero
    var waiting: [UInt8] = []
    var output: [UInt8] = []
    var expected: [Double] = []
    var counts: [UInt32] = []
    var accumulated: [UInt32] = []
    var lastFrame: [UInt8] = []
    var lastMaximum: UInt16 = 0
    var errorWord: UInt16 = 0
    var counter: UInt16 = 0
    /// Survives the mains: 19 texts of at most 15 characters.
    var memory: [[UInt8]]

    /// Bits per second now.
    public private(set) var baud: Int

    /// Scans that were sent since power-up, for tests.
    public internal(set) var scansSent = 0

    /// A spectrometer that looks at `scene`; its noise comes from `seed`.
    public init(options: SimulatedOceanOptions, scene: any SimulatedScene, seed: UInt64) {
        self.options = options
        self.scene = scene
        noise = SeededGenerator(seed: seed).split("spectrometer noise")
        baud = options.powerUpBaud
        memory = [[UInt8]](repeating: [], count: 19)
        memory[0] = Array(options.serialNumber.utf8.prefix(15))
        for (index, value) in options.calibration.coefficients.prefix(4).enumerated() {
            memory[1 + index] = Array("\(value)".utf8.prefix(15))
        }
        pixels = Array(0..<options.pixelCount)
    }

    /// Everything but the calibration memory is as after power-up.
    public func powerCycle(at now: Instant) {
        parameters = OceanParameters()
        pixels = Array(0..<options.pixelCount)
        isASCII = false
        scan = nil
        baudChange = nil
        command = []
        waiting = []
        output = []
        lastFrame = []
        lastMaximum = 0
        errorWord = 0
        counter = 0
        scansSent = 0
        baud = options.powerUpBaud
        tellLamp(at: now)
    }

    /// Bytes from the host; those that come during an exposure wait for its end.
    public func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) {
        advance(to: now)
        for byte in bytes {
            if scan != nil {
                if waiting.count < Self.inputLimit { waiting.append(byte) }
            } else {
                take(byte, at: now)
            }
        }
    }

    /// Ends the exposure and the time limits that are over by `now`.
    public func advance(to now: Instant) {
        if let change = baudChange {
            if !change.isApplied, now >= change.applies {
                baud = Self.speeds[Int(change.code)]
                baudChange?.isApplied = true
                command = []
            }
            if now >= change.acknowledged + .milliseconds(options.baudHandshakeLimit) {
                restoreBaud()
            }
        }
        if let scan, now >= scan.until {
            self.scan = nil
            finish(scan)
            let late = waiting
            waiting.removeAll(keepingCapacity: true)
            for byte in late {
                if self.scan != nil { waiting.append(byte) } else { take(byte, at: now) }
            }
        }
    }

    /// The end of the exposure or of the next step of a change of speed.
    public var deadline: Instant {
        var next = scan?.until ?? .distantFuture
        if let change = baudChange {
            let step =
                change.isApplied
                ? change.acknowledged + .milliseconds(options.baudHandshakeLimit) : change.applies
            next = min(next, step)
        }
        return next
    }

    /// Hands over all bytes that were answered so far.
    public func takeOutput(into bytes: inout [UInt8], at now: Instant) {
        guard !output.isEmpty else { return }
        bytes += output
        output.removeAll(keepingCapacity: true)
    }

    /// Any deviation from the handshake: everything as it was.
    func restoreBaud() {
        guard let change = baudChange else { return }
        baud = change.old
        baudChange = nil
        command = []
    }

    func tellLamp(at now: Instant) {
        (scene as? any LampWatching)?.lampSwitched(on: parameters.lamp != 0, at: now)
    }

    var baudCode: UInt16 { UInt16(Self.speeds.firstIndex(of: baud) ?? 0) }

    /// Begins the first half of a change of speed.
    func beginBaudChange(to code: UInt16, at now: Instant) {
        // Two character times at the old speed let the acknowledgement leave first.
        let character = TimeSpan.seconds(20 / Double(max(baud, 1)))
        baudChange = BaudChange(
            old: baud, code: code, acknowledged: now, applies: now + character)
    }

    /// The second half; true when everything was in order.
    func completeBaudChange(to code: UInt16, at now: Instant) -> Bool {
        guard let change = baudChange, change.isApplied, code == change.code,
            now - change.acknowledged > .milliseconds(options.baudHandshakePause)
        else {
            restoreBaud()
            return false
        }
        baudChange = nil
        return true
    }
}
