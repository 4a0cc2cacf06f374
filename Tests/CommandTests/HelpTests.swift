import Testing

@Suite("The command line as a whole")
struct HelpTests {
    @Test("without a word it shows the overview and says that it did nothing: exit code 2")
    func bare() throws {
        let told = try Program.run()
        #expect(told.code == 2)
        #expect(told.out.contains("argent check FILE"))
    }

    @Test("--help names every verb and every exit code", arguments: ["--help", "-h", "help"])
    func overview(word: String) throws {
        let told = try Program.run(word)
        #expect(told.code == 0)
        for verb in Self.verbs { #expect(told.out.contains("argent \(verb)"), "\(verb)") }
        for code in ["0 done", "1 tried", "2 wrong", "3 wrong", "4 no agent"] {
            #expect(told.out.contains(code))
        }
    }

    @Test("every verb explains itself", arguments: verbs)
    func verb(verb: String) throws {
        let told = try Program.run(verb, "--help")
        #expect(told.code == 0)
        #expect(told.out.hasPrefix("argent \(verb)"))
        #expect(told.err.isEmpty)
    }

    @Test("--version is one line: name and number")
    func version() throws {
        let told = try Program.run("--version")
        #expect(told.code == 0)
        let words = told.out.split(separator: "\n").first?.split(separator: " ") ?? []
        #expect(words.first == "argent")
        #expect(words.last?.split(separator: ".").count == 3)
    }

    @Test("a slip of the keyboard gets a suggestion and exit code 2")
    func slips() throws {
        let verb = try Program.run("stauts")
        #expect(verb.code == 2)
        #expect(verb.err.contains("did you mean `argent status`?"))
        let option = try Program.run("demo", "--sead", "3")
        #expect(option.code == 2)
        #expect(option.err.contains("did you mean --seed?"))
        let far = try Program.run("xyzzy")
        #expect(far.code == 2)
        #expect(far.err.contains("argent --help"))
    }

    @Test(
        "a command line that cannot be meant is exit code 2 and one line that says why",
        arguments: [
            ["demo", "--runs", "0"], ["demo", "--runs", "many"], ["demo", "--seed", "-1"],
            ["demo", "--seed"], ["demo", "--runs", "2", "--runs", "3"], ["demo", "extra"],
            ["demo", "--json=yes"], ["run"], ["check"], ["status"], ["check", "a", "b"],
            ["simulate", "--protocol", "carrier-pigeon"], ["loss"], ["hold", "--refilled", "x"],
        ])
    func wrong(words: [String]) throws {
        let told = try Program.run(words)
        #expect(told.code == 2)
        #expect(told.err.hasPrefix("argent: "))
        #expect(told.err.split(separator: "\n").count == 1, "\(told.err)")
        #expect(told.out.isEmpty)
    }

    static let verbs = [
        "demo", "run", "check", "status", "hold", "resume", "clear", "simulate", "loss",
        "suggest", "model", "watch", "support", "probe", "diff", "reload",
    ]
}
