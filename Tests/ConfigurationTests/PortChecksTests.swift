import Testing

@testable import Configuration

@Suite struct PortChecksTests {
    @Test func numberedAdaptersAreWarnedOfOnceEach() {
        let text = Texts.small.replacing("/dev/a", with: "/dev/ttyUSB0")
            .replacing("/dev/s", with: "/dev/ttyACM3")
        let problems = Texts.problems(text)
        #expect(problems.count == 2, "\(problems)")
        for (place, port) in [("f:12:", "/dev/ttyUSB0"), ("f:22:", "/dev/ttyACM3")] {
            let found = problems.first { $0.hasPrefix(place) } ?? ""
            #expect(found.contains("warning: \(port) is another adapter after"), "\(problems)")
            #expect(found.contains("/dev/serial/by-id"))
        }
    }

    @Test func namesThatStayAreNot() {
        for port in ["/dev/serial/by-id/usb-FTDI_A50285BI-if00-port0", "/dev/ttyS0", "/dev/rig/a"] {
            #expect(Texts.problems(Texts.small.replacing("/dev/a", with: port)).isEmpty)
        }
    }
}
