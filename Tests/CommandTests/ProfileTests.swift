import Foundation
import TestSupport
import Testing

@Suite("Board profiles")
struct ProfileTests {
    /// What the device trees call the lines of each header that the profile may name: label, and
    /// names by offset (bcm2711-rpi-4-b.dts, bcm2712-rpi-5-b.dts, am335x-boneblack.dts), or the
    /// number of lines where there are no names (gpio-rockchip.c).
    private static let headers: [String: (labels: Set<String>, lines: Set<String>)] = [
        "raspberry-pi-4": (["pinctrl-bcm2711"], Set((16...27).map { "GPIO\($0)" } + both)),
        "raspberry-pi-5": (["pinctrl-rp1"], Set((2...27).map { "GPIO\($0)" })),
        "beaglebone-black": (
            ["gpio-32-63"],
            ["P8_11", "P8_12", "P8_15", "P8_16", "P8_26", "P9_12", "P9_15A", "P9_23"]
        ),
        "rock-5b": (["gpio3"], Set((0...31).map(String.init))),
    ]
    /// The other lines that have the same name in the maker's kernel and in mainline.
    private static let both = ["GPIO5", "GPIO6", "GPIO12", "GPIO13"]

    private static let names = headers.keys.sorted()

    private func merged(_ name: String, taking all: Bool) throws -> (TestFolder, String) {
        let folder = try TestFolder()
        let board = SharedData.projectRoot + "/board"
        let example = try String(contentsOfFile: board + "/argent.example.toml", encoding: .utf8)
        try folder.write("argent.toml", example)
        try FileManager.default.createDirectory(
            atPath: folder["argent.d"], withIntermediateDirectories: true)
        var profile = try String(
            contentsOfFile: board + "/profiles/\(name).toml", encoding: .utf8)
        if all {
            let lines = profile.split(separator: "\n", omittingEmptySubsequences: false).map {
                $0.hasPrefix("#=") ? String($0.dropFirst(2)) : String($0)
            }
            profile = lines.joined(separator: "\n")
        }
        try folder.write("argent.d/10-board.toml", profile)
        return (folder, profile)
    }

    @Test("each is one of those that are known")
    func complete() {
        let files = SourceTree.files(under: "board/profiles", endings: [".toml"])
        #expect(files.map(\.path).sorted() == Self.names.map { "board/profiles/\($0).toml" })
    }

    @Test(
        "it passes `argent check` beside the example, as it is and with all it offers",
        arguments: names, [false, true])
    func checked(name: String, all: Bool) throws {
        let (folder, _) = try merged(name, taking: all)
        let told = try Program.run("check", folder["argent.toml"])
        #expect(told.code == 0, "\(told.out)\(told.err)")
        let label = try #require(Self.headers[name]?.labels.first)
        #expect(told.out.contains("interlock emergency stop: \(label) "))
        if all {
            #expect(told.out.contains("heartbeat: \(label) "))
            #expect(told.out.contains("valve waste valve: \(label) "))
            #expect(told.out.contains("sensor room: temperature"))
        }
    }

    @Test("labels and lines are those of the device trees", arguments: names)
    func lines(name: String) throws {
        let header = try #require(Self.headers[name])
        let (_, profile) = try merged(name, taking: true)
        func values(_ key: String) -> Set<String> {
            Set(
                profile.split(separator: "\n").filter {
                    $0.drop { $0 == " " }.hasPrefix(key + " = \"")
                }.compactMap { $0.split(separator: "\"").dropFirst().first.map(String.init) })
        }
        #expect(values("chip_label") == header.labels)
        let lines = values("line")
        #expect(lines.count == 3)
        #expect(lines.isSubset(of: header.lines), "\(lines)")
    }
}
