/// A complete reply: text lines, then the prompt (Elite manual pp. 52-53; DEVICES 1.2).
///
///     reply  = *line  LF [AA] prompt          (XON is cut off by the reader)
///     line   = LF [AA ":"] text CR
struct HarvardReply: PumpReply, Equatable, Sendable {
    var address: Int
    /// The lines without address and CR.
    var lines: [String]
    var prompt: HarvardPrompt

    /// A prompt alone that means an alarm may come unasked (DEVICES 1.2).
    var isNews: Bool { lines.isEmpty && prompt.alarm != nil }

    /// What was refused, if the first line is of an error class; message texts differ between
    /// models and are not looked at.
    var refusal: String? {
        let classes = ["Command error", "Argument error", "Range error"]
        guard let first = lines.first, classes.contains(where: { first.hasPrefix($0) })
        else { return nil }
        return lines.map { $0.drop(while: { $0 == " " }) }.joined(separator: " ")
    }

    /// The reply in `bytes`; nil if they do not follow the grammar.
    init?(_ bytes: [UInt8]) {
        var pieces = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        guard let last = pieces.popLast(), let end = Self.prompt(last), !pieces.isEmpty
        else { return nil }
        address = end.address ?? 0
        prompt = end.prompt
        lines = []
        // Before the first LF there is nothing, except a prompt that slipped in unasked.
        if let first = pieces.first, !first.isEmpty, Self.prompt(first) == nil { return nil }
        for piece in pieces.dropFirst() {
            guard piece.last == 0x0D else {
                guard Self.prompt(piece) != nil else { return nil }
                continue
            }
            guard let text = Self.text(piece.dropLast(), of: end.address) else { return nil }
            lines.append(text)
        }
    }

    /// A prompt with the address before it, if there is one.
    private static func prompt(
        _ piece: ArraySlice<UInt8>
    ) -> (address: Int?, prompt: HarvardPrompt)? {
        let number = address(piece)
        let rest = number == nil ? piece : piece.dropFirst(2)
        let text = String(decoding: rest, as: UTF8.self)
        return HarvardPrompt(rawValue: text).map { (number, $0) }
    }

    /// A line's text, without the address that a pump other than 0 puts before it.
    private static func text(_ line: ArraySlice<UInt8>, of pump: Int?) -> String? {
        guard line.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        guard let pump else { return String(decoding: line, as: UTF8.self) }
        guard address(line) == pump, line.dropFirst(2).first == UInt8(ascii: ":")
        else { return nil }
        return String(decoding: line.dropFirst(3), as: UTF8.self)
    }

    private static func address(_ piece: ArraySlice<UInt8>) -> Int? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let head = Array(piece.prefix(2))
        guard head.count == 2, digits.contains(head[0]), digits.contains(head[1])
        else { return nil }
        return Int(head[0] - digits.lowerBound) * 10 + Int(head[1] - digits.lowerBound)
    }
}
