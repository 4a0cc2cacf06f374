/// The texts of `argent --help` and `argent VERB --help`.
enum Help {
    static let verbs = [
        "demo", "run", "check", "diff", "reload", "status", "watch", "hold", "resume", "clear",
        "safe", "simulate", "loss", "suggest", "model", "log", "pair", "support", "probe",
    ]

    static let overview = """
        argent runs a droplet microfluidic rig: it sets pumps, watches droplets through a
        spectrometer, and decides the next recipes.

        Start here:
          argent demo                    a whole campaign on a simulated rig, in seconds
          argent simulate                a simulated rig on pseudo-terminals, in real time
          argent check FILE              what a configuration means, and what is wrong with it
          argent run --config FILE       run, or go on with, a campaign
          argent diff                    what a reload would change on the rig

        While it runs:
          argent status                  what the rig is doing
          argent watch                   the same on a live screen
          argent hold [--reason TEXT]    stop the pumps and wait
          argent resume [--refilled P]   go on after a hold (P: pumps whose syringe was filled)
          argent clear                   clear faults whose cause is gone
          argent reload                  read the configuration again, all of it or nothing
          argent safe --config FILE      stop every pump, lamp off, where no agent runs

        Beside it:
          argent suggest --config C --history H
                                         the next recipes, from a CSV file of what was made
          argent model VERB …            networks that predict spectra: train, judge, ask them
          argent loss --target T S       losses of droplet spectra in a CSV file
          argent pair                    this rig's fingerprint; who may fetch its log
          argent probe                   what this board has, and a configuration to start from
          argent support                 a bundle of facts for whoever helps
          argent log VERB …              read, verify and export a run log

        `argent VERB --help` tells more. `argent --version` tells the version.

        Exit codes: 0 done; 1 tried and went wrong; 2 wrong command line;
        3 wrong configuration or input file; 4 no agent answers, or another one holds the rig.
        """

    /// The text of a verb, which for `model` may be followed by one of its own.
    static func text(_ verb: String, _ next: String? = nil) -> String? {
        if verb == "model", let next, let text = modelVerbs[next] { return text }
        if verb == "log", let next, let text = logVerbs[next] { return text }
        return texts[verb]
    }

    private static let texts: [String: String] = [
        "demo": """
        argent demo [--into DIR] [--seed N] [--runs N] [--batch N] [--json]
                    [--chemistry FILE] [--target FILE] [--days N [--listen ADDRESS]]

        Runs a whole campaign against a simulated rig under a virtual clock: run 1 is a Latin
        hypercube, then a Gaussian process chooses. Every byte between Argent and the simulated
        instruments is the real protocol's.

          --into DIR        where the run log and the configuration go (default: a new folder
                            below the system's temporary folder)
          --seed N          seed of the campaign and of the simulated world (default 1); the
                            same seed gives the same log, byte for byte
          --runs N          runs (default 8)
          --batch N         recipes per run (default 15)
          --chemistry FILE  a dense network in safetensors form, recipe to absorbance, instead
                            of the built-in silver prism physics
          --target FILE     CSV of the wanted spectrum: wavelength in nm, value
          --json            one JSON object at the end instead of tables
          --days N          a slow rig for N days of the virtual clock; after each, a line says
                            so
          --listen ADDRESS  offer its log there (127.0.0.1:7417) for `argent-workstation`; after
                            each day time stands still until a line comes from standard input
        """,
        "run": """
        argent run --config FILE [--quiet] [--strict] [--state DIR]

        Runs the campaign of FILE in real time on the instruments it names, or goes on where an
        earlier run stopped: what is in the log is not done again. Ends when the campaign ends.
        SIGTERM and SIGINT stop the pumps, write the log and end the program; SIGHUP reads the
        configuration again, as `argent reload` does.

          --strict     end with exit code 3 where FILE is broken, instead of going on with the
                       last configuration under which the rig came to work
          --state DIR  where that one is kept (default: the service's StateDirectory, else
                       [log] directory)
        """,
        "check": """
        argent check FILE [--interlocks] [--json]

        Reads a configuration and says what is wrong with it, file:line:column, and how to mend
        it; or what it means. Exit code 3 when it has errors.

          --interlocks  the whole table from hazards to reactions, built-in rows and those of
                        the file, with where each comes from
          --json        for programs
        """,
        "status": """
        argent status [--config FILE | --socket PATH] [--json]

        What the rig is doing: state, run and condition, pumps, faults and what to do about
        them.
        """,
        "hold": """
        argent hold [--reason TEXT] [--config FILE | --socket PATH]

        Stops the pumps. The condition that was running is done again after `argent resume`.
        """,
        "resume": """
        argent resume [--refilled PUMP[,PUMP…] | --refilled all] [--config FILE | --socket PATH]

        Goes on after a hold. With --refilled, Argent counts these syringes as full again.
        """,
        "clear": """
        argent clear [--config FILE | --socket PATH]

        Clears the faults whose cause is gone. Says which ones are not, and why.
        """,
        "diff": diff,
        "reload": reload,
        "safe": """
        argent safe --config FILE [--seconds N] [--quiet] [--state DIR]

        Brings the rig of FILE to rest where no agent holds it: stops every pump in its own
        language until the pump says that it stands still, and switches the lamp off. For
        `ExecStopPost=` of the service, and for people. Ends within N seconds (default 10).

        Exit codes: 0 everything confirmed; 1 something did not, it is named; 3 the
        configuration cannot be used; 4 an agent holds the rig.
        """,
        "simulate": """
        argent simulate [--into DIR] [--quick] [--seed N] [--runs N] [--batch N]
                        [--chemistry FILE] [--target FILE] [--protocol new-era|harvard|mixed]
        argent simulate --config FILE [--into DIR]
        argent simulate --bench

        A simulated rig in real time: every instrument on a pseudo-terminal of its own. Prints
        the device paths and writes a configuration that fits to DIR/argent.toml; start
        `argent run --config DIR/argent.toml` in another terminal. Reads commands on standard
        input: `unplug NAME`, `plug NAME`, `stall NAME`, `silence NAME` (the motor turns, nothing
        flows), `free NAME`, `refill NAME`, `look` (what every syringe really does), `quit`.

          --quick           small dead volume, few droplets: minutes instead of hours
          --config FILE     the rig of this configuration; its ports must lie in DIR/dev
          --bench           four single pumps, for other programs to speak to
        """,
        "watch": watch,
        "support": support,
        "probe": probe,
        "suggest": suggest,
        "model": model,
        "log": log,
        "pair": """
        argent pair [list] [--config FILE | --identity DIR]
        argent pair accept FINGERPRINT [--name NAME] [--config FILE | --identity DIR]
        argent pair remove FINGERPRINT|NAME [--config FILE | --identity DIR]

        Prints this rig's fingerprint (made on first use) and the workstations that may fetch
        its log; accepts or removes one. Takes effect at the next connection, without a restart.
        On the workstation: `argent-workstation pair HOST`, then `argent-workstation pull HOST`.
        The rig listens where [sync] listen says.
        """,
        "loss": """
        argent loss --target TARGET.csv SPECTRA.csv

        The loss of each row of SPECTRA.csv (columns A380, A381, … hold absorbance at that many
        nanometres; other columns are ignored) against TARGET.csv (wavelength in nm, value).
        Prints CSV: row,loss.
        """,
    ]
}
