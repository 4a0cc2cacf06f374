import Quantities

extension DropletSettings {
    static var fields: [Field<DropletSettings>] {
        [
            .quantity(
                "gate_from", .wavelength, \.gateFrom.nanometers, 100...5_000,
                "Start of the quiet band whose brightness separates droplets from oil."),
            .quantity(
                "gate_through", .wavelength, \.gateThrough.nanometers, 100...5_000,
                "End of that band."),
            .number(
                "enter_threshold", \.enterThreshold, 0.0001...10,
                "A droplet starts when the brightness relative to oil leaves 1 by more than this…"),
            .number(
                "leave_threshold", \.leaveThreshold, 0...10,
                "…and ends when it is back within this."),
            .count("trim", \.trim, 0...1_000, "Spectra dropped at each end of a droplet."),
            .count(
                "minimum_plateau", \.minimumPlateau, 1...10_000,
                "Fewer plateau spectra than this: not a droplet that counts."),
            .number(
                "validity_sigmas", \.validitySigmas, 0...1e6,
                "A pixel is valid only where the reference is this many sigmas above dark."),
            .quantity(
                "minimum_valid_share", .share, \.minimumValidShare, 0.01...1,
                "Share of valid grid points a droplet spectrum must have."),
        ] + flagFields
    }
}

extension DropletSettings {
    private static var flagFields: [Field<DropletSettings>] {
        [
            .quantity(
                "flag_amplitude", .share, \.flagAmplitude, 0.01...1e6,
                "A droplet is flagged when its amplitude differs more than this from the last…"),
            .number(
                "flag_shape", \.flagShape, 0.001...1e6,
                "…or its shape does (0: the same, 1: slopes at 45 degrees to each other)…"),
            .number(
                "flag_multiple", \.flagMultiple, 0...1e6,
                "…and that is this many times what they differ among themselves."),
            .number(
                "flag_network", \.flagNetwork, 0.1...1e6,
                "Flagged too when this many usual errors away from what the network expected."),
        ]
    }
}

extension RigSettings {
    static var fields: [Field<RigSettings>] {
        flowFields + dropletFields + referenceFields + limitFields
    }

    private static var flowFields: [Field<RigSettings>] {
        [
            .quantity(
                "dead_volume", .volume, \.deadVolume.microliters, 0...1e6,
                "Volume between the droplet junction and the detector."),
            .number(
                "settle_residences", \.settleResidences, 0...1_000,
                "Residence volumes to wait for before droplets count."),
            .time(
                "obey_limit", \.obeyLimit, .milliseconds(100), .seconds(3_600),
                "Time pumps may take to obey."),
            .quantity(
                "prime_flow", .flow, \.primeFlow.microlitersPerMinute, 0.001...1e6,
                "Total flow for priming and reference."),
            .quantity(
                "prime_volume", .volume, \.primeVolume.microliters, 0...1e6,
                "Volume pumped through at the start."),
        ]
    }

    private static var dropletFields: [Field<RigSettings>] {
        [
            .count("droplets", \.droplets, 1...10_000, "Droplets that make a condition."),
            .count(
                "minimum_droplets", \.minimumDroplets, 1...10_000,
                "Fewer than this at the time limit: the condition failed."),
            .number(
                "median_uncertainty", \.medianUncertainty, 0...1,
                "End once the median loss is known to within this (5 % may be worse); 0: never."),
            .count(
                "flagged_run", \.flaggedRun, 1...10_000,
                "So many droplets in a row unlike their neighbours make a loud event…"),
            .flag(
                "holds_on_flagged_run", \.holdsOnFlaggedRun,
                "…and hold the rig; the condition is then tried again."),
            .time(
                "collect_limit", \.collectLimit, .seconds(1), .seconds(86_400),
                "Time a condition may take after settling."),
        ]
    }

    private static var referenceFields: [Field<RigSettings>] {
        [
            .count("dark_scans", \.darkScans, 1...10_000, "Scans that make the dark."),
            .time(
                "lamp_warm_up", \.lampWarmUp, .zero, .seconds(7_200),
                "Time the lamp burns before the first reference."),
            .count(
                "reference_droplets", \.referenceDroplets, 1...10_000,
                "Solvent-only droplets that make the reference."),
            .quantity(
                "drift_limit", .share, \.driftLimit, 0.0001...1,
                "Repeat dark and reference when the oil's brightness moved by more than this…"),
            .count(
                "reference_every", \.referenceEvery, 1...100_000,
                "…and at the latest after this many conditions."),
        ]
    }

    private static var limitFields: [Field<RigSettings>] {
        [
            .time(
                "stale_after", \.staleAfter, .milliseconds(10), .seconds(3_600),
                "Age at which a pump's confirmed state is stale."),
            .time(
                "blind_after", \.blindAfter, .milliseconds(10), .seconds(3_600),
                "Time without any spectrum, while acquiring, after which the detector is blind."),
            .flag(
                "stops_between_conditions", \.stopsBetweenConditions,
                "Whether pumps stop between conditions."),
            .count(
                "condition_retries", \.conditionRetries, 0...100,
                "A failed condition is repeated at most this often."),
        ]
    }
}

extension InterlockSettings {
    static var fields: [Field<InterlockSettings>] {
        [
            Field.text("name", \.name, "Name for people.").required,
            Field.text("chip_label", \.chipLabel, "Label of the GPIO chip.").required,
            Field.text("line", \.line, "Name of the line on that chip, or its offset as digits.")
                .required,
            .flag("active_low", \.activeLow, "Whether electrical low means danger."),
            .flag(
                "latching", \.latching,
                "Whether it stays tripped until \"argent clear\", even when the input recovers."),
            .time(
                "debounce", \.debounce, .zero, .seconds(10),
                "Time the input must hold a level before it counts."),
        ]
    }
}

extension LogSettings {
    static var fields: [Field<LogSettings>] {
        [
            .text("directory", \.directory, "Folder of the campaigns' run logs."),
            .size(
                "segment_size", \.segmentSize, 64_000...1_000_000_000,
                "Bytes at which a segment of the log ends and is compressed…"),
            .time(
                "segment_age", \.segmentAge, .seconds(10), .seconds(604_800),
                "…and its age, however small it is: only ended segments can be fetched."),
            .size(
                "disk_budget", \.diskBudget, 1_000_000...1_000_000_000_000_000,
                "Bytes the log may take. The oldest fetched segments give up raw frames first."),
            .size(
                "disk_reserve", \.diskReserve, 0...1_000_000_000_000_000,
                "Bytes of the file system it leaves free."),
            .flag(
                "raw_frames", \.rawFrames,
                "Keep every frame of the spectrometer, losslessly packed (1 byte a pixel)."),
        ]
    }
}

extension SyncSettings {
    static var fields: [Field<SyncSettings>] {
        [
            .text(
                "listen", \.listen,
                "Address and port to serve the log at, as \"0.0.0.0:7425\"; empty: not at all."),
            .text(
                "identity", \.identity,
                "Folder of the rig's key, its accepted peers and what they acknowledged."),
            .text("name", \.name, "Name told to peers; empty: the campaign's."),
            .count("peers", \.peers, 1...64, "Accepted peers served at once."),
            .count(
                "connections_per_minute", \.connectionsPerMinute, 1...10_000,
                "Connections taken within a minute; a third of it from one address."),
            .time(
                "handshake_limit", \.handshakeLimit, .milliseconds(100), .seconds(600),
                "Time from a connection to the end of its handshake."),
            .time(
                "idle_limit", \.idleLimit, .milliseconds(100), .seconds(3_600),
                "Time a peer may ask nothing, or take nothing of an answer."),
            .time(
                "connection_limit", \.connectionLimit, .seconds(1), .seconds(604_800),
                "Time of a connection in all."),
            .count(
                "bytes_in_flight", \.bytesInFlight, 1_024...67_108_864,
                "Bytes under way to one peer at most."),
        ]
    }
}

extension ControlSettings {
    static var fields: [Field<ControlSettings>] {
        [.text("socket", \.socket, "Unix socket that \"argent status\" and its like talk to.")]
    }
}

extension SimulationSettings {
    static var fields: [Field<SimulationSettings>] {
        [
            .text(
                "chemistry", \.chemistryPath,
                "Safetensors file of a dense network, recipe to absorbance; empty: built in."),
            .quantity(
                "droplet_volume", .volume, \.dropletVolume.microliters, 0.0001...1_000,
                "Volume of one aqueous droplet."),
            .time(
                "ramp_time", \.rampTime, .zero, .seconds(600),
                "Time constant with which a pump reaches a new rate."),
            .quantity(
                "amplitude_scatter", .share, \.amplitudeScatter, 0...1,
                "Relative standard deviation of the droplet amplitude."),
            .quantity(
                "drift_share", .share, \.driftShare, 0...1,
                "Share of that variance that is drift along the droplet index."),
            .number(
                "autocorrelation", \.autocorrelation, -0.99...0.99,
                "Lag-1 autocorrelation of the rest."),
            .number("read_noise", \.readNoise, 0...10_000, "Detector read noise, counts."),
            .number("dark_level", \.darkLevel, 0...60_000, "Mean dark level, counts."),
            .quantity(
                "lamp_drift_per_hour", .share, \.lampDriftPerHour, -1...1,
                "Relative drift of the lamp per hour."),
            .seed("seed", \.seed, "Seed of the simulated world; independent of the campaign's."),
        ]
    }
}
