import Foundation
import TestSupport
import Testing

/// Who may write a configuration.
@Suite("argent check, of permissions")
struct PermissionTests {
    private func file() throws -> (folder: TestFolder, path: String) {
        let folder = try TestFolder()
        let made = try Program.run("demo", "--into", folder.path, "--runs", "1", "--batch", "1")
        try #require(made.code == 0, "\(made.err)")
        let path = folder["argent.toml"]
        let text = try folder.text("argent.toml").replacingOccurrences(
            of: "directory = \"/var/lib/argent\"", with: "directory = \"\(folder.path)\"")
        try folder.write("argent.toml", text)
        try #require(chmod(path, 0o644) == 0)
        return (folder, path)
    }

    @Test("a file that others may write is named, with what to do, and still usable")
    func writers() throws {
        let (folder, path) = try file()
        #expect(try !Program.run("check", path).out.contains("may write it"))
        for (mode, who) in [(0o664, "its group"), (0o666, "everybody")] as [(mode_t, String)] {
            try #require(chmod(path, mode) == 0)
            let told = try Program.run("check", path)
            #expect(told.code == 0)
            #expect(told.out.contains("\(path):1:1: warning: \(who) may write it"), "\(told.out)")
            #expect(told.out.contains("chmod go-w \(path)"))
        }
        try #require(chmod(path, 0o644) == 0)
        withExtendedLifetime(folder) {}
    }

    @Test("so are drop-ins, and the folder that any could be put into")
    func dropIns() throws {
        let (folder, path) = try file()
        let drops = folder["argent.d"]
        try FileManager.default.createDirectory(atPath: drops, withIntermediateDirectories: true)
        try folder.write("argent.d/50-more.toml", "[campaign]\nname = \"more\"\n")
        try #require(chmod(drops + "/50-more.toml", 0o646) == 0)
        try #require(chmod(drops, 0o775) == 0)
        let told = try Program.run("check", path).out
        #expect(told.contains("\(drops)/50-more.toml:1:1: warning: everybody may write it"))
        #expect(told.contains("\(drops):1:1: warning: its group may write it"))
        #expect(!told.contains("\(path):1:1: warning"))
    }

    @Test("and an owner who is nobody the rig knows", .enabled(if: geteuid() == 0))
    func owner() throws {
        let (folder, path) = try file()
        try #require(chown(path, 54_321, 0) == 0)
        #expect(try Program.run("check", path).out.contains("it belongs to user 54321"))
        // Whom the log belongs to, that one may write what is done with it.
        try #require(chown(folder.path, 54_321, 0) == 0)
        #expect(try !Program.run("check", path).out.contains("it belongs to user"))
    }
}
