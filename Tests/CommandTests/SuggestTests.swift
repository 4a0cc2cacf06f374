import Foundation
import TestSupport
import Testing

/// What `argent suggest` is given in these tests.
struct SuggestFiles {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// A configuration of plain numbers called `names`, each between `low` and `high`.
    func configuration(_ names: [String], _ low: Double = 0, _ high: Double = 10) throws -> String {
        let text = names.map {
            "[[variable]]\nname = \"\($0)\"\nkind = \"number\"\nbounds = [\(low), \(high)]\n"
        }
        return try folder.write("c.toml", text.joined(separator: "\n"))
    }

    /// A history of `rows` recipes of `names` and the loss Σ (x − 3)², in an order of its own.
    func history(_ names: [String], rows: Int, sign: Double = 1) throws -> String {
        var lines = ["note,loss," + names.reversed().joined(separator: ",")]
        for row in 0..<rows {
            // Multiples of the golden ratio's powers fill the box without a generator.
            let recipe = names.indices.map { index in
                10
                    * (Double(row + 1) * pow(0.618_034, Double(index + 1))).remainder(dividingBy: 1)
                    .magnitude * 2
            }
            let loss = sign * recipe.reduce(0) { $0 + ($1 - 3) * ($1 - 3) }
            lines.append(
                "made,\(loss)," + recipe.reversed().map { "\($0)" }.joined(separator: ","))
        }
        return try folder.write("h.csv", lines.joined(separator: "\n") + "\n")
    }

    /// The numbers below the header of `text`.
    static func recipes(_ text: String) -> [[Double]] {
        text.split(separator: "\n").dropFirst().map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map {
                Double($0) ?? .nan
            }
        }
    }
}

@Suite("argent suggest")
struct SuggestTests {
    @Test(
        "a batch for 1, 5 and 12 variables, with losses of either sign",
        arguments: [(1, 1, 1.0), (1, 3, -1e9), (5, 2, 1e-6), (12, 1, -1)])
    func variables(count: Int, batch: Int, sign: Double) throws {
        let files = try SuggestFiles()
        let names = (1...count).map { "x\($0)" }
        let words = [
            "suggest", "--config", try files.configuration(names), "--history",
            try files.history(names, rows: 5, sign: sign), "--batch", "\(batch)", "--seed", "4",
        ]
        let told = try Program.run(words)
        #expect(told.code == 0, "\(told.err)")
        #expect(told.out.hasPrefix(names.joined(separator: ",") + "\n"))
        let recipes = SuggestFiles.recipes(told.out)
        #expect(recipes.count == batch && Set(recipes).count == batch)
        for recipe in recipes {
            #expect(recipe.count == count && recipe.allSatisfy { (0...10).contains($0) })
        }
        #expect(told.err.contains("5 recipes known"))
        let again = try Program.run(words + ["--quiet"])
        #expect(again.out == told.out && again.err.isEmpty)
    }

    @Test("two rows are enough, one is not, none is a design")
    func fewRows() throws {
        let files = try SuggestFiles()
        let names = ["a", "b"]
        let config = try files.configuration(names)
        let two = try Program.run(
            "suggest", "--config", config, "--history", try files.history(names, rows: 2),
            "--batch", "2")
        #expect(two.code == 0 && SuggestFiles.recipes(two.out).count == 2)
        let one = try Program.run(
            "suggest", "--config", config, "--history", try files.history(names, rows: 1))
        #expect(one.code == 3 && one.out.isEmpty)
        #expect(one.err.contains("1 recipe; at least 2") && one.err.contains("Latin hypercube"))
        let none = try Program.run("suggest", "--config", config, "--batch", "5")
        #expect(none.code == 0)
        // A Latin hypercube: every fifth of every variable's range once.
        for variable in 0..<2 {
            let fifths = SuggestFiles.recipes(none.out).map { Int($0[variable] / 2) }
            #expect(Set(fifths) == [0, 1, 2, 3, 4])
        }
    }

    @Test("the same history in another order of rows and columns gives the same batch")
    func order() throws {
        let files = try SuggestFiles()
        let config = try files.configuration(["a", "b"])
        let rows = [(1.0, 2.0, 5.0), (4, 8, 1), (7, 3, 2.5), (1, 2, 5.5), (9, 9, 9)]
        let one = "a,b,loss\n" + rows.map { "\($0.0),\($0.1),\($0.2)\n" }.joined()
        let two =
            "loss,x,b,a\r\n" + rows.reversed().map { "\($0.2),-,\($0.1),\($0.0)\r\n" }.joined()
        var found: [String] = []
        for text in [one, two] {
            let told = try Program.run(
                "suggest", "--config", config, "--history",
                try files.folder.write("h.csv", text), "--batch", "3")
            #expect(told.code == 0, "\(told.err)")
            found.append(told.out)
        }
        #expect(found[0] == found[1])
    }

    @Test("spectra give the batch that their losses give; an explicit loss wins")
    func spectra() throws {
        let files = try SuggestFiles()
        let config = try files.configuration(["a"])
        try files.folder.write("target.csv", "nm,value\n400,0\n410,2\n420,0\n")
        let text =
            try files.folder.text("c.toml") + "\n[campaign]\ntarget = \"target.csv\"\n"
        try files.folder.write("c.toml", text)
        let spectra = [
            (1.0, "0.4,0.8,0.6"), (4.0, "0.1,0.9,0.2"), (6.0, "0.5,0.7,0.1"), (9.0, "0.3,0.8,0.7"),
        ]
        let history = try files.folder.write(
            "h.csv", "a,A400,A410,A420\n" + spectra.map { "\($0.0),\($0.1)\n" }.joined())
        let losses = try Program.run("loss", "--target", files.folder["target.csv"], history)
        let values = losses.out.split(separator: "\n").dropFirst().map {
            $0.split(separator: ",")[1]
        }
        try #require(values.count == 4)
        let fromSpectra = try Program.run(
            "suggest", "--config", config, "--history", history, "--batch", "2")
        #expect(fromSpectra.code == 0, "\(fromSpectra.err)")
        #expect(fromSpectra.err.contains("target.csv"))
        try files.folder.write(
            "h.csv", "a,loss\n" + zip(spectra, values).map { "\($0.0),\($1)\n" }.joined())
        let fromLosses = try Program.run(
            "suggest", "--config", config, "--history", history, "--batch", "2")
        #expect(fromLosses.out == fromSpectra.out)
        try files.folder.write(
            "h.csv",
            "a,loss,A400,A410,A420\n"
                + zip(spectra, values).map { "\($0.0),\($1),0.1,0.2,0.1\n" }.joined())
        let both = try Program.run(
            "suggest", "--config", config, "--history", history, "--batch", "2")
        #expect(both.out == fromLosses.out)
        #expect(both.err.contains("the column loss counts"))
    }

    @Test("a pool's rows come out as they were written, each once, none that was made")
    func pool() throws {
        let files = try SuggestFiles()
        let config = try files.configuration(["a", "b"])
        let history = try files.folder.write("h.csv", "a,b,loss\n1,2,5\n4,8,1\n7,3,2.5\n")
        let rows = [
            "p1, 1.0 ,2,\"made, as it is\"", "p2,5,5.50,x", "p3,5,5.5,twin", "p4,3e0,9,",
            "p5,10,10,\"q\"\"q\"", "p6,11,1,outside",
        ]
        let text = "id,a,b,remark\n" + rows.joined(separator: "\n") + "\n"
        let pool = try files.folder.write("p.csv", text)
        let words = ["suggest", "--config", config, "--pool", pool, "--batch", "2"]
        let told = try Program.run(words + ["--history", history])
        #expect(told.code == 0, "\(told.err)")
        let lines = told.out.split(separator: "\n").map(String.init)
        #expect(lines.first == "id,a,b,remark" && lines.count == 3)
        #expect(Set(lines.dropFirst()).isSubset(of: [rows[1], rows[3], rows[4]]))
        #expect(told.err.contains("1 rows of the pool are in the history"))
        #expect(told.err.contains("line 7"))
        let all = try Program.run(
            "suggest", "--config", config, "--pool", pool, "--batch", "9", "--history", history)
        #expect(all.code == 0 && all.err.contains("only 3 of 9"))
        #expect(
            Set(all.out.split(separator: "\n").dropFirst().map(String.init))
                == [rows[1], rows[3], rows[4]])
        let first = try Program.run(words)
        #expect(first.code == 0 && first.out.split(separator: "\n").count == 3)
        try files.folder.write("p.csv", "a,b\n1,2\n4,8\n")
        let over = try Program.run(words + ["--history", history])
        #expect(over.code == 1 && over.out.isEmpty && over.err.contains("no row is left"))
    }

    @Test("the rig's own configuration will do, and its rules for reagents hold")
    func rig() throws {
        let files = try SuggestFiles()
        let history = try files.folder.write(
            "h.csv",
            "Q_AgNO3,Q_PVA,Q_TSC,Q_seed,Q_tot,loss\n10,20,10,10,500,0.5\n"
                + "60,40,50,50,300,0.1\n19,30,19,19,900,0.4\n")
        let told = try Program.run(
            "suggest", "--config", CheckTests.example, "--history", history, "--batch", "2",
            "--limits")
        #expect(told.code == 0, "\(told.err)")
        let bounds = [0.5...80, 10...40, 0.5...80, 0.5...80, 100...1_000]
        for recipe in SuggestFiles.recipes(told.out) {
            for (value, range) in zip(recipe, bounds) { #expect(range.contains(value)) }
            #expect(recipe.prefix(4).reduce(0, +) <= 90 + 1e-9)
        }
    }

    @Test("plain numbers are for suggesting: a rig refuses them at their place")
    func noRigForNumbers() throws {
        let files = try SuggestFiles()
        let config = try files.configuration(["a"])
        for words in [["check", config], ["run", "--config", config]] {
            let told = try Program.run(words)
            #expect(told.code == 3)
            #expect((told.out + told.err).contains("\(config):3:8: error: no pump can set"))
        }
    }
}
