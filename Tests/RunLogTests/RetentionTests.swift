import Numerics
import RunLog
import Testing

@Suite("Retention")
struct RetentionTests {
    private func segment(
        _ number: UInt64, _ bytes: Int64 = 100, acknowledged: Bool = true, bulk: Bool = true,
        replayed: Bool = false
    ) -> Retention.Candidate {
        Retention.Candidate(
            number: number, bytes: bytes, isAcknowledged: acknowledged, hasBulk: bulk,
            isReplayed: replayed)
    }

    private let retention = Retention(budget: 1_000, reserve: 50)

    @Test("nothing goes while there is room")
    func room() {
        let segments = (1...8).map { segment($0) }
        #expect(retention.step(segments, active: 0, free: 10_000) == .none)
        #expect(retention.level(used: 800, free: 10_000) == .roomy)
    }

    @Test("the oldest acknowledged goes first; what nobody has stays, also when it is older")
    func order() {
        var segments = (1...9).map { segment($0) }
        #expect(retention.step(segments, active: 0, free: 10_000) == .remove(number: 1))
        segments[0].isAcknowledged = false
        #expect(retention.step(segments, active: 0, free: 10_000) == .remove(number: 2))
        for index in segments.indices { segments[index].isAcknowledged = false }
        #expect(retention.step(segments, active: 200, free: 10_000) == .none)
    }

    @Test("what the campaign replays is thinned, once, and never removed")
    func thinning() {
        var segments = (1...9).map { segment($0, replayed: true) }
        #expect(retention.step(segments, active: 0, free: 10_000) == .thin(number: 1))
        segments[0].hasBulk = false
        #expect(retention.step(segments, active: 0, free: 10_000) == .thin(number: 2))
        for index in segments.indices { segments[index].hasBulk = false }
        #expect(retention.step(segments, active: 0, free: 10_000) == .none)
    }

    @Test("a file system that ends before the budget counts; the reserve is left to others")
    func fileSystem() {
        #expect(retention.room(used: 300, free: 200) == 450)
        #expect(retention.room(used: 300, free: 20) == 300)
        #expect(retention.room(used: 300, free: .max) == 1_000)
        #expect(
            retention.step([segment(1, 200), segment(2, 200)], active: 0, free: 100)
                == .remove(number: 1))
        #expect(retention.level(used: 400, free: 0) == .full)
        #expect(retention.level(used: 400, free: 50) == .full)
        #expect(retention.level(used: 930, free: 10_000) == .low)
        #expect(retention.level(used: 975, free: 10_000) == .scarce)
        #expect(retention.level(used: 1_000, free: 10_000) == .full)
    }

    @Test("for any log: only acknowledged segments go, and steps come to an end")
    func anyLog() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2_000 {
            var segments = (1...UInt64(1 + random.next() % 12)).map { number in
                segment(
                    number, Int64(random.next() % 400), acknowledged: random.next() % 2 == 0,
                    bulk: random.next() % 2 == 0, replayed: random.next() % 2 == 0)
            }
            let kept = segments.filter { !$0.isAcknowledged }
            let replayed = segments.filter(\.isReplayed).map(\.number)
            let free = Int64(random.next() % 2_000)
            var steps = 0
            walk: while true {
                steps += 1
                switch retention.step(segments, active: 10, free: free) {
                case .none: break walk
                case .remove(let number): segments.removeAll { $0.number == number }
                case .thin(let number):
                    guard let place = segments.firstIndex(where: { $0.number == number }) else {
                        Issue.record("a segment that is not there: \(number)")
                        return
                    }
                    #expect(segments[place].hasBulk)
                    segments[place].hasBulk = false
                    segments[place].bytes /= 10
                }
                #expect(steps <= 24)
                guard steps <= 24 else { return }
            }
            #expect(segments.filter { !$0.isAcknowledged } == kept)
            #expect(segments.filter(\.isReplayed).map(\.number) == replayed)
        }
    }
}
