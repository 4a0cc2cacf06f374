import CSimd
import Export
import Glibc

/// The `argent-workstation` program: what is done with run logs away from the rig.
@main
enum Workstation {
    static let help = """
        argent-workstation verify LOG…    reads run logs to their ends and says what is in them,
                                          what is damaged and what is missing
        argent-workstation export LOG --into DIR [--csv] [--spectra] [--jcamp] [--json]
                                          writes conditions.csv and droplets.csv (--spectra:
                                          with absorbance as columns), JCAMP-DX spectra,
                                          records.jsonl
        argent-workstation pair HOST[:PORT] [--fingerprint F] [--name N] [--identity DIR]
                                          shows a rig's fingerprint and remembers it once it is
                                          confirmed; prints this machine's, to be accepted there
        argent-workstation pull HOST[:PORT] --into DIR [--tries N] [--identity DIR]
                                          fetches what is new into DIR/NAME/YYYY-MM-DD, verifies
                                          it and acknowledges it to the rig; may be interrupted
                                          and repeated at any time; gives up after N tries in a
                                          row without a byte gained (default 5)

        LOG is a log directory, a folder of pulled segments, or one segment.

        Exit codes: 0 every log is whole, all that the rig has is here; 1 something is damaged
        or missing; 2 wrong command line; 3 a file cannot be read or written, or is no run log;
        4 the rig cannot be reached, or another pull is running; 5 the rig is not paired, does
        not accept this machine, or shows another key.
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
        let rest = Array(words.dropFirst())
        switch words[0] {
        case "verify" where !rest.isEmpty: exit(verify(rest))
        case "export" where !rest.isEmpty: exit(export(rest))
        case "pair": exit(PullCommand.pair(rest))
        case "pull": exit(PullCommand.pull(rest))
        case "verify": complain("use: argent-workstation verify LOG…")
        case "export": complain("use: argent-workstation export LOG --into DIR --csv …")
        default:
            complain("there is no `argent-workstation \(words[0])`; see argent-workstation --help")
        }
        exit(2)
    }

    private static func verify(_ paths: [String]) -> Int32 {
        var code: Int32 = 0
        for path in paths {
            do {
                let found = try LogVerification(path: path)
                print(found.text, terminator: "")
                if !found.isWhole { code = max(code, 1) }
            } catch {
                complain("\(error)")
                code = 3
            }
        }
        return code
    }

    private static func export(_ words: [String]) -> Int32 {
        var choice = ExportChoice()
        var path: String?
        var directory: String?
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--csv": choice.tables = true
            case "--spectra":
                choice.tables = true
                choice.spectraInTables = true
            case "--jcamp": choice.jcamp = true
            case "--json": choice.json = true
            case "--into": directory = rest.popFirst()
            case _ where word.hasPrefix("--") || path != nil:
                complain("export: `\(word)` is not known; see argent-workstation --help")
                return 2
            default: path = word
            }
        }
        guard let path, let directory, choice != ExportChoice() else {
            complain("use: argent-workstation export LOG --into DIR and what to write: --csv, …")
            return 2
        }
        do {
            let report = try LogExport.run(path, into: directory, choice)
            print(report.text(directory), terminator: "")
            guard report.missing == 0 else {
                complain("\(report.missing) records are missing; see argent-workstation verify")
                return 1
            }
            return 0
        } catch {
            complain("\(error)")
            return 3
        }
    }

    private static func complain(_ text: String) {
        var bytes = Array((text + "\n").utf8)
        _ = write(STDERR_FILENO, &bytes, bytes.count)
    }
}
