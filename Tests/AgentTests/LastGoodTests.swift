import Configuration
import RunLog
import TestSupport
import Testing
import World

@testable import Agent

@Suite("The last good configuration, as it is kept") struct LastGoodTests {
    private let place = LastGood.Place(
        directory: "/var/lib/argent", configuration: "/etc/argent/argent.toml")

    @Test("what was kept comes back")
    func back() throws {
        let settings = VirtualRig.settings(seed: 3)
        let text = LastGood.text(settings, for: place)
        let body = try LastGood.body(Array(text.utf8), of: place)
        #expect(SettingsReader.read(text: body, file: "f").settings == settings)
    }

    @Test("not for another state directory, nor another configuration")
    func foreign() throws {
        let bytes = Array(LastGood.text(VirtualRig.settings(seed: 3), for: place).utf8)
        var other = place
        other.directory = "/var/lib/argent2"
        #expect {
            try LastGood.body(bytes, of: other)
        } throws: {
            guard case .foreign(_, "state directory", "/var/lib/argent", _)? = $0 as? LastGoodError
            else { return false }
            return true
        }
        other = place
        other.configuration = "/etc/argent/other.toml"
        #expect {
            try LastGood.body(bytes, of: other)
        } throws: {
            guard case .foreign(_, "configuration", _, _)? = $0 as? LastGoodError else {
                return false
            }
            return true
        }
    }

    @Test("every cut and every changed byte is noticed")
    func damaged() throws {
        let bytes = Array(LastGood.text(VirtualRig.settings(seed: 3), for: place).utf8)
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: LastGoodError.damaged(path: place.path)) {
                try LastGood.body(Array(bytes[..<length]), of: place)
            }
        }
        for index in stride(from: 0, to: bytes.count, by: 13) {
            var changed = bytes
            changed[index] ^= 1
            #expect(throws: LastGoodError.damaged(path: place.path)) {
                try LastGood.body(changed, of: place)
            }
        }
        #expect(throws: LastGoodError.damaged(path: place.path)) {
            try LastGood.body([UInt8](repeating: 0x20, count: LastGood.sizeLimit + 1), of: place)
        }
    }

    @Test("the file is whole, is its group's only, and is not written without need")
    func file() throws {
        let directory = try TestFolder()
        let here = LastGood.Place(directory: directory.path, configuration: "/etc/a.toml")
        #expect(throws: LastGoodError.absent(path: here.path)) { try LastGood.read(here) }
        let keeper = LastGoodKeeper(here)
        #expect(keeper.keep(VirtualRig.settings(seed: 3)))
        keeper.finish()
        #expect(keeper.takeProblem() == nil)
        #expect(try Files.mode(of: here.path) & 0o137 == 0)
        let body = try LastGood.read(here)
        #expect(body.contains("seed = 3"))
        #expect(keeper.keep(VirtualRig.settings(seed: 4)))
        keeper.finish()
        #expect(try LastGood.read(here).contains("seed = 4"))
        let nowhere = LastGoodKeeper(
            LastGood.Place(directory: directory.path + "/none", configuration: "/etc/a.toml"))
        #expect(nowhere.keep(VirtualRig.settings(seed: 3)))
        nowhere.finish()
        #expect(nowhere.takeProblem()?.contains("/none") == true)
        #expect(nowhere.takeProblem() == nil)
    }
}
