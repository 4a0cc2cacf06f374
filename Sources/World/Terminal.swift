import CSystem
import Glibc
import Quantities

/// The terminal a person may look at.
public enum Terminal {
    /// Whether standard output is one.
    public static var isInteractive: Bool { isatty(1) == 1 }

    /// Its width in characters; 80 where unknown.
    public static var columns: Int {
        let columns = csystem_terminal_columns(1)
        return columns > 0 ? Int(columns) : 80
    }

    /// Its size in characters; 80 × 24 where unknown.
    public static var size: (rows: Int, columns: Int) {
        var rows: Int32 = 0
        var columns: Int32 = 0
        guard csystem_terminal_size(1, &rows, &columns) >= 0, rows > 0, columns > 0 else {
            return (24, 80)
        }
        return (Int(rows), Int(columns))
    }

    /// Whether somebody may type on standard input.
    public static var hasKeys: Bool { isatty(0) == 1 }

    /// From here on keys come one by one and unseen; ^C still interrupts.
    public static func takeKeys() throws(WorldError) {
        let result = csystem_terminal_watch(1)
        guard result >= 0 else { throw .of(result, "set", "the terminal") }
    }

    /// The terminal is as it was before `takeKeys`.
    public static func giveBack() { _ = csystem_terminal_restore(1) }

    /// The keys that were typed on standard input, at most 64; nil at its end.
    public static func keys() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(0, &bytes, bytes.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return [] }
        return count > 0 ? Array(bytes[..<count]) : nil
    }

    /// Writes `bytes` to standard output as far as it takes them within `limit`; false when it
    /// is gone, or did not take them all. A terminal whose other end hangs keeps nobody.
    public static func write(_ bytes: [UInt8], within limit: TimeSpan) -> Bool {
        let end = monotonicNanoseconds() + limit.nanoseconds
        var rest = bytes[...]
        while !rest.isEmpty {
            var ready = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
            let left = end - monotonicNanoseconds()
            guard left > 0 else { return false }
            guard poll(&ready, 1, Int32(clamping: left / 1_000_000 + 1)) > 0 else { return false }
            // Ready means room for some bytes only: a small piece does not block.
            let piece = rest.prefix(256)
            let count = piece.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
