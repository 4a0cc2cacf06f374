import Instruments
import Numerics
import Quantities
import World

@testable import RigSimulator

/// What a noisy line does to one message.
struct LineNoise {
    /// Share of messages that are hurt; 0 is a clean line.
    var share = 0.0
    var generator: SeededGenerator
    /// Messages hurt so far.
    private(set) var hurt = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed).split("line noise") }

    /// Hurts `bytes` or not, and returns how much later they arrive; nil: never.
    mutating func hurt(_ bytes: inout [UInt8]) -> TimeSpan? {
        guard share > 0, generator.uniform() < share else { return .zero }
        hurt += 1
        var late = TimeSpan.zero
        for _ in 0...generator.below(3) {
            guard !bytes.isEmpty else { return nil }
            let place = generator.below(bytes.count)
            switch generator.below(9) {
            case 0, 1: bytes[place] ^= 1 << UInt8(generator.below(8))
            case 2: bytes[place] = UInt8(generator.below(256))
            case 3: bytes.insert(UInt8(generator.below(256)), at: place)
            case 4: bytes.insert(bytes[place], at: place)
            case 5: bytes.remove(at: place)
            case 6: bytes.removeLast(generator.below(bytes.count) + 1)
            case 7: bytes += bytes
            default: late = .milliseconds(Int64(generator.below(300)))
            }
        }
        return late
    }
}

/// Bytes on their way.
struct Message {
    var arrives: Instant
    var bytes: [UInt8]
    var baud: Int

    /// What a receiver hears: at another speed, noise.
    func heard(at baud: Int) -> ArraySlice<UInt8> {
        self.baud == baud ? bytes[...] : bytes.map { $0 ^ 0xA5 | 0x80 }[...]
    }
}

/// One direction of a line; bytes never overtake.
struct Wire {
    private var messages: [Message] = []
    /// When the first message arrives.
    private(set) var next = Instant.distantFuture

    mutating func post(_ sent: [UInt8], baud: Int, at now: Instant, _ noise: inout LineNoise) {
        var bytes = sent
        guard let late = noise.hurt(&bytes), !bytes.isEmpty else { return }
        let nanoseconds = Int64(bytes.count) * 10_000_000_000 / Int64(baud)
        var start = now.nanoseconds
        if let last = messages.last { start = max(start, last.arrives.nanoseconds) }
        let arrives = Instant(nanoseconds: start + nanoseconds + late.nanoseconds)
        messages.append(Message(arrives: arrives, bytes: bytes, baud: baud))
        next = messages[0].arrives
    }

    mutating func take() -> Message {
        let first = messages.removeFirst()
        next = messages.isEmpty ? .distantFuture : messages[0].arrives
        return first
    }

    mutating func cut() {
        messages.removeAll()
        next = .distantFuture
    }
}

/// A host's machine and a simulated instrument on one line under a clock that jumps from event
/// to event: no ports, no portions, only the time bytes take.
final class Duet<Machine: LineMachine> {
    var machine: Machine
    let peer: any VirtualPeer
    var now = Instant.zero
    var noise: LineNoise
    /// Called with every event of the machine.
    var onEvent: (InstrumentEvent) -> Void = { _ in }
    /// Questions that were hurt, or whose answers were.
    private(set) var hurtExchanges = 0
    /// The longest output and the most events the machine ever held.
    private(set) var mostHeld = 0
    private var hurtBefore = 0
    private var toPeer = Wire()
    private var toHost = Wire()
    private var fresh: [UInt8] = []

    init(_ machine: Machine, _ peer: any VirtualPeer, seed: UInt64 = 1) {
        self.machine = machine
        self.peer = peer
        noise = LineNoise(seed: seed)
        self.machine.lineOpened(at: now)
    }

    /// Lets the next thing happen, at most until `end`. False: nothing will before it.
    func step(until end: Instant) -> Bool {
        let machineNext = machine.deadline.nanoseconds
        let peerNext = peer.deadline.nanoseconds
        let wireNext = min(toPeer.next.nanoseconds, toHost.next.nanoseconds)
        let next = min(min(machineNext, peerNext), wireNext)
        guard next <= end.nanoseconds else {
            now = max(now, end)
            return false
        }
        if next > now.nanoseconds { now = Instant(nanoseconds: next) }
        let present = now.nanoseconds
        while toPeer.next.nanoseconds <= present {
            peer.receive(toPeer.take().heard(at: peer.baud), at: now)
        }
        if peer.deadline.nanoseconds <= present { peer.advance(to: now) }
        peer.takeOutput(into: &fresh, at: now)
        if !fresh.isEmpty {
            toHost.post(fresh, baud: peer.baud, at: now, &noise)
            fresh.removeAll(keepingCapacity: true)
        }
        while toHost.next.nanoseconds <= present {
            machine.receive(toHost.take().heard(at: machine.baud), at: now)
        }
        if machine.deadline.nanoseconds <= present { machine.advance(to: now) }
        takeFromMachine()
        return true
    }

    /// Lets `span` pass, or less when `isOver` says so; returns whether it did.
    @discardableResult
    func run(_ span: TimeSpan, until isOver: () -> Bool = { false }) -> Bool {
        let end = now + span
        repeat {
            if isOver() { return true }
        } while step(until: end)
        return isOver()
    }

    /// Nothing that was sent so far arrives.
    func dropFlight() {
        toPeer.cut()
        toHost.cut()
    }

    func takeFromMachine() {
        mostHeld = max(mostHeld, machine.output.count, machine.events.count)
        if !machine.output.isEmpty {
            if noise.hurt != hurtBefore { hurtExchanges += 1 }
            hurtBefore = noise.hurt
            toPeer.post(machine.output, baud: machine.baud, at: now, &noise)
            machine.output.removeAll(keepingCapacity: true)
        }
        if !machine.events.isEmpty {
            let events = machine.events
            machine.events.removeAll(keepingCapacity: true)
            for event in events { onEvent(event) }
        }
    }
}

extension Duet where Machine: PumpLine {
    /// Sets a goal as the rig does, and puts what follows on the line.
    func order(_ goal: PumpGoal, pump: Int = 0) {
        machine.setGoal(goal, pump: pump, at: now)
        takeFromMachine()
    }

    func acknowledge(pump: Int = 0) {
        machine.acknowledgeAlarm(pump: pump, at: now)
        takeFromMachine()
    }

    /// Whether `pump` is ready and says that it does `goal`.
    func obeys(_ goal: PumpGoal, pump: Int = 0) -> Bool {
        let state = machine.pump(pump)
        return state.link == .ready && state.actual == goal
    }
}

extension Duet where Machine: SpectrometerLine {
    func order(_ plan: AcquisitionPlan) {
        machine.setPlan(plan, at: now)
        takeFromMachine()
    }
}

/// A drive that does at once what it is told and shows it.
final class PlainDrive: SimulatedDrive {
    /// Rate in force, µL/min; negative withdraws.
    private(set) var rate = 0.0
    private(set) var volume = 0.0
    var isHeld = false
    private var since = Instant.zero

    func drive(at rate: FlowRate, now: Instant) {
        volume = motorVolume(at: now).microliters
        since = now
        self.rate = rate.microlitersPerMinute
    }

    func motorVolume(at now: Instant) -> Volume {
        Volume(microliters: volume + max(0, (now - since).seconds) / 60 * rate)
    }

    func isBlocked(at now: Instant) -> Bool { isHeld && rate != 0 }
}
