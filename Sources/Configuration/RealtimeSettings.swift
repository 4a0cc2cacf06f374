import Quantities

/// `[realtime]`: how the thread that speaks with the instruments is run.
public struct RealtimeSettings: Equatable, Sendable {
    /// Its priority under SCHED_FIFO, 1…99; 0: scheduled like any other thread.
    public var priority = 40
    /// The processor it is kept on; -1: any.
    public var cpu = -1
    /// Time from one look at the rig to the next, kept to an absolute schedule.
    public var period = TimeSpan.milliseconds(1)
    /// Whether all memory of the process is kept in RAM.
    public var locksMemory = true

    /// The documented defaults.
    public init() {}
}

extension RealtimeSettings {
    static var fields: [Field<RealtimeSettings>] {
        [
            .count(
                "priority", \.priority, 0...99,
                "Priority of the rig's thread under SCHED_FIFO; 0: like any other thread."),
            .count(
                "cpu", \.cpu, -1...4_095,
                "Processor the rig's thread is kept on (see isolcpus); -1: any."),
            .time(
                "period", \.period, .microseconds(100), .milliseconds(50),
                "Time from one look at the rig to the next."),
            .flag(
                "lock_memory", \.locksMemory,
                "Whether all memory is kept in RAM, so that no page fault delays the rig."),
        ]
    }
}
