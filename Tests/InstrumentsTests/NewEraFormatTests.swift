import Quantities
import Testing

@testable import Instruments

/// The golden packets of DEVICES 2.3 and the number format of 2.4.
@Suite struct NewEraFormatTests {
    @Test(
        arguments: [
            ("SAF0", [0x02, 0x08, 0x53, 0x41, 0x46, 0x30, 0x55, 0x43, 0x03]),
            ("0", [0x02, 0x05, 0x30, 0x36, 0x53, 0x03]),
            ("0RUN", [0x02, 0x08, 0x30, 0x52, 0x55, 0x4E, 0x44, 0x07, 0x03]),
            ("0SAF5", [0x02, 0x09, 0x30, 0x53, 0x41, 0x46, 0x35, 0x09, 0x08, 0x03]),
        ] as [(String, [UInt8])])
    func packsGoldenPackets(command: String, packet: [UInt8]) {
        var packed: [UInt8] = []
        NewEraFraming.safe.pack(command, to: nil, into: &packed)
        #expect(packed == packet)
        #expect(PlayedNewEra.safe(command) == packet)
    }

    @Test(arguments: [0, 7, 10, 42, 99])
    func packsTheAddressBehindWhatWaits(address: Int) {
        var packed: [UInt8] = [0x0D]
        NewEraFraming.safe.pack("STP", to: address, into: &packed)
        #expect(packed == [0x0D] + PlayedNewEra.safe("\(address)STP"))
        packed = [0x0D]
        NewEraFraming.basic.pack("STP", to: address, into: &packed)
        #expect(packed == [0x0D] + Array("\(address)STP\r".utf8))
    }

    /// The length byte counts no more than it can hold.
    @Test func cutsWhatNoPacketHolds() {
        var packed: [UInt8] = []
        NewEraFraming.safe.pack(String(repeating: "9", count: 400), to: 12, into: &packed)
        #expect(packed.count == 1 + 255)
        #expect(packed == PlayedNewEra.safe("12" + String(repeating: "9", count: 249)))
    }

    private func replies(_ bytes: [UInt8]) -> [NewEraReply] {
        var reader = NewEraReader()
        return bytes.compactMap { byte in
            guard case .reply(let reply)? = reader.push(byte, at: .zero) else { return nil }
            return reply
        }
    }

    @Test func readsGoldenReplies() throws {
        let stopped = try #require(replies([0x02, 0x07, 0x30, 0x30, 0x53, 0xAA, 0xA6, 0x03]).first)
        #expect(stopped.address == 0 && stopped.status == .stopped && stopped.data.isEmpty)
        #expect(stopped.framing == .safe)
        let alarm = try #require(
            replies([0x02, 0x09, 0x30, 0x30, 0x41, 0x3F, 0x54, 0x05, 0x40, 0x03]).first)
        #expect(alarm.status == .alarm(.deadMan) && alarm.isNews)
    }

    @Test(arguments: [
        ("12I", NewEraReply.Status.infusing, ""), ("00W", .withdrawing, ""),
        ("00P", .paused, ""), ("00T", .timedPause, ""), ("00U", .waiting, ""),
        ("00X", .purging, ""), ("00A?R", .alarm(.reset), ""), ("00A?S", .alarm(.stalled), ""),
        ("00A?E", .alarm(.program), ""), ("00A?O", .alarm(.program), ""),
        ("00S1500.UH", .stopped, "1500.UH"),
    ])
    func readsStatus(text: String, status: NewEraReply.Status, data: String) throws {
        let reply = try #require(replies(PlayedNewEra.basic(text)).first)
        #expect(reply.status == status && reply.data == data && reply.refusal == nil)
    }

    @Test(arguments: ["?", "?NA", "?OOR", "?COM", "?IGN"])
    func readsErrors(text: String) throws {
        let reply = try #require(replies(PlayedNewEra.safe("07S" + text)).first)
        #expect(reply.address == 7 && reply.refusal?.rawValue == text && reply.data.isEmpty)
    }

    @Test func lengthAndChecksumMayLookLikeFraming() {
        // Search texts whose checksum contains STX, ETX or CR: they must be cut by length.
        var seen = 0
        for value in 0..<4000 {
            let packet = PlayedNewEra.safe("00S\(value).UH")
            let crc = packet.suffix(3).prefix(2)
            guard crc.contains(2) || crc.contains(3) || crc.contains(13) else { continue }
            seen += 1
            #expect(replies(packet).first?.data == "\(value).UH")
        }
        #expect(seen > 20)
    }

    @Test(arguments: [
        (0.001, "0.001"), (0.5, "0.5"), (1.2345, "1.235"), (14.43, "14.43"), (99.996, "100"),
        (999.9, "999.9"), (999.96, "1000"), (1500, "1500"), (9999, "9999"), (9.9996, "10"),
        (0, "0"),
    ])
    func formatsFourDigits(value: Double, text: String) {
        #expect(NewEraNumber.format(value) == text)
    }

    @Test func formatRefusesWhatDoesNotFit() {
        for value in [9999.5, 12000, -1, .nan, .infinity] {
            #expect(NewEraNumber.format(value) == nil)
        }
    }

    @Test(arguments: [
        (100.0, "100", "UM"), (0.25, "0.25", "UM"), (0.1, "0.1", "UM"), (0.0123, "0.738", "UH"),
        (9999.0, "9999", "UM"), (26_000.0, "26", "MM"), (12_345.0, "12.35", "MM"),
        (0.05, "0.05", "UM"), (0.0513, "3.078", "UH"),
    ])
    func choosesUnits(rate: Double, number: String, unit: String) throws {
        let text = try #require(NewEraRate.best(for: FlowRate(microlitersPerMinute: rate)))
        #expect(text.number == number && text.unit.rawValue == unit)
    }

    @Test func keepsTheRunningUnitWhereItCan() {
        func unit(_ rate: Double, _ present: NewEraRate.Unit) -> NewEraRate.Unit? {
            NewEraRate.best(for: FlowRate(microlitersPerMinute: rate), keeping: present)?.unit
        }
        #expect(unit(1.5, .microlitersPerHour) == .microlitersPerHour)
        #expect(unit(500, .microlitersPerHour) == .microlitersPerMinute)
        #expect(unit(120, .millilitersPerHour) == .millilitersPerHour)
    }

    @Test(arguments: [
        ("1500.UH", 25.0), ("10.00MH", 166.666_666_666_666_66), ("100.0UM", 100.0), (".5MM", 500.0),
    ])
    func readsRates(text: String, rate: Double) throws {
        let read = try #require(NewEraRate.parse(text))
        #expect(abs(read.rate.microlitersPerMinute - rate) < 1e-9)
    }

    @Test(arguments: ["", "UM", "1.2.3UM", "12", "1e3UM", "-1UM", "100.XX", "14.43"])
    func refusesOtherRates(text: String) { #expect(NewEraRate.parse(text) == nil) }

    @Test func readsVolumes() throws {
        #expect(NewEraVolume.parse("500.0UL")?.volume.microliters == 500)
        #expect(NewEraVolume.parse("1.250ML")?.volume.microliters == 1250)
        #expect(NewEraVolume.parseDispensed("I5.000W0.000ML")?.microliters == 5000)
        #expect(NewEraVolume.parseDispensed("I5.000W0.000") == nil)
        #expect(NewEraVolume.parseDispensed("W5.000I0.000ML") == nil)
        #expect(NewEraVolume(Volume(microliters: 12_000))?.number == "12")
        #expect(NewEraVolume(Volume(microliters: 12_000))?.unit == .milliliters)
        #expect(NewEraVolume(Volume(microliters: 0)) == nil)
        #expect(NewEraVolume(Volume(microliters: .nan)) == nil)
    }
}
