/// What it takes to change a setting while a campaign runs.
public enum ChangeClass: Int, CaseIterable, Comparable, Sendable {
    /// The next turn of the rig's loop goes by the new value.
    case atOnce
    /// A condition under way would be made half by the one, half by the other: it waits for the
    /// next boundary between two conditions, where the rig gets no order until it is in force.
    case atBoundary
    /// Made from it were lines, files and threads, or what the log means: only another start
    /// takes it up.
    case refused

    /// For people: when a reload takes such a change up.
    public var words: String {
        switch self {
        case .atOnce: "at once"
        case .atBoundary: "needs a hold"
        case .refused: "refused mid-run"
        }
    }

    /// For programs.
    public var name: String {
        switch self {
        case .atOnce: "at-once"
        case .atBoundary: "hold"
        case .refused: "refused"
        }
    }

    /// The milder one first.
    public static func < (a: ChangeClass, b: ChangeClass) -> Bool { a.rawValue < b.rawValue }

    /// The class of `key` in `section`. A setting that nobody classified is never changed under a
    /// running rig.
    public static func of(_ section: String, _ key: String) -> ChangeClass {
        guard let row = table.first(where: { $0.section == section }) else { return .refused }
        if row.atOnce.contains(key) { return .atOnce }
        return row.atBoundary.contains(key) ? .atBoundary : .refused
    }

    /// One section of the table.
    struct Row {
        let section: String
        var atOnce: [String] = []
        var atBoundary: [String] = []
        var refused: [String] = []

        var keys: [String] { atOnce + atBoundary + refused }
    }

    /// Every setting there is, by class. An entry of an array of tables that comes or goes, or
    /// changes its place, is refused whatever is in it.
    static let table: [Row] = [
        Row(
            section: "campaign", atOnce: ["name"],
            // Only the planner reads them, at the next batch, and the campaign's own end.
            atBoundary: [
                "batch", "runs", "loss_threshold", "exploration_jitter", "method", "hand_over_run",
                "hand_over_stability", "hand_over_error", "network_share", "learns_from",
                "log_offset", "widens_bounds", "widening_share", "widening_step",
            ],
            // The log could not be replayed: what it decided followed from these.
            refused: ["seed", "target", "stop_stability", "stop_error"]),
        // Losses in the log were computed with them.
        Row(
            section: "loss",
            refused: ["from", "through", "step", "amplitude_low", "amplitude_high"]),
        Row(
            section: "recipe", atBoundary: ["maximum_reagent_share"],
            refused: ["solvent", "oil", "oil_share"]),
        Row(
            section: "variable", atBoundary: ["limits"],
            refused: ["name", "kind", "pump", "unit", "bounds"]),
        // A pump is spoken to, and what is left in it booked, by what it was at the start.
        Row(
            section: "pump",
            refused: [
                "name", "dialect", "port", "baud", "address", "framing", "dead_man",
                "reply_timeout", "syringe", "minimum_rate", "maximum_rate", "step_line",
                "direction_line", "enable_line", "enable_active_low", "direction_reversed",
                "steps_per_microliter", "maximum_step_rate", "start_step_rate", "ramp",
            ]),
        Row(
            section: "spectrometer",
            refused: [
                "port", "baud", "working_baud", "integration", "wavelength_coefficients",
                "pixel_count", "pixel_step", "compression", "checksum", "saturation_level",
                "reply_timeout",
            ]),
        Row(
            section: "droplets",
            atOnce: ["flag_amplitude", "flag_shape", "flag_multiple", "flag_network"],
            // Dark and reference are taken anew, with a new gate.
            atBoundary: [
                "enter_threshold", "leave_threshold", "trim", "minimum_plateau",
                "validity_sigmas", "minimum_valid_share",
            ],
            // The pixels that are asked for follow from the band.
            refused: ["gate_from", "gate_through"]),
        Row(
            section: "rig",
            atOnce: [
                "obey_limit", "flagged_run", "holds_on_flagged_run", "drift_limit",
                "reference_every", "stale_after", "blind_after", "stops_between_conditions",
            ],
            atBoundary: [
                "dead_volume", "settle_residences", "prime_flow", "prime_volume", "droplets",
                "minimum_droplets", "median_uncertainty", "collect_limit", "dark_scans",
                "lamp_warm_up", "reference_droplets",
            ],
            // Whether a failed condition of the log counts as given up follows from it.
            refused: ["condition_retries"]),
        Row(
            section: "interlock", atBoundary: ["latching"],
            refused: ["name", "chip_label", "line", "active_low", "debounce"]),
        Row(
            section: "reaction",
            atOnce: [
                "above", "below", "for", "tolerance", "slack_flow", "slack_volume", "settle",
                "filter", "ramp_time", "after",
            ],
            // What is demanded never changes while something is wrong.
            atBoundary: ["do", "release"], refused: ["when", "of", "pumps"]),
        Row(
            section: "sensor",
            refused: [
                "name", "chip", "bus", "address", "channel", "full_scale", "gain", "integration",
                "liquid", "quantity", "scale", "offset", "lowest", "highest", "period",
                "stale_after", "stuck_after",
            ]),
        Row(
            section: "output",
            refused: [
                "name", "kind", "chip_label", "expander", "line", "active_low", "normally",
                "safe_powered", "on", "frozen_is_safe",
            ]),
        Row(section: "expander", refused: ["name", "bus", "address", "period", "stale_after"]),
        Row(
            section: "heartbeat", refused: ["chip_label", "line", "period", "earliest", "latest"]),
        Row(
            section: "log", atOnce: ["segment_size", "segment_age", "disk_budget", "disk_reserve"],
            refused: ["directory", "raw_frames"]),
        // The listening server was made with them.
        Row(
            section: "sync",
            refused: [
                "listen", "identity", "name", "peers", "connections_per_minute",
                "handshake_limit", "idle_limit", "connection_limit", "bytes_in_flight",
            ]),
        Row(section: "control", refused: ["socket"]),
        // The thread that writes them was made with them.
        Row(section: "metrics", refused: ["file", "period"]),
        Row(section: "realtime", refused: ["priority", "cpu", "period", "lock_memory"]),
        // The agent never looks at them: a simulated rig is a process of its own.
        Row(
            section: "simulation",
            atOnce: [
                "chemistry", "droplet_volume", "ramp_time", "amplitude_scatter", "drift_share",
                "autocorrelation", "read_noise", "dark_level", "lamp_drift_per_hour", "seed",
            ]),
    ]
}
