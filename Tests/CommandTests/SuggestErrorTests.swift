import Foundation
import Testing

@Suite("argent suggest, given what it cannot use")
struct SuggestErrorTests {
    @Test(
        "a wrong history is exit code 3 and a message with file, line and column",
        arguments: [
            ("", 1, 1, "empty"), ("a,b,loss\n", 0, 0, "0 recipes; at least 2"),
            ("a,b\n1,2\n3,4\n", 1, 1, "neither a column loss"),
            ("a,loss\n1,2\n3,4\n", 1, 1, "no column b"),
            ("a,bb,loss\n1,2,3\n4,5,6\n", 1, 3, "rename it to b"),
            ("a,b,loss\n1,2,3\n4,5,nan\n", 3, 5, "\"nan\" is no finite number"),
            ("a,b,loss\n1,2,3\n4,five,6\n", 3, 3, "b: \"five\" is no finite number"),
            ("a,b,loss\n1,2,3\n4,,6\n", 3, 3, "b is empty"),
            ("a,b,loss\n1,2,3\n4,5\n", 3, 1, "2 fields where the header has 3"),
            ("a,b,loss\n1,2,3\n4,inf,6\n", 3, 3, "\"inf\""),
            ("a,b,loss,loss\n1,2,3,4\n4,5,6,7\n", 1, 10, "two columns loss"),
            ("a,b,A400,A410\n1,2,0.5,0.5\n3,4,0.5,0.6\n", 2, 1, "flat"),
            ("a,b,A300,A310\n1,2,0.5,0.6\n3,4,0.5,0.6\n", 1, 1, "300"),
        ])
    func history(text: String, line: Int, column: Int, says: String) throws {
        let files = try SuggestFiles()
        let config = try files.configuration(["a", "b"])
        let path = try files.folder.write("h.csv", text)
        let told = try Program.run("suggest", "--config", config, "--history", path)
        #expect(told.code == 3 && told.out.isEmpty)
        #expect(told.err.hasPrefix("argent: \(path):"), "\(told.err)")
        if line > 0 { #expect(told.err.contains("\(path):\(line):\(column): "), "\(told.err)") }
        #expect(told.err.contains(says), "\(told.err)")
        #expect(told.err.split(separator: "\n").count == 1)
    }

    @Test("a wrong pool likewise")
    func pool() throws {
        let files = try SuggestFiles()
        let config = try files.configuration(["a"])
        for (text, place, says) in [
            ("id\n1\n", ":1:1: ", "no column a"), ("id,a\nx,1\ny,-\n", ":3:3: ", "a: \"-\""),
            ("a\n11\n", "", "no row is left"), ("a\n", "", "no row is left"),
        ] {
            let path = try files.folder.write("p.csv", text)
            let told = try Program.run("suggest", "--config", config, "--pool", path, "--quiet")
            #expect(told.code == 3 && told.out.isEmpty)
            #expect(told.err.contains(path + place) && told.err.contains(says), "\(told.err)")
        }
    }

    @Test("too many rows for an exact model: what to do about it")
    func tooManyRows() throws {
        let files = try SuggestFiles()
        let config = try files.configuration(["a"])
        // Four recipes over and over: too many rows, few recipes.
        let rows = (0..<2_600).map { "\($0 % 4),\($0)\n" }.joined()
        let path = try files.folder.write("h.csv", "a,loss\n" + rows)
        let told = try Program.run("suggest", "--config", config, "--history", path)
        #expect(told.code == 3 && told.err.contains("2600 rows") && told.err.contains("--median"))
        let joined = try Program.run(
            "suggest", "--config", config, "--history", path, "--median", "--batch", "1")
        #expect(joined.code == 0 && joined.err.contains("2600 rows are 4 recipes"))
    }

    @Test("a wrong configuration is shown at its place")
    func configuration() throws {
        let files = try SuggestFiles()
        for (text, says) in [
            ("[campaign]\nname = \"x\"\n", ":1:1: error: there are no variables"),
            ("[[variable]]\nname = \"a\"\nkind = \"number\"\n", "lacks bounds"),
            (
                "[[variable]]\nname = \"a\"\nkind = \"number\"\nbounds = [3, 1]\n",
                ":4:10: error: the low bound"
            ),
            (
                "[[variable]]\nname = \"a\"\nkind = \"number\"\nbounds = [\"1 %\", 2]\n",
                "must be a number"
            ),
            (
                "[[variable]]\nname = \"a\"\nkind = \"numbr\"\nbounds = [1, 2]\n",
                "did you mean \"number\"?"
            ),
        ] {
            let path = try files.folder.write("c.toml", text)
            let told = try Program.run("suggest", "--config", path)
            #expect(told.code == 3 && told.out.isEmpty)
            #expect(told.err.contains(path) && told.err.contains(says), "\(told.err)")
        }
    }

    @Test(
        "a command line that cannot be meant",
        arguments: [
            (["suggest"], "use: argent suggest"),
            (["suggest", "--config", "c", "--batch", "0"], "--batch 0"),
            (["suggest", "--config", "c", "--batch", "201"], "at most 200"),
            (["suggest", "--config", "c", "--seed", "x"], "--seed x"),
            (["suggest", "--config", "c", "--histroy", "h"], "did you mean --history?"),
            (
                ["suggest", "--config", "c", "--method", "gaussian-proces"],
                "did you mean gaussian-process?"
            ),
        ])
    func words(words: [String], says: String) throws {
        let told = try Program.run(words)
        #expect(told.code == 2 && told.out.isEmpty)
        #expect(told.err.contains(says), "\(told.err)")
        #expect(told.err.split(separator: "\n").count == 1)
    }

    @Test("no mutilated table makes it crash, or say nothing")
    func mutilated() throws {
        let files = try SuggestFiles()
        let config = try files.configuration(["a", "b"])
        let good = "a,b,loss\n1,2,3\n4,5,6\n"
        let pieces = ["\"", ",", "\n", "1e308", "-", "nan", "\u{0}", "é"].map { Array($0.utf8) }
        var state: UInt64 = 7
        func draw(_ bound: Int) -> Int {
            // Knuth's multiplier; the high bits are the good ones.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        var codes: [Int32: Int] = [:]
        for _ in 0..<60 {
            var bytes = Array(good.utf8)
            for _ in 0...draw(3) {
                let at = draw(bytes.count)
                switch draw(3) {
                case 0: bytes.insert(contentsOf: pieces[draw(pieces.count)], at: at)
                case 1 where bytes.count > 1: bytes.remove(at: at)
                default: bytes[at] = UInt8(draw(256))
                }
            }
            try Data(bytes).write(to: URL(fileURLWithPath: files.folder["h.csv"]))
            let told = try Program.run(
                "suggest", "--config", config, "--history", files.folder["h.csv"], "--batch", "1",
                "--quiet")
            codes[told.code, default: 0] += 1
            if told.code == 0 {
                #expect(SuggestFiles.recipes(told.out).count == 1)
            } else {
                #expect(told.code == 3 && told.out.isEmpty)
                #expect(told.err.hasPrefix("argent: "))
            }
        }
        #expect(codes[0, default: 0] > 0 && codes[3, default: 0] > 0, "\(codes)")
    }
}
