import Foundation
import TestSupport
import Testing

/// Files as a board's kernel shows them, made by hand after its documentation.
private struct MadeBoard {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try put("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
        let chip = "sys/bus/gpio/devices/gpiochip0"
        try put(chip + "/label", "pinctrl-rp1\n")
        try put(chip + "/of_node/gpio-line-names", "ID_SDA\0ID_SCL\0GPIO2\0\0GPIO4\0")
        try put("sys/bus/gpio/devices/gpiochip10/label", "gpio-brcmstb@107d508500\n")
        for (number, name) in [(1, "Synopsys DesignWare I2C adapter"), (10, "107d508200.i2c")] {
            try put("sys/bus/i2c/devices/i2c-\(number)/name", name + "\n")
        }
        try put("dev/i2c-1", "")
        try put("sys/class/tty/ttyUSB0/device/../idVendor", "0403\n")
        try put("sys/class/tty/ttyUSB0/device/here", "")
        try put("sys/class/tty/ttyUSB0/idVendor", "0403\n")
        try put("sys/class/tty/ttyUSB0/manufacturer", "FTDI\n")
        try put("sys/class/tty/ttyUSB0/product", "FT232R USB UART\n")
        try put("sys/class/tty/ttyUSB0/serial", "A50285BI\n")
        try put("sys/class/tty/ttyAMA0/type", "32\n")
        try put("sys/class/tty/ttyS0/type", "0\n")
        try put("sys/class/tty/ttyS1/type", "4\n")
        try put("sys/class/tty/tty1/dev", "4:1\n")
        try put("dev/serial/by-id/.keep", "")
        try put("dev/serial/by-path/.keep", "")
        try link("dev/serial/by-id/usb-FTDI_A50285BI-if00-port0", "../../ttyUSB0")
        try link("dev/serial/by-path/platform-usb-0:1.2:1.0-port0", "../../ttyUSB0")
        try put("sys/class/watchdog/watchdog0/identity", "Broadcom BCM2835 Watchdog timer\n")
        try put("sys/class/watchdog/watchdog0/timeout", "15\n")
        try put("sys/kernel/realtime", "1\n")
        try put("proc/sys/kernel/osrelease", "6.12.34-rt\n")
        try put("sys/devices/system/cpu/isolated", "3\n")
        try put("sys/devices/virtual/workqueue/cpumask", "7\n")
    }

    private func put(_ name: String, _ text: String) throws {
        let place = URL(fileURLWithPath: folder[name]).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try folder.write(name, text)
    }

    private func link(_ name: String, _ target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder[name], withDestinationPath: target)
    }
}

@Suite("argent probe")
struct ProbeTests {
    @Test("a made board: model, chips by label, lines, buses, ttys by serial number, watchdog")
    func made() throws {
        let board = try MadeBoard()
        let told = try Program.run("probe", "--root", board.folder.path)
        #expect(told.code == 0, "\(told.err)")
        for part in [
            "board: Raspberry Pi 5 Model B Rev 1.0\n",
            "gpiochip0: label \"pinctrl-rp1\", 5 lines\n", "0=ID_SDA 1=ID_SCL 2=GPIO2 4=GPIO4",
            "gpiochip10: label \"gpio-brcmstb@107d508500\", 0 lines",
            "/dev/i2c-1: Synopsys DesignWare I2C adapter\n",
            "/dev/i2c-10: 107d508200.i2c; no device: load the module i2c-dev",
            "/dev/ttyUSB0: FTDI FT232R USB UART serial number A50285BI\n",
            "    /dev/serial/by-id/usb-FTDI_A50285BI-if00-port0\n"
                + "    /dev/serial/by-path/platform-usb-0:1.2:1.0-port0\n",
            "/dev/ttyAMA0\n", "/dev/ttyS1\n",
            "/dev/watchdog0: Broadcom BCM2835 Watchdog timer, 15 s", "PREEMPT_RT",
            "isolated (isolcpus): 3\n", "the kernel's workers may use (mask): 7\n",
            "No I2C bus was asked",
        ] { #expect(told.out.contains(part), "\(part) is not in\n\(told.out)") }
        #expect(!told.out.contains("ttyS0") && !told.out.contains("/dev/tty1"))
        // The order is that of the numbers.
        let first = try #require(told.out.range(of: "/dev/i2c-1:"))
        let second = try #require(told.out.range(of: "/dev/i2c-10:"))
        #expect(first.lowerBound < second.lowerBound)
    }

    @Test("what it writes is accepted but for the gaps it names; filled in, it is right")
    func written() throws {
        let board = try MadeBoard()
        let folder = try TestFolder()
        let path = folder["argent.toml"]
        let told = try Program.run("probe", "--root", board.folder.path, "--write", path)
        #expect(told.code == 0, "\(told.err)")
        let text = try folder.text("argent.toml")
        let gaps = text.split(separator: "\n").dropFirst(3).filter { $0.contains("FILL IN") }
        #expect(told.out.contains("fill in \(gaps.count) values"))
        let checked = try Program.run("check", "--json", path)
        #expect(checked.code == 3)
        let value = try JSONSerialization.jsonObject(with: Data(checked.out.utf8))
        let problems = try #require(
            (value as? [String: Any])?["problems"] as? [[String: Any]])
        let messages = problems.compactMap { $0["message"] as? String }
        #expect(
            messages.allSatisfy { $0.contains(" lacks ") || $0.contains("syringe") }, "\(messages)")
        #expect(messages.count == gaps.count, "\(messages)\n\(gaps)")
        #expect(text.contains("chip_label = \"pinctrl-rp1\""))
        #expect(text.contains("found: /dev/serial/by-id/usb-FTDI_A50285BI-if00-port0"))

        var ports = 0
        let filled = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            line -> String in
            guard line.contains("FILL IN") else { return String(line) }
            if line.hasPrefix("# Fill") { return String(line) }
            if line.contains("syringe") { return "syringe = \"BD 10 mL\"" }
            if line.contains("line =") { return "line = \"GPIO4\"" }
            ports += 1
            return "port = \"/dev/serial/by-id/\(ports < 4 ? "pumps" : "spectrometer")\""
        }
        try folder.write("filled.toml", filled.joined(separator: "\n"))
        let right = try Program.run("check", folder["filled.toml"])
        #expect(right.code == 0, "\(right.out)\(right.err)")
        // Nothing is overwritten.
        let again = try Program.run("probe", "--root", board.folder.path, "--write", path)
        #expect(again.code == 1 && again.err.contains("there already"))
        #expect(try folder.text("argent.toml") == text)
    }

    @Test("this machine: it says what it finds, and touches no bus")
    func here() throws {
        let told = try Program.run("probe")
        #expect(told.code == 0, "\(told.err)")
        #expect(told.out.contains("serial lines") && told.out.contains("watchdogs"))
        let wrong = try Program.run("probe", "--bus", "one")
        #expect(wrong.code == 2)
        let absent = try Program.run("probe", "--bus", "997")
        #expect(absent.code == 1 && absent.err.contains("/dev/i2c-997"))
    }
}
