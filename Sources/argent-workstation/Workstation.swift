import CSimd
import Glibc
import RunLog
import World

/// The `argent-workstation` program: what is done with run logs away from the rig. It starts
/// small: it verifies logs that were copied.
@main
enum Workstation {
    static let help = """
        argent-workstation verify LOG…    reads run logs to their ends and says what is in them,
                                          what is damaged and what is missing

        Exit codes: 0 every log is whole; 1 something is damaged or missing; 2 wrong command
        line; 3 a file cannot be read or is no run log.
        """

    static func main() {
        guard argent_cpu_runs_this_build() else {
            complain(
                "argent-workstation: this build needs a processor with AVX2 and FMA; build it "
                    + "again with ARGENT_CPU set to what this machine has")
            exit(2)
        }
        let words = Array(CommandLine.arguments.dropFirst())
        if words.isEmpty || words.contains("--help") {
            print(help)
            exit(words.isEmpty ? 2 : 0)
        }
        guard words[0] == "verify", words.count > 1 else {
            complain("use: argent-workstation verify LOG…")
            exit(2)
        }
        var code: Int32 = 0
        for path in words.dropFirst() {
            do {
                let report = try LogReport(path: path)
                print(report.text)
                if !report.isWhole { code = max(code, 1) }
            } catch {
                complain("\(path): \(error)")
                code = 3
            }
        }
        exit(code)
    }

    private static func complain(_ text: String) {
        var bytes = Array((text + "\n").utf8)
        _ = write(STDERR_FILENO, &bytes, bytes.count)
    }
}

/// What is in a run log.
struct LogReport {
    let path: String
    private var records = 0
    private var droplets = 0
    private var conditions = 0
    private var decisions = 0
    private var faults = 0
    private var notUnderstood = 0
    private var missing: UInt64 = 0
    private var damagedBytes: Int64 = 0
    private var tornBytes: Int64 = 0
    private let sha256: String

    init(path: String) throws {
        self.path = path
        let source = try ReadFile(path: path)
        sha256 = try Digest.sha256(of: source)
        var reader = JournalReader(source)
        while let entry = try reader.next() {
            switch entry {
            case .record(_, let record):
                records += 1
                count(record.body)
            case .unknown, .unreadable: notUnderstood += 1
            case .gap(let gap):
                missing += gap.missingRecords
                damagedBytes += Int64(gap.bytes.count)
            }
        }
        tornBytes = source.size - reader.intactEnd
    }

    private mutating func count(_ body: Record.Body) {
        switch body {
        case .droplet: droplets += 1
        case .conditionEnd(let end): if end.medianLoss != nil { conditions += 1 }
        case .decision: decisions += 1
        case .fault: faults += 1
        default: break
        }
    }

    /// Whether nothing is damaged, missing or torn.
    var isWhole: Bool { missing == 0 && damagedBytes == 0 && tornBytes == 0 }

    var text: String {
        var text = "\(path)\n  \(records) records: \(decisions) decisions, \(conditions) conditions"
        text += " measured, \(droplets) droplets, \(faults) faults\n"
        if notUnderstood > 0 {
            text += "  \(notUnderstood) records of a kind this version does not know\n"
        }
        if isWhole {
            text += "  whole\n"
        } else {
            text += "  DAMAGED: \(missing) records missing, \(damagedBytes) damaged bytes, "
            text += "\(tornBytes) bytes of an unfinished write at the end\n"
        }
        return text + "  sha256 \(sha256)"
    }
}
