import Glibc

/// Published data that some tests read when it lies beside the checkout. It is not part of the
/// project: a test that needs it is skipped, visibly, where it is absent.
public enum SharedData {
    /// The path of `name` below the data folder, or nil where there is none.
    public static func path(_ name: String) -> String? {
        let path = root + "/" + name
        return access(path, R_OK) == 0 ? path : nil
    }

    /// The folder the data would lie in: `$ARGENT_SHARED_DATA`, or `../shared/data` seen from
    /// the project's root.
    public static var root: String {
        if let chosen = getenv("ARGENT_SHARED_DATA") { return String(cString: chosen) }
        return projectRoot + "/../shared/data"
    }

    /// The project's root, from the place of this very file.
    public static var projectRoot: String {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }
}
