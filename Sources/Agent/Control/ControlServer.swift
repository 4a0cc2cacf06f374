import Export
import Quantities
import Rig
import Synchronization
import World

/// The control socket: JSON lines in, JSON lines out, each request answered by one line.
///
///     {"command": "status"}
///     {"command": "metrics"}                           the text of the file of [metrics]
///     {"command": "hold", "reason": "lunch"}
///     {"command": "resume", "refilled": ["AgNO3"]}     refilled: [] counts every syringe as full
///     {"command": "clear"}
///     {"command": "reload"}
///     {"command": "configuration"}     the settings in force, as TOML
///
/// Each peer has one request and one answer under way at a time; the rest waits in the kernel.
/// It lives on the archive thread. Status it answers from the picture the steward last left;
/// commands it hands to the steward, which hands them to the rig, and waits for the answer. Peers
/// that talk too much, or not at all, are dropped.
final class ControlServer {
    /// Peers at once, bytes of one request, and how long a peer may take for it.
    static let peerLimit = 8
    static let requestLimit = 4_096
    static let idleLimit = TimeSpan.seconds(10)
    /// When every place is taken, a peer silent for this long gives its place to a new one.
    static let politeLimit = TimeSpan.milliseconds(300)
    static let answerLimit = TimeSpan.seconds(3)

    private struct Peer {
        let connection: UnixConnection
        var input: [UInt8] = []
        var output: [UInt8] = []
        /// When it came, or its last whole request did: half a request is no sign of life.
        var lastHeard: Instant
        /// Number of the request that waits for the rig's answer.
        var waiting: (number: Int, since: Instant)?
    }

    private let listener: UnixListener
    private let mailbox: ControlMailbox
    private var peers: [Peer] = []
    private var requests = 0

    init(listener: UnixListener, mailbox: ControlMailbox) {
        self.listener = listener
        self.mailbox = mailbox
    }

    /// Answers shall ring `waker`, the bell of the thread this lives on.
    func ring(_ waker: WakeHandle) { mailbox.register(server: waker) }

    /// Adds what is to be watched to `poller`.
    func watch(_ poller: inout Poller) {
        poller.watch(listener.descriptor, read: peers.count < Self.peerLimit)
        for peer in peers {
            guard peer.waiting == nil || !peer.output.isEmpty else {
                // A hang-up is reported whatever is asked for: watched while the rig works on
                // its request, a peer that has gone would wake this one for ever.
                poller.remove(peer.connection.descriptor)
                continue
            }
            poller.watch(
                peer.connection.descriptor, read: peer.waiting == nil && peer.output.isEmpty,
                write: !peer.output.isEmpty)
        }
    }

    /// Serves whoever has something to say.
    func turn(_ poller: inout Poller, at now: Instant) {
        welcome(&poller, at: now)
        takeAnswers()
        var kept: [Peer] = []
        for var peer in peers {
            if serve(&peer, at: now) {
                kept.append(peer)
            } else {
                poller.remove(peer.connection.descriptor)
                peer.connection.close()
            }
        }
        peers = kept
        watch(&poller)
    }

    /// Closes everything.
    func close() {
        for peer in peers { peer.connection.close() }
        peers = []
        listener.close()
    }

    private func welcome(_ poller: inout Poller, at now: Instant) {
        for _ in 0..<Self.peerLimit {
            var silent: Int?
            if peers.count >= Self.peerLimit {
                silent = peers.indices.filter { peers[$0].waiting == nil }
                    .min { peers[$0].lastHeard < peers[$1].lastHeard }
                guard let silent, now - peers[silent].lastHeard > Self.politeLimit else { return }
            }
            guard let connection = (try? listener.accept()) ?? nil else { return }
            if let silent {
                poller.remove(peers[silent].connection.descriptor)
                peers.remove(at: silent).connection.close()
            }
            peers.append(Peer(connection: connection, lastHeard: now))
        }
    }

    /// False when the peer is done with, or not worth waiting for.
    private func serve(_ peer: inout Peer, at now: Instant) -> Bool {
        do throws(WorldError) {
            let room = Self.requestLimit + 1 - peer.input.count
            if peer.waiting == nil, peer.output.isEmpty, room > 0 {
                _ = try peer.connection.read(into: &peer.input, limit: room)
            }
            if peer.waiting == nil, peer.output.isEmpty,
                let end = peer.input.firstIndex(of: 0x0A)
            {
                let line = Array(peer.input[..<end])
                peer.input.removeFirst(end + 1)
                peer.lastHeard = now
                answer(line, for: &peer, at: now)
            }
            guard peer.input.count <= Self.requestLimit || peer.waiting != nil else {
                reply("a request has \(Self.requestLimit) bytes at most", ok: false, to: &peer)
                _ = try peer.connection.write(peer.output[...])
                return false
            }
            if let waiting = peer.waiting, now - waiting.since > Self.answerLimit {
                peer.waiting = nil
                reply("the rig does not answer", ok: false, to: &peer)
            }
            if !peer.output.isEmpty {
                let taken = try peer.connection.write(peer.output[...])
                peer.output.removeFirst(taken)
            }
        } catch { return false }
        return now - peer.lastHeard < Self.idleLimit || peer.waiting != nil
    }

    private func answer(_ line: [UInt8], for peer: inout Peer, at now: Instant) {
        guard let request = JSONValue(line), let command = request["command"]?.string else {
            return reply("expected one JSON object with a \"command\"", ok: false, to: &peer)
        }
        let text = request["reason"]?.string ?? ""
        switch command {
        case "status": peer.output += Array((mailbox.status.json + "\n").utf8)
        case "metrics": reply(mailbox.numbers, ok: true, to: &peer)
        case "hold":
            let reason = text.isEmpty ? "an operator asked" : text
            hand(OperatorRequest(.hold(reason: reason), "hold", reason), peer: &peer, at: now)
        case "configuration": peer.output += Array((mailbox.configuration + "\n").utf8)
        case "reload":
            var request = OperatorRequest(.clear, "reload", text)
            request.actions = []
            request.isReload = true
            hand(request, peer: &peer, at: now)
        case "clear": hand(OperatorRequest(.clear, "clear", text), peer: &peer, at: now)
        case "resume":
            if let list = request["refilled"] {
                guard let names = list.array?.compactMap(\.string),
                    names.count == list.array?.count
                else {
                    return reply(
                        "\"refilled\" is a list of pump names", ok: false, to: &peer)
                }
                let unknown = names.filter { !mailbox.pumpNames.contains($0) }
                guard unknown.isEmpty else {
                    let known = mailbox.pumpNames.joined(separator: ", ")
                    return reply(
                        "no pump is called \(unknown.joined(separator: ", ")); there are \(known)",
                        ok: false, to: &peer)
                }
                var request = OperatorRequest(
                    .refilled(pumps: names), "refilled", names.joined(separator: ", "))
                // The syringes were filled in order to go on.
                request.actions.append(
                    OperatorAction(command: .resume, kind: "resume", text: "after refilling"))
                hand(request, peer: &peer, at: now)
            } else {
                hand(OperatorRequest(.resume, "resume", text), peer: &peer, at: now)
            }
        default: reply("there is no command \"\(command)\"", ok: false, to: &peer)
        }
    }

    private func hand(_ request: OperatorRequest, peer: inout Peer, at now: Instant) {
        requests += 1
        var request = request
        request.number = requests
        guard mailbox.requests.push(request) else {
            return reply("too many requests at once", ok: false, to: &peer)
        }
        peer.waiting = (requests, now)
        mailbox.wakeSteward()
    }

    private func takeAnswers() {
        while let answer = mailbox.answers.pop() {
            guard let index = peers.firstIndex(where: { $0.waiting?.number == answer.number })
            else { continue }
            peers[index].waiting = nil
            reply(answer.text, ok: answer.ok, to: &peers[index])
        }
    }

    private func reply(_ text: String, ok: Bool, to peer: inout Peer) {
        let json = JSONText.object {
            $0.member("ok", ok)
            $0.member("text", text)
        }
        peer.output += Array((json + "\n").utf8)
    }
}

/// A request on its way from the archive thread to the steward.
struct OperatorRequest: Sendable {
    var number = 0
    /// What is asked for, in order; answered together.
    var actions: [OperatorAction]
    /// The configuration is to be read again; nothing for the rig.
    var isReload = false

    init(_ command: OperatorCommand, _ kind: String, _ text: String) {
        actions = [OperatorAction(command: command, kind: kind, text: text)]
    }
}

/// An answer on its way back.
struct OperatorAnswer: Sendable {
    var number: Int
    var ok: Bool
    var text: String
}

/// Where steward and archive thread leave each other requests, answers and the picture of the
/// moment.
final class ControlMailbox: Sendable {
    let requests = BoundedQueue<OperatorRequest>(capacity: 16)
    let answers = BoundedQueue<OperatorAnswer>(capacity: 16)
    let pumpNames: [String]
    private let picture: Mutex<Status>
    private let writer = Mutex<(@Sendable () -> String)?>(nil)
    private let settings = Mutex("{\"ok\":false,\"text\":\"no configuration to tell of\"}")
    private let stewardWaker: WakeHandle
    /// Rings the server's thread; set once, before there are requests.
    private let serverWaker = Mutex<WakeHandle?>(nil)

    init(pumpNames: [String], stewardWaker: WakeHandle) {
        self.pumpNames = pumpNames
        self.stewardWaker = stewardWaker
        picture = Mutex(Status())
    }

    /// The picture of the moment.
    var status: Status { picture.withLock { $0 } }

    /// The state in numbers, as `[metrics]` has it.
    var numbers: String { writer.withLock { $0 }?() ?? "" }

    /// Before there are requests: this is who writes it.
    func tellNumbers(_ write: @escaping @Sendable () -> String) {
        writer.withLock { $0 = write }
    }

    /// The configuration in force, as it is answered.
    var configuration: String { settings.withLock { $0 } }

    /// Leaves what is to be answered about the configuration, one line.
    func show(configuration: String) { settings.withLock { $0 = configuration } }

    /// Leaves a new picture.
    func show(_ status: Status) { picture.withLock { $0 = status } }

    /// Server: there is a request.
    func wakeSteward() { stewardWaker.signal() }

    /// Steward: there is an answer.
    func wakeServer() { serverWaker.withLock { $0 }?.signal() }

    /// Server: this is how to be rung.
    func register(server waker: WakeHandle) { serverWaker.withLock { $0 = waker } }
}
