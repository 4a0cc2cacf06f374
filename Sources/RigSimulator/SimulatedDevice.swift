import Quantities
import World

/// The instrument's end of a serial line, as its manual describes it.
public protocol SimulatedDevice: VirtualPeer {
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
