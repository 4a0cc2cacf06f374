import Quantities

/// The instrument's end of a serial line, as its manual describes it. Bytes come in when they
/// have fully arrived; bytes go out with the earliest moment they may start to leave.
public protocol SimulatedDevice: AnyObject {
    /// The device's own speed now, in bits per second. Bytes sent to it at another speed are
    /// noise to it (the line delivers them as garbage).
    var baud: Int { get }
    /// Bytes from the host, fully arrived at `now`.
    func receive(_ bytes: ArraySlice<UInt8>, at now: Instant)
    /// Time passed: timers, ramps, exposures.
    func advance(to now: Instant)
    /// When `advance` has something to do next; `.distantFuture` for never.
    var deadline: Instant { get }
    /// Appends what has become ready to leave by `now`, in order, and forgets it.
    func takeOutput(into bytes: inout [UInt8], at now: Instant)
    /// The mains were cut and returned: volatile state is lost.
    func powerCycle(at now: Instant)
}

/// The mechanical end of a simulated syringe pump: what the electronics drive and the fluidics
/// see. Positive flow infuses.
public protocol SimulatedDrive: AnyObject {
    /// The rate the motor shall reach; it takes its time.
    func drive(at rate: FlowRate, now: Instant)
    /// Volume pushed out so far by the motor, whether or not anything flowed.
    func motorVolume(at now: Instant) -> Volume
    /// Whether the motor is blocked (piston at its end, or a forced stall).
    func isBlocked(at now: Instant) -> Bool
}

/// What a simulated spectrometer looks at.
public protocol SimulatedScene: AnyObject {
    /// Expected counts above dark of all `pixels` for an exposure from `from` until `until` with
    /// the lamp on or off, before noise and clipping; appended in order.
    func exposure(
        pixels: [Int], from: Instant, until: Instant, lampOn: Bool, into counts: inout [Double])
}

/// A chemistry: what a droplet looks like after its time in the tube.
public protocol Chemistry: AnyObject {
    /// Absorbance at `wavelengths` of a droplet made with `shares` (percent of the aqueous flow
    /// per reagent, in the order of the configuration's reagent variables) at `totalFlow`, after
    /// `residence` in the tube.
    func absorbance(
        shares: [Double], totalFlow: FlowRate, residence: TimeSpan, wavelengths: [Wavelength]
    ) -> [Double]
}
