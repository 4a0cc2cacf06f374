import Agent
import Configuration
import Glibc
import Quantities
import World

/// `argent demo --days N`: a rig that works through days of the virtual clock, with a log that
/// workstations fetch at night over the real network.
enum DemoNights {
    private static let mostDays = 366

    /// How many days; nil where the demonstration is one campaign.
    static func days(_ arguments: Arguments) throws(CommandFailure) -> Int? {
        guard let days = try arguments.integer("days") else {
            guard arguments.values["listen"] == nil else {
                throw CommandFailure(.usage, "--listen goes with --days")
            }
            return nil
        }
        guard 1...mostDays ~= days else {
            throw CommandFailure(.usage, "--days \(days): use 1 to \(mostDays)")
        }
        return days
    }

    /// Conditions of one campaign, near what a planner takes.
    private static let conditions = 2_400

    /// Long tubes and large, slow droplets: a condition takes half an hour and more, so that one
    /// campaign lasts a month.
    static func slow(_ settings: inout Settings, listen: String?, _ directory: String) {
        settings.campaign.runs = max(1, conditions / settings.campaign.batch)
        settings.campaign.lossThreshold = 0
        settings.rig.deadVolume = Volume(microliters: 8_000)
        settings.rig.primeVolume = Volume(microliters: 8_000)
        settings.rig.collectLimit = .seconds(3_600)
        settings.simulation.dropletVolume = Volume(microliters: 60)
        settings.spectrometer.workingBaud = 38_400
        for index in settings.pumps.indices {
            settings.pumps[index].syringeDiameter = Length(millimeters: 26.594)
            settings.pumps[index].syringeVolume = Volume(microliters: 60_000)
        }
        settings.sync.listen = listen ?? ""
        settings.sync.identity = directory + "/identity"
    }

    /// `days` nights: a line is written after each, and one is waited for where somebody listens.
    static func nights(_ days: Int, of job: CampaignJob) throws(AgentError) -> VirtualNights {
        let sync = try SyncService(job)
        let waits = !job.settings.sync.listen.isEmpty
        let began = RealTime.seconds
        return VirtualNights(days: days, sync: sync) { night in
            let took = RealTime.seconds - began
            Output.line(
                "{\"night\":\(night.number),\"last\":\(night.isLast),"
                    + "\"seconds\":\(Int(took.rounded()))}")
            fflush(nil)
            if waits { _ = readLine() }
        }
    }
}
