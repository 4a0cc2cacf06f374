import CSystem
import Glibc

extension WorldError {
    /// The error for a negative errno `code` of `operation` on `name`; `hints` replace the
    /// general advice where the caller knows better.
    static func of(
        _ code: Int32, _ operation: String, _ name: String, hint: String? = nil
    ) -> WorldError {
        let number = code < 0 ? -code : code
        switch number {
        case ENOENT, ENODEV, ENXIO:
            return .absent(name: name, hint: hint ?? "check the path, the cable and the power")
        case EBUSY, EADDRINUSE, EWOULDBLOCK:
            return .busy(name: name, hint: hint ?? "find its owner with: fuser -v \(name)")
        case EACCES, EPERM, EROFS:
            return .forbidden(
                name: name, hint: hint ?? "run as a member of the group that owns it")
        default:
            return .failed(
                operation: operation, name: name, errno: number, reason: reason(number))
        }
    }

    private static func reason(_ number: Int32) -> String {
        guard let text = strerror(number) else { return "unknown error" }
        return String(cString: text)
    }
}

/// The monotonic clock of the kernel, CLOCK_MONOTONIC, in nanoseconds.
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
