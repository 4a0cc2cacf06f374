import Agent
import Export
import Glibc
import Quantities
import World

/// `argent watch`: a running agent on a live screen, or as lines where there is no screen.
enum WatchCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "watch", options: ["config", "socket", "every"], flags: ["lines"])
        let every = try arguments.number("every", in: 0.2...3_600)
        let socket = try ControlCommand.socket(arguments)
        let term = Environment.value("TERM") ?? ""
        let isScreen =
            Terminal.isInteractive && !["", "dumb"].contains(term)
            && !arguments.flags.contains("lines")
        let bell: WakeHandle
        do throws(WorldError) {
            bell = try WakeHandle()
            try StopSignal.install(waking: [bell])
        } catch { throw CommandFailure(.failure, "\(error)") }
        var watch = Watch(socket: socket, bell: bell)
        if isScreen {
            try watch.onScreen(every: .seconds(every ?? 1))
        } else {
            watch.asLines(every: .seconds(every ?? 10))
        }
    }
}

/// Somebody who asks the agent again and again.
private struct Watch {
    /// How long an answer may take: keys are not heard meanwhile.
    private static let patience = TimeSpan.seconds(2)
    /// How long a terminal may take for a picture: links stall now and then. ^C ends it at once.
    private static let drawLimit = TimeSpan.seconds(20)
    /// How long a restart is told of.
    private static let noteTime = TimeSpan.seconds(60)

    let socket: String
    let bell: WakeHandle
    private var latest: JSONValue?
    /// Since when nobody answers, and why.
    private var missing: (since: Instant, why: String)?
    private var restarts = 0
    private var restartedAt: Instant?

    init(socket: String, bell: WakeHandle) {
        self.socket = socket
        self.bell = bell
    }

    // MARK: - Asking

    private mutating func ask() {
        let request = JSONText.object { $0.member("command", "status") }
        do throws(CommandFailure) {
            let answer = try ControlCommand.ask(request, at: socket, patience: Self.patience)
            guard let value = JSONValue(answer.utf8), value["state"] != nil else {
                return miss("the agent's answer is no status")
            }
            let before = latest?["started_unix_s"]?.number
            if let before, let began = value["started_unix_s"]?.number, began != before {
                restarts += 1
                restartedAt = Clocks.now
            }
            // The first moments of an agent, before it knows.
            let isStarting = value["started_unix_s"]?.number == nil
            latest = isStarting && latest != nil ? latest : value
            missing = isStarting ? missing : nil
        } catch { miss(error.message) }
    }

    private mutating func miss(_ why: String) {
        missing = (missing?.since ?? Clocks.now, why)
    }

    /// What a person must know before all else; empty when all is as usual.
    private var note: String {
        if let missing {
            let age = duration((Clocks.now - missing.since).seconds)
            let old = latest == nil ? "" : " (What is below is old.)"
            return "NO AGENT ANSWERS for \(age), trying again. \(missing.why)\(old)"
        }
        if let restartedAt, Clocks.now - restartedAt < Self.noteTime {
            let count = restarts == 1 ? "once" : "\(restarts) times"
            return "The agent was restarted (\(count) while you watch): see "
                + "`journalctl -u argent`."
        }
        return ""
    }

    // MARK: - On a screen

    mutating func onScreen(every period: TimeSpan) throws(CommandFailure) {
        do throws(WorldError) { try Terminal.takeKeys() } catch {
            throw CommandFailure(.failure, "\(error)")
        }
        let isUnicode = Environment.isUTF8
        // Another screen, so that the one before comes back at the end; no cursor, no wrapping.
        put("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J")
        defer {
            put("\u{1B}[?7h\u{1B}[?25h\u{1B}[0m\u{1B}[?1049l")
            Terminal.giveBack()
        }
        var poller = Poller(waker: bell)
        if Terminal.hasKeys { poller.watch(0, read: true) }
        var askAt = Instant.zero
        while StopSignal.received == nil {
            let now = Clocks.now
            if now >= askAt {
                askAt = now + period
                ask()
                guard StopSignal.received == nil else { return }
                guard draw(isUnicode: isUnicode) else { return }
            }
            for ready in poller.wait(timeout: max(.milliseconds(1), askAt - Clocks.now)) {
                guard !ready.hungUp, let keys = Terminal.keys() else { return }
                if keys.contains(where: { [0x71, 0x51, 0x03, 0x04].contains($0) }) { return }
                askAt = .zero
            }
        }
    }

    /// False when the terminal is gone.
    private func draw(isUnicode: Bool) -> Bool {
        let size = Terminal.size
        let screen = WatchScreen(rows: size.rows, columns: size.columns, isUnicode: isUnicode)
        let lines = screen.lines(latest, note: note, at: Clocks.wallTime).prefix(size.rows)
        var text = "\u{1B}[H"
        for (index, line) in lines.enumerated() {
            switch line.style {
            case .plain: text += line.text
            case .title: text += "\u{1B}[7m\(line.text)\u{1B}[0m"
            case .alarm: text += "\u{1B}[1;31m\(line.text)\u{1B}[0m"
            }
            text += "\u{1B}[K" + (index + 1 < lines.count ? "\r\n" : "")
        }
        return put(text + "\u{1B}[J")
    }

    @discardableResult
    private func put(_ text: String) -> Bool {
        Terminal.write(Array(text.utf8), within: Self.drawLimit)
    }

    // MARK: - As lines

    mutating func asLines(every period: TimeSpan) {
        var told = ""
        var poller = Poller(waker: bell)
        while StopSignal.received == nil {
            ask()
            let text =
                missing.map { "no agent answers: \(plain($0.why))" }
                ?? latest.map(WatchScreen.line) ?? ""
            if text != told {
                told = text
                let time = Clocks.wallTime.iso8601
                guard Output.raw("\(time)  \(text)\n") else { return }
            }
            let end = Clocks.now + period
            while Clocks.now < end, StopSignal.received == nil {
                _ = poller.wait(timeout: max(.milliseconds(1), end - Clocks.now))
            }
        }
    }
}

/// What the shell says.
enum Environment {
    /// The variable `name`; nil when it is not set.
    static func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Whether the terminal takes UTF-8, by the first of LC_ALL, LC_CTYPE and LANG that is set.
    static var isUTF8: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap(value).first { !$0.isEmpty } ?? ""
        let name = locale.uppercased()
        return name.hasSuffix("UTF-8") || name.hasSuffix("UTF8")
    }
}
