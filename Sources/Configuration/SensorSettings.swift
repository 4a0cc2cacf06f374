import Quantities

/// `[[sensor]]`: one value that is read from a chip on an I²C bus again and again. Sensors with
/// the same bus and address are channels of one chip.
public struct SensorSettings: Equatable, Sendable {
    /// Which chip it is.
    public enum Chip: String, CaseIterable, Sendable {
        /// ams AS7341: light in eight narrow bands, all of it, and near infrared.
        case as7341
        /// Sensirion SLF3S-1300F: flow of a liquid, up to 40 mL/min.
        case slf3s = "slf3s-1300f"
        /// TI ADS1115: four voltages.
        case ads1115
        /// TI TMP117: temperature.
        case tmp117

        /// The addresses its pins can give it, the usual one first.
        public var addresses: [Int] {
            switch self {
            case .as7341: [0x39]
            case .slf3s: [0x08]
            case .ads1115, .tmp117: [0x48, 0x49, 0x4A, 0x4B]
            }
        }

        /// What it can be asked for; the first is meant where nothing is said, unless there are
        /// several of equal rank.
        public var channels: [String] {
            switch self {
            case .as7341: ["F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "clear", "nir"]
            case .slf3s: ["flow", "temperature"]
            case .ads1115: ["AIN0", "AIN1", "AIN2", "AIN3"]
            case .tmp117: ["temperature"]
            }
        }

        /// Whether the channel must be named because none is the usual one.
        public var needsChannel: Bool { self == .as7341 || self == .ads1115 }
    }

    /// What a reading is, and the unit it is kept in.
    public enum Quantity: String, CaseIterable, Sendable {
        /// Whatever the chip measures, in the unit named there.
        case native
        /// Flow, µL/min.
        case flow
        /// Pressure, kPa.
        case pressure
        /// Temperature, °C.
        case temperature
        /// Voltage, V.
        case voltage
        /// Light, counts of the chip's converter.
        case light

        /// The unit of a value, for people; empty for `native`.
        public var unit: String {
            switch self {
            case .native: ""
            case .flow: "uL/min"
            case .pressure: "kPa"
            case .temperature: "C"
            case .voltage: "V"
            case .light: "counts"
            }
        }
    }

    /// The liquid a flow sensor is calibrated for.
    public enum Liquid: String, CaseIterable, Sendable {
        /// Water.
        case water
        /// 2-propanol.
        case isopropanol
    }

    /// Name for people and for interlocks.
    public var name: String
    /// Which chip it is.
    public var chip = Chip.tmp117
    /// Device path of the bus, e.g. `/dev/i2c-1`.
    public var bus = "/dev/i2c-1"
    /// Address on the bus; 0: the chip's usual one.
    public var address = 0
    /// Which of the chip's values; empty: its usual one.
    public var channel = ""
    /// ADS1115: the voltage of the largest reading, which is the chip's gain.
    public var fullScale = 4.096
    /// AS7341: amplification, 0.5 … 512.
    public var gain = 16.0
    /// AS7341: exposure of each of its two banks.
    public var integration = TimeSpan.milliseconds(50)
    /// SLF3S: the liquid it is calibrated for.
    public var liquid = Liquid.water
    /// What a value means.
    public var quantity = Quantity.native
    /// Value in the unit of the quantity per unit the chip measures in…
    public var scale = 1.0
    /// …and what is added to it.
    public var offset = 0.0
    /// A value below this is no reading: a cut wire, a dead transducer.
    public var lowest = -1e9
    /// A value above this is no reading.
    public var highest = 1e9
    /// How often it is read.
    public var period = TimeSpan.milliseconds(100)
    /// Age at which the last good value says nothing any more.
    public var staleAfter = TimeSpan.seconds(1)
    /// A value that has not moved at all for this long, where noise must move it, is none;
    /// zero: not watched.
    public var stuckAfter = TimeSpan.zero

    /// A sensor with the documented defaults.
    public init(name: String) { self.name = name }

    /// The address on the bus.
    public var busAddress: Int { address == 0 ? chip.addresses[0] : address }

    /// The channel, also where it was left out.
    public var channelName: String { channel.isEmpty ? chip.channels[0] : channel }

    /// What the chip itself measures on this channel.
    public var nativeQuantity: Quantity {
        switch chip {
        case .as7341: .light
        case .slf3s: channelName == "flow" ? .flow : .temperature
        case .ads1115: .voltage
        case .tmp117: .temperature
        }
    }

    /// What a value is, also where it was left out.
    public var measured: Quantity { quantity == .native ? nativeQuantity : quantity }
}
