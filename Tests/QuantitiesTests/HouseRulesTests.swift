import TestSupport
import Testing

/// What holds for every file of the program, and no compiler looks after.
enum HouseRules {
    static let longestLine = 100
    static let longestFile = 400
    /// A shim may hold two versions of one library.
    static let longestShim = 450

    /// What a Swift file must not say outside comments, and why. The program is one process with
    /// threads it can count: nothing may bring a thread pool or a second standard library.
    static let banned: [(phrase: [String], reason: String)] = [
        (["import", "Foundation"], "brings megabytes and a second set of types"),
        (["import", "FoundationEssentials"], "brings megabytes and a second set of types"),
        (["import", "Dispatch"], "brings a thread pool"),
        (["async"], "brings a thread pool"),
        (["await"], "brings a thread pool"),
        (["Task", "{"], "brings a thread pool"),
        (["Task", "."], "brings a thread pool"),
        (["try", "!"], "crashes on an error: throw it"),
        (["as", "!"], "crashes on another type: check it"),
        (["fatalError"], "stops the pumps' keeper: throw a typed error"),
    ]

    /// What is wrong with a file, each as `path:line: what`.
    static func breaches(_ file: SourceTree.File) -> [String] {
        var found: [String] = []
        var lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" {
            lines.removeLast()
        } else {
            found.append("\(file.path): no last newline")
        }
        let limit = file.path.hasSuffix(".swift") ? longestFile : longestShim
        if lines.count > limit {
            found.append("\(file.path): \(lines.count) lines, \(limit) are allowed")
        }
        for (index, line) in lines.enumerated() {
            let place = "\(file.path):\(index + 1): "
            if line.count > longestLine { found.append(place + "\(line.count) columns") }
            guard file.path.hasSuffix(".swift") else { continue }
            let words = words(of: line)
            for (phrase, reason) in banned where holds(words, phrase) {
                found.append(place + "`\(phrase.joined(separator: " "))` \(reason)")
            }
        }
        return found
    }

    /// The names and marks of a line, up to its comment.
    static func words(of line: Substring) -> [String] {
        var words: [String] = []
        var inName = false
        for character in line {
            let continues = character.isLetter || character.isNumber || character == "_"
            if continues && inName {
                words[words.count - 1].append(character)
            } else if character == "/" && words.last == "/" {
                return words.dropLast()
            } else if !character.isWhitespace {
                words.append(String(character))
            }
            inName = continues
        }
        return words
    }

    static func holds(_ words: [String], _ phrase: [String]) -> Bool {
        guard words.count >= phrase.count else { return false }
        return (0...words.count - phrase.count).contains {
            words[$0..<$0 + phrase.count].elementsEqual(phrase)
        }
    }
}

@Suite struct HouseRulesTests {
    @Test func everyFileKeepsTheRules() {
        let files = SourceTree.files(under: "Sources", endings: [".swift", ".c", ".cpp", ".h"])
        #expect(files.count > 100, "the sources were not found")
        for breach in files.flatMap(HouseRules.breaches) {
            Issue.record("\(breach)")
        }
    }

    static let bad: [(text: String, line: Int)] = [
        ("import Foundation\n", 1), ("@preconcurrency import  Dispatch\n", 1),
        ("let a = 1\nfunc f() async throws {}\n", 2), ("let b = try await g()\n", 1),
        ("Task { f() }\n", 1), ("Task.detached { f() }\n", 1), ("Task{ f() }\n", 1),
        ("let c = try! f()\n", 1), ("let d = e as! Int\n", 1), ("fatalError(\"x\")\n", 1),
        ("\n\n" + String(repeating: "é", count: 101) + "\n", 3),
    ]

    @Test(arguments: bad) func breachesAreNoticed(text: String, line: Int) {
        let breaches = HouseRules.breaches(SourceTree.File(path: "a.swift", text: text))
        #expect(breaches.count == 1 && breaches[0].hasPrefix("a.swift:\(line): "), "\(breaches)")
    }

    @Test func lengthOfFilesIsNoticed() {
        for (name, lines, count) in [("a.swift", 400, 0), ("a.swift", 401, 1), ("a.c", 451, 1)] {
            let text = String(repeating: "x\n", count: lines)
            #expect(HouseRules.breaches(SourceTree.File(path: name, text: text)).count == count)
        }
        let torn = HouseRules.breaches(SourceTree.File(path: "a.c", text: "x"))
        #expect(torn == ["a.c: no last newline"])
    }

    @Test(arguments: [
        "/// Await the reply; import Foundation; async.\n", "let x = 1  // Task { await }\n",
        "let awaited = asynchronous\n", "let task = Tasks.all\n", "try f(); !g\n",
        String(repeating: "é", count: 100) + "\n", "import Glibc\n",
    ])
    func othersPass(text: String) {
        #expect(HouseRules.breaches(SourceTree.File(path: "a.swift", text: text)).isEmpty)
    }
}
