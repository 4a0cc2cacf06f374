import Agent
import Quantities
import World

/// One line of the screen.
struct ScreenLine: Equatable {
    /// How it is shown.
    enum Style { case plain, title, alarm }
    var text: String
    var style = Style.plain
}

/// What `argent watch` shows, as lines that fit a screen.
struct WatchScreen {
    var rows: Int
    var columns: Int
    var isUnicode: Bool

    /// Smallest screen that is drawn on; a smaller one is cut.
    static let fewestRows = 10
    static let fewestColumns = 40
    /// Rows of the plot.
    private static let plotRows = 3...12

    /// The lines, at most as many as there are rows. `note` stands on top of all else.
    func lines(_ status: JSONValue?, note: String, at now: WallTime) -> [ScreenLine] {
        let rows = max(rows, Self.fewestRows)
        let clock = String(now.iso8601.dropFirst(11).prefix(8)) + " UTC, q quits"
        guard let status else {
            return [title("argent watch", clock)] + wrapped(note, 4, .alarm)
        }
        var top = [
            title(
                "\(status["campaign"]?.string ?? ""): \(status["state"]?.string ?? "?")", clock)
        ]
        if !note.isEmpty { top += wrapped(note, 3, .alarm) }
        top += wrapped(progress(status), 2)
        if let reason = status["hold_reason"]?.string {
            top += wrapped("held: \(reason); go on with `argent resume`", 2, .alarm)
        }
        let bottom = [lossByRun(status)] + timing(status) + disk(status, at: now)
        let pumps = self.pumps(status)
        let faults = self.faults(status)
        // Faults come first; what is left over is the plot's.
        let room = rows - top.count - bottom.count
        let shownFaults = Array(faults.prefix(max(3, room - min(pumps.count, 4))))
        let shownPumps = cut(pumps, to: max(1, room - shownFaults.count))
        let left = room - shownFaults.count - shownPumps.count
        return Array(
            (top + shownFaults + shownPumps + plot(status, rows: left) + bottom)
                .prefix(rows))
    }

    /// One line where there is no screen.
    static func line(_ status: JSONValue) -> String {
        func number(_ name: String) -> String { status[name]?.number.map(short) ?? "-" }
        var text = "\(status["state"]?.string ?? "?")"
        if let reason = status["hold_reason"]?.string { text += " (\(reason))" }
        if status["run"]?.number ?? 0 > 0 { text += ", run \(number("run")) of \(number("runs"))" }
        if status["condition"]?.number != nil {
            text += ", condition \(number("condition")), droplet \(number("droplets")) of "
            text += number("droplets_wanted")
        }
        text += ", \(number("conditions_done")) of \(number("conditions_planned")) done"
        if status["best_loss"]?.number != nil { text += ", best loss \(number("best_loss"))" }
        for fault in status["faults"]?.array ?? [] {
            text += "; FAULT \(fault["kind"]?.string ?? "?"): \(fault["text"]?.string ?? "")"
        }
        return plain(text)
    }

    // MARK: - Parts

    private func title(_ left: String, _ right: String) -> ScreenLine {
        let width = max(columns, Self.fewestColumns)
        let left = fitted(left, width - right.count - 1)
        let gap = String(repeating: " ", count: max(1, width - left.count - right.count))
        return ScreenLine(text: left + gap + right, style: .title)
    }

    private func progress(_ status: JSONValue) -> String {
        func number(_ name: String) -> String { status[name]?.number.map(short) ?? "-" }
        var text = ""
        if status["run"]?.number ?? 0 > 0 { text = "run \(number("run")) of \(number("runs")), " }
        if status["condition"]?.number != nil {
            text += "condition \(number("condition")), droplet \(number("droplets")) of "
            text += number("droplets_wanted")
            if status["flags"]?.number ?? 0 > 0 { text += " (\(number("flags")) flagged)" }
            text += ", "
        }
        text += "\(number("conditions_done")) of \(number("conditions_planned")) conditions done"
        if let left = status["seconds_left"]?.number { text += ", \(duration(left)) left" }
        if let ending = status["finished"]?.string { text += ", over: \(ending)" }
        return text
    }

    private func faults(_ status: JSONValue) -> [ScreenLine] {
        (status["faults"]?.array ?? []).flatMap { fault in
            let still =
                fault["active"]?.bool == true ? "still there" : "over: `argent clear` goes on"
            return wrapped(
                "FAULT \(fault["kind"]?.string ?? "?"): \(fault["text"]?.string ?? "") (\(still))",
                4, .alarm)
        }
    }

    private func pumps(_ status: JSONValue) -> [ScreenLine] {
        let all = status["pumps"]?.array ?? []
        let width = min(16, all.map { $0["name"]?.string?.count ?? 0 }.max() ?? 0)
        return all.map { pump in
            func number(_ name: String, _ factor: Double = 1) -> String {
                left(pump[name]?.number.map { short($0 * factor) } ?? "-", 6)
            }
            let link = pump["link"]?.string ?? "?"
            let text =
                right(pump["name"]?.string ?? "?", width) + "  " + right(link, 10) + " told "
                + number("commanded_ul_per_min") + "  says " + number("actual_ul_per_min")
                + " uL/min  left " + number("remaining_ul", 1e-3) + " mL"
            return line(text, link == "ready" ? .plain : .alarm)
        }
    }

    private func cut(_ lines: [ScreenLine], to count: Int) -> [ScreenLine] {
        guard lines.count > count else { return lines }
        let kept = Array(lines.prefix(count - 1))
        return kept + [line("… and \(lines.count - kept.count) more (argent status)")]
    }

    private func plot(_ status: JSONValue, rows: Int) -> [ScreenLine] {
        let height = min(rows - 2, Self.plotRows.upperBound)
        guard height >= Self.plotRows.lowerBound else { return [] }
        guard let droplet = status["last_droplet"], let points = droplet["absorbance"]?.array else {
            return [line("no droplet measured yet")]
        }
        let values = points.map(\.number)
        let scale = SpectrumPlot.scale(values.compactMap { $0 }.max() ?? 1)
        let width = min(160, columns - 7)
        func number(_ name: String) -> String { droplet[name]?.number.map(short) ?? "-" }
        let from = droplet["from_nm"]?.number ?? 0
        let end = from + (droplet["step_nm"]?.number ?? 0) * Double(max(0, values.count - 1))
        var lines = [
            line(
                "last droplet: condition \(number("condition")), droplet \(number("index")), "
                    + "loss \(number("loss")), absorbance to \(number("maximum_absorbance"))")
        ]
        let bars = SpectrumPlot.lines(
            values, top: scale, columns: width, rows: height, isUnicode: isUnicode)
        for (index, bar) in bars.enumerated() {
            let label = index == 0 ? short(scale) : index == bars.count - 1 ? "0" : ""
            lines.append(line(left(label, 5) + (isUnicode ? "│" : "|") + bar))
        }
        let ends = ("\(short(from)) nm", "\(short(end)) nm")
        let gap = max(1, width - ends.0.count - ends.1.count)
        lines.append(line("      " + ends.0 + String(repeating: " ", count: gap) + ends.1))
        return lines
    }

    private func lossByRun(_ status: JSONValue) -> ScreenLine {
        let runs = status["run_results"]?.array ?? []
        let best = runs.map { $0["best_loss"]?.number }
        guard best.contains(where: { $0 != nil }) else { return line("loss by run: none yet") }
        let bars = SpectrumPlot.lines(
            best, top: best.compactMap { $0 }.max() ?? 1, columns: best.count, rows: 1,
            isUnicode: isUnicode)
        let numbers = best.suffix(8).map { $0.map(short) ?? "-" }.joined(separator: " ")
        var text = "loss by run: \(bars.first ?? "") \(best.count > 8 ? "… " : "")\(numbers)"
        if let least = status["best_loss"]?.number {
            text += "; best \(short(least))"
            if let number = status["best_condition"]?.number { text += " (\(short(number)))" }
        }
        return line(text)
    }

    private func timing(_ status: JSONValue) -> [ScreenLine] {
        guard let realtime = status["realtime"],
            let late = realtime["spans"]?.array?.first(where: { $0["name"]?.string == "lateness" })
        else { return [] }
        func number(_ value: JSONValue, _ name: String) -> String {
            value[name]?.number.map(short) ?? "-"
        }
        var text = "late: median \(number(late, "median_us")) us, 99.9 % "
        text += "\(number(late, "p999_us")), longest \(number(late, "max_us")); "
        text += "\(number(realtime, "missed_turns")) turns left out"
        let lost = realtime["lost"]?.array?.count ?? 0
        if lost > 0 { text += "; NOT REAL-TIME (argent status)" }
        return [line(text, lost > 0 ? .alarm : .plain)]
    }

    private func disk(_ status: JSONValue, at now: WallTime) -> [ScreenLine] {
        var lines: [ScreenLine] = []
        if let around = status["surroundings"] {
            func number(_ name: String, _ unit: Double = 1) -> String {
                around[name]?.number.map { short($0 / unit) } ?? "-"
            }
            var text = "disk: \(number("free_bytes", 1e9)) GB free, log "
            text += "\(number("log_bytes", 1e6)) MB, "
            text += "\(number("segments_sealed")) sealed segments"
            if let open = around["segments_unpulled"]?.number {
                text += ", \(short(open)) not pulled"
            }
            let hottest = around["zones"]?.array?.compactMap { $0["celsius"]?.number }.max()
            if let hottest { text += "; board \(short(hottest)) C" }
            lines.append(line(text))
        }
        if let sync = status["sync"] {
            let text = StatusText.text(sync: sync).drop { $0 == " " }
            lines.append(
                line(
                    String(text.prefix { $0 != "\n" }),
                    sync["problem"]?.string == nil ? .plain : .alarm))
        }
        if let began = status["started_unix_s"]?.number {
            let age = Double(now.unixNanoseconds) / 1e9 - began
            lines.append(line("agent running for \(duration(age))"))
        }
        return lines
    }

    // MARK: - Text

    private func line(_ text: String, _ style: ScreenLine.Style = .plain) -> ScreenLine {
        ScreenLine(text: fitted(text, max(columns, Self.fewestColumns)), style: style)
    }

    /// `text` in at most `limit` lines, broken between words.
    private func wrapped(
        _ text: String, _ limit: Int, _ style: ScreenLine.Style = .plain
    ) -> [ScreenLine] {
        let width = max(columns, Self.fewestColumns)
        var lines: [String] = []
        var current = ""
        for word in text.split(separator: " ") {
            if !current.isEmpty, current.count + 1 + word.count > width {
                lines.append(current)
                current = "  "
            }
            current += (current.isEmpty || current == "  " ? "" : " ") + word
        }
        lines.append(current)
        if lines.count > limit { lines = lines.prefix(limit - 1) + [lines[limit - 1] + " …"] }
        return lines.map { line($0, style) }
    }

    /// Without control characters, and not longer than `width`; ASCII where nothing else is known.
    private func fitted(_ text: String, _ width: Int) -> String {
        let clean = plain(text)
        let short = clean.count > width ? String(clean.prefix(max(0, width - 1))) + "…" : clean
        guard !isUnicode else { return short }
        return String(short.map { $0.isASCII ? $0 : $0 == "…" ? "~" : $0 == "µ" ? "u" : "?" })
    }

    private func left(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private func right(_ text: String, _ width: Int) -> String {
        let cut = String(text.prefix(width))
        return cut + String(repeating: " ", count: max(0, width - cut.count))
    }
}
