import Numerics
import Quantities
import RigSimulator
import Testing
import World

@Suite struct PumpFuzzTests {
    private let newEra =
        [
            "RUN\r", "0RAT 500 UM\r", "STP\r", "DIA 12.5\r", "VOL 5\r", "FUNJMP01\r", "PHN 2\r",
            "DIS\r",
            "*ADR 5B9600\r", "*RESET\r", "PUR\r", "SAF5\r", "RUN 41\r", "FUN PAS 3\r", "DIR REV\r",
        ].map { Array($0.utf8) } + ["SAF0", "0RUN", "0SAF5", "", "0RAT1.5MM"].map(Bench.safePacket)
    private let harvard = [
        "irate 100 u/m\r", "irun\r", "stp\r", "12irat 3 m/h\r", "tvolume 5 ul\r", "ttime 1:2:3\r",
        "poll off\r", "status\r", "diameter 10.5\r", "address 7\r", "echo on\r", "svolume 1 m\r",
        "wrate max\r", "irate lim\r", "metrics\r", "baud 9600\r", "rrun\r",
    ].map { Array($0.utf8) }

    /// Sends 100,000 commands, each with a few bytes changed, removed, doubled or put in.
    private func torture(_ bench: Bench, _ seeds: [[UInt8]], seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var output: [UInt8] = []
        var longest = 0
        for _ in 0..<100_000 {
            var bytes = seeds[generator.below(seeds.count)]
            for _ in 0..<generator.below(4) {
                let place = generator.below(bytes.count)
                switch generator.below(4) {
                case 0: bytes[place] ^= 1 << UInt8(generator.below(8))
                case 1: bytes[place] = UInt8(generator.below(256))
                case 2: bytes.insert(bytes[place], at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            bench.now = bench.now + .microseconds(Int64(generator.below(20_000)))
            bench.peer.receive(bytes[...], at: bench.now)
            output.removeAll(keepingCapacity: true)
            bench.peer.takeOutput(into: &output, at: bench.now)
            longest = max(longest, output.count)
        }
        #expect(longest < 20_000)
        _ = bench.wait(.seconds(2))
    }

    @Test func newEraRecovers() {
        let line = SimulatedNewEra(drive: syringe())
        let bench = Bench(line)
        torture(bench, newEra, seed: 11)
        // Whatever address and mode it was talked into, a reset brings it home: once to hear
        // the alarm, once to act, in either framing.
        for _ in 0..<2 {
            _ = bench.ask("*RESET")
            _ = bench.askSafe("*RESET")
        }
        _ = bench.wait(.seconds(1))
        #expect(bench.ask("") == basic("00S"))
        #expect(bench.ask("VER") == basic("00SNE1000V3.923"))
    }

    @Test func harvardRecovers() {
        let bench = Bench(SimulatedHarvard(drive: syringe()))
        torture(bench, harvard, seed: 12)
        for command in ["", "echo off", "address 0", "poll on", "stop"] { _ = bench.ask(command) }
        #expect(bench.ask("") == "<LF>:<XON>")
        #expect(bench.ask("ver") == "<LF>11 ELITE I/W Single 3.0.4<CR><LF>:<XON>")
    }

    @Test func faultyPeerHurtsAsToldAndRepeats() {
        func heard(_ faults: LineFaults, seed: UInt64) -> [[UInt8]] {
            let bench = Bench(
                FaultyPeer(SimulatedHarvard(drive: syringe()), faults: faults, seed: seed))
            return (0..<400).map { _ in bench.ask(Array("ver\r".utf8)) }
        }
        let right = heard(LineFaults(), seed: 1)[0]
        #expect(heard(LineFaults(), seed: 1).allSatisfy { $0 == right })
        var faults = LineFaults()
        faults.drop = 0.25
        let dropped = heard(faults, seed: 2)
        #expect((60...140).contains(dropped.filter { $0.isEmpty }.count))
        #expect(dropped == heard(faults, seed: 2) && dropped != heard(faults, seed: 3))
        faults = LineFaults()
        faults.corrupt = 1
        for reply in heard(faults, seed: 4) {
            let bits = zip(reply, right).map { ($0 ^ $1).nonzeroBitCount }.reduce(0, +)
            #expect(reply.count == right.count && bits == 1)
        }
        faults = LineFaults()
        faults.truncate = 1
        #expect(heard(faults, seed: 5).allSatisfy { right.starts(with: $0) && $0 != right })
        faults = LineFaults()
        faults.duplicate = 1
        #expect(heard(faults, seed: 6).allSatisfy { $0 == right + right })
        faults = LineFaults()
        faults.isSilent = true
        #expect(heard(faults, seed: 7).allSatisfy { $0.isEmpty })
    }
}
