import Foundation
import TestSupport
import Testing

/// Whether Debian's Python reads zstd.
private let pythonReads: Bool = {
    let child = try? Child(
        "/usr/bin/python3", ["-c", "import zstandard"], output: "/dev/null", error: "/dev/null")
    return child?.wait() == 0
}()

/// Unpacks the bundle of its first argument into the folder of its second.
private let unpack = """
    import io, sys, tarfile, zstandard
    with open(sys.argv[1], "rb") as file:
        content = zstandard.ZstdDecompressor().decompress(file.read())
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
        for member in tar:
            assert member.isreg() and member.name.startswith("argent-support/"), member.name
        tar.extractall(sys.argv[2])
    """

@Suite("argent support")
struct SupportTests {
    /// A folder with the log and the configuration of a small campaign.
    private static let small = Result {
        let folder = try TestFolder()
        let told = try Program.run(
            "demo", "--runs", "1", "--batch", "2", "--seed", "5", "--into", folder["rig"])
        try #require(told.code == 0, "\(told.err)")
        // The configuration of a demonstration is one for a board, whose log lies elsewhere.
        try FileManager.default.createDirectory(
            atPath: folder["rig/argent.d"], withIntermediateDirectories: true)
        try folder.write("rig/argent.d/log.toml", "[log]\ndirectory = \"\(folder["rig"])\"\n")
        return folder
    }

    /// What must not get out, wherever it was written.
    private static let secrets = [
        "hunter2", "swordfish", "MIIplanted", "tok1planted", "tok2planted", "deepplanted",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "tableplanted",
    ]

    private func bundle(_ words: [String], _ folder: TestFolder) throws -> [String: String] {
        let told = try Program.run(["support", "--output", folder["s.tar.zst"]] + words)
        #expect(told.code == 0, "\(told.err)")
        let mode = try FileManager.default.attributesOfItem(atPath: folder["s.tar.zst"])
        #expect((mode[.posixPermissions] as? Int) == 0o600)
        let child = try Child(
            "/usr/bin/python3", ["-c", unpack, folder["s.tar.zst"], folder["all"]],
            output: folder["out"], error: folder["err"])
        let code = child.wait()
        let complaint = try folder.text("err")
        try #require(code == 0, "\(complaint)")
        var files: [String: String] = [:]
        let top = folder["all/argent-support"]
        for name in try FileManager.default.subpathsOfDirectory(atPath: top) {
            files[name] = try? String(contentsOfFile: top + "/" + name, encoding: .utf8)
        }
        return files
    }

    @Test(
        "a dead agent: log, versions and configuration are there, and no secret is",
        .enabled(if: pythonReads, "python3-zstandard is not installed"))
    func dead() throws {
        let rig = try Self.small.get()["rig"]
        let folder = try TestFolder()
        let manager = FileManager.default
        try manager.createDirectory(
            atPath: folder["argent.d"], withIntermediateDirectories: true)
        try manager.createDirectory(
            atPath: folder["identity"], withIntermediateDirectories: true)
        try folder.write("identity/rig.key", "-----BEGIN PRIVATE KEY-----\nMIIplanted\n")
        let original = try String(contentsOfFile: rig + "/argent.toml", encoding: .utf8)
        // Broken as well: whoever needs help may have a wrong configuration.
        try folder.write(
            "argent.toml",
            original + """

                # see https://bob:swordfish@example.org/rig and -----BEGIN X-----MIIplanted
                # -----END X-----
                # A hash: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
                [no-such-section]
                """)
        try folder.write(
            "argent.d/secret.toml",
            """
            [remote]
            # user = "bench"; password = "hunter2"
            auth_tokens = [
              "tok1planted",
              "tok2planted",
            ]
            api_key = \"\"\"
            deepplanted
            \"\"\"
            comment = "kept"
            [credentials]
            name = "tableplanted"
            """)
        let files = try bundle(
            ["--config", folder["argent.toml"], "--socket", folder["control"]], folder)
        for (name, text) in files {
            for secret in Self.secrets {
                #expect(!text.contains(secret), "\(secret) is in \(name)")
            }
        }
        let main = try #require(files["configuration/argent.toml"])
        // The rest is as it was, line by line.
        let lines = original.split(separator: "\n")
        let kept = lines.filter { main.contains($0) }.count
        #expect(kept == lines.count)
        let dropIn = try #require(files["configuration/argent.d/secret.toml"])
        #expect(dropIn.contains("[remote]") && dropIn.contains("comment = \"kept\""))
        #expect(files["configuration/problems.txt"]?.contains("no-such-section") == true)
        let readme = try #require(files["README.txt"])
        #expect(readme.contains("status.json: ") && readme.contains("agent running?"))
        #expect(files["status.json"] == nil)
        #expect(files["versions.txt"]?.hasPrefix("argent ") == true)
    }

    @Test(
        "the last events of the log, and neither recipes nor spectra",
        .enabled(if: pythonReads, "python3-zstandard is not installed"))
    func events() throws {
        let rig = try Self.small.get()["rig"]
        let folder = try TestFolder()
        let files = try bundle(
            ["--config", rig + "/argent.toml", "--socket", folder["no"], "--events", "7"], folder)
        let events = try #require(files["events.txt"]).split(separator: "\n")
        #expect(events.count == 7)
        #expect(events.last?.contains("stop: ") == true)
        let all = try Program.run("log", "cat", rig).out.split(separator: "\n")
        #expect(events.last == all.last)
        #expect(events.allSatisfy(all.contains))
        #expect(files["log-files.txt"]?.contains("00000001.argentseg") == true)
    }

    @Test("a command line that cannot be meant")
    func wrong() throws {
        for words in [["--events", "-1"], ["--events", "many"], ["--outptu", "x"]] {
            #expect(try Program.run(["support"] + words).code == 2)
        }
        let told = try Program.run("support", "--output", "/proc/no/such")
        #expect(told.code == 1)
        #expect(told.err.hasPrefix("argent: "))
    }
}
