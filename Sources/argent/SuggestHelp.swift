extension Help {
    static let suggest = """
        argent suggest --config C.toml [--history H.csv] [--batch N] [--seed N]
                       [--pool P.csv] [--limits] [--median] [--method M] [--quiet]

        The next recipes to make, as CSV on standard output; what they rest on, on standard
        error. Works for anything that has 1 to 32 numbers to choose and one number to make
        small: no rig is needed. The same files and seed give the same batch, whatever the order
        of the history's rows.

          --config C.toml   a whole rig's configuration, or only its [[variable]] entries, as
                            below; [campaign] batch, seed and exploration_jitter count, and
                            [recipe] maximum_reagent_share for the sum of the reagents
          --history H.csv   what was made, from 2 rows on. The first line names the columns, in
                            any order: one per variable, and either `loss` (any sign and scale,
                            the least is best) or absorbance spectra as A380, A381, … (nm), to
                            be like [campaign] target. With both, the losses count. Other
                            columns are ignored. Without a history: a Latin hypercube, the way
                            to begin
          --batch N         recipes (default: [campaign] batch)
          --seed N          seed (default: [campaign] seed)
          --pool P.csv      choose among the rows of this table instead, each recipe once and
                            none that is in the history; rows are printed as they were written,
                            all columns
          --limits          search up to the `limits` of the variables, not only their `bounds`
          --median          rows of equal recipe (droplets of a condition) count once, with
                            their median
          --method M        latin-hypercube; gaussian-process, of the losses; or
                            spectral-process, of what the spectra's losses are made of (default:
                            the last where there are spectra and no column loss)
          --quiet           recipes only

        A configuration for something else than a rig:

          [[variable]]
          name = "temperature"
          kind = "number"
          unit = "K"
          bounds = [290, 350]

          [[variable]]
          name = "stirring"
          kind = "number"
          unit = "1/min"
          bounds = [100, 1200]

        History from outside the bounds counts: data are data. To maximise something, write its
        negative as the loss.
        """
}
