import Quantities

/// What sits at the far end of a serial line that has no kernel device behind it: a simulated
/// instrument. The line models the time bytes take; the peer models the instrument.
public protocol VirtualPeer: AnyObject {
    /// The peer's own speed now, in bits per second. Bytes sent to it at another speed are noise
    /// to it: the line hands over garbage instead.
    var baud: Int { get }
    /// Bytes from the host, the last of which has fully arrived at `now`.
    func receive(_ bytes: ArraySlice<UInt8>, at now: Instant)
    /// Time passed: timers, ramps, exposures.
    func advance(to now: Instant)
    /// When `advance` has something to do next; `.distantFuture` for never.
    var deadline: Instant { get }
    /// Appends what has become ready to leave by `now`, in order, and forgets it.
    func takeOutput(into bytes: inout [UInt8], at now: Instant)
}
