import Agent
import World

/// `argent run`: a campaign on real lines, in real time.
enum RunCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "run", options: ["config", "state"], flags: ["quiet", "strict"])
        guard let path = arguments.values["config"] else {
            throw CommandFailure(.usage, "use: argent run --config FILE")
        }
        let (job, supply) = try StartConfiguration.find(path, arguments)
        let progress = Progress(
            terminal: Terminal.isInteractive, runs: job.settings.campaign.runs,
            batch: job.settings.campaign.batch, dropletsWanted: job.settings.rig.droplets,
            waits: false)
        let quiet = arguments.flags.contains("quiet")
        let ending: RealCampaign.Ending
        let summary: Summary
        do throws(AgentError) {
            (ending, summary) = try RealCampaign.run(
                job, version: Argent.version, observer: quiet ? nil : progress,
                configuration: supply, say: { Output.error("argent: \($0)") })
        } catch {
            let code: ExitCode =
                error.isSomebodyElse ? .unavailable : error.isConfiguration ? .badInput : .failure
            throw CommandFailure(code, "\(error)")
        }
        progress.finish()
        guard case .finished = ending else { return }
        if !quiet { Output.raw(SummaryText.table(summary, settings: job.settings, seconds: 0)) }
        guard summary.isComplete else {
            throw CommandFailure(.failure, "the campaign did not get to its end: \(summary.ending)")
        }
    }
}
