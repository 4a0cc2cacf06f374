/// A number as a person writes it: four significant digits at most, no trailing `.0`, no `-0`.
public func short(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    guard abs(value) >= 1e-9 else { return "0" }
    var scale = 1.0
    while abs(value) * scale < 1_000, scale < 1e12 { scale *= 10 }
    let text = "\((value * scale).rounded() / scale)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// A time span in seconds as a person says it.
public func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let whole = Int(max(0, seconds).rounded())
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
    if whole >= 86_400 { return "\(whole / 86_400) d \(whole % 86_400 / 3_600) h" }
    if whole >= 3_600 { return "\(whole / 3_600):\(two(whole % 3_600 / 60)) h" }
    return "\(whole / 60):\(two(whole % 60)) min"
}

/// `text` without what could command a terminal: control characters become `?`.
public func plain(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { scalar in
                let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                return isControl ? "?" : scalar
            }))
}
