extension Help {
    static let log = """
        argent log VERB [LOG | --config FILE] …

        What is in a run log. LOG is the directory a rig writes, a folder of pulled segments or
        one segment; without it, the log of --config FILE or of /etc/argent/argent.toml. All of
        these only read, also while the rig is running.

          list      the segments: records, times, bytes, hash
          cat       every record, one line each
          verify    reads everything: hashes, chain, signatures, what is missing
          export    tables, spectra and records for other programs

        Exit codes: 0 done, and nothing is missing; 1 something is damaged or missing; 2 wrong
        command line; 3 no log there.
        """

    static let logVerbs: [String: String] = [
        "list": """
        argent log list [LOG | --config FILE] [--json]

        One line per segment, the oldest first: number, state, records by their numbers, first
        and last time of day (UTC), bytes, the first digits of its hash.
        """,
        "cat": """
        argent log cat [LOG | --config FILE] [--json [--spectra]] [--from N] [--type NAME]

        Every record on a line of its own.

          --json       one JSON object per line; spectra only with --spectra
          --from N     from record number N on
          --type NAME  only these: start, decision, recipe, droplet, "condition end", event,
                       fault, … (losses are always shown)
        """,
        "verify": """
        argent log verify [LOG | --config FILE] [--key HEX]

        Reads all of it: every frame, the hash of every segment, the chain from each segment to
        the one before, signatures, and record numbers without a hole. --key HEX wants every
        sealed segment signed with this public key (64 hexadecimal digits).
        """,
        "export": """
        argent log export [LOG | --config FILE] --into DIR [--csv] [--spectra] [--jcamp] [--json]

        Writes files other programs open:

          --csv      conditions.csv and droplets.csv: recipes, losses, times; a data frame or a
                     spreadsheet reads them
          --spectra  the same, and every droplet's absorbance as columns A380, A381, …, as
                     `argent loss` and `argent suggest` read them
          --jcamp    spectra/condition-0001/droplet-0001.jdx …: JCAMP-DX 4.24, one droplet a file
          --json     records.jsonl: every record whole, one JSON object per line
        """,
    ]
}
