import Export
import Numerics
import Testing

@testable import Agent

@Suite struct JSONTests {
    @Test(arguments: [
        ("null", JSONValue.null), (" true ", .bool(true)), ("-1.5e2", .number(-150)),
        ("\"a\\n\\u00e9\\ud83d\\ude00\\/\"", .string("a\né😀/")), ("[]", .array([])),
        ("[1, [2]]", .array([.number(1), .array([.number(2)])])),
        ("{\"a\": {\"b\": null}}", .object(["a": .object(["b": .null])])),
    ])
    func readsWhatTheStandardAllows(text: String, value: JSONValue) {
        #expect(JSONValue(text.utf8) == value)
    }

    @Test(arguments: [
        "", "nul", "01x", "+1", ".5", "[1,]", "{\"a\"}", "{\"a\":1,}", "\"\n\"", "\"\\x\"",
        "\"\\ud83d\"", "\"\\u12g4\"", "1 2", "[", "{", "\"", "1e999", "{1:2}",
        String(repeating: "[", count: 100_000),
    ])
    func refusesWhatItDoesNot(text: String) {
        #expect(JSONValue(text.utf8) == nil)
    }

    @Test func whatItWritesItReads() throws {
        let text = JSONText.object { json in
            json.member("quote\"", "line\nbreak \u{1} é")
            json.member("missing", Double.nan)
            json.member("number", 0.1)
            json.member("count", 3)
            json.member("flag", true)
            json.key("list")
            json.array { list in
                list.string("a")
                list.number(2)
                list.object { $0.member("x", String?.none) }
            }
        }
        let value = try #require(JSONValue(text.utf8))
        #expect(value["quote\""]?.string == "line\nbreak \u{1} é")
        #expect(value["missing"] == .null)
        #expect(value["number"]?.number == 0.1)
        #expect(value["count"]?.number == 3)
        #expect(value["flag"]?.bool == true)
        #expect(value["list"]?.array == [.string("a"), .number(2), .object(["x": .null])])
    }

    @Test func mutatedTextsNeitherCrashNorHang() {
        var generator = SeededGenerator(seed: 11)
        let good = Array(
            "{\"command\":\"hold\",\"reason\":\"\\u00e9 x\",\"n\":[1,2.5e3,true,null,{\"a\":[]}]}"
                .utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0...generator.below(3) {
                let place = generator.below(bytes.count)
                switch generator.below(3) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[generator.below(bytes.count)], at: place)
                }
            }
            if JSONValue(bytes) != nil { accepted += 1 }
        }
        // Most mutations break it, some (inside the text) do not.
        #expect(accepted > 100 && accepted < 15_000)
    }
}
