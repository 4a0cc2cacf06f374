import Numerics
import Quantities
import Testing

@Suite struct BriefTextTests {
    @Test func valuesAreWrittenAsPeopleReadThem() {
        let name = "oil"
        let text: BriefText = "\(name): \(12.5) uL/min, \(-3) steps, \(BriefText("done"))"
        #expect("\(text)" == "oil: 12.5 uL/min, -3 steps, done")
        #expect(text.contains("12.5") && text.hasPrefix("oil"))
        #expect(text == BriefText("oil: 12.5 uL/min, -3 steps, done"))
        #expect(text != BriefText("oil: 12.5 uL/min, -3 steps, don"))
        #expect(BriefText().isEmpty)
    }

    @Test(arguments: [
        0.0, 1, -1, 0.5, 0.1, 123.456, 99_999.5, 1_000_000, 0.000_123, 1e-6, 600, 1.0 / 3, 2e20,
        3e-9, 999_999.9,
    ])
    func numbersComeBack(value: Double) throws {
        var text = BriefText()
        text.append(value)
        let read = try #require(Double("\(text)"), "\(text)")
        #expect(abs(read - value) <= 5e-6 * abs(value), "\(text) for \(value)")
    }

    @Test func integersAreExact() {
        var random = SeededGenerator(seed: 2)
        for value in [0, 7, -7, 10, 100, Int.max, Int.min]
            + (0..<200).map({ _ in
                Int(truncatingIfNeeded: random.next())
            })
        {
            var text = BriefText()
            text.append(value)
            #expect("\(text)" == String(value))
        }
    }

    @Test func whatIsTooLongIsCutBetweenCharacters() {
        for filler in 0..<4 {
            var text = BriefText(String(repeating: "x", count: filler))
            for _ in 0..<200 { text.append("µm") }
            let told = "\(text)"
            #expect(told.utf8.count <= 240)
            #expect(told.hasSuffix("…"))
            let whole =
                String(repeating: "x", count: filler)
                + String(
                    repeating: "µm", count: 200)
            #expect(whole.hasPrefix(String(told.dropLast())))
            text.append("more")
            #expect("\(text)" == told)
        }
    }

    @Test func wordsAreWhatSplittingGives() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<300 {
            let text = String((0..<random.below(30)).map { _ in Array("ab  .")[random.below(5)] })
            let words = text.split(separator: " ").map(String.init)
            let brief = BriefText(text)
            #expect(brief.wordCount == words.count)
            for (index, word) in words.enumerated() { #expect("\(brief.word(index)!)" == word) }
            #expect(brief.word(words.count) == nil)
        }
        #expect(BriefText("abc").part(1..<9) == BriefText("bc"))
        #expect(BriefText("abc").byte(3) == nil && BriefText("abc").byte(0) == 97)
        #expect(BriefText("a/b").firstIndex(of: UInt8(ascii: "/")) == 1)
    }
}
