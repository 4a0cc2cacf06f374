import LogTrials
import Quantities
import Testing
import World

@testable import RunLog

@Suite struct SegmentTests {
    private static let key = [UInt8](0..<32)

    /// Three sealed segments, signed.
    private func segments() throws -> [[UInt8]] {
        var options = SegmentOptions(newIdentifier: LogIdentifier(derivedFrom: "s".utf8))
        options.signer = Ed25519Signer(privateKey: Self.key)
        let disk = SimulatedDisk()
        let log = try SegmentedLog(disk, options: options)
        for part in 0..<3 {
            try log.append(Array(Samples.records[(part * 5)..<(part * 5 + 5)]))
            try log.sealAll()
        }
        return disk.files.sorted { $0.key < $1.key }.map(\.value)
    }

    private func report(
        _ bytes: [UInt8], after previous: [UInt8]? = nil, key: [UInt8]? = nil
    ) throws -> SegmentReport {
        let previous = try previous.map { try SealedSegment(MemorySource($0), path: "") }
        return try SegmentVerifier.verify(MemorySource(bytes), after: previous, key: key)
    }

    @Test func aSegmentSaysWhatIsInIt() throws {
        let bytes = try segments()
        let publicKey = Ed25519.publicKey(of: Self.key)
        for (part, segment) in bytes.enumerated() {
            let found = try report(segment, after: part > 0 ? bytes[part - 1] : nil, key: publicKey)
            #expect(found.isSound && found.records == 5 && found.missingRecords == 0)
            let told = try #require(found.segment)
            #expect(told.number == UInt64(part + 1) && told.size == Int64(segment.count))
            #expect(told.firstSequence == UInt64(part * 5 + 1) && told.records == 5)
            #expect(told.publicKey == publicKey && !told.isThinned)
            #expect(told.earliest == Samples.records[0].wall)
            var reader = try SegmentReader(MemorySource(segment))
            for number in (part * 5)..<(part * 5 + 5) {
                #expect(
                    try reader.next()
                        == .record(sequence: UInt64(number + 1), Samples.records[number]))
            }
            #expect(try reader.next() == nil)
        }
        let types = try SegmentReader(MemorySource(bytes[1])).index.frames[0].types
        #expect(types.map(\.type) == [6, 7, 8, 9] && types.map(\.count) == [1, 1, 1, 2])
    }

    @Test func whatDoesNotFollowIsNoticed() throws {
        let bytes = try segments()
        #expect(
            try report(bytes[2], after: bytes[0]).problems == [
                .segmentsMissing(after: 1, before: 3)
            ])
        #expect(try report(bytes[0], after: bytes[0]).problems == [.chainBroken])
        #expect(try report(bytes[0], after: bytes[1]).problems == [.chainBroken])
        #expect(try report(bytes[1], key: Self.key).problems == [.otherKey])
        // The same records sealed by somebody without the key: another seal, the same chain.
        let unsigned = try sealed(Array(Samples.records[..<5]), signer: nil)
        #expect(try report(unsigned, key: Self.key).problems == [.unsigned])
        let foreign = try sealed(Array(Samples.records[..<5]), signer: nil, log: "other")
        #expect(try report(bytes[1], after: foreign).problems == [.otherLog])
        let replaced = try sealed(Array(Samples.records[1..<6]), signer: nil)
        #expect(try report(bytes[1], after: replaced).problems == [.chainBroken])
        let signer = try #require(Ed25519Signer(privateKey: Self.key))
        let liar = Liar(signer)
        let lied = try sealed(Array(Samples.records[..<5]), signer: liar)
        #expect(try report(lied, key: signer.publicKey).problems == [.badSignature])
        #expect(
            try report(Array("PK\u{3}\u{4} and more".utf8)).problems == [.unreadable(.notASegment)])
    }

    /// A segment 1 of these records.
    private func sealed(
        _ records: [Record], signer: (any SegmentSigner)?, log: String = "s"
    ) throws -> [UInt8] {
        var builder = SegmentBuilder(
            head: SegmentHead(
                logIdentifier: LogIdentifier(derivedFrom: log.utf8), number: 1, firstSequence: 1,
                previousHash: SegmentFormat.noHash),
            level: 6)
        var bytes = builder.begin()
        for (index, record) in records.enumerated() {
            let number = UInt64(index + 1)
            builder.add(sequence: number, try RecordCodec.encode(record, sequence: number))
        }
        bytes += try builder.frame()
        return bytes + (try builder.finish(signer: signer))
    }

    @Test func newerSegmentsAreReadOrRefused() throws {
        let bytes = try segments()[0]
        let map = try SegmentMap(MemorySource(bytes), path: "")
        // A head with a key from a later program, and one with a later version.
        func head(version: UInt64) -> [UInt8] {
            var writer = CBORWriter()
            writer.map(6)
            writer.unsigned(1)
            writer.unsigned(version)
            writer.unsigned(2)
            writer.byteString(map.head.logIdentifier.bytes)
            for (key, value) in [(3, 1), (4, 1)] as [(UInt64, UInt64)] {
                writer.unsigned(key)
                writer.unsigned(value)
            }
            writer.unsigned(5)
            writer.byteString(map.head.previousHash)
            writer.unsigned(9)
            writer.text("later")
            return SegmentFormat.block(SegmentFormat.headMagic, writer.bytes)
        }
        #expect(try SegmentMap.head(of: MemorySource(head(version: 2))).head == map.head)
        #expect(throws: SegmentError.newerFormat(version: 3)) {
            try SegmentMap.head(of: MemorySource(head(version: 3)))
        }
    }

    @Test func whatIsNoRecordIsKept() throws {
        let odd: [UInt8] = [0x85, 0x02, 0xFF, 0xFF]
        let good = try RecordCodec.encode(Samples.records[0], sequence: 1)
        var builder = SegmentBuilder(
            head: SegmentHead(
                logIdentifier: LogIdentifier(derivedFrom: "s".utf8), number: 1, firstSequence: 1,
                previousHash: SegmentFormat.noHash),
            level: 3)
        var bytes = builder.begin()
        builder.add(sequence: 1, good)
        builder.add(sequence: 2, odd)
        bytes += try builder.frame()
        bytes += try builder.finish(signer: nil)
        var reader = try SegmentReader(MemorySource(bytes))
        #expect(try reader.next() == .record(sequence: 1, Samples.records[0]))
        #expect(try reader.next() == .unknown(sequence: 2, type: 0))
        let kept = try reader.payloads(ofFrame: 0)[1].bytes
        #expect(kept.suffix(4).elementsEqual(odd))
    }

    @Test func recordsOutliveADamagedIndex() throws {
        let bytes = try segments()
        let map = try SegmentMap(MemorySource(bytes[1]), path: "")
        let indexEnd = Int(map.sealStart)
        for place in [3, 30, indexEnd - 3, bytes[1].count - 20, bytes[1].count - 2] {
            var damaged = bytes[1]
            damaged[place] ^= 0x40
            let disk = SimulatedDisk([
                "00000001.argentseg": bytes[0], "00000002.argentseg": damaged,
                "00000003.argentseg": bytes[2],
            ])
            var found: [UInt64] = []
            let options = SegmentOptions(newIdentifier: LogIdentifier(derivedFrom: "s".utf8))
            let log = try SegmentedLog(disk, options: options) { entry in
                if case .record(let sequence, _) = entry { found.append(sequence) }
            }
            #expect(found == Array(1...15), "byte \(place)")
            #expect(log.recovery.damaged.map(\.number) == [2] && log.recovery.gapCount > 0)
        }
    }

    // RFC 8032, section 7.1, tests 2 and 3.
    @Test func signaturesHaveTheirPublishedValues() throws {
        func bytes(_ text: String) -> [UInt8] {
            let digits = Array(text.utf8).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
            return stride(from: 0, to: digits.count, by: 2).map {
                UInt8(digits[$0] * 16 + digits[$0 + 1])
            }
        }
        let cases = [
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                    + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                    + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ]
        for (secret, publicKey, message, signature) in cases {
            let signer = try #require(Ed25519Signer(privateKey: bytes(secret)))
            #expect(signer.publicKey == bytes(publicKey))
            #expect(signer.sign(bytes(message)) == bytes(signature))
            #expect(
                Ed25519.verify(
                    bytes(signature), of: bytes(message), publicKey: bytes(publicKey)))
            #expect(
                !Ed25519.verify(
                    bytes(signature), of: bytes(message) + [0], publicKey: bytes(publicKey)))
        }
        #expect(Ed25519Signer(privateKey: [1]) == nil)
        #expect(!Ed25519.verify([1], of: [], publicKey: [2]))
    }

    @Test func namesAreCanonical() {
        #expect(SegmentName.active(3) == "00000003.argentlog")
        #expect(SegmentName.sealed(123_456_789) == "123456789.argentseg")
        #expect(SegmentName.sealedNumber("00000012.argentseg") == 12)
        for name in [
            "12.argentseg", "00000000.argentseg", "000000012.argentseg", "0000001x.argentseg",
            "00000012.argentlog", "00000012.argentseg.new", "+0000012.argentseg",
        ] {
            #expect(SegmentName.sealedNumber(name) == nil, "\(name)")
        }
    }
}

/// Says another's key, and signs with nothing.
private final class Liar: SegmentSigner {
    let publicKey: [UInt8]
    init(_ signer: Ed25519Signer) { publicKey = signer.publicKey }
    func sign(_ bytes: [UInt8]) -> [UInt8] { [UInt8](repeating: 1, count: 64) }
}
