import Foundation
import TestSupport
import Testing

@Suite("argent loss")
struct LossTests {
    static let spectra = SharedData.path("agbonn/run1_droplet_spectra.csv")
    static let prism = SharedData.path("agbonn/target_prism_50nm.csv")

    @Test(
        "gives the 315 losses the authors published", .enabled(if: spectra != nil && prism != nil))
    func published() throws {
        let path = try #require(Self.spectra)
        let told = try Program.run("loss", "--target", try #require(Self.prism), path)
        #expect(told.code == 0)
        #expect(told.err.isEmpty)
        let lines = try String(contentsOfFile: path, encoding: .utf8)
            .split(separator: "\n").map { $0.split(separator: ",") }
        let column = try #require(lines[0].firstIndex(of: "loss"))
        let rows = told.out.split(separator: "\n")
        #expect(rows.first == "row,loss")
        try #require(rows.count == 316 && lines.count == 316)
        for index in 1...315 {
            let fields = rows[index].split(separator: ",")
            let got = try #require(Double(fields[1]))
            let want = try #require(Double(lines[index][column]))
            #expect(fields[0] == "\(index)")
            #expect(abs(got - want) < 1e-6, "row \(index): \(got), published \(want)")
        }
    }

    @Test("computes a loss that can be computed by hand")
    func byHand() throws {
        let folder = try TestFolder()
        // minmax(0, 1, 0.5) against minmax(0, 1, 0): cos = 1/√1.25; A_max 0.8 is within
        // 0.7 … 1.2, so that δ = 1.
        let target = try folder.write("target.csv", "nm,value\n400,0\n410,2\n420,0\n")
        let spectra = try folder.write("s.csv", "A400,A410,A420,name\n0.4,0.8,0.6,first\n")
        let told = try Program.run("loss", "--target", target, spectra)
        #expect(told.code == 0)
        let row = try #require(told.out.split(separator: "\n").last)
        let loss = try #require(Double(row.dropFirst("1,".count)))
        #expect(abs(loss - (1 - 1 / 1.25.squareRoot())) < 1e-12)
    }

    @Test(
        "a malformed file is exit code 3 and a message with the place",
        arguments: [
            ("400,0\n410,1\n", "A400,A410\n0.1,0.2\n0.3,oops\n", "s.csv", "line 3, column 2"),
            ("400,0\n410,1\n", "A400,A410\n0.1\n", "s.csv", "line 2"),
            ("400,0\n410,1\n", "name\nx\n", "s.csv", "line 1"),
            ("400,0\n410,1\n", "", "s.csv", "line 1"),
            ("400,0\n390,1\n", "A400,A410\n0.1,0.2\n", "target.csv", "line 2"),
            ("400,0\n410,x\n", "A400,A410\n0.1,0.2\n", "target.csv", "line 2, column 2"),
            ("400,0\n405,1\n", "A400,A410\n0.1,0.2\n", "s.csv", "410"),
        ])
    func malformed(target: String, spectra: String, file: String, place: String) throws {
        let folder = try TestFolder()
        try folder.write("target.csv", target)
        try folder.write("s.csv", spectra)
        let told = try Program.run(
            "loss", "--target", folder["target.csv"], folder["s.csv"])
        #expect(told.code == 3)
        #expect(told.err.contains(folder[file]))
        #expect(told.err.contains(place), "\(told.err)")
        #expect(told.out.isEmpty)
    }

    @Test("missing files and missing words")
    func missing() throws {
        let folder = try TestFolder()
        let absent = try Program.run("loss", "--target", folder["no.csv"], folder["no.csv"])
        #expect(absent.code == 3)
        #expect(absent.err.contains(folder["no.csv"]))
        let bare = try Program.run("loss", folder["no.csv"])
        #expect(bare.code == 2)
        #expect(bare.err.contains("argent loss --target"))
    }
}
