import Glibc
import Quantities
import World

/// One connection's worth of a pull: fetches ahead, puts pieces where they belong, verifies what
/// is complete, acknowledges what is safe.
struct Transfer {
    private struct Fetch {
        var entry: SegmentEntry
        /// Bytes that were there when it was asked for.
        var start: UInt64
    }

    private let puller: Puller
    private let connection: PullConnection
    private let log: [UInt8]
    /// Asked for, in order; the first is arriving.
    private var fetches: [Fetch] = []
    private var file: AppendFile?
    /// Numbers whose acknowledgement was sent.
    private var telling: Set<UInt64> = []

    init(puller: Puller, connection: PullConnection, log: [UInt8]) {
        self.puller = puller
        self.connection = connection
        self.log = log
    }

    private var folder: PullFolder { puller.folder }

    /// Fetches and acknowledges whatever of `entries` is not done.
    mutating func run(_ entries: [SegmentEntry]) throws(PullError) {
        var queue = entries[...]
        while true {
            while let entry = queue.first, try begin(entry) { queue.removeFirst() }
            guard connection.requests > 0 else {
                if queue.isEmpty { return }
                continue
            }
            try take(try connection.next(), &queue)
        }
    }

    /// Asks for what `entry` needs; false when it must wait.
    private mutating func begin(_ entry: SegmentEntry) throws(PullError) -> Bool {
        guard connection.requests < PullSession.requestsLimit - 1 else { return false }
        if let pulled = folder.pulled(entry.number, of: log) {
            if !pulled.isAcknowledged { try acknowledge(entry) }
            return true
        }
        let ahead = fetches.reduce(0) { $0 + ($1.entry.size - $1.start) }
        guard
            fetches.isEmpty
                || fetches.count < Puller.windowFetches && ahead < Puller.windowBytes
        else { return false }
        let path = folder.partialPath(entry, of: log)
        var start: UInt64 = 0
        do throws(WorldError) {
            if Files.exists(path) { start = UInt64(try ReadFile(path: path).size) }
            if start > entry.size {
                try Files.remove(path)
                start = 0
            }
            let free = try Files.space(folder.path).free
            let needed = ahead.saturated(adding: entry.size - start)
            guard free >= needed.saturated(adding: Puller.roomLeft) else {
                throw WorldError.failed(
                    operation: Self.noRoom, name: "\(free)", errno: ENOSPC, reason: "")
            }
        } catch { throw failure(error, entry) }
        guard start < entry.size else {
            // Complete already: the process ended between the last byte and the verification.
            guard fetches.isEmpty else { return false }
            puller.report.resumedBytes += start
            puller.advance(by: start)
            return try finish(entry)
        }
        puller.report.resumedBytes += start
        puller.advance(by: start)
        let log = log
        try connection.ask { session throws(SessionError) in
            try session.fetch(
                log: log, number: entry.number, offset: start, length: entry.size - start,
                at: Clocks.now)
        }
        fetches.append(Fetch(entry: entry, start: start))
        return true
    }

    private static let noRoom = "find room for"

    private func failure(_ error: WorldError, _ entry: SegmentEntry) -> PullError {
        if case .failed(let operation, let name, ENOSPC, _) = error {
            let free =
                operation == Self.noRoom
                ? UInt64(name) ?? 0 : (try? Files.space(folder.path).free) ?? 0
            return .noRoom(folder: folder.path, needed: entry.size, free: free)
        }
        return .file(error)
    }

    private mutating func take(
        _ event: PullSession.Event, _ queue: inout ArraySlice<SegmentEntry>
    ) throws(PullError) {
        switch event {
        case .piece(let number, let offset, let bytes, let isLast):
            guard let fetch = fetches.first, fetch.entry.number == number else {
                throw .session(.malformed("a piece of another segment"))
            }
            try write(bytes, at: offset, fetch.entry)
            guard isLast else { return }
            fetches.removeFirst()
            file?.close()
            file = nil
            if try finish(fetch.entry) == false { queue.insert(fetch.entry, at: queue.startIndex) }
        case .acknowledged(let number):
            telling.remove(number)
            puller.report.acknowledged += 1
            try folder.told(number, of: log)
        case .refused(let request, let code, let text): try refused(request, code, text)
        case .welcomed, .listed: throw .session(.malformed("a message that has no place here"))
        }
    }

    private mutating func write(
        _ bytes: [UInt8], at offset: UInt64, _ entry: SegmentEntry
    ) throws(PullError) {
        do throws(WorldError) {
            let file: AppendFile
            if let open = self.file {
                file = open
            } else {
                file = try AppendFile(path: folder.partialPath(entry, of: log), mode: 0o644)
                self.file = file
            }
            // Another process changed it: what comes would not fit behind what is there.
            guard UInt64(file.size) == offset else {
                throw WorldError.gone(name: folder.partialPath(entry, of: log))
            }
            try file.append(bytes)
        } catch { throw failure(error, entry) }
        puller.report.fetchedBytes += UInt64(bytes.count)
        puller.advance(by: UInt64(bytes.count))
    }

    /// Verifies a complete file and puts it in place; false when it is to be fetched anew.
    private mutating func finish(_ entry: SegmentEntry) throws(PullError) -> Bool {
        let path = folder.partialPath(entry, of: log)
        let checked: CheckedSegment
        do throws(WorldError) { checked = try puller.check.check(path) } catch {
            throw failure(error, entry)
        }
        var problems = checked.problems
        if problems.isEmpty, checked.entry != entry || checked.log != log {
            problems = ["it is not the segment the rig listed"]
        }
        guard problems.isEmpty else {
            do throws(WorldError) { try Files.remove(path) } catch { throw .file(error) }
            if puller.mayRetry(entry.number) { return false }
            puller.report.find(
                .damaged(number: entry.number, why: problems.joined(separator: ", ")))
            return true
        }
        guard isTrusted(checked, entry) else { return true }
        _ = try folder.keep(path, entry, of: log, day: checked.began)
        puller.finished(entry)
        puller.report.records += entry.records
        if checked.keys.isEmpty { puller.report.unsigned += 1 }
        if checked.missingRecords > 0 {
            puller.report.find(
                .lostBefore(number: entry.number, records: checked.missingRecords))
        }
        try acknowledge(entry)
        return true
    }

    /// Whether it follows the segment before it, and nobody but the rig signed it.
    private func isTrusted(_ checked: CheckedSegment, _ entry: SegmentEntry) -> Bool {
        for key in checked.keys {
            guard let signer = Fingerprint(publicKey: key) else { return false }
            let rig = puller.job.rig
            guard signer == rig.fingerprint || rig.former.contains(signer) else {
                puller.report.find(.otherSigner(number: entry.number, signer: signer))
                return false
            }
        }
        let previous = folder.pulled(entry.number - 1, of: log)?.hash
        let expected =
            entry.number == 1
            ? [UInt8](repeating: 0, count: SyncMessage.hashSize) : previous
        guard expected == nil || expected == entry.previousHash else {
            puller.report.find(.doesNotChain(number: entry.number))
            return false
        }
        return true
    }

    private mutating func acknowledge(_ entry: SegmentEntry) throws(PullError) {
        guard telling.insert(entry.number).inserted else { return }
        let log = log
        try connection.ask { session throws(SessionError) in
            try session.acknowledge(
                log: log, number: entry.number, hash: entry.hash, at: Clocks.now)
        }
    }

    private mutating func refused(
        _ request: PullSession.Request, _ code: UInt64, _ text: String
    ) throws(PullError) {
        switch (request, RefusalCode(rawValue: code)) {
        case (.pieces(let number, _, _), .noSuchSegment):
            // Removed to save room since it was listed.
            fetches.removeAll { $0.entry.number == number }
            file?.close()
            file = nil
            try puller.noteMissing(number, number, log)
        case (.acknowledgement(let number), .noSuchSegment),
            (
                .acknowledgement(let number), .otherHash
            ):
            puller.report.find(.refused(number: number, why: text))
        default: throw .session(.refused(code: code, text: text))
        }
    }
}
