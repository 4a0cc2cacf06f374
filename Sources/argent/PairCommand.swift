import Sync
import World

/// `argent pair`: this rig's fingerprint, and the workstations that may fetch its log.
enum PairCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "pair", options: ["config", "identity", "name"], positional: 2)
        let directory = try directory(arguments)
        let store = PeerStore(directory: directory)
        let rest = arguments.positional
        switch (rest.first ?? "list", rest.count) {
        case ("list", 0...1): try list(directory, store)
        case ("accept", 2): try accept(rest[1], arguments.values["name"], store)
        case ("remove", 2): try remove(rest[1], store)
        default:
            throw CommandFailure(
                .usage, "use: argent pair [list | accept FINGERPRINT | remove FINGERPRINT]")
        }
    }

    private static func directory(_ arguments: Arguments) throws(CommandFailure) -> String {
        if let path = arguments.values["identity"] { return path }
        let path = try ConfigurationFile.path(
            arguments, orSay: "say which rig: --config FILE or --identity DIR")
        return try ConfigurationFile(path: path).settings().sync.identity
    }

    private static func list(_ directory: String, _ store: PeerStore) throws(CommandFailure) {
        do throws(IdentityError) {
            Output.line("this rig: \(try TLSIdentity.take(directory: directory).fingerprint)")
        } catch { throw CommandFailure(.failure, "\(error)") }
        let peers: [AcceptedPeer]
        do throws(PeerError) { peers = try store.peers() } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
        if peers.isEmpty {
            Output.line("no workstation is accepted yet: argent pair accept FINGERPRINT")
        }
        for peer in peers { Output.line("accepted: \(peer.fingerprint) \(peer.name)") }
    }

    private static func accept(
        _ text: String, _ name: String?, _ store: PeerStore
    ) throws(CommandFailure) {
        guard let fingerprint = Fingerprint(text) else {
            throw CommandFailure(
                .usage,
                "`\(text)` is no fingerprint: `argent-workstation pair` prints one, "
                    + "`sha256:` and 64 hexadecimal digits")
        }
        let shown = name ?? "peer-" + String(fingerprint.description.dropFirst(7).prefix(8))
        do throws(PeerError) {
            let isNew = try store.accept(fingerprint, name: shown)
            Output.line("\(isNew ? "accepted" : "known already, now called"): \(shown)")
        } catch { throw CommandFailure(.failure, "\(error)") }
    }

    private static func remove(_ text: String, _ store: PeerStore) throws(CommandFailure) {
        let gone: [AcceptedPeer]
        do throws(PeerError) { gone = try store.remove(text) } catch {
            throw CommandFailure(.failure, "\(error)")
        }
        guard !gone.isEmpty else {
            throw CommandFailure(.failure, "no accepted peer is called or has `\(text)`")
        }
        for peer in gone { Output.line("removed: \(peer.fingerprint) \(peer.name)") }
    }
}
