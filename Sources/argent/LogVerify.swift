import Export
import RunLog

/// `argent log verify`: everything that can be checked about a log.
enum LogVerify {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "log verify", options: ["config", "key"], positional: 1)
        let path = try LogCommand.path(arguments)
        let key = try arguments.values["key"].map(Self.key)
        let found = try LogCommand.naming { () throws(LogInputError) in
            try LogVerification(path: path, key: key)
        }
        Output.raw(found.text)
        guard found.isWhole else {
            throw CommandFailure(.failure, "\(path): something is damaged or missing")
        }
    }

    /// 32 bytes in hexadecimal.
    private static func key(_ text: String) throws(CommandFailure) -> [UInt8] {
        guard let bytes = Hexadecimal.bytes(text), bytes.count == Ed25519.keySize else {
            throw CommandFailure(.usage, "--key: 64 hexadecimal digits")
        }
        return bytes
    }
}
