import Glibc
import Quantities
import Sync
import World

/// `argent-workstation pair` and `pull`.
enum PullCommand {
    /// Where a rig listens unless said otherwise.
    static let port: UInt16 = 7425
    /// Tries in a row without a byte gained, unless said otherwise.
    static let usualTries = 5

    static let pairUse = "use: argent-workstation pair HOST[:PORT] [--fingerprint F] [--name N]"
    static let pullUse = "use: argent-workstation pull HOST[:PORT] --into DIR [--tries N]"

    /// Why a command ends without success: exit code and text.
    struct Failure: Error {
        var code: Int32
        var text: String
    }

    /// The words after `pair` or `pull`.
    private struct Words {
        var address: NetworkAddress
        var values: [String: String] = [:]

        init(_ words: [String], options: [String], use: String) throws(Failure) {
            var rest = words[...]
            var place: String?
            while let word = rest.popFirst() {
                if options.contains(word), let value = rest.popFirst() {
                    values[word] = value
                } else if place == nil, !word.hasPrefix("-") {
                    place = word
                } else {
                    throw Failure(code: 2, text: "`\(word)` is not known here; \(use)")
                }
            }
            guard let place else { throw Failure(code: 2, text: use) }
            guard let address = NetworkAddress(place, defaultPort: PullCommand.port) else {
                throw Failure(code: 2, text: "`\(place)` is no HOST[:PORT]")
            }
            self.address = address
        }

        /// Folder of this machine's key and of the rigs it knows.
        func identityDirectory() throws(Failure) -> String {
            if let path = values["--identity"] { return path }
            if let path = PullCommand.variable("XDG_CONFIG_HOME") { return path + "/argent" }
            if let home = PullCommand.variable("HOME") { return home + "/.config/argent" }
            throw Failure(code: 2, text: "there is no $HOME: say --identity DIR")
        }
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private static var machineName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "workstation" }
        let name = String(
            decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return PeerStore.isName(name) ? name : "workstation"
    }

    static func pair(_ words: [String]) -> Int32 {
        finish { () throws(Failure) in
            let words = try Words(
                words, options: ["--fingerprint", "--name", "--identity"], use: pairUse)
            return try pair(words)
        }
    }

    static func pull(_ words: [String]) -> Int32 {
        finish { () throws(Failure) in
            let words = try Words(
                words, options: ["--into", "--identity", "--tries"], use: pullUse)
            return try pull(words)
        }
    }

    private static func finish(_ body: () throws(Failure) -> Int32) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        do throws(Failure) { return try body() } catch {
            say("argent-workstation: \(error.text)", to: STDERR_FILENO)
            return error.code
        }
    }

    private static func identity(_ directory: String) throws(Failure) -> TLSIdentity {
        do throws(IdentityError) { return try TLSIdentity.take(directory: directory) } catch {
            throw Failure(code: 3, text: "\(error)")
        }
    }

    // MARK: - Pairing

    private static func pair(_ words: Words) throws(Failure) -> Int32 {
        let directory = try words.identityDirectory()
        let identity = try identity(directory)
        let rigs = KnownRigs(directory: directory)
        var expected: Fingerprint?
        if let text = words.values["--fingerprint"] {
            expected = Fingerprint(text)
            guard expected != nil else {
                throw Failure(code: 2, text: "`\(text)` is no fingerprint: 64 hexadecimal digits")
            }
        }
        let name = words.values["--name"] ?? folderName(words.address)
        guard PeerStore.isName(name) else {
            throw Failure(code: 2, text: "\(PeerError.name(name)); say --name NAME")
        }
        do throws(PullError) {
            let known = try rigs.rig(at: words.address)
            let connection = try PullConnection(
                words.address, identity: identity, name: machineName)
            let shown = connection.rig
            connection.close()
            say("\(words.address) shows: \(shown)")
            if let expected, expected != shown {
                throw PullError.otherIdentity(
                    rig: words.address.description, shown: shown, known: expected)
            }
            if expected == nil, known?.fingerprint != shown {
                guard known == nil else {
                    throw PullError.otherIdentity(
                        rig: words.address.description, shown: shown,
                        known: known?.fingerprint ?? shown)
                }
                guard confirmed() else {
                    let text =
                        "not paired: compare with `argent pair` on the rig, then give "
                        + "--fingerprint \(shown)"
                    say("argent-workstation: " + text, to: STDERR_FILENO)
                    return 5
                }
            }
            try rigs.remember(words.address, fingerprint: shown, name: name)
        } catch { throw Failure(code: code(error), text: "\(error)") }
        say("paired as \(name); now on the rig:")
        say("  argent pair accept \(identity.fingerprint) --name \(machineName)")
        return 0
    }

    /// Whether a person at the terminal says that the fingerprint is the rig's.
    private static func confirmed() -> Bool {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return false }
        say("Is that what `argent pair` says on the rig? Type yes: ", end: "")
        return readLine() == "yes"
    }

    /// A folder's name for a host.
    private static func folderName(_ address: NetworkAddress) -> String {
        let name = String(address.host.map { $0 == ":" || $0 == "%" ? "_" : $0 })
        return address.port == port ? name : name + "-\(address.port)"
    }

    // MARK: - Pulling

    private static func pull(_ words: Words) throws(Failure) -> Int32 {
        guard let into = words.values["--into"] else { throw Failure(code: 2, text: pullUse) }
        let tries = words.values["--tries"].map { Int($0) ?? 0 } ?? usualTries
        guard (1...1_000).contains(tries) else {
            throw Failure(code: 2, text: "--tries: a whole number from 1 to 1000")
        }
        let directory = try words.identityDirectory()
        let identity = try identity(directory)
        do throws(PullError) {
            guard let rig = try KnownRigs(directory: directory).rig(at: words.address) else {
                let connection = try PullConnection(
                    words.address, identity: identity, name: machineName)
                throw PullError.notPaired(
                    rig: words.address.description, shown: connection.rig)
            }
            let folder = try PullFolder(directory: into, rig: rig.name)
            var job = Puller.Job(
                address: words.address, rig: rig, identity: identity, name: machineName)
            job.tries = tries
            var display = ProgressLine()
            let started = Clocks.now
            let puller = Puller(job, into: folder, check: SealedSegmentCheck()) {
                display.show($0, $1)
            }
            let report = try puller.run()
            display.finish()
            for finding in report.findings {
                say("argent-workstation: \(rig.name): \(finding)", to: STDERR_FILENO)
            }
            say(summary(report, rig, into, (Clocks.now - started).seconds))
            return report.findings.isEmpty ? 0 : 1
        } catch { throw Failure(code: code(error), text: "\(error)") }
    }

    private static func summary(
        _ report: PullReport, _ rig: KnownRig, _ into: String, _ seconds: Double
    ) -> String {
        guard report.kept > 0 || report.acknowledged > 0 else {
            return "\(rig.name): nothing new (\(report.listed) segments there)"
        }
        var text = "\(rig.name): \(report.kept) segments with \(report.records) records, "
        text += "\(ProgressLine.megabytes(report.fetchedBytes)) MB fetched into \(into)/\(rig.name)"
        if report.resumedBytes > 0 {
            text += " (\(ProgressLine.megabytes(report.resumedBytes)) MB were here already)"
        }
        text += ", \(report.acknowledged) acknowledged, in \(Int(seconds.rounded(.up))) s"
        if report.unsigned > 0 { text += "; \(report.unsigned) segments are not signed" }
        if report.broken > 0 { text += "; the connection broke \(report.broken) times" }
        return text
    }

    private static func code(_ error: PullError) -> Int32 {
        switch error {
        case .unreachable, .tls, .session, .running: 4
        case .notPaired, .otherIdentity, .notAccepted: 5
        case .file, .noRoom, .list, .identity: 3
        }
    }

    static func say(_ text: String, to descriptor: Int32 = STDOUT_FILENO, end: String = "\n") {
        var bytes = Array((text + end).utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}

/// How far a pull is, on a terminal; nothing elsewhere.
struct ProgressLine {
    private static let period = TimeSpan.milliseconds(200)
    private let isShown = isatty(STDERR_FILENO) == 1
    private let started = Clocks.now
    private var shownAt = Instant.zero
    private var wasShown = false

    mutating func show(_ done: UInt64, _ all: UInt64) {
        let now = Clocks.now
        guard isShown, now - shownAt >= Self.period else { return }
        shownAt = now
        wasShown = true
        let rate = Double(done) / max(0.001, (now - started).seconds)
        let text =
            "\r\(Self.megabytes(done)) of \(Self.megabytes(all)) MB, "
            + "\(Self.megabytes(UInt64(rate))) MB/s  "
        PullCommand.say(text, to: STDERR_FILENO, end: "")
    }

    func finish() {
        if wasShown { PullCommand.say("\r\u{1B}[K", to: STDERR_FILENO, end: "") }
    }

    /// Millions of bytes with one decimal.
    static func megabytes(_ bytes: UInt64) -> String {
        let tenths = bytes / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
