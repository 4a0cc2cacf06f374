import Agent
import World

/// `argent run`: a campaign on real lines, in real time.
enum RunCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "run", options: ["config"], flags: ["quiet"])
        guard let path = arguments.values["config"] else {
            throw CommandFailure(.usage, "use: argent run --config FILE")
        }
        let file = try ConfigurationFile(path: path)
        let job = try file.job()
        if !file.reading.problems.isEmpty { Output.error(file.report) }
        let progress = Progress(
            terminal: Terminal.isInteractive, runs: job.settings.campaign.runs,
            batch: job.settings.campaign.batch, dropletsWanted: job.settings.rig.droplets)
        let quiet = arguments.flags.contains("quiet")
        do throws(AgentError) {
            let (ending, summary) = try RealCampaign.run(
                job, version: Argent.version, observer: quiet ? nil : progress,
                say: { Output.error("argent: \($0)") })
            progress.finish()
            guard case .finished = ending else { return }
            if !quiet {
                Output.raw(SummaryText.table(summary, settings: job.settings, seconds: 0))
            }
        } catch {
            throw CommandFailure(error.isSomebodyElse ? .unavailable : .failure, "\(error)")
        }
    }
}
