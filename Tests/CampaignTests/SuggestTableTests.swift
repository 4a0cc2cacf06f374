import Configuration
import Numerics
import Spectra
import Testing

@testable import Campaign

/// Plain numbers called `names`, each between 0 and 10.
func numbers(_ names: [String], _ range: ClosedRange<Double> = 0...10) -> [VariableSettings] {
    names.map {
        VariableSettings(
            name: $0, kind: .free(unit: ""), low: range.lowerBound, high: range.upperBound,
            lowLimit: range.lowerBound, highLimit: range.upperBound)
    }
}

func table(_ text: String, rowLimit: Int = 100) throws(TableError) -> DataTable {
    try DataTable(file: "t.csv", bytes: Array(text.utf8), rowLimit: rowLimit)
}

/// What is wrong with `text` as a history of `a` and `b`; nil when nothing is.
private func problem(_ text: String) -> TableError? {
    do throws(TableError) {
        _ = try HistoryTable(try table(text), variables: numbers(["a", "b"]))
        return nil
    } catch { return error }
}

@Suite struct DataTableTests {
    @Test func fieldsAreWhatIsBetweenCommas() throws {
        let read = try table("\u{FEFF} a ,\"b,\"\"c\"\"\",é\r\n1, 2.5e-3 ,\"-7\"\r\n\r\n  \n4,5,6")
        #expect(read.names == ["a", "b,\"c\"", "é"])
        #expect(read.rowCount == 2)
        #expect(read.header == " a ,\"b,\"\"c\"\"\",é")
        #expect(read.text(of: 1) == "4,5,6")
        #expect(read.line(of: 0) == 2 && read.line(of: 1) == 5)
        #expect(try read.numbers([0, 1, 2]) == [[1, 0.0025, -7], [4, 5, 6]])
    }

    @Test(arguments: [
        ("", 1, 1, "empty"), ("\n \n", 1, 1, "empty"), ("a,b,loss\n1,2\n", 2, 1, "2 fields"),
        ("a,b,loss\n1,2,3,4\n", 2, 1, "4 fields"), ("a,b,loss\n1,\"2,3\n", 2, 3, "not closed"),
        ("a,b,loss\n1,\"2\"x,3\n", 2, 6, "after the closing quote"),
        ("a,b,loss\n1,2,3\n4,x,6\n", 3, 3, "b: \"x\""),
        ("a,b,loss\n1,2,3\n\n4,5,nan\n", 4, 5, "loss: \"nan\""),
        ("a,b,loss\n1,inf,3\n", 2, 3, "b: \"inf\""), ("a,b,loss\n1e999,2,3\n", 2, 1, "a: "),
        ("é,a,b,loss\né,1, ,3\n", 2, 5, "b is empty"), ("a,b,loss\n1,0x10,3\n", 2, 3, "b: "),
        ("a,loss\n1,2\n", 1, 1, "no column b"), ("a,B,loss\n1,2,3\n", 1, 3, "rename it to b"),
        ("a,b,a,loss\n1,2,3,4\n", 1, 5, "two columns a"),
        ("a,b,A380\n1,2,3\n", 1, 1, "neither"), ("a,b,A390,A380\n1,2,3,4\n", 1, 10, "A380"),
        ("a,b,A380,A390\n1,2,3,-\n", 2, 7, "A390: "), ("a,b,loss\n1,2,1e151\n", 2, 5, "beyond"),
    ])
    func everyMistakeHasItsPlace(text: String, line: Int, column: Int, says: String) throws {
        let found = try #require(problem(text))
        #expect(found.line == line && found.column == column, "\(found)")
        #expect("\(found)".contains(says), "\(found)")
        #expect("\(found)".hasPrefix("t.csv:\(line):\(column): "))
    }

    @Test func rowsAndColumnsAreBounded() throws {
        #expect(try table("a\n1\n2\n3\n", rowLimit: 3).rowCount == 3)
        #expect(throws: TableError.self) { try table("a\n1\n2\n3\n4\n", rowLimit: 3) }
        let wide = [String](repeating: "x", count: DataTable.columnLimit + 1)
        #expect(throws: TableError.self) { try table(wide.joined(separator: ",") + "\n") }
    }

    @Test func messagesRepeatNothingThatCommandsATerminal() throws {
        let long = String(repeating: "x", count: 500)
        let found = try #require(problem("a,b,loss\n1,\u{1B}[31m\(long),3\n"))
        #expect(!"\(found)".contains("\u{1B}") && "\(found)".utf8.count < 250)
    }

    @Test func decimalNumbersAreThoseOfTheStandardLibrary() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<4_000 {
            var text = ["", "-", "+"][random.below(3)]
            for _ in 0..<(1 + random.below(20)) { text += "\(random.below(10))" }
            if random.below(2) == 0 {
                text += "."
                for _ in 0..<(1 + random.below(20)) { text += "\(random.below(10))" }
            }
            if random.below(2) == 0 {
                text += ["e", "E"][random.below(2)] + ["", "-", "+"][random.below(3)]
                text += "\(random.below(random.below(4) == 0 ? 400 : 25))"
            }
            let bytes = Array(" \(text)\t".utf8)
            let expected = Double(text).flatMap { $0.isFinite ? $0 : nil }
            #expect(DecimalNumber.parse(bytes, from: 0, to: bytes.count) == expected, "\(text)")
        }
        for text in ["", " ", ".", "-", "1e", "1e+", "e5", "1 2", "1.2.3", "0x1", "nan", "1_0"] {
            let bytes = Array(text.utf8)
            #expect(DecimalNumber.parse(bytes, from: 0, to: bytes.count) == nil, "\(text)")
        }
        #expect(DecimalNumber.parse([0x2E, 0x35], from: 0, to: 2) == 0.5)
        #expect(DecimalNumber.parse([0x35, 0x2E], from: 0, to: 2) == 5)
    }
}

@Suite struct HistoryTableTests {
    @Test func columnsMayComeInAnyOrderWithOthersBetween() throws {
        let read = try table("id,loss,b,note,a\nx,-1,2,hello,1\ny,1e9,4,\"a, b\",3\n")
        let history = try HistoryTable(read, variables: numbers(["a", "b"]))
        #expect(history.recipes == [[1, 2], [3, 4]])
        #expect(history.losses == [-1, 1e9])
        #expect(history.hasLossColumn && history.spectra.isEmpty)
    }

    @Test func spectraGiveTheLossThatTheLossItselfGives() throws {
        let text = "a,b,A400,A410,A420\n1,2,0.4,0.8,0.6\n3,4,0.1,0.2,0.1\n"
        var history = try HistoryTable(try table(text), variables: numbers(["a", "b"]))
        #expect(history.losses.isEmpty && history.wavelengths == [400, 410, 420])
        let target = try TargetSpectrum(wavelengths: [400, 410, 420], values: [0, 2, 0])
        try history.computeLosses(target: target, settings: LossSettings())
        // minmax(0, 1, 0.5) against (0, 1, 0), δ = 1; then the target's own shape at A_max 0.2.
        #expect(abs(history.losses[0] - (1 - 1 / 1.25.squareRoot())) < 1e-12)
        #expect(abs(history.losses[1] - (1 - 0.2 / 0.7)) < 1e-12)
    }

    @Test func aSpectrumWithoutShapeIsNamedByItsLine() throws {
        let text = "a,b,A400,A410\n1,2,0.4,0.8\n\n3,4,0.1,0.1\n"
        var history = try HistoryTable(try table(text), variables: numbers(["a", "b"]))
        let target = try TargetSpectrum(wavelengths: [400, 410], values: [0, 2])
        do throws(TableError) {
            try history.computeLosses(target: target, settings: LossSettings())
            Issue.record("it was taken")
        } catch { #expect(error.line == 4) }
        let short = try TargetSpectrum(wavelengths: [400, 405], values: [0, 2])
        #expect(throws: TableError.self) {
            try history.computeLosses(target: short, settings: LossSettings())
        }
    }

    @Test func anExplicitLossWins() throws {
        let text = "a,b,loss,A400,A410\n1,2,9,0.4,none\n"
        let history = try HistoryTable(try table(text), variables: numbers(["a", "b"]))
        #expect(history.losses == [9] && history.spectra.isEmpty)
    }

    @Test func equalRecipesBecomeOneWithTheirMedian() throws {
        let text = "a,b,loss\n1,2,5\n3,4,1\n1,2.0,7\n1,2,100\n3,4,2\n5,6,0\n"
        var history = try HistoryTable(try table(text), variables: numbers(["a", "b"]))
        history.joinEqualRecipes()
        #expect(history.recipes == [[1, 2], [3, 4], [5, 6]])
        #expect(history.losses == [7, 1.5, 0])
        #expect(history.lines == [2, 3, 7])
    }

    @Test func whateverIsDoneToAFileItIsReadOrRefused() {
        let good = "id,a,b,loss,A400,A410\n1,2,3,0.5,0.1,0.2\n\"x,y\",4.5,-6,1e-3,0.3,0.1\n"
        let pieces = ["\"", ",", "\n", "\r\n", "nan", "-", "e", "1e308", "\u{0}", "é", "A400", " "]
        var random = SeededGenerator(seed: 5)
        var refused = 0
        for _ in 0..<600 {
            var bytes = Array(good.utf8)
            for _ in 0...random.below(4) {
                let at = random.below(bytes.count + 1)
                switch random.below(4) {
                case 0: bytes.insert(contentsOf: pieces[random.below(pieces.count)].utf8, at: at)
                case 1 where at < bytes.count: bytes.remove(at: at)
                case 2 where at < bytes.count: bytes[at] = UInt8(random.below(256))
                default: bytes.removeLast(bytes.count - at)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            do throws(TableError) {
                let read = try table(text)
                let history = try HistoryTable(
                    read, variables: numbers(["a", "b"]), readsSpectra: true)
                #expect(history.recipes.allSatisfy { $0.count == 2 && $0.allSatisfy(\.isFinite) })
            } catch {
                refused += 1
                let lines = text.utf8.count { $0 == 0x0A } + 1
                #expect((1...lines).contains(error.line) && error.column >= 1, "\(error)")
            }
        }
        // Both happen: a test that only ever sees one of them says nothing.
        #expect(refused > 100 && refused < 590)
    }
}
