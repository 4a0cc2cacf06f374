import Export
import Quantities
import RunLog
import World

/// `argent log list`: the segments of a log.
enum LogList {
    /// One segment, sealed or not.
    private struct Row {
        var name: String
        var state: String
        var first: UInt64
        var last: UInt64
        var earliest: WallTime?
        var latest: WallTime?
        var bytes: Int64
        var hash: String
    }

    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "log list", options: ["config"], flags: ["json"], positional: 1)
        let path = try LogCommand.path(arguments)
        let rows = try LogCommand.naming { () throws(LogInputError) -> [Row] in
            try Self.rows(of: path)
        }
        if arguments.flags.contains("json") {
            Output.line(json(rows))
            return
        }
        var text = ""
        for row in rows {
            text += "\(row.name)  \(row.state)  records \(row.first) to \(row.last)"
            if let earliest = row.earliest, let latest = row.latest {
                text += "  \(earliest.iso8601.prefix(19))Z to \(latest.iso8601.prefix(19))Z"
            }
            text += "  \(row.bytes) bytes"
            if !row.hash.isEmpty { text += "  \(row.hash.prefix(16))" }
            text += "\n"
        }
        let bytes = rows.reduce(0) { $0 + $1.bytes }
        text += "\(rows.count) segment\(rows.count == 1 ? "" : "s"), \(bytes) bytes\n"
        Output.raw(text)
    }

    private static func rows(of path: String) throws(LogInputError) -> [Row] {
        if Files.isDirectory(path), try LogInput.holdsLog(path) == false {
            return try LogInput.collect(below: path).map { row($0, $0.path) }
        }
        guard Files.isDirectory(path) else {
            let file = try LogInput.open(path)
            return [
                try LogInput.ofSegment(path) { () throws(SegmentError) in
                    row(try SealedSegment(file, path: path), path)
                }
            ]
        }
        return try LogInput.ofLog(path) { () throws(JournalError) in
            let storage = DirectoryStorage(path)
            let found = try LogDirectory.sealedSegments(in: storage)
            var rows = found.segments.map { row($0, $0.name) }
            for broken in found.unreadable {
                rows.append(
                    Row(
                        name: SegmentName.sealed(broken.number), state: "UNREADABLE", first: 0,
                        last: 0, bytes: 0, hash: ""))
            }
            rows += try active(in: path, storage)
            return rows.sorted { $0.name < $1.name }
        }
    }

    private static func row(_ segment: SealedSegment, _ name: String) -> Row {
        Row(
            name: name, state: segment.isThinned ? "thinned" : "sealed",
            first: segment.firstSequence, last: segment.lastSequence, earliest: segment.earliest,
            latest: segment.latest, bytes: segment.size, hash: Hexadecimal.text(segment.hash))
    }

    /// What is being written. Its records must be read to be counted.
    private static func active(
        in path: String, _ storage: DirectoryStorage
    ) throws(JournalError) -> [Row] {
        var rows: [Row] = []
        for number in try LogListing(storage).active {
            let name = SegmentName.active(number)
            guard let source = try? ReadFile(path: path + "/" + name) else { continue }
            var row = Row(
                name: name, state: "active", first: 0, last: 0, bytes: source.size, hash: "")
            var reader = JournalReader(source, isLive: true)
            while let entry = try reader.next() {
                guard case .record(let sequence, let record) = entry else { continue }
                if row.first == 0 { row.first = sequence }
                row.last = sequence
                row.earliest = min(row.earliest ?? record.wall, record.wall)
                row.latest = max(row.latest ?? record.wall, record.wall)
            }
            rows.append(row)
        }
        return rows
    }

    private static func json(_ rows: [Row]) -> String {
        JSONText.object { json in
            json.key("segments")
            json.array { list in
                for row in rows {
                    list.object {
                        $0.member("name", row.name)
                        $0.member("state", row.state)
                        $0.member("first", Int(clamping: row.first))
                        $0.member("last", Int(clamping: row.last))
                        $0.member("earliest", row.earliest?.iso8601)
                        $0.member("latest", row.latest?.iso8601)
                        $0.member("bytes", Int(row.bytes))
                        $0.member("hash", row.hash)
                    }
                }
            }
        }
    }
}
