import Numerics
import Quantities
import Testing

@testable import Instruments

/// Every way a reply can be wrong, and that the very next scan is the next one and no other.
@Suite struct OceanFaultTests {
    /// What happens to one scan on its way.
    enum Fault: CaseIterable, Sendable {
        case absent, late, veryLate, truncated, doubled, garbledHeader, garbledPixel, garbledEnd
        case noise, refused, wide, otherIntegration, prefixed
    }

    static func bent(_ fault: Fault, _ bytes: [UInt8]) -> (late: TimeSpan, bytes: [UInt8]) {
        var out = bytes
        switch fault {
        case .absent: return (.zero, [])
        case .late: return (.milliseconds(650), bytes)
        case .veryLate: return (.milliseconds(1_300), bytes)
        case .truncated: out.removeLast(7)
        case .doubled: out += bytes
        case .garbledHeader: out[2] = 0x7F
        case .garbledPixel: out[25] ^= 0x10
        case .garbledEnd: out[out.count - 4] = 0
        case .noise: out = [0x55, 0xAA, 0x00, 0xFE, 0x13]
        case .refused: out = [0x03]
        case .wide: out[4] = 1
        case .otherIntegration: out[8] = 100
        case .prefixed: out.insert(0x06, at: 0)
        }
        return (.zero, out)
    }

    static func matches(_ error: InstrumentError, _ fault: Fault) -> Bool {
        switch (fault, error) {
        case (.absent, .noReply), (.late, .noReply), (.veryLate, .noReply),
            (.truncated, .noReply), (.refused, .refused), (.otherIntegration, .disobeyed),
            (.doubled, .garbled), (.garbledHeader, .garbled), (.garbledPixel, .garbled),
            (.garbledEnd, .garbled), (.noise, .garbled), (.wide, .garbled),
            (.prefixed, .garbled):
            true
        default: false
        }
    }

    /// The fault strikes one scan. What follows is typed, and every frame delivered afterwards
    /// is the answer to its own request: the twin counts its scans in the counts it sends.
    @Test(arguments: Fault.allCases, [Int.max, 1, 5])
    func oneScan(fault: Fault, portion: Int) {
        var bench = OceanConversationTests.scanningBench()
        bench.portion = portion
        bench.bend = { [start = bench.replies] number, bytes in
            number == start + 3 ? Self.bent(fault, bytes) : (.zero, bytes)
        }
        let events = bench.run(for: .seconds(8))
        let errors = events.compactMap { $0.missed ?? $0.trouble }
        #expect(!errors.isEmpty)
        #expect(errors.contains { Self.matches($0, fault) }, "\(errors)")
        #expect(!events.contains { $0.isLost })
        let frames = events.compactMap(\.frame)
        #expect(frames.count > 20)
        var scan = -1
        for frame in frames {
            let number = (Int(frame.counts[0]) - 1_700) / 3
            #expect(frame.counts.count == 9)
            #expect(number > scan, "a scan was delivered twice or out of order")
            scan = number
        }
        // Nothing is outstanding but the scan asked for last.
        #expect(bench.twin.scans - scan <= 2)
    }

    /// Faults in any other reply during connection, at every place.
    @Test(arguments: 0..<16, [Fault.absent, .late, .doubled, .noise, .prefixed, .truncated])
    func connecting(place: Int, fault: Fault) {
        var bench = OceanBench(benchOptions(workingBaud: 115_200))
        bench.machine.setPlan(shortPlan(), at: bench.now)
        bench.bend = { number, bytes in
            guard number == place else { return (.zero, bytes) }
            if fault == .truncated { return (.zero, Array(bytes.dropLast())) }
            return Self.bent(fault, bytes)
        }
        bench.open()
        let events = bench.run(for: .seconds(30)) { $0.frame != nil }
        #expect(events.last?.frame?.counts.count == 9)
        #expect(!events.contains { $0.isLost })
    }

    /// All replies stop, later they return: lost once, then found again.
    @Test func longSilence() {
        var bench = OceanConversationTests.scanningBench()
        bench.twin.mute = true
        let silent = bench.run(for: .seconds(40))
        #expect(silent.filter(\.isLost).count == 1)
        #expect(!bench.machine.isReady)
        bench.twin.mute = false
        #expect(bench.run(for: .seconds(20)) { $0.frame != nil }.last?.frame != nil)
    }

    /// Every second scan damaged for a minute: never lost, never a wrong frame.
    @Test func everySecondScan() {
        var bench = OceanConversationTests.scanningBench()
        bench.bend = { _, bytes in
            guard bytes.count > 20, bytes[bytes.count - 1] % 2 == 0 else { return (.zero, bytes) }
            return Self.bent(.garbledPixel, bytes)
        }
        let events = bench.run(for: .seconds(60))
        #expect(!events.contains { $0.isLost })
        #expect(events.contains { $0.missed != nil })
        for frame in events.compactMap(\.frame) {
            let offsets = frame.counts.map { Int($0) - Int(frame.counts[0]) }
            #expect(offsets == [0, 21, 42, 63, 84, 105, 126, 147, 168])
        }
    }

    /// One scan cut in two at every byte.
    @Test func splitAnywhere() throws {
        let bench = OceanConversationTests.scanningBench()
        var twin = bench.twin
        let bytes = twin.scan()
        let later = bench.now + .milliseconds(60)
        for cut in 0...bytes.count {
            var machine = bench.machine
            machine.receive(bytes[..<cut], at: later)
            machine.receive(bytes[cut...], at: later)
            let frame = machine.events.compactMap(\.frame).last
            #expect(frame?.counts.first == UInt16(1_700 + bench.twin.scans * 3))
            #expect(machine.output.last == UInt8(ascii: "S"))
        }
    }

    /// Bytes nobody asked for while there is nothing to do, and bytes without a line.
    @Test func unasked() {
        var bench = OceanBench(benchOptions())
        bench.machine.receive([1, 2, 3], at: bench.now)
        #expect(bench.machine.events.isEmpty)
        bench.open()
        bench.run(for: .seconds(5)) { $0.isReady }
        bench.machine.receive([0x06], at: bench.now)
        #expect(bench.run(for: .seconds(5)).filter { $0.trouble != nil }.count == 1)
        #expect(bench.machine.isReady)
    }

    /// Damaged replies by the hundred thousand: whatever comes instead of a short scan, nothing
    /// traps, a single changed byte never yields wrong counts, and a good scan follows.
    @Test func fuzz() {
        var options = benchOptions(workingBaud: 115_200)
        options.replyTimeout = .milliseconds(100)
        var plan = shortPlan(integration: 5)
        plan.lastPixel = 109
        let start = OceanConversationTests.scanningBench(options, plan: plan)
        var generator = SeededGenerator(seed: 20_260_101)
        var wrong = 0
        var stuck = 0
        for round in 0..<100_000 {
            var bench = start
            bench.losePending()
            let truth = bench.twin.pixels().map { bench.twin.light($0, bench.twin.scans) }
            var bytes = bench.twin.scan()
            let isSingle = Self.mutate(&bytes, &generator)
            bench.now = bench.now + .milliseconds(10)
            bench.machine.output.removeAll()
            bench.machine.receive(bytes[...], at: bench.now)
            if let frame = bench.machine.events.compactMap(\.frame).first, isSingle,
                frame.counts != truth
            {
                wrong += 1
            }
            guard round % 8 == 0 else { continue }
            bench.machine.events.removeAll()
            let floor = bench.twin.scans
            let good = bench.run(for: .seconds(5)) { $0.frame != nil }.last?.frame
            let number = good.map { (Int($0.counts[0]) - 1_700) / 3 } ?? -1
            if number < floor || number != bench.twin.scans - 2 { stuck += 1 }
        }
        #expect(wrong == 0)
        #expect(stuck == 0)
    }

    /// Changes one byte, or inserts, removes, repeats or swaps some; true when one byte changed
    /// and it was not the unused baseline.
    static func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) -> Bool {
        let place = generator.below(bytes.count)
        switch generator.below(6) {
        case 0, 1:
            bytes[place] ^= UInt8(1 + generator.below(255))
            return true
        case 2: bytes.insert(UInt8(generator.below(256)), at: place)
        case 3: bytes.remove(at: place)
        case 4: bytes.removeLast(place)
        default:
            let other = generator.below(bytes.count)
            bytes.swapAt(place, other)
            bytes[generator.below(bytes.count)] = UInt8(generator.below(256))
        }
        return false
    }
}
