import Foundation
import Testing

/// What is told of a disk without room, where the service's messages go.
@Suite("argent run, short of room")
struct ShortDiskTests {
    @Test("room that is not there is told at once, and what to do", .timeLimit(.minutes(4)))
    func reserve() throws {
        let rig = try Simulation("--runs", "2", "--batch", "2")
        let text = try String(contentsOfFile: rig.configuration, encoding: .utf8)
        let short = text.replacingOccurrences(
            of: "disk_reserve = \"200 MB\"", with: "disk_reserve = \"1000 TB\"")
        #expect(short != text)
        try short.write(toFile: rig.configuration, atomically: true, encoding: .utf8)
        let agent = try RunningAgent(rig)
        // Of the log's own keeper, and of the hazard, which only reports by default.
        for wanted in ["there is no room for the next record", "nothing was stopped"] {
            try waitUntil(wanted, seconds: 20) { try agent.printed.contains(wanted) }
        }
        agent.end(SIGTERM)
    }
}
