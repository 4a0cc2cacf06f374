import TestSupport
import Testing

@Suite("Speaking to an agent that is not there")
struct ControlTests {
    @Test(
        "exit code 4, and what to look at",
        arguments: ["status", "hold", "resume", "clear", "reload"])
    func nobody(verb: String) throws {
        let folder = try TestFolder()
        let told = try Program.run(verb, "--socket", folder["control"])
        #expect(told.code == 4)
        #expect(told.err.contains(folder["control"]))
        #expect(told.err.contains("agent running?"))
        #expect(told.out.isEmpty)
    }

    @Test("--refilled must say which, in full")
    func refilled() throws {
        for text in ["", ",", "AgNO3,"] {
            let told = try Program.run("resume", "--refilled", text, "--socket", "/nowhere")
            #expect(told.code == 2, "\(text)")
        }
    }
}
