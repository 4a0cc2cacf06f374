import Glibc
import Quantities
import RigSimulator
import Synchronization
import World

/// Something that goes wrong when it is told to, and is in order again.
protocol BenchHazard: AnyObject {
    /// Whether it is wrong now, or soon.
    var isDangerous: Bool { get }
    /// It goes wrong, or is in order. One thread only.
    func set(_ isDangerous: Bool)
}

/// A New Era pump on a line of its own whose motor stalls when it is told to: the time is taken
/// from the moment its alarm goes onto the line.
final class AlarmingPump: VirtualPeer, BenchHazard, @unchecked Sendable {
    private enum Wish: Int { case none, stall, free }

    /// `?S` is what a reply says of a stall (NE-1000 manual, p. 33).
    private static let mark: [UInt8] = [UInt8(ascii: "?"), UInt8(ascii: "S")]

    private let pump: any VirtualPeer
    private let syringe: SyringeDrive
    private let clock: PipeEdge
    private let wish = Atomic<Int>(0)
    private(set) var isDangerous = false
    // The simulator thread's own.
    private var isTold = false

    /// `pump` with its `syringe`; `clock` takes the time.
    init(_ pump: any VirtualPeer, _ syringe: SyringeDrive, clock: PipeEdge) {
        self.pump = pump
        self.syringe = syringe
        self.clock = clock
    }

    func set(_ isDangerous: Bool) {
        guard isDangerous != self.isDangerous else { return }
        self.isDangerous = isDangerous
        wish.store((isDangerous ? Wish.stall : .free).rawValue, ordering: .releasing)
    }

    // MARK: VirtualPeer, on the simulator's thread

    var baud: Int { pump.baud }
    var deadline: Instant { pump.deadline }

    func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) { pump.receive(bytes, at: now) }

    func advance(to now: Instant) {
        switch Wish(rawValue: wish.exchange(0, ordering: .acquiringAndReleasing)) {
        case .stall: syringe.setFault(.stalled, at: now)
        case .free:
            syringe.setFault(.none, at: now)
            isTold = false
        case .some(.none), nil: break
        }
        pump.advance(to: now)
    }

    func takeOutput(into bytes: inout [UInt8], at now: Instant) {
        let start = bytes.count
        pump.takeOutput(into: &bytes, at: now)
        guard !isTold, syringe.isStalled else { return }
        for place in bytes.indices.dropFirst(start).dropLast()
        where bytes[place] == Self.mark[0] && bytes[place + 1] == Self.mark[1] {
            isTold = true
            clock.arm()
            return
        }
    }
}
