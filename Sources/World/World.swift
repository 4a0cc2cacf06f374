import Quantities

/// The only door to the outside: clocks, lines, buses and waiting. Everything above takes its
/// time and its bytes from here, so the same code runs on a board, under a virtual clock, and
/// under a fuzzer. Implementations: `RealWorld` (the kernel) and `VirtualWorld` (simulated).
public protocol World: AnyObject, Timekeeper {
    /// A text that differs between boots (`/proc/sys/kernel/random/boot_id`), so that monotonic
    /// times of two boots are never compared.
    var bootIdentifier: String { get }

    /// Opens a serial line for this process alone (TIOCEXCL). Throws when it is absent or busy,
    /// and `underWay` where opening is left to a thread that is not done yet: then the same call
    /// is made again.
    func openSerial(_ settings: SerialSettings) throws(WorldError) -> any SerialPort

    /// Requests output lines, each at its safe level from the first moment.
    func openOutputs(_ lines: [OutputLineSettings]) throws(WorldError) -> any OutputLines

    /// Requests input lines with edge events.
    func openInputs(_ lines: [InputLineSettings]) throws(WorldError) -> any InputLines

    /// Opens the chip at `address` on an I²C bus such as `/dev/i2c-1`.
    func openI2C(bus: String, address: UInt8) throws(WorldError) -> any I2CDevice

    /// Sleeps until something opened here has input, someone called `wake`, or `deadline` has
    /// come, whichever is first. May return early for no reason.
    func wait(until deadline: Instant)

    /// Ends a `wait` that is going on in another thread, or the next one. Safe from any thread.
    func wake()
}

/// How a serial line is opened: always 8 data bits, no parity, one stop bit, no flow control.
public struct SerialSettings: Equatable, Sendable {
    /// Device path, e.g. `/dev/serial/by-id/…`.
    public var path: String
    /// Bits per second.
    public var baud: Int

    /// A line at `path` with `baud` bits per second.
    public init(path: String, baud: Int) {
        self.path = path
        self.baud = baud
    }
}

/// An open serial line. Never blocks.
public protocol SerialPort: AnyObject {
    /// Offers `bytes` to the line and returns how many it took (0 when its buffer is full).
    /// Throws `WorldError.gone` when the device was unplugged.
    func write(_ bytes: ArraySlice<UInt8>) throws(WorldError) -> Int

    /// Appends at most `limit` bytes that have arrived to `buffer`; returns how many.
    /// Zero means nothing now. Throws `WorldError.gone` when the device was unplugged.
    func read(into buffer: inout [UInt8], limit: Int) throws(WorldError) -> Int

    /// Whether a read may bring anything; false only where the last `wait` of the world saw that
    /// nothing arrived.
    var mayHaveInput: Bool { get }

    /// Changes the speed after everything written has left.
    func setBaud(_ baud: Int) throws(WorldError)

    /// Throws away what has arrived and was not read.
    func discardInput()

    /// What there is to tell of the line, once: bytes that were lost on the way from the kernel, a
    /// privilege that its reader lacks. Nil: nothing.
    func takeNotice() -> String?

    /// Closes the line; later calls throw `gone`. Safe to repeat.
    func close()
}

extension SerialPort {
    /// Who cannot say looks.
    public var mayHaveInput: Bool { true }

    /// Who has nothing in between loses nothing there.
    public func takeNotice() -> String? { nil }
}

/// One output line of a GPIO chip, named as the kernel names it; never by chip number, which
/// changes between kernels.
public struct OutputLineSettings: Equatable, Sendable {
    /// The chip's label, e.g. `pinctrl-rp1`.
    public var chipLabel: String
    /// The line's name on that chip, e.g. `GPIO17`, or its offset as digits.
    public var line: String
    /// True when electrical low means "on".
    public var activeLow: Bool
    /// The logical level the line takes when it is requested and in the safe state.
    public var safeLevel: Bool

    /// One output line.
    public init(chipLabel: String, line: String, activeLow: Bool, safeLevel: Bool) {
        self.chipLabel = chipLabel
        self.line = line
        self.activeLow = activeLow
        self.safeLevel = safeLevel
    }
}

/// Output lines held by this process. Their levels are guaranteed only while it lives.
public protocol OutputLines: AnyObject {
    /// Sets the logical level of line `index` (order of the request).
    func set(_ index: Int, to level: Bool) throws(WorldError)
    /// Gives the lines back to the kernel.
    func close()
}

/// One input line of a GPIO chip.
public struct InputLineSettings: Equatable, Sendable {
    /// How an open input is pulled.
    public enum Bias: String, Sendable { case asIs = "as-is", up, down, none }
    /// The chip's label.
    public var chipLabel: String
    /// The line's name on that chip, or its offset as digits.
    public var line: String
    /// True when electrical low means "active".
    public var activeLow: Bool
    /// How an open input is pulled.
    public var bias: Bias
    /// Time a level must hold before the kernel reports it; zero for none. Where the kernel or
    /// library cannot (libgpiod 1.6), `InputLines.debounces` says so.
    public var debounce: TimeSpan

    /// One input line.
    public init(
        chipLabel: String, line: String, activeLow: Bool, bias: Bias = .asIs,
        debounce: TimeSpan = .zero
    ) {
        self.chipLabel = chipLabel
        self.line = line
        self.activeLow = activeLow
        self.bias = bias
        self.debounce = debounce
    }
}

/// A change of an input line, stamped by the kernel.
public struct EdgeEvent: Equatable, Sendable {
    /// Which line, in the order of the request.
    public var index: Int
    /// The logical level after the edge.
    public var level: Bool
    /// When, on the monotonic clock.
    public var at: Instant

    /// An edge of line `index` to `level`.
    public init(index: Int, level: Bool, at: Instant) {
        self.index = index
        self.level = level
        self.at = at
    }
}

/// Input lines held by this process.
public protocol InputLines: AnyObject {
    /// Whether debouncing asked for is really done.
    var debounces: Bool { get }
    /// The logical level of line `index` now.
    func level(_ index: Int) throws(WorldError) -> Bool
    /// Appends the edges since the last call; never blocks.
    func readEdges(into edges: inout [EdgeEvent]) throws(WorldError)
    /// Gives the lines back to the kernel.
    func close()
}

/// One chip on an I²C bus.
public protocol I2CDevice: AnyObject {
    /// Writes `value` to the byte register `register` (SMBus write byte data).
    func writeByte(_ value: UInt8, to register: UInt8) throws(WorldError)
    /// Reads the byte register `register` (SMBus read byte data).
    func readByte(from register: UInt8) throws(WorldError) -> UInt8
    /// Reads `count` (1…32) bytes from `register` on (SMBus I²C block read).
    func readBlock(from register: UInt8, count: Int) throws(WorldError) -> [UInt8]
    /// Reads a word whose high byte the chip sends first (SMBus read word data, swapped).
    func readWord(from register: UInt8) throws(WorldError) -> UInt16
    /// Writes a word whose high byte the chip takes first (SMBus write word data, swapped).
    func writeWord(_ value: UInt16, to register: UInt8) throws(WorldError)
    /// Writes 1…32 bytes from `register` on (SMBus I²C block write).
    func writeBlock(_ bytes: [UInt8], to register: UInt8) throws(WorldError)
    /// Writes raw bytes, then reads `count` after a repeated start (I2C_RDWR). Fails on a bus
    /// that knows SMBus only.
    func transfer(_ bytes: [UInt8], reading count: Int) throws(WorldError) -> [UInt8]
    /// Writes raw bytes as one plain I²C message.
    func write(_ bytes: [UInt8]) throws(WorldError)
    /// Reads `count` raw bytes as one plain I²C message.
    func read(count: Int) throws(WorldError) -> [UInt8]
    /// Closes the bus handle.
    func close()
}

/// What the outside refused, in terms a person can act on.
public enum WorldError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no such device, line or file.
    case absent(name: String, hint: String)
    /// Somebody else holds it.
    case busy(name: String, hint: String)
    /// It was there and is not any more (unplugged, hung up).
    case gone(name: String)
    /// It is being opened; ask again in a moment.
    case underWay(name: String)
    /// This process may not use it.
    case forbidden(name: String, hint: String)
    /// Anything else the kernel said: what was tried, on what, with which errno.
    case failed(operation: String, name: String, errno: Int32, reason: String)

    /// What was refused, and what to do next.
    public var description: String {
        switch self {
        case .absent(let name, let hint): "\(name): not there; \(hint)"
        case .busy(let name, let hint): "\(name): in use by another process; \(hint)"
        case .gone(let name): "\(name): went away (unplugged or hung up)"
        case .underWay(let name): "\(name): being opened"
        case .forbidden(let name, let hint): "\(name): permission denied; \(hint)"
        case .failed(let operation, let name, let errno, let reason):
            "\(name): \(operation) failed: \(reason) (errno \(errno))"
        }
    }
}
