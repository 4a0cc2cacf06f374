import Quantities

/// A complete reply: text lines, then the prompt (Elite manual pp. 52-53; DEVICES 1.2).
///
///     reply  = *line  LF [AA] prompt          (XON is cut off by the reader)
///     line   = LF [AA ":"] text CR
struct HarvardReply: PumpReply, Equatable, Sendable {
    var address: Int
    /// How many lines of text there are.
    private(set) var lineCount = 0
    /// The lines without address, CR and leading blanks, LF between them; cut where they are
    /// long, as only refusals are.
    private(set) var text = BriefText()
    var prompt: HarvardPrompt

    /// A prompt alone that means an alarm may come unasked (DEVICES 1.2).
    var isNews: Bool { lineCount == 0 && prompt.alarm != nil }

    /// What was refused, if the first line is of an error class; message texts differ between
    /// models and are not looked at.
    var refusal: String? {
        guard lineCount > 0, text.byte(5) != nil else { return nil }
        // The three classes, told apart by what an answer never begins with.
        switch text.byte(0) {
        case UInt8(ascii: "C"), UInt8(ascii: "A"), UInt8(ascii: "R"): break
        default: return nil
        }
        let told = "\(text)"
        let classes = ["Command error", "Argument error", "Range error"]
        guard classes.contains(where: { told.hasPrefix($0) }) else { return nil }
        return told.split(separator: "\n").joined(separator: " ")
    }

    /// The reply in `bytes`; nil if they do not follow the grammar.
    init?(_ bytes: [UInt8]) {
        let reply = bytes.withUnsafeBufferPointer { Self.parse($0) }
        guard let reply else { return nil }
        self = reply
    }

    private typealias Bytes = UnsafeBufferPointer<UInt8>
    private static let lineFeed: UInt8 = 0x0A
    private static let carriageReturn: UInt8 = 0x0D

    private init(address: Int, prompt: HarvardPrompt) {
        self.address = address
        self.prompt = prompt
    }

    private static func parse(_ bytes: Bytes) -> HarvardReply? {
        guard let end = bytes.lastIndex(of: lineFeed),
            let last = prompt(bytes, (end + 1)..<bytes.count)
        else { return nil }
        var reply = HarvardReply(address: last.address ?? 0, prompt: last.prompt)
        // Before the first LF there is nothing, except a prompt that slipped in unasked.
        var start = 0
        while start <= end {
            var stop = start
            while bytes[stop] != lineFeed { stop += 1 }
            let isFirst = start == 0
            let piece = start..<stop
            start = stop + 1
            if isFirst {
                guard piece.isEmpty || prompt(bytes, piece) != nil else { return nil }
            } else if piece.isEmpty || bytes[stop - 1] != carriageReturn {
                guard prompt(bytes, piece) != nil else { return nil }
            } else {
                guard reply.take(bytes, piece.lowerBound..<(stop - 1), of: last.address)
                else { return nil }
            }
        }
        return reply
    }

    /// Takes a line, without the address that a pump other than 0 puts before it.
    private mutating func take(_ bytes: Bytes, _ line: Range<Int>, of pump: Int?) -> Bool {
        for place in line where !(0x20...0x7E).contains(bytes[place]) { return false }
        var start = line.lowerBound
        if let pump {
            guard Self.address(bytes, line) == pump, line.count > 2,
                bytes[start + 2] == UInt8(ascii: ":")
            else { return false }
            start += 3
        }
        while start < line.upperBound, bytes[start] == UInt8(ascii: " ") { start += 1 }
        if lineCount > 0 { text.append("\n") }
        text.append(bytes: Bytes(rebasing: bytes[start..<line.upperBound]))
        lineCount += 1
        return true
    }

    /// A prompt with the address before it, if there is one.
    private static func prompt(
        _ bytes: Bytes, _ piece: Range<Int>
    ) -> (address: Int?, prompt: HarvardPrompt)? {
        let number = address(bytes, piece)
        let rest = number == nil ? piece : (piece.lowerBound + 2)..<piece.upperBound
        return HarvardPrompt(bytes, rest).map { (number, $0) }
    }

    private static func address(_ bytes: Bytes, _ piece: Range<Int>) -> Int? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard piece.count >= 2 else { return nil }
        let (tens, ones) = (bytes[piece.lowerBound], bytes[piece.lowerBound + 1])
        guard digits.contains(tens), digits.contains(ones) else { return nil }
        return Int(tens - digits.lowerBound) * 10 + Int(ones - digits.lowerBound)
    }
}

extension HarvardPrompt {
    /// The prompt that `piece` of `bytes` is, if it is one.
    init?(_ bytes: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>) {
        let star = UInt8(ascii: "*")
        switch piece.count {
        case 1:
            switch bytes[piece.lowerBound] {
            case UInt8(ascii: ":"): self = .idle
            case UInt8(ascii: ">"): self = .infusing
            case UInt8(ascii: "<"): self = .withdrawing
            case star: self = .stalled
            default: return nil
            }
        case 2 where bytes[piece.lowerBound + 1] == star:
            switch bytes[piece.lowerBound] {
            case UInt8(ascii: "T"): self = .targetReached
            case UInt8(ascii: ">"): self = .limitInfusing
            case UInt8(ascii: "<"): self = .limitWithdrawing
            default: return nil
            }
        default: return nil
        }
    }
}
