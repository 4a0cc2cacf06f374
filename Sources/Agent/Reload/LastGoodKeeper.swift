import Configuration
import Synchronization
import World

/// Writes the last good configuration on a thread of its own, behind everything else: the steward
/// does not wait for a disk. What is there already is not written again.
final class LastGoodKeeper: @unchecked Sendable {
    private static let niceness = 10

    private let place: LastGood.Place
    private let isBusy = Atomic<Bool>(false)
    private let outcome = Mutex<String?>(nil)
    /// The steward's own.
    private var thread: Thread?

    init(_ place: LastGood.Place) { self.place = place }

    /// Keeps `settings`; false while the one before is still on its way.
    func keep(_ settings: Settings) -> Bool {
        guard !isBusy.load(ordering: .acquiring) else { return false }
        thread?.join()
        thread = nil
        isBusy.store(true, ordering: .releasing)
        let text = LastGood.text(settings, for: place)
        do throws(WorldError) {
            thread = try Thread.start(name: "last-good", schedule: .nice(Self.niceness)) { [self] in
                write(Array(text.utf8))
                isBusy.store(false, ordering: .releasing)
            }
        } catch {
            isBusy.store(false, ordering: .releasing)
            outcome.withLock { $0 = "\(error)" }
        }
        return true
    }

    /// Why the last one could not be kept, once.
    func takeProblem() -> String? {
        outcome.withLock { outcome in
            defer { outcome = nil }
            return outcome
        }
    }

    /// Waits for what is on its way.
    func finish() {
        thread?.join()
        thread = nil
    }

    private func write(_ bytes: [UInt8]) {
        if let there = try? Files.read(place.path, limit: LastGood.sizeLimit), there == bytes {
            return
        }
        do throws(WorldError) {
            try Files.replace(place.path, with: bytes, mode: LastGood.mode)
        } catch { outcome.withLock { $0 = "\(error)" } }
    }
}
