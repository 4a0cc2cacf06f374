import Foundation
import TestSupport
import Testing
import World

/// A terminal of a test's own: what a program writes to it, and what it is set to.
private final class TestTerminal {
    let main: Int32
    let name: String
    /// The other end, held open so that its settings stay.
    let other: Int32

    init(rows: UInt16, columns: UInt16) throws {
        main = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(main >= 0)
        // unlockpt(3) and ptsname(3), which Swift does not see.
        var locked: Int32 = 0
        var number: UInt32 = 0
        let unlock: UInt = 0x4004_5431
        let tell: UInt = 0x8004_5430
        try #require(ioctl(main, unlock, &locked) == 0 && ioctl(main, tell, &number) == 0)
        name = "/dev/pts/\(number)"
        other = open(name, O_RDWR | O_NOCTTY)
        for end in [main, other] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        try #require(ioctl(other, UInt(TIOCSWINSZ), &size) == 0)
        _ = fcntl(main, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(main)
        close(other)
    }

    private(set) var written: [UInt8] = []

    /// Everything written so far.
    func text() -> String {
        var portion = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(main, &portion, portion.count)
            guard count > 0 else { return String(decoding: written, as: UTF8.self) }
            written += portion[..<count]
        }
    }

    /// The lines of the last picture that was drawn in full, without colours.
    func picture() -> [String] {
        let frames = text().components(separatedBy: "\u{1B}[H")
        let whole = frames.last { $0.contains("\u{1B}[J") } ?? ""
        let body = whole.components(separatedBy: "\u{1B}[J")[0]
        var plain = ""
        var isCommand = false
        for character in body.unicodeScalars {
            if character == "\u{1B}" {
                isCommand = true
            } else if isCommand {
                isCommand = !("A"..."z").contains(character) || character == "["
            } else if character != "\r" {
                plain.unicodeScalars.append(character)
            }
        }
        // A line that was ended by carriage return and line feed.
        return plain.replacingOccurrences(of: "\r", with: "").components(separatedBy: "\n")
    }

    func type(_ text: String) { _ = write(main, text, text.utf8.count) }

    /// Whether keys are shown as they are typed, and lines put together, as in a shell.
    var isUsual: Bool {
        var settings = termios()
        tcgetattr(other, &settings)
        let wanted = tcflag_t(ECHO | ICANON)
        return settings.c_lflag & wanted == wanted
    }

    /// Starts `argent watch` on it.
    func watch(_ socket: String, _ words: [String] = [], locale: String = "C.UTF-8") throws -> Child
    {
        let set = ["TERM=xterm", "LC_ALL=\(locale)"]
        return try Child(
            "/usr/bin/env",
            set + Program.runner + [Program.path, "watch", "--socket", socket, "--every", "0.2"]
                + words, input: other, output: name, error: "/dev/null")
    }
}

/// Answers status requests as an agent would.
private final class PlayedAgent: @unchecked Sendable {
    private let listener: UnixListener
    private let lock = NSLock()
    private var answer: String
    private var isOver = false

    init(_ socket: String, _ answer: String) throws {
        listener = try UnixListener(path: socket)
        self.answer = answer
        Foundation.Thread.detachNewThread { [self] in serve() }
    }

    func end() {
        lock.withLock { isOver = true }
        usleep(50_000)
        listener.close()
    }

    private func serve() {
        while true {
            let (over, text) = lock.withLock { (isOver, answer) }
            if over { return }
            guard let peer = (try? listener.accept()) ?? nil else {
                usleep(2_000)
                continue
            }
            var input: [UInt8] = []
            for _ in 0..<200 where !input.contains(0x0A) {
                guard (try? peer.read(into: &input, limit: 4_096)) != nil else { break }
                usleep(1_000)
            }
            var rest = Array((text + "\n").utf8)[...]
            while !rest.isEmpty, let taken = try? peer.write(rest) { rest = rest.dropFirst(taken) }
            peer.close()
        }
    }
}

/// A status with much to say.
private func status(started: Int = 1_700_000_000, faults: Int = 0, pumps: Int = 6) -> String {
    let rows = (0..<pumps).map {
        """
        {"name":"pump \($0)","link":"ready","commanded_ul_per_min":\($0 * 10),
        "actual_ul_per_min":\($0 * 10),"remaining_ul":9000}
        """
    }
    let wrong = (0..<faults).map {
        """
        {"kind":"pump-alarm","text":"pump \($0) stopped by itself; all pumps stopped; look at \
        the syringe and clear the alarm, then `argent clear`","active":true}
        """
    }
    // One band in the middle: 0 outside, 0.8 within.
    let points = (0..<160).map { (60..<100).contains($0) ? "0.8" : "0.0" }
    return """
        {"campaign":"silver \\u001B[2Jprisms","state":"collecting","hold_reason":null,"run":2,
        "runs":8,"condition":17,"conditions_done":16,"conditions_planned":120,"droplets":3,
        "droplets_wanted":15,"flags":1,"best_loss":0.21,"best_condition":9,"seconds_left":7200,
        "proposers":[],"pumps":[\(rows.joined(separator: ","))],
        "faults":[\(wrong.joined(separator: ","))],
        "realtime":{"turns":100000,"missed_turns":2,"lost":[],"spans":[{"name":"lateness",
        "median_us":12.5,"p99_us":40.0,"p999_us":88.0,"max_us":410.0}]},"log":"/var/lib/argent",
        "run_results":[{"run":1,"best_loss":0.8},{"run":2,"best_loss":0.21}],
        "last_droplet":{"condition":17,"index":2,"loss":0.3,"maximum_absorbance":0.8,
        "from_nm":380,"step_nm":2.64,"absorbance":[\(points.joined(separator: ","))]},
        "surroundings":{"free_bytes":12300000000,"log_bytes":45000000,"segments_sealed":3,
        "segments_unpulled":2,"zones":[{"name":"0:cpu","celsius":51.5}]},
        "started_unix_s":\(started)}
        """.replacingOccurrences(of: "\n", with: "")
}

@Suite("argent watch")
struct WatchTests {
    @Test("80 × 24 holds everything; q leaves the terminal as it was")
    func whole() throws {
        let folder = try TestFolder()
        let agent = try PlayedAgent(folder["control"], status())
        defer { agent.end() }
        let terminal = try TestTerminal(rows: 24, columns: 80)
        let child = try terminal.watch(folder["control"])
        try waitUntil("a picture", seconds: 10) {
            terminal.picture().contains { $0.contains("collecting") }
        }
        #expect(!terminal.isUsual)
        let lines = terminal.picture()
        #expect(lines.count <= 24)
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
        let text = lines.joined(separator: "\n")
        for part in [
            "silver ?[2Jprisms: collecting",
            "run 2 of 8, condition 17, droplet 3 of 15 (1 flagged)",
            "16 of 120 conditions", "2:00 h left", "pump 5", "told     50  says     50 uL/min",
            "left      9 mL", "loss 0.3", "380 nm", "loss by run: █▂ 0.8 0.21; best 0.21 (9)",
            "late: median 12.5 us", "2 turns left out", "12.3 GB free", "2 not pulled",
            "board 51.5 C",
        ] { #expect(text.contains(part), "\(part) is not in\n\(text)") }
        try plot(lines)
        terminal.type("q")
        try waitUntil("the end", seconds: 5) { child.poll() != nil }
        #expect(child.wait() == 0)
        #expect(terminal.isUsual)
        #expect(terminal.text().hasSuffix("\u{1B}[?7h\u{1B}[?25h\u{1B}[0m\u{1B}[?1049l"))
    }

    /// The band lies in the middle: columns 60 to 100 of 160, of a scale that ends at 1.
    private func plot(_ lines: [String]) throws {
        let bars = lines.filter { $0.contains("│") }
        #expect(bars.count >= 3)
        let lowest = try #require(bars.last)
        let bottom = try #require(lowest.components(separatedBy: "│").last)
        let full = bottom.enumerated().filter { $0.element == "█" }.map(\.offset)
        let width = 73.0
        let first = try #require(full.first)
        let last = try #require(full.last)
        #expect(abs(Double(first) - width * 60 / 160) <= 1.5)
        #expect(abs(Double(last + 1) - width * 100 / 160) <= 1.5)
        #expect(full.count == last - first + 1)
        // 0.8 of the scale: of all rows, four fifths are full there.
        let middle = (first + last) / 2
        let filled = bars.map { Array($0.components(separatedBy: "│")[1])[middle] }
        let eighths = filled.reduce(0) { sum, character in
            sum + ([" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"].firstIndex(of: character) ?? 0)
        }
        #expect(abs(Double(eighths) / Double(8 * bars.count) - 0.8) < 0.5 / Double(bars.count))
    }

    @Test(
        "it fits every screen, with many faults and pumps",
        arguments: [(24, 80), (16, 60), (10, 40), (60, 200)])
    func fits(rows: Int, columns: Int) throws {
        let folder = try TestFolder()
        let agent = try PlayedAgent(folder["control"], status(faults: 7, pumps: 12))
        defer { agent.end() }
        let terminal = try TestTerminal(rows: UInt16(rows), columns: UInt16(columns))
        let child = try terminal.watch(folder["control"], locale: "C")
        try waitUntil("a picture", seconds: 10) {
            terminal.picture().contains { $0.contains("FAULT pump-alarm") }
        }
        let lines = terminal.picture()
        #expect(lines.count <= rows)
        #expect(lines.allSatisfy { $0.count <= columns }, "\(lines)")
        #expect(lines.allSatisfy { $0.allSatisfy(\.isASCII) }, "\(lines)")
        #expect(lines.contains { $0.contains("pump 0") })
        kill(child.identifier, SIGTERM)
        #expect(child.wait() == 0)
        #expect(terminal.isUsual)
    }

    @Test("an agent that goes and comes back is told of, and nothing has to be done")
    func restarts() throws {
        let folder = try TestFolder()
        let first = try PlayedAgent(folder["control"], status())
        let terminal = try TestTerminal(rows: 24, columns: 80)
        let child = try terminal.watch(folder["control"])
        try waitUntil("a picture", seconds: 10) {
            terminal.picture().contains { $0.contains("collecting") }
        }
        first.end()
        try waitUntil("it says so", seconds: 5) {
            terminal.picture().contains { $0.contains("NO AGENT ANSWERS") }
        }
        // What was known stays.
        #expect(terminal.picture().contains { $0.contains("collecting") })
        let second = try PlayedAgent(folder["control"], status(started: 1_700_000_100))
        defer { second.end() }
        try waitUntil("it is told", seconds: 5) {
            terminal.picture().contains { $0.contains("The agent was restarted") }
        }
        #expect(!terminal.picture().contains { $0.contains("NO AGENT ANSWERS") })
        kill(child.identifier, SIGINT)
        #expect(child.wait() == 0)
        #expect(terminal.isUsual)
    }

    @Test("a link that is lost ends it")
    func lost() throws {
        let folder = try TestFolder()
        let agent = try PlayedAgent(folder["control"], status())
        defer { agent.end() }
        var terminal: TestTerminal? = try TestTerminal(rows: 24, columns: 80)
        let child = try #require(try terminal?.watch(folder["control"]))
        try waitUntil("a picture", seconds: 10) {
            terminal?.picture().contains { $0.contains("collecting") } == true
        }
        terminal = nil
        try waitUntil("the end", seconds: 5) { child.poll() != nil }
    }

    @Test("where there is no terminal there is a line whenever something changed")
    func lines() throws {
        let folder = try TestFolder()
        let agent = try PlayedAgent(folder["control"], status(faults: 1))
        let child = try Child(
            Program.path, ["watch", "--socket", folder["control"], "--every", "0.2"],
            output: folder["out"], error: folder["err"])
        try waitUntil("a line", seconds: 10) { try folder.text("out").contains("\n") }
        usleep(700_000)
        agent.end()
        try waitUntil("it says that nobody answers", seconds: 5) {
            try folder.text("out").contains("no agent answers")
        }
        kill(child.identifier, SIGTERM)
        #expect(child.wait() == 0)
        let told = try folder.text("out").split(separator: "\n")
        #expect(told.count == 2, "\(told)")
        #expect(told[0].contains("collecting, run 2 of 8, condition 17, droplet 3 of 15"))
        #expect(told[0].contains("FAULT pump-alarm: pump 0 stopped by itself"))
        #expect(!told.contains { $0.contains("\u{1B}") })
    }
}
