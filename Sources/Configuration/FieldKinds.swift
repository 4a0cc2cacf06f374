import Quantities

extension Field {
    static func text(_ key: String, _ path: WritableKeyPath<Section, String>, _ help: String)
        -> Field
    {
        Field(
            key: key, help: help, range: "",
            read: { value, name, section, context in
                if let text = context.text(value, name) { section[keyPath: path] = text }
            }, write: { quoted($0[keyPath: path]) })
    }

    static func flag(_ key: String, _ path: WritableKeyPath<Section, Bool>, _ help: String)
        -> Field
    {
        Field(
            key: key, help: help, range: "",
            read: { value, name, section, context in
                if case .boolean(let yes) = value.kind {
                    section[keyPath: path] = yes
                } else {
                    context.wrongKind(
                        value, name, wanted: "true or false", "write it without quotes")
                }
            }, write: { $0[keyPath: path] ? "true" : "false" })
    }

    static func count(
        _ key: String, _ path: WritableKeyPath<Section, Int>, _ bounds: ClosedRange<Int>,
        _ help: String
    ) -> Field {
        Field(
            key: key, help: help, range: "\(bounds.lowerBound) … \(bounds.upperBound)",
            read: { value, name, section, context in
                guard case .integer(let number) = value.kind else {
                    context.wrongKind(
                        value, name, wanted: "a whole number", "write it without quotes and unit")
                    return
                }
                guard let count = Int(exactly: number), bounds.contains(count) else {
                    context.problems.error(
                        value.place, "\(name) = \(number) is out of range",
                        "permitted: \(bounds.lowerBound) … \(bounds.upperBound)")
                    return
                }
                section[keyPath: path] = count
            }, write: { "\($0[keyPath: path])" })
    }

    static func number(
        _ key: String, _ path: WritableKeyPath<Section, Double>, _ bounds: ClosedRange<Double>,
        _ help: String
    ) -> Field {
        let show = { (value: Double) in DecimalText(value).shifted() }
        return Field(
            key: key, help: help, range: "\(show(bounds.lowerBound)) … \(show(bounds.upperBound))",
            read: { value, name, section, context in
                if let number = context.number(value, bounds, name) {
                    section[keyPath: path] = number
                }
            }, write: { show($0[keyPath: path]) })
    }

    static func quantity(
        _ key: String, _ dimension: Dimension, _ path: WritableKeyPath<Section, Double>,
        _ bounds: ClosedRange<Double>, _ help: String
    ) -> Field {
        Field(
            key: key, help: help,
            range: dimension.format(bounds.lowerBound) + " … "
                + dimension.format(bounds.upperBound),
            read: { value, name, section, context in
                if let number = context.quantity(value, dimension, bounds, name) {
                    section[keyPath: path] = number
                }
            }, write: { quoted(dimension.format($0[keyPath: path])) })
    }

    static func time(
        _ key: String, _ path: WritableKeyPath<Section, TimeSpan>,
        _ low: TimeSpan, _ high: TimeSpan, _ help: String
    ) -> Field {
        let bounds = Double(low.nanoseconds)...Double(high.nanoseconds)
        return Field(
            key: key, help: help,
            range: Dimension.format(nanoseconds: low.nanoseconds) + " … "
                + Dimension.format(nanoseconds: high.nanoseconds),
            read: { value, name, section, context in
                let show = { (value: Double) -> String in
                    guard value.magnitude < 9e18 else { return Dimension.time.format(value) }
                    return Dimension.format(nanoseconds: Int64(value.rounded()))
                }
                let number = context.quantity(value, .time, bounds, name, show: show)
                guard let number else { return }
                section[keyPath: path] = TimeSpan(nanoseconds: Int64(number.rounded()))
            }, write: { quoted(Dimension.format(nanoseconds: $0[keyPath: path].nanoseconds)) })
    }

    /// A number of bytes.
    static func size(
        _ key: String, _ path: WritableKeyPath<Section, Int>, _ bounds: ClosedRange<Int>,
        _ help: String
    ) -> Field {
        let show = { (bytes: Double) in Dimension.format(bytes: bytes) }
        let low = Double(bounds.lowerBound)
        let high = Double(bounds.upperBound)
        return Field(
            key: key, help: help, range: show(low) + " … " + show(high),
            read: { value, name, section, context in
                let number = context.quantity(value, .size, low...high, name, show: show)
                guard let number else { return }
                section[keyPath: path] = Int(number.rounded())
            }, write: { quoted(show(Double($0[keyPath: path]))) })
    }

    static func choice<Value: RawRepresentable & CaseIterable>(
        _ key: String, _ path: WritableKeyPath<Section, Value>, _ help: String
    ) -> Field where Value.RawValue == String {
        let names = Value.allCases.map(\.rawValue)
        let known = names.map(quoted).joined(separator: ", ")
        return Field(
            key: key, help: help, range: known,
            read: { value, name, section, context in
                guard let text = context.text(value, name) else { return }
                if let choice = Value(rawValue: text) {
                    section[keyPath: path] = choice
                } else {
                    let meant = Suggestion.nearest(to: text, among: names)
                    context.problems.error(
                        value.place, "\(name) = \"\(text)\" is unknown",
                        (meant.map { "did you mean \"\($0)\"? " } ?? "") + "known: \(known)")
                }
            }, write: { quoted($0[keyPath: path].rawValue) })
    }

    /// A seed: a whole number, or its digits in quotes where TOML's integers end.
    static func seed(_ key: String, _ path: WritableKeyPath<Section, UInt64>, _ help: String)
        -> Field
    {
        Field(
            key: key, help: help, range: "0 … \(UInt64.max)",
            read: { value, name, section, context in
                var seed: UInt64?
                if case .integer(let number) = value.kind { seed = UInt64(exactly: number) }
                if case .string(let text) = value.kind { seed = UInt64(text) }
                if let seed {
                    section[keyPath: path] = seed
                } else {
                    context.problems.error(
                        value.place, "\(name) must be a whole number from 0 on",
                        "above \(Int64.max) write the digits in quotes")
                }
            },
            write: {
                let seed = $0[keyPath: path]
                return seed > UInt64(Int64.max) ? quoted("\(seed)") : "\(seed)"
            })
    }

    /// A list of numbers with one of the permitted lengths.
    static func numbers(
        _ key: String, _ path: WritableKeyPath<Section, [Double]>, lengths: [Int],
        _ bounds: ClosedRange<Double>, _ help: String
    ) -> Field {
        let counts = lengths.map { "\($0)" }.joined(separator: " or ")
        return Field(
            key: key, help: help, range: "\(counts) numbers",
            read: { value, name, section, context in
                guard case .array(let items) = value.kind, lengths.contains(items.count) else {
                    context.problems.error(value.place, "\(name) must be \(counts) numbers in [ ]")
                    return
                }
                let numbers = items.compactMap { context.number($0, bounds, name) }
                if numbers.count == items.count { section[keyPath: path] = numbers }
            },
            write: { section in
                let items = section[keyPath: path].map { DecimalText($0).shifted() }
                return "[" + items.joined(separator: ", ") + "]"
            })
    }
}
