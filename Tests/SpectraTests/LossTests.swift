import Configuration
import Foundation
import Numerics
import Quantities
import Testing
import TestSupport

@testable import Spectra

@Suite struct LossTests {
    static func loss(_ values: [Double], at wavelengths: [Double]) throws -> Loss {
        try Loss(
            target: TargetSpectrum(wavelengths: wavelengths, values: values),
            wavelengths: wavelengths, settings: LossSettings())
    }

    /// By hand: minmax of both is (0, 1, 0.5) and (0, 0.5, 1); cosine = (0.5 + 0.5) / 1.25 = 0.8.
    @Test func cosineByHand() throws {
        let loss = try Self.loss([10, 20, 30], at: [1, 2, 3])
        #expect(try abs(loss.of([0.2, 1.0, 0.6]) - 0.2) < 1e-12)
        // A_max = 0.35 halves the similarity.
        #expect(try abs(loss.of([0.15, 0.35, 0.25]) - 0.6) < 1e-12)
    }

    @Test(
        arguments: [
            (-1, 0), (0, 0), (0.35, 0.5), (0.7, 1), (1.0, 1), (1.2, 1), (1.2001, 0), (5, 0),
        ] as [(Double, Double)])
    func amplitude(largest: Double, factor: Double) throws {
        let loss = try Self.loss([0, 1], at: [1, 2])
        #expect(abs(loss.amplitudeFactor(largest) - factor) < 1e-12)
        #expect(loss.amplitudeFactor(.nan) == 0)
    }

    @Test func noShape() throws {
        let loss = try Self.loss([0, 1, 2, 4], at: [1, 2, 3, 4])
        #expect(throws: SpectraError.flat(which: "spectrum")) { try loss.of([0.5, 0.5, 0.5, 0.5]) }
        #expect(throws: SpectraError.lengthMismatch(expected: 4, got: 0)) { try loss.of([]) }
        #expect(throws: SpectraError.tooFewValid(share: 0.75, needed: 1)) {
            try loss.of([0.1, .nan, 0.3, 0.4])
        }
        #expect(throws: SpectraError.tooFewValid(share: 0, needed: 0)) {
            try loss.of([.nan, .nan, .infinity, .nan], minimumValidShare: 0)
        }
        #expect(throws: SpectraError.flat(which: "target")) {
            try Self.loss([3, 3, 3], at: [1, 2, 3])
        }
        #expect(throws: SpectraError.self) { try loss.of([1e308, -1e308, 0, 1]) }
    }

    /// Invalid points drop out on both sides: by hand (0, 1) against (0, 1) of (0, ¼, ½, 1).
    @Test func invalidPoints() throws {
        let loss = try Self.loss([0, 1, 2, 4], at: [1, 2, 3, 4])
        let value = try loss.of([0.1, .nan, .nan, 0.9], minimumValidShare: 0.5)
        #expect(abs(value) < 1e-12)
    }

    @Test func medians() {
        #expect(median(of: []) == nil)
        #expect(median(of: [3]) == 3)
        #expect(median(of: [9, 1, 5]) == 5)
        #expect(median(of: [4, 1, 2, 100]) == 3)
        #expect(median(of: [1, .nan]) == nil)
    }

    static let published = SharedData.path("agbonn/run1_droplet_spectra.csv")
    static let prism = SharedData.path("agbonn/target_prism_50nm.csv")

    /// The 315 published droplets, each with the loss its authors computed.
    @Test(.enabled(if: published != nil && prism != nil))
    func publishedLosses() throws {
        let text = try String(contentsOfFile: #require(Self.published), encoding: .utf8)
        let target = try TargetSpectrum.parse(
            String(contentsOfFile: #require(Self.prism), encoding: .utf8))
        #expect(target.wavelengths.count == 25)
        let table = try SpectraTable.parse(text)
        #expect(table.rows.count == 315)
        #expect(table.wavelengths == (380...800).map { Double($0) })
        // The published values by another way: plain splitting.
        let lines = text.split(separator: "\n").map { $0.split(separator: ",") }
        let column = try #require(lines[0].firstIndex(of: "loss"))
        let report = try table.lossReport(target: target, settings: LossSettings())
        let rows = report.split(separator: "\n").dropFirst()
        #expect(rows.count == 315)
        for (index, row) in rows.enumerated() {
            let fields = row.split(separator: ",")
            #expect(fields[0] == "\(index + 1)")
            let got = try #require(Double(fields[1]))
            let want = try #require(Double(lines[index + 1][column]))
            #expect(abs(got - want) < 1e-6)
        }
    }
}

@Suite struct TableTests {
    @Test func readsAndIgnores() throws {
        let text =
            "name,A380,loss,A380.5,Area,A381\r\n\"a, \"\"b\"\"\",0.1,x,-2e-1, ,3\r\nb,1,,2,,3\r\n\r\n"
        let table = try SpectraTable.parse(text)
        #expect(table.wavelengths == [380, 380.5, 381])
        #expect(table.rows == [[0.1, -0.2, 3], [1, 2, 3]])
        #expect(try SpectraTable.parse("\u{FEFF}A1,A2\n1,2").rows == [[1, 2]])
    }

    @Test(arguments: [
        ("", 1, 1), ("x,y\n1,2\n", 1, 1), ("A380\n1\n", 1, 1), ("A380,A379\n1,2\n", 1, 2),
        ("A380,A380\n1,2\n", 1, 2), ("A380,A381\n", 2, 1), ("A380,A381\n1\n", 2, 2),
        ("A380,A381\n1,2,3\n", 2, 3), ("A380,A381\n1,2\n1,\n", 3, 2), ("A380,A381\nnan,2\n", 2, 1),
        ("A380,A381\n0x1p3,2\n", 2, 1), ("A380,A381\n1,2\n\n3,4\n", 3, 1),
        ("A380,A381\n1,1e999\n", 2, 2), ("A380,A381\n\"1,2\n", 2, 1),
        ("A380,A381\n\"1\"x,2\n", 2, 1), ("A380,A381\n1,--2\n", 2, 2), ("A380,A381\n1,2\0\n", 2, 2),
    ])
    func malformed(text: String, line: Int, column: Int) {
        do {
            _ = try SpectraTable.parse(text)
            Issue.record("a malformed table was read")
        } catch SpectraError.malformed(let gotLine, let gotColumn, let what) {
            #expect(gotLine == line)
            #expect(gotColumn == column)
            #expect(!what.isEmpty)
        } catch {
            Issue.record("another error: \(error)")
        }
    }

    /// 0.1 + 0.2 must come back as written; a flat row has no loss; other grids are used as is.
    @Test func report() throws {
        let target = try TargetSpectrum(wavelengths: [400, 402], values: [0, 2])
        let table = try SpectraTable.parse("A400,A401,A402\n0,0.4,0.8\n1,1,1\n0,0.5,0.35\n")
        let text = try table.lossReport(target: target, settings: LossSettings())
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 5)
        #expect(lines[0] == "row,loss")
        let first = try #require(Double(lines[1].dropFirst(2)))
        #expect(abs(first) < 1e-12)
        #expect(lines[2] == "2,")
        #expect(lines[3].hasPrefix("3,0."))
        let far = try TargetSpectrum(wavelengths: [401, 402], values: [0, 2])
        #expect(throws: SpectraError.outOfRange(wavelength: 400, from: 401, through: 402)) {
            try table.lossReport(target: far, settings: LossSettings())
        }
    }

    @Test func targets() throws {
        let target = try TargetSpectrum.parse("wavelength_nm,value\r\n380,1\r\n400, 3\r\n")
        #expect(target.wavelengths == [380, 400])
        #expect(try target.interpolated(at: [380, 385, 400]) == [1, 1.5, 3])
        #expect(throws: SpectraError.outOfRange(wavelength: 401, from: 380, through: 400)) {
            try target.interpolated(at: [401])
        }
        #expect(try TargetSpectrum.parse("380,1\n400,3").values == [1, 3])
    }

    @Test(arguments: [
        ("", 0, 1), ("w,v\n", 1, 1), ("380,1\n", 1, 1), ("380,1\n380,2\n", 2, 1),
        ("w,v\n400,1\n380,2\n", 3, 1), ("380,1\n390,x\n", 2, 2), ("380,1\n,2\n", 2, 1),
        ("380,1,5\n390,2,5\n", 1, 3), ("w,v\nw,v\n1,2\n", 2, 1), ("380,1\n390,inf\n", 2, 2),
        ("380;1\n", 1, 1),
    ])
    func malformedTargets(text: String, line: Int, column: Int) {
        do {
            _ = try TargetSpectrum.parse(text)
            Issue.record("a malformed target was read")
        } catch SpectraError.malformed(let gotLine, let gotColumn, _) {
            #expect(gotLine == line)
            #expect(gotColumn == column)
        } catch {
            Issue.record("another error: \(error)")
        }
    }
}
