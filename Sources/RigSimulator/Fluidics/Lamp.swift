import Glibc
import Quantities

/// The light on the detector without anything in its way: a filtered halogen lamp seen through
/// the spectrometer.
///
/// Spectrum: a black body at 4,500 K (a hot filament behind a filter that balances its colour)
/// times a bell-shaped detector response (centre 570 nm, sd 160 nm), scaled to the peak. From 380
/// to 800 nm it never falls below a fifth of the peak. After it is switched on the lamp lacks
/// 8 % and closes the gap with a time constant of 1.5 s; it then fades by a fixed share per hour
/// of burning.
struct Lamp {
    /// Counts at the brightest wavelength in 20 ms.
    static let peakCounts = 45_000.0
    static let peakExposure = 0.020
    static let coldGap = 0.08
    static let warmUp = 1.5

    let driftPerHour: Double
    private var onSince: Instant?

    init(driftPerHour: Double) { self.driftPerHour = driftPerHour }

    mutating func set(on: Bool, at now: Instant) {
        guard on else {
            onSince = nil
            return
        }
        if onSince == nil { onSince = now }
    }

    /// Brightness at `now` relative to a warm new lamp.
    func brightness(at now: Instant) -> Double {
        guard let onSince else { return 0 }
        let age = max((now - onSince).seconds, 0)
        return (1 - Self.coldGap * exp(-age / Self.warmUp)) * exp(-driftPerHour * age / 3_600)
    }

    /// Counts per second at `wavelength` from a warm new lamp.
    static func countsPerSecond(_ wavelength: Double) -> Double {
        let red = 1.4388e7 / 4_500  // second radiation constant, nm K, over the temperature
        func shape(_ nanometers: Double) -> Double {
            let body = pow(500 / nanometers, 5) / (exp(red / nanometers) - 1)
            let offset = (nanometers - 570) / 160
            return body * exp(-offset * offset / 2)
        }
        return peakCounts / peakExposure * shape(max(wavelength, 100)) / shape(593)
    }
}
