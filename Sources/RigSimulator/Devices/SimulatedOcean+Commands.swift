import Quantities

extension SimulatedOcean {
    /// One byte of conversation.
    func take(_ byte: UInt8, at now: Instant) {
        if !command.isEmpty, now - commandAt > .milliseconds(options.argumentLimit) {
            command.removeAll(keepingCapacity: true)
        }
        commandAt = now
        if let change = baudChange {
            // Only `K` with the same argument may come now.
            let wanted = [
                UInt8(ascii: "K"), UInt8(change.code >> 8), UInt8(truncatingIfNeeded: change.code),
            ]
            command.append(byte)
            guard isASCII || byte == wanted[command.count - 1] else { return restoreBaud() }
            if !isASCII {
                if command.count == 3 { answerSecondBaud(change.code, at: now) }
                return
            }
            command.removeLast()
        }
        isASCII ? takeText(byte, at: now) : takeBinary(byte, at: now)
    }

    private func answerSecondBaud(_ code: UInt16, at now: Instant) {
        command.removeAll(keepingCapacity: true)
        if completeBaudChange(to: code, at: now) { output.append(Self.ack) }
    }

    // MARK: Binary mode

    private func takeBinary(_ byte: UInt8, at now: Instant) {
        command.append(byte)
        guard let missing = missingBytes() else {
            command.removeAll(keepingCapacity: true)
            errorWord |= 1
            output.append(Self.nak)
            return
        }
        guard missing == 0 else { return }
        let whole = command
        command.removeAll(keepingCapacity: true)
        run(whole, at: now)
    }

    /// How many bytes the command that has begun still needs at least; nil: no such command.
    private func missingBytes() -> Int? {
        let rest = command.count - 1
        switch command[0] {
        case UInt8(ascii: "a"): return rest == 0 ? 1 : command[1] == UInt8(ascii: "A") ? 0 : nil
        case UInt8(ascii: "b"): return rest == 0 ? 1 : command[1] == UInt8(ascii: "B") ? 0 : nil
        case UInt8(ascii: "S"), UInt8(ascii: "Q"), UInt8(ascii: "v"), UInt8(ascii: "l"),
            UInt8(ascii: "q"), UInt8(ascii: "t"):
            return 0
        case UInt8(ascii: "?"):
            guard rest > 0 else { return 1 }
            return command[1] == UInt8(ascii: "x") ? max(3 - rest, 0) : 0
        case UInt8(ascii: "P"):
            guard rest % 2 == 0, let words = OceanParameters.missingPixelWords(words(from: 1))
            else { return rest % 2 == 1 ? 1 : nil }
            return 2 * words
        case UInt8(ascii: "W"): return max(4 - rest, 0)
        case UInt8(ascii: "x"):
            // A word, then a text of 15 bytes or one that ends with CR.
            guard rest > 2 else { return 1 }
            return rest == 17 || command[command.count - 1] == 0x0D ? 0 : 1
        case UInt8(ascii: "O"):
            guard options.variant == .sad500 else { return nil }
            return max(2 - rest, 0)
        case let letter where Self.takesWord(letter): return max(2 - rest, 0)
        default: return nil
        }
    }

    private static func takesWord(_ letter: UInt8) -> Bool {
        "ABGIJKLMNTZk".utf8.contains(letter)
    }

    private func words(from start: Int) -> [UInt16] {
        Self.words(command[start...])
    }

    private static func words(_ bytes: ArraySlice<UInt8>) -> [UInt16] {
        stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
            UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
        }
    }

    private func run(_ bytes: [UInt8], at now: Instant) {
        let words = Self.words(bytes[1...])
        switch bytes[0] {
        case UInt8(ascii: "a"), UInt8(ascii: "b"):
            isASCII = bytes[0] == UInt8(ascii: "a")
            output.append(Self.ack)
        case UInt8(ascii: "?") where bytes[1] == UInt8(ascii: "x"):
            answerMemory(Int(Self.words(bytes[2...])[0]))
        case UInt8(ascii: "?"):
            answer(parameters.query(bytes[1], baudCode: baudCode))
        case UInt8(ascii: "x"): writeMemory(Int(words[0]), text: bytes[3...])
        default: run(bytes[0], words: words, at: now)
        }
    }

    // MARK: Both modes

    /// A command and its numbers, however they came.
    private func run(_ letter: UInt8, words: [UInt16], at now: Instant) {
        switch letter {
        case UInt8(ascii: "S"): start(at: now)
        case UInt8(ascii: "Q"):
            parameters = OceanParameters()
            pixels = Array(0..<options.pixelCount)
            tellLamp(at: now)
            output.append(Self.ack)
        case UInt8(ascii: "v"): answer(options.version)
        case UInt8(ascii: "l"): answer(lastMaximum)
        case UInt8(ascii: "t"): answer(counter)
        case UInt8(ascii: "q"):
            answer(errorWord)
            errorWord = 0
        case UInt8(ascii: "P"): setPixels(words)
        case UInt8(ascii: "K"):
            let isKnown = words.first.map { Int($0) < Self.speeds.count } ?? false
            acknowledge(isKnown)
            if isKnown, let code = words.first { beginBaudChange(to: code, at: now) }
        case UInt8(ascii: "W"): output.append(Self.ack)
        case UInt8(ascii: "Z"): output.append(Self.etx)
        case UInt8(ascii: "O"):
            if words == [1], !lastFrame.isEmpty {
                output += lastFrame
            } else {
                output.append(Self.etx)
            }
        default:
            guard let value = words.first else { return acknowledge(false) }
            acknowledge(parameters.set(letter, to: value, options: options))
            if letter == UInt8(ascii: "J") { tellLamp(at: now) }
        }
    }

    private func acknowledge(_ isAccepted: Bool) {
        if !isAccepted { errorWord |= 1 }
        output.append(isAccepted ? Self.ack : Self.nak)
    }

    /// A value as an answer; nil is a refusal.
    private func answer(_ value: UInt16?) {
        guard let value else { return acknowledge(false) }
        if isASCII {
            output += Array("\(value)\r\n".utf8)
        } else {
            output += [Self.ack, UInt8(value >> 8), UInt8(truncatingIfNeeded: value)]
        }
    }

    private func setPixels(_ words: [UInt16]) {
        guard let chosen = OceanParameters.pixels(words, of: options.pixelCount) else {
            return acknowledge(false)
        }
        parameters.pixelMode = words[0]
        parameters.pixelParameters = Array(words.dropFirst())
        pixels = chosen
        acknowledge(true)
    }

    private func answerMemory(_ slot: Int) {
        guard memory.indices.contains(slot) else { return acknowledge(false) }
        output.append(Self.ack)
        output += memory[slot]
        if options.padsCalibration, !isASCII {
            output += [UInt8](repeating: 0, count: 15 - memory[slot].count)
        } else {
            output.append(0x0D)
        }
    }

    private func writeMemory(_ slot: Int, text: ArraySlice<UInt8>) {
        let text = text.prefix { $0 != 0x0D && $0 != 0 }
        guard memory.indices.contains(slot), text.count <= 15,
            text.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return acknowledge(false) }
        memory[slot] = Array(text)
        acknowledge(true)
    }

    // MARK: ASCII mode

    /// Longest line of text that is understood: `P` with ten ranges fits.
    private static let lineLimit = 160

    /// Letters are commands; those with numbers end with CR or LF, numbers are separated by
    /// blanks or commas. Everything is echoed.
    private func takeText(_ byte: UInt8, at now: Instant) {
        output.append(byte)
        if byte == 0x0D || byte == 0x0A {
            let line = command
            command.removeAll(keepingCapacity: true)
            if !line.isEmpty { runLine(line, at: now) }
            return
        }
        command.append(byte)
        if command.count > Self.lineLimit {
            command.removeAll(keepingCapacity: true)
            return acknowledge(false)
        }
        let line = command
        let isWhole =
            line == Array("bB".utf8) || line == Array("aA".utf8)
            || (line.count == 1 && "SQvlqt".utf8.contains(byte))
            || (line.count == 2 && line[0] == UInt8(ascii: "?") && byte != UInt8(ascii: "x"))
        if isWhole {
            command.removeAll(keepingCapacity: true)
            runLine(line, at: now)
        }
    }

    private func runLine(_ line: [UInt8], at now: Instant) {
        if line[0] == UInt8(ascii: "x") { return runWrite(line) }
        let prefix = line[0] == UInt8(ascii: "?") ? 2 : 1
        var words: [UInt16] = []
        for part in line.dropFirst(prefix).split(whereSeparator: { $0 == 0x20 || $0 == 0x2C }) {
            guard part.allSatisfy({ (0x30...0x39).contains($0) }), part.count <= 5,
                let word = UInt16(String(decoding: part, as: UTF8.self))
            else { return switchMode(line) }
            words.append(word)
        }
        if line[0] == UInt8(ascii: "?") {
            guard line.count > 1 else { return acknowledge(false) }
            if line[1] == UInt8(ascii: "x") { return answerMemory(Int(words.first ?? 0xFFFF)) }
            return answer(parameters.query(line[1], baudCode: baudCode))
        }
        if let change = baudChange {
            guard line[0] == UInt8(ascii: "K"), words == [change.code] else {
                return restoreBaud()
            }
            return answerSecondBaud(change.code, at: now)
        }
        run(line[0], words: words, at: now)
    }

    private func switchMode(_ line: [UInt8]) {
        if line == Array("bB".utf8) { isASCII = false }
        acknowledge(line == Array("bB".utf8) || line == Array("aA".utf8))
    }

    /// `x` slot blank text.
    private func runWrite(_ line: [UInt8]) {
        let parts = line.dropFirst().split(separator: 0x20, maxSplits: 1)
        guard parts.count == 2, parts[0].count <= 2,
            let slot = Int(String(decoding: parts[0], as: UTF8.self)), slot >= 0
        else { return acknowledge(false) }
        writeMemory(slot, text: parts[1])
    }
}
