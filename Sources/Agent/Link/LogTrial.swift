import Configuration
import RunLog
import World

/// The way of raw frames to the disk without a rig and a campaign, for programs that measure it:
/// the ring, the archive's thread and what it does for the log's room are those of a real run.
package final class LogTrial {
    /// Where the rig's thread leaves its frames.
    package let frames: FrameRing
    private let archive: ThreadedArchive

    /// Starts the archive's thread on a log in `storage`, which is that of `directory`.
    package init(
        storage: any LogStorage, directory: String, settings: LogSettings,
        signer: (any SegmentSigner)?, pixels: Int
    ) throws {
        var options = SegmentOptions(
            newIdentifier: LogIdentifier(derivedFrom: try Entropy.bytes(LogIdentifier.size)))
        options.size = Int64(settings.segmentSize)
        options.age = settings.segmentAge
        options.signer = signer
        frames = FrameRing(capacity: RealCampaign.frameRingCapacity, pixelLimit: pixels)
        let log = try SegmentedLog(storage, options: options)
        archive = try ThreadedArchive(
            log: log, observer: nil, control: nil,
            room: LogRoom(
                directory: directory, settings: settings, signer: signer, frames: frames,
                acknowledged: { { _ in false } }))
    }

    /// Why records cannot be written at the moment; nil when they can.
    package var failure: String? { archive.failure }

    /// Writes what is left, seals everything, and ends the thread.
    package func end() { archive.close() }
}
