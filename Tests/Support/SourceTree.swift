import Glibc

/// The files of this very project, for tests that look after the text itself.
public enum SourceTree {
    /// One file.
    public struct File: Sendable {
        /// Its path, seen from the project's root.
        public var path: String
        /// What it says.
        public var text: String

        /// A file of `text` at `path`.
        public init(path: String, text: String) {
            self.path = path
            self.text = text
        }
    }

    /// The largest file that is read.
    static let sizeLimit = 1 << 20

    /// Every file under `folder` (seen from the project's root) whose name ends in one of
    /// `endings`, in the order of their paths.
    public static func files(under folder: String, endings: [String]) -> [File] {
        var found: [File] = []
        for name in names(in: SharedData.projectRoot + "/" + folder).sorted() {
            let path = folder + "/" + name
            if endings.contains(where: name.hasSuffix) {
                if let text = read(SharedData.projectRoot + "/" + path) {
                    found.append(File(path: path, text: text))
                }
            } else {
                found += files(under: path, endings: endings)
            }
        }
        return found
    }

    /// The names in a folder without `.`, `..` and hidden ones; none for what is no folder.
    private static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: sizeLimit)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
