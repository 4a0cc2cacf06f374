import Export
import Foundation
import Quantities
import Testing

@Suite("Times for people")
struct TimeTextTests {
    @Test("as Foundation's calendar says, from 1583 to 2400, before and after the epoch")
    func againstFoundation() {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime]
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        var seconds = Int64(-9_000_000_000)
        while seconds < 9_000_000_000 {
            let wall = WallTime(unixNanoseconds: seconds * 1_000_000_000)
            let expected = formatter.string(
                from: Date(timeIntervalSince1970: TimeInterval(seconds)))
            #expect(wall.iso8601 == expected.dropLast() + ".000Z")
            seconds += 86_400 * 37 + 12_345
        }
    }

    @Test("milliseconds are cut, also before 1970, and any number has a text")
    func edges() {
        #expect(
            WallTime(unixNanoseconds: 1_700_000_000_123_999_999).iso8601
                == "2023-11-14T22:13:20.123Z")
        #expect(WallTime(unixNanoseconds: -1).iso8601 == "1969-12-31T23:59:59.999Z")
        #expect(WallTime(unixNanoseconds: .max).iso8601 == "2262-04-11T23:47:16.854Z")
        #expect(WallTime(unixNanoseconds: .min).iso8601 == "1677-09-21T00:12:43.145Z")
        #expect(WallTime(unixNanoseconds: 0).isoDate == "1970-01-01")
    }
}
