import World

/// Why a pull, or a part of it, did not work.
public enum PullError: Error, Equatable, CustomStringConvertible {
    /// The rig cannot be reached, or went away.
    case unreachable(WorldError)
    /// TLS failed.
    case tls(TLSFailure)
    /// The conversation failed.
    case session(SessionError)
    /// The rig is not paired.
    case notPaired(rig: String, shown: Fingerprint)
    /// The rig shows another key than when it was paired.
    case otherIdentity(rig: String, shown: Fingerprint, known: Fingerprint)
    /// This machine is not accepted by the rig.
    case notAccepted(rig: String, own: Fingerprint)
    /// Another pull of the same rig into the same folder is running.
    case running(folder: String)
    /// A file here cannot be read or written.
    case file(WorldError)
    /// There is not enough room here.
    case noRoom(folder: String, needed: UInt64, free: UInt64)
    /// The list of rigs, or of what was pulled, is damaged.
    case list(path: String, line: Int)
    /// The identity cannot be used.
    case identity(IdentityError)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .unreachable(let error): "\(error)"
        case .tls(let error): "\(error): is that an argent with [sync] listen?"
        case .session(let error): "\(error)"
        case .notPaired(let rig, let shown):
            "\(rig) is not paired; it shows \(shown); compare that with what `argent pair` says "
                + "on the rig, then: argent-workstation pair \(rig)"
        case .otherIdentity(let rig, let shown, let known):
            "\(rig) shows another key than when it was paired: either it was set up anew, or "
                + "something else answers in its place. Shown: \(shown). Known: \(known). If "
                + "`argent pair` on the rig says the shown one: argent-workstation pair \(rig) "
                + "--fingerprint \(shown)"
        case .notAccepted(let rig, let own):
            "\(rig) does not accept this machine yet; on the rig: argent pair accept \(own)"
        case .running(let folder):
            "another pull into \(folder) is running; it fetches the same, so wait for it"
        case .file(let error): "\(error)"
        case .noRoom(let folder, let needed, let free):
            "no room in \(folder): the next segment has \(needed) bytes, \(free) are free; what "
                + "was acknowledged is safe; make room and pull again"
        case .list(let path, let line): "\(path):\(line): not understood; mend or remove that line"
        case .identity(let error): "\(error)"
        }
    }

    /// Whether trying again with a new connection may help.
    public var isTransient: Bool {
        switch self {
        case .unreachable, .tls, .session(.silent): true
        case .session(.refused(let code, _)):
            [.tooSlow, .busy, .disk].contains(RefusalCode(rawValue: code))
        default: false
        }
    }
}
