import Surrogates

extension Help {
    static let model = """
        argent model VERB …

        A network learns which absorbance spectrum a recipe gives. Argent trains one on the board
        while a campaign runs, and these commands do by hand what it does then, and more.

          train      learn from measured spectra, write a network
          import     check a network somebody else trained, write it as Argent's own
          evaluate   how far its spectra and losses are from measured ones
          quantize   the same network in 8-bit weights, refused when it errs too much
          predict    the spectra and losses of recipes, as CSV
          explain    what the loss of a recipe comes from; maps of the loss; spectra along one
                     variable
          grid       the best recipes of a whole grid, exactly

        A walk through them, with a configuration C.toml (its [[variable]] entries name the
        recipe's columns) and spectra H.csv as `argent suggest --help` describes:

          argent model train --config C.toml --history H.csv --out net.safetensors
          argent model evaluate --network net.safetensors --data H.csv
          argent model grid --network net.safetensors --config C.toml --limits > top.csv
          argent model predict --network net.safetensors --recipes top.csv --spectra
          argent model explain --network net.safetensors --recipes top.csv

        Networks are dense stacks with rectified linear units and a linear end, in safetensors
        form: dense_1.kernel [in, out], dense_1.bias [out], dense_2.kernel … in F32, inputs in
        the units of the recipe. Files that Argent writes also say which variables and
        wavelengths they are for. For others say --config C.toml or --variables A,B,…; without
        them the columns of a table count in the order they stand, and outputs are a spectrum
        where they are as many as the points of [loss] (380 nm to 800 nm, 1 nm).

        The loss is the distance from --target T.csv, else from [campaign] target of C.toml, else
        from the built-in prism. `argent model VERB --help` tells more.
        """

    static let modelVerbs: [String: String] = [
        "train": """
        argent model train --history H.csv --out N.safetensors
                           [--config C.toml | --variables A,B,…] [--epochs N] [--seed N]
                           [--hidden 128,128] [--held-out PERCENT]
                           [--warm-start N.safetensors] [--resume STATE] [--quiet]

        Learns the spectra in H.csv (recipe columns, and A380, A381, … with absorbance; rows of
        equal recipe are droplets of one condition, and their mean is learned). Prints its
        progress and the error it ends with; writes the network.

          --epochs N        times every condition is seen (default \(TrainingSettings().epochs))
          --seed N          seed (default 1); the same table and seed give the same network
          --hidden SIZES    sizes of the hidden layers (default
                            \(TrainingSettings().hidden.map(String.init).joined(separator: ",")))
          --held-out PERCENT
                            share of the conditions that are only looked at: the error is
                            theirs, and training stops when it stays (default 0)
          --warm-start N    begin with the weights of this network, not with random ones
          --resume STATE    keep the training in this file while it runs, and go on from it
                            after Ctrl-C or a power cut: the result is the same as without the
                            break. The file goes when the training is done
          --quiet           nothing but errors
        """,
        "import": """
        argent model import FILE.safetensors|FOLDER [--out N.safetensors] [--config C.toml]

        Checks a network that was trained elsewhere, says what it is, and with --out writes it:
        32-bit floats, tensors that are not layers left out. A FOLDER holds a CSV file per
        tensor, without header: dense_1.kernel.csv (a line per input), dense_1.bias.csv, …
        With --config the variables and wavelengths it is for go into the file.
        """,
        "evaluate": """
        argent model evaluate --network N.safetensors --data H.csv [--config C.toml]
                              [--target T.csv] [--median] [--json]

        Compares predictions with measurements. H.csv holds recipe columns, and spectra (A380,
        A381, …), a column loss, or both. Says by how much spectra are off (relative RMSE),
        their largest absorbance, the place of their peak, and the loss.

          --median          rows of equal recipe (droplets of a condition) count once, with
                            their median
          --json            one JSON object
        """,
        "quantize": """
        argent model quantize --network N.safetensors --calibration R.csv --out Q.safetensors
                              [--fast] [--limit PERCENT] [--loss-limit L] [--peak-limit NM]
                              [--config C.toml] [--target T.csv] [--json]

        Rounds the network's weights to 8 bits, each so that what it makes of the recipes in
        R.csv changes least, and reports by how much that was: relative RMSE of the outputs,
        largest absorbance, loss, displacement of the peak. Beyond a limit nothing is written and
        the exit code is 1. Calibrate with recipes like those it will be asked about: a hundred
        or more.

          --fast            7 bits between layers instead of 14: faster on some processors,
                            less exact
          --limit PERCENT   largest relative RMSE (default 1; 3 with --fast)
          --loss-limit L    largest mean error of the loss (0.003; 0.01 with --fast)
          --peak-limit NM   largest peak displacement, 99 % of the recipes (15; 50)
        """,
        "predict": """
        argent model predict --network N.safetensors --recipes R.csv [--spectra]
                             [--config C.toml] [--target T.csv]

        The recipes of R.csv with the loss the network expects of each, as CSV; with --spectra
        the absorbance follows as A380, A381, … The network may be quantised.
        """,
        "explain": """
        argent model explain --network N.safetensors --recipes R.csv [--background B.csv]
                             [--config C.toml] [--target T.csv]
        argent model explain --network N.safetensors --recipes R.csv --map X,Y [--points 20]
        argent model explain --network N.safetensors --recipes R.csv --along X [--points 20]

        What the expected loss of each recipe comes from: its Shapley values, one per variable,
        as CSV: row,loss, then a column per variable. They add up to the loss less the mean loss
        of the background. Exact: all combinations of variables, each over all background
        recipes. Their mean size over all recipes, on standard error, tells which variables
        matter.

          --background B    recipes that stand for "anything" (default: up to 50 of R.csv)
          --map X,Y         instead: the loss over two variables as CSV, X,Y,loss; the others
                            are as in the recipe of R.csv, or the mean over its recipes
          --along X         instead: spectra along one variable, the others as in the recipe of
                            R.csv with the least predicted loss
          --points N        values per variable (default 20), between the bounds of --config
                            (with --limits: the limits), without one between the ends of R.csv
          --quiet           CSV only
        """,
        "grid": """
        argent model grid --network N.safetensors --config C.toml [--points 20] [--best 15]
                          [--limits] [--refine] [--target T.csv] [--quiet]

        Every variable takes evenly spaced values between its bounds; of all combinations that
        keep to the largest share of reagents, the ones with the least expected loss are printed
        as CSV, best first: the very ones that trying them all would give, for a small part of
        the work.

          --points N        values per variable (default 20: 3.2 million combinations of five)
          --best N          recipes (default 15)
          --limits          between the limits of the variables, not only their bounds
          --refine          then go downhill from each, off the grid
        """,
    ]
}
