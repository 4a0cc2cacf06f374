import Quantities
import Synchronization

/// What is known of a raw frame beside its counts.
public struct FrameFacts: Equatable, Sendable {
    /// When its last byte arrived.
    public var at: Instant
    /// Exposure.
    public var integration: TimeSpan
    /// Detector pixel of the first count.
    public var firstPixel: Int
    /// Detector pixels from one count to the next.
    public var pixelStep: Int
    /// Counts in it.
    public var pixels: Int

    /// What is known of a frame.
    public init(
        at: Instant, integration: TimeSpan, firstPixel: Int, pixelStep: Int, pixels: Int
    ) {
        self.at = at
        self.integration = integration
        self.firstPixel = firstPixel
        self.pixelStep = pixelStep
        self.pixels = pixels
    }

    /// Whether two frames can stand in one block.
    func isAlike(_ other: FrameFacts) -> Bool {
        integration == other.integration && firstPixel == other.firstPixel
            && pixelStep == other.pixelStep && pixels == other.pixels
    }
}

/// Raw frames on their way from the rig's thread to the one that writes: exactly one thread on
/// either side, no lock, and no memory taken after `init`. A frame that finds no room is counted
/// and left out: spectra blocks are for later study, and no decision rests on them.
public final class FrameRing: @unchecked Sendable {
    /// Frames it holds.
    public let capacity: Int
    /// Counts a frame has at most.
    public let pixelLimit: Int
    private let counts: UnsafeMutablePointer<UInt16>
    private let facts: UnsafeMutablePointer<FrameFacts>
    // Both count for ever: `head` belongs to the reader, `tail` to the writer.
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)
    private let high = Atomic<Int>(0)
    private let lost = Atomic<Int>(0)

    /// Room for `capacity` (1…4,096) frames of at most `pixelLimit` counts.
    public init(capacity: Int, pixelLimit: Int) {
        self.capacity = min(max(capacity, 1), 4_096)
        self.pixelLimit = min(max(pixelLimit, 1), SpectralHeader.pixelLimit)
        counts = .allocate(capacity: self.capacity * self.pixelLimit)
        // Written once, so that the first frames do not wait for pages.
        counts.initialize(repeating: 0, count: self.capacity * self.pixelLimit)
        facts = .allocate(capacity: self.capacity)
        facts.initialize(
            repeating: FrameFacts(
                at: .zero, integration: .zero, firstPixel: 0, pixelStep: 1, pixels: 0),
            count: self.capacity)
    }

    deinit {
        counts.deallocate()
        facts.deallocate()
    }

    /// Adds a frame; false where there is no room, or it has no or too many counts. Writer only.
    @discardableResult
    public func push(_ frame: UnsafeBufferPointer<UInt16>, _ known: FrameFacts) -> Bool {
        let end = tail.load(ordering: .relaxed)
        let used = end - head.load(ordering: .acquiring)
        guard used < capacity, let base = frame.baseAddress, frame.count <= pixelLimit else {
            lost.store(lost.load(ordering: .relaxed) + 1, ordering: .relaxed)
            return false
        }
        let slot = end % capacity
        (counts + slot * pixelLimit).update(from: base, count: frame.count)
        facts[slot] = known
        facts[slot].pixels = frame.count
        tail.store(end + 1, ordering: .releasing)
        if used + 1 > high.load(ordering: .relaxed) { high.store(used + 1, ordering: .relaxed) }
        return true
    }

    /// Shows the oldest frame to `body` and takes it out; false when there is none. Reader only.
    public func pop(_ body: (FrameFacts, UnsafeBufferPointer<UInt16>) -> Void) -> Bool {
        let start = head.load(ordering: .relaxed)
        guard start < tail.load(ordering: .acquiring) else { return false }
        let slot = start % capacity
        body(
            facts[slot],
            UnsafeBufferPointer(start: counts + slot * pixelLimit, count: facts[slot].pixels))
        head.store(start + 1, ordering: .releasing)
        return true
    }

    /// How many are waiting; a moment old when another thread works on it.
    public var count: Int {
        max(0, tail.load(ordering: .relaxed) - head.load(ordering: .relaxed))
    }
    /// The most that ever waited.
    public var highWater: Int { high.load(ordering: .relaxed) }
    /// Frames left out so far.
    public var dropped: Int { lost.load(ordering: .relaxed) }
}

/// Turns the frames of a ring into records of spectra blocks; belongs to the thread that writes.
public final class FrameRecorder {
    /// Time after which frames are written though their block is not full: what a power cut can
    /// take at most.
    public static let patience = TimeSpan.seconds(2)

    private let ring: FrameRing
    private let kind: String
    private var builder: SpectraBlockBuilder?
    private var facts: FrameFacts?
    private var begunAt: Instant?
    /// Whether blocks are kept at present; frames are taken and forgotten otherwise.
    public var isKeeping = true
    /// Frames that were taken and forgotten.
    public private(set) var forgotten = 0

    /// A recorder of the frames in `ring`, which records will call `kind`.
    public init(_ ring: FrameRing, kind: String) {
        self.ring = ring
        self.kind = kind
    }

    /// Takes what waits in the ring, and appends the blocks that are full, or older than
    /// `patience` at `now`, or all with `isLast`. `wall` is the time of day at `now`.
    public func collect(
        at now: Instant, wall: WallTime, isLast: Bool = false, into records: inout [Record]
    ) {
        while ring.pop({ known, counts in add(known, counts, wall, &records) }) {}
        if let begunAt, isLast || now - begunAt >= Self.patience {
            finish(at: now, wall, &records)
        }
    }

    /// When `collect` is due again; never where nothing waits.
    public var deadline: Instant { begunAt.map { $0 + Self.patience } ?? .distantFuture }

    private func add(
        _ known: FrameFacts, _ counts: UnsafeBufferPointer<UInt16>, _ wall: WallTime,
        _ records: inout [Record]
    ) {
        guard isKeeping else {
            forgotten += 1
            return
        }
        if let facts, !facts.isAlike(known) { finish(at: known.at, wall, &records) }
        if facts.map({ !$0.isAlike(known) }) ?? true {
            builder = try? SpectraBlockBuilder(
                kind: kind, integration: known.integration, firstPixel: known.firstPixel,
                pixelStep: known.pixelStep, pixels: known.pixels)
            facts = known
        }
        guard let builder, (try? builder.append(counts, at: known.at)) != nil else {
            forgotten += 1
            return
        }
        if begunAt == nil { begunAt = known.at }
        if builder.isFull { finish(at: known.at, wall, &records) }
    }

    private func finish(at now: Instant, _ wall: WallTime, _ records: inout [Record]) {
        begunAt = nil
        guard let builder, builder.count > 0, let block = try? builder.takeRecord() else { return }
        records.append(Record(at: now, wall: wall, body: .spectraBlock(block)))
    }
}
