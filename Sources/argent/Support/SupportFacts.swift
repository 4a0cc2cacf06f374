import Agent
import Export
import Quantities
import RunLog
import World

/// Versions of everything, and the unit as far as files tell: no other program is run.
enum SupportFacts {
    /// Program, kernel, distribution, board, processor.
    static func versions(_ tree: BoardTree) -> String {
        var text = "argent \(Argent.version)\n"
        for (title, file) in [
            ("kernel", "/proc/version"), ("command line", "/proc/cmdline"),
            ("uptime", "/proc/uptime"), ("load", "/proc/loadavg"),
            ("clock source", "/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            ("boot", "/proc/sys/kernel/random/boot_id"),
        ] {
            text += "\(title): \(tree.line(file) ?? "?")\n"
        }
        text += "\n/etc/os-release\n\(tree.text("/etc/os-release") ?? "?")\n"
        text += "/etc/debian_version\n\(tree.line("/etc/debian_version") ?? "?")\n\n"
        text += "/proc/meminfo\n\(tree.text("/proc/meminfo") ?? "?")\n"
        let processor = (tree.text("/proc/cpuinfo") ?? "").split(
            separator: "\n", omittingEmptySubsequences: false
        ).prefix { !$0.isEmpty }
        return text + "first of /proc/cpuinfo\n" + processor.joined(separator: "\n") + "\n"
    }

    /// The unit `argent.service`: where it is installed and enabled, its control group, its
    /// process.
    static func unit(_ tree: BoardTree) -> String {
        var text = ""
        for folder in ["/etc", "/run", "/usr/lib", "/lib"] {
            let file = folder + "/systemd/system/argent.service"
            text += "\(file): \(tree.exists(file) ? "there" : "not there")\n"
        }
        let wanted = "/etc/systemd/system/multi-user.target.wants/argent.service"
        text += "enabled: \(tree.exists(wanted) ? "yes" : "no")\n"
        let invocation = tree.link("/run/systemd/units/invocation:argent.service")
        text += "invocation: \(invocation ?? "none: it does not run")\n"
        let dropIns = "/etc/systemd/system/argent.service.d"
        for name in tree.names(dropIns) {
            text += "\n\(dropIns)/\(name)\n\(tree.text("\(dropIns)/\(name)") ?? "?")\n"
        }
        let group = "/sys/fs/cgroup/system.slice/argent.service"
        for name in [
            "cgroup.procs", "memory.current", "memory.peak", "memory.events", "pids.current",
            "cpu.stat",
        ] {
            guard let value = tree.text("\(group)/\(name)") else { continue }
            text += "\n\(name)\n\(value)"
        }
        guard let process = tree.line(group + "/cgroup.procs"), Int(process) != nil else {
            return text
        }
        for name in ["status", "limits"] {
            text += "\n/proc/\(process)/\(name)\n\(tree.text("/proc/\(process)/\(name)") ?? "?")\n"
        }
        return text
    }
}

/// What of the log helps: its files, and what happened last. Neither spectra nor recipes.
enum SupportLog {
    /// Segments read at most, the newest first.
    private static let segmentLimit = 32

    static func add(_ directory: String, _ count: Int, to bundle: inout Bundle) {
        do throws(WorldError) {
            var text = "\(directory)\n"
            for name in try Files.list(directory) {
                let path = directory + "/" + name
                let isFile = !Files.isDirectory(path)
                let size = isFile ? (try? Files.size(of: path)).map { "\($0)" } ?? "?" : "directory"
                text += "\(size)  \(name)\n"
            }
            if let space = try? Files.space(directory) {
                text += "free \(space.free) of \(space.total) bytes\n"
            }
            bundle.add("log-files.txt", text)
        } catch { return bundle.miss("events.txt", "\(error)") }
        events(directory, count, &bundle)
    }

    private static func events(_ directory: String, _ count: Int, _ bundle: inout Bundle) {
        let listing: LogListing
        do throws(JournalError) { listing = try LogListing(DirectoryStorage(directory)) } catch {
            return bundle.miss("events.txt", "\(error)")
        }
        var lines: [String] = []
        for number in listing.numbers.suffix(segmentLimit).reversed() where lines.count < count {
            let isSealed = listing.sealed.contains(number)
            let name = isSealed ? SegmentName.sealed(number) : SegmentName.active(number)
            var some: [String] = []
            do throws(LogInputError) {
                try LogInput.read(directory + "/" + name) { entry in
                    if isNews(entry) { some.append(RecordLine.text(entry)) }
                    return true
                }
            } catch { some.append("segment \(name): \(error)") }
            lines = some + lines
        }
        bundle.add("events.txt", lines.suffix(count).joined(separator: "\n") + "\n")
    }

    private static func isNews(_ entry: JournalEntry) -> Bool {
        guard case .record(_, let record) = entry else { return true }
        switch record.body {
        case .start, .event, .fault, .operatorAction, .clockStep, .stop, .conditionEnd: return true
        default: return false
        }
    }
}
