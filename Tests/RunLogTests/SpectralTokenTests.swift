import Glibc
import Numerics
import Testing

@testable import RunLog

@Suite struct SpectralTokenTests {
    @Test(arguments: 0..<TokenTables.count) func frequenciesAreThoseOfTheNormal(table: Int) {
        let frequencies = TokenTables.frequencies(table)
        #expect(frequencies.reduce(0, +) == 4_096)
        let reach = TokenTables.reaches[table]
        let sigma = pow(2, (Double(table) - 8) / 4 + 1.0 / 16)
        #expect(reach == Int((3.3 * sigma).rounded(.up)))
        #expect(
            TokenTables.decays[table]
                == UInt64((0x1p31 * exp(-1 / (2 * sigma * sigma))).rounded()))
        // What residuals of just that distribution cost, beside their entropy: 12 bits of
        // precision and what lies beyond the reach lose less than a hundredth of a bit.
        let weights = (0...400).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
        let total = weights[0] + 2 * weights[1...].reduce(0, +)
        var entropy = 0.0
        var cost = 0.0
        for (distance, weight) in weights.enumerated() where weight > 1e-12 {
            let share = (distance == 0 ? 1 : 2) * weight / total
            entropy -= share * log2(weight / total)
            if distance <= reach {
                let frequency = frequencies[TokenTables.zero + distance]
                #expect(frequency == frequencies[TokenTables.zero - distance] && frequency > 0)
                cost -= share * log2(Double(frequency) / 4_096)
            } else {
                let excess = Double(distance - reach - 1)
                let order = Double(TokenTables.order(table))
                let golomb = 2 * floor(log2(excess + pow(2, order))) - order + 1
                cost += share * (golomb - log2(Double(frequencies[0]) / 4_096))
            }
        }
        #expect(cost - entropy < 0.012, "\(cost - entropy) bits")
    }

    /// The step without division is the one with it, for every symbol and states of all sizes.
    @Test func symbolsDivide() {
        var random = SeededGenerator(seed: 1)
        let tables = TokenTables.shared
        for table in 0..<TokenTables.count {
            var start: UInt64 = 0
            for (token, frequency) in TokenTables.frequencies(table).enumerated() {
                guard frequency > 0 else { continue }
                let symbol = tables.symbols[table << 7 | token]
                #expect(symbol.limit == frequency << 20)
                for _ in 0..<20 {
                    let state = UInt32(truncatingIfNeeded: random.next() >> random.below(16))
                    guard state > 0 else { continue }
                    let quotient = UInt64(state).multipliedFullWidth(by: symbol.reciprocal).high
                    let next =
                        UInt64(state) + UInt64(symbol.bias) + quotient * UInt64(symbol.complement)
                    let f = UInt64(frequency)
                    let quotients = (UInt64(state) / f) << 12
                    #expect(next == quotients + UInt64(state) % f + start)
                }
                for place in 0..<frequency {
                    let slot = tables.slots[table << 12 | Int(start) + Int(place)]
                    #expect(slot == UInt32(token) << 24 | frequency << 12 | place)
                }
                start += UInt64(frequency)
            }
        }
    }

    /// Residuals of every size at every scale come back, whole groups and rests.
    @Test(arguments: [1, 7, 8, 40, 131]) func tokensComeBack(pixels: Int) throws {
        var random = SeededGenerator(seed: UInt64(pixels))
        let frames = 4
        let shape = FrameShape(pixels: pixels)
        let residuals = (0..<(frames * pixels)).map { _ in
            UInt16(truncatingIfNeeded: random.next() >> random.below(16))
        }
        let bins = (0..<shape.padded).map { _ in UInt16(random.below(64)) }
        let ofBin = (0..<64).map { _ in Int32(random.below(TokenTables.scaleCount)) }
        let ofBand = (0..<shape.bands).map { _ in Int32(random.below(40)) - 20 }
        var tokens = [UInt16](repeating: 0, count: frames * pixels)
        var plain = [UInt8](repeating: 0, count: 16 * frames * pixels + 64)
        var words = [UInt16](repeating: 0, count: frames * pixels + 17 + 64)
        let end = frames * pixels + 17
        let room = plain.count - TokenReader.slack
        let codes = ScaleTable.shared.codes
        try bins.withUnsafeBufferPointer { bins in
            let binStart = try #require(bins.baseAddress)
            let scales = FrameScales(
                bins: binStart,
                ofBin: UnsafePointer(TokenTables.kept(ofBin)),
                ofBand: UnsafePointer(TokenTables.kept(ofBand)))
            try plain.withUnsafeMutableBufferPointer { plain in
                let plainStart = try #require(plain.baseAddress)
                try words.withUnsafeMutableBufferPointer { words in
                    let wordStart = try #require(words.baseAddress)
                    var bits = PlainBitWriter(plainStart, capacity: room)
                    var first = wordStart
                    tokens.withUnsafeMutableBufferPointer { tokens in
                        guard let tokens = tokens.baseAddress else { return }
                        let writer = TokenWriter(tokens: tokens, codes: codes)
                        for frame in 0..<frames {
                            residuals.withUnsafeBufferPointer {
                                guard let start = $0.baseAddress else { return }
                                writer.put(
                                    start + frame * pixels, pixels: pixels, scales: scales,
                                    at: frame * pixels, plain: &bits)
                            }
                        }
                        first = writer.code(
                            frames: frames, pixels: pixels,
                            symbols: TokenTables.shared.symbols, end: wordStart + end)
                    }
                    let size = bits.finish()
                    #expect(!bits.isFull)
                    var states = [UInt32](repeating: 0, count: 8)
                    try states.withUnsafeMutableBufferPointer { states in
                        let memory = try #require(states.baseAddress)
                        let found = TokenReader(
                            words: first, wordCount: wordStart + end - first,
                            plain: PlainBitReader(plainStart, count: size), states: memory,
                            slots: TokenTables.shared.slots, codes: codes)
                        var reader = try #require(found)
                        var back = [UInt16](repeating: 0, count: pixels)
                        for frame in 0..<frames {
                            let read = reader.take(pixels: pixels, scales: scales, into: &back)
                            #expect(read)
                            #expect(
                                back.elementsEqual(
                                    residuals[(frame * pixels)..<((frame + 1) * pixels)]))
                        }
                        #expect(reader.isDone)
                    }
                }
            }
        }
    }

    @Test func bitsComeBack() throws {
        var random = SeededGenerator(seed: 4)
        enum Item { case plain(UInt32, Int), golomb(UInt32, Int), signed(Int, Int) }
        let items = (0..<3_000).map { _ -> Item in
            let width = random.below(33)
            let value = UInt32(truncatingIfNeeded: random.next() & (1 << UInt64(width) - 1))
            switch random.below(3) {
            case 0: return .plain(value, width)
            case 1: return .golomb(value & 0x1FFFF, random.below(13))
            default: return .signed(random.below(128) - 64, 7)
            }
        }
        var memory = [UInt8](repeating: 0, count: 32_768)
        try memory.withUnsafeMutableBufferPointer { memory in
            let start = try #require(memory.baseAddress)
            var writer = PlainBitWriter(start, capacity: memory.count)
            for item in items {
                switch item {
                case .plain(let value, let width): writer.put(value, width)
                case .golomb(let value, let order): writer.putGolomb(value, order: order)
                case .signed(let value, let width): writer.putSigned(value, width)
                }
            }
            let size = writer.finish()
            #expect(!writer.isFull && size < memory.count - 8)
            var reader = PlainBitReader(start, count: size)
            for item in items {
                switch item {
                case .plain(let value, let width): #expect(reader.take(width) == value)
                case .golomb(let value, let order):
                    #expect(reader.takeGolomb(order: order) == value)
                case .signed(let value, let width): #expect(reader.takeSigned(width) == value)
                }
            }
            #expect(reader.isUsedUp && !reader.isOver)
            _ = reader.take(9)
            #expect(reader.isOver)
        }
        // Too little room is noticed, and nothing is written beyond it.
        var small = [UInt8](repeating: 0xAA, count: 32)
        try small.withUnsafeMutableBufferPointer { small in
            let start = try #require(small.baseAddress)
            var writer = PlainBitWriter(start, capacity: 16)
            for _ in 0..<100 { writer.put(0xFFFF, 16) }
            _ = writer.finish()
            #expect(writer.isFull)
        }
        #expect(small[16...].allSatisfy { $0 == 0xAA })
    }

    @Test func scalesAreEighthsOfAnOctave() {
        for eighth in -40...120 {
            let value = Float(pow(2, Double(eighth) / 8))
            #expect(ScaleTable.eighths(value) == eighth)
            #expect(ScaleTable.eighths(value * 1.04) == eighth)
            #expect(ScaleTable.eighths(value * 1.05) == eighth + 1)
        }
        for k in [-256, -17, -1, 0, 1, 8, 100, 256] {
            let power = ScaleTable.shared.powers[k + ScaleTable.powerReach]
            #expect(abs(Double(power) / pow(2, -Double(k) / 8) - 1) < 1e-6)
        }
    }
}
