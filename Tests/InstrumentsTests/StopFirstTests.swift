import Quantities
import Testing

@testable import Instruments

/// Stops that are said before anything is asked.
@Suite struct StopFirstTests {
    private static let start = Instant(nanoseconds: 1_000_000_000)
    private static let diameter = Length(millimeters: 14.43)

    /// The line's first question after what it said blindly.
    private func nextQuestion<Line: PumpLine>(of line: inout Line) -> [UInt8] {
        line.removeOutput(line.output.count)
        let limit = Self.start + .seconds(2)
        var now = Self.start
        while line.output.isEmpty, now < limit {
            now = min(max(now, line.deadline), limit)
            line.advance(to: now)
        }
        return line.output
    }

    @Test(arguments: [NewEraFraming.basic, .safe])
    func newEraPumpsHearItInBothFramings(framing: NewEraFraming) {
        var line = NewEraLine(
            pumps: [0, 7].map {
                NewEraLine.Pump(
                    name: "\($0)", address: $0, framing: framing, syringeDiameter: Self.diameter)
            })
        line.stopFirst()
        line.lineOpened(at: Self.start)
        var expected: [UInt8] = []
        for command in ["0STP", "7STP"] {
            expected += [13] + PlayedNewEra.safe(command) + [13] + Array(command.utf8) + [13]
        }
        #expect(line.output == expected)
        // What comes back is nobody's answer.
        line.receive(PlayedNewEra.basic("00S?")[...], at: Self.start)
        #expect(line.pump(0).link == .absent)
        // Asked is first in the framing that an agent would have set.
        let question: [UInt8] = framing == .safe ? PlayedNewEra.safe("0") : [0x30, 13]
        #expect(nextQuestion(of: &line) == question)
    }

    @Test func harvardPumpsHearItWithTheirAddress() {
        var line = HarvardLine(
            pumps: [0, 12].map {
                HarvardLine.Pump(
                    name: "\($0)", address: $0, model: .elite, syringeDiameter: Self.diameter)
            })
        line.stopFirst()
        line.lineOpened(at: Self.start)
        #expect(line.output == Array("\rstop\rpoll on\r\r12stop\r12poll on\r".utf8))
        #expect(nextQuestion(of: &line) == Array("poll\r".utf8))
        // Without being told to, nothing is said before the line was silent.
        var usual = HarvardLine(
            pumps: [
                HarvardLine.Pump(
                    name: "a", address: 0, model: .elite, syringeDiameter: Self.diameter)
            ])
        usual.lineOpened(at: Self.start)
        #expect(usual.output.isEmpty)
    }
}
