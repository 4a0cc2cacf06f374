import CSystem
import Glibc

/// A new file that is written from start to end and appears under its name only when it is
/// whole: until `finish` it is called `NAME.part`. For exports, which can be made again: nothing
/// here waits for the disk.
public final class OutputFile {
    /// Bytes gathered before they are handed to the kernel.
    private static let gathering = 1 << 16

    private let path: String
    private var descriptor: Int32
    private var waiting: [UInt8] = []

    /// Begins the file at `path`, whose directory must exist; what an earlier try left as
    /// `path.part` is overwritten.
    public init(path: String, mode: UInt32 = 0o644) throws(WorldError) {
        self.path = path
        descriptor = csystem_open(path + ".part", O_WRONLY | O_CREAT | O_TRUNC, mode)
        guard descriptor >= 0 else { throw .of(descriptor, "create", path + ".part") }
        waiting.reserveCapacity(Self.gathering)
    }

    deinit { abandon() }

    /// Adds `bytes` at the end. After a throw the file is given up.
    public func write(_ bytes: some Sequence<UInt8>) throws(WorldError) {
        waiting.append(contentsOf: bytes)
        if waiting.count >= Self.gathering { try drain() }
    }

    /// Writes what is left and gives the file its name, in place of an older one.
    public func finish() throws(WorldError) {
        try drain()
        let closed = Glibc.close(descriptor)
        descriptor = -1
        guard closed == 0, rename(path + ".part", path) == 0 else {
            let code = errno
            _ = unlink(path + ".part")
            throw .of(code, "write", path)
        }
    }

    /// Closes the file and removes what there is of it. Safe to repeat, and after `finish`.
    public func abandon() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
        _ = unlink(path + ".part")
    }

    private func drain() throws(WorldError) {
        guard descriptor >= 0 else { throw .gone(name: path) }
        var failure: Int32 = 0
        let all = waiting.count
        let done = Files.writeAll(descriptor, waiting[...], failure: &failure)
        waiting.removeAll(keepingCapacity: true)
        guard done == all else {
            abandon()
            throw .of(failure, "write", path)
        }
    }
}
