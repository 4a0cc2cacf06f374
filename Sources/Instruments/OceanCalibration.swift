import Quantities

/// The instrument's wavelength calibration: λ(p) = c0 + c1 p + c2 p² + c3 p³ in nm, p from 0
/// (EEPROM constants 1 to 4).
enum OceanCalibration {
    /// Constants of the wavelength polynomial.
    static let count = 4
    /// Bytes of a constant on the wire at most.
    static let textLimit = 15

    /// The number in a constant's text: ASCII, padded with NUL or blanks; nil when it is none.
    static func number(in text: [UInt8]) -> Double? {
        var bytes = text[...]
        while let last = bytes.last, last == 0 || last == 0x20 || last == 0x0D || last == 0x0A {
            bytes.removeLast()
        }
        while bytes.first == 0x20 { bytes.removeFirst() }
        let allowed = Set("+-.eE0123456789".utf8)
        guard !bytes.isEmpty, bytes.allSatisfy(allowed.contains) else { return nil }
        guard let value = Double(String(decoding: bytes, as: UTF8.self)), value.isFinite else {
            return nil
        }
        return value
    }

    /// The wavelength of every pixel; nil unless they are positive and rise from pixel to pixel,
    /// which no working spectrometer violates and an erased EEPROM does.
    static func wavelengths(coefficients: [Double], pixelCount: Int) -> [Wavelength]? {
        guard (2...count).contains(coefficients.count), pixelCount > 0 else { return nil }
        var result: [Wavelength] = []
        result.reserveCapacity(pixelCount)
        var previous = 0.0
        for pixel in 0..<pixelCount {
            let p = Double(pixel)
            let value = coefficients.reversed().reduce(0) { $0 * p + $1 }
            guard value.isFinite, value > previous else { return nil }
            previous = value
            result.append(Wavelength(nanometers: value))
        }
        return result
    }
}
