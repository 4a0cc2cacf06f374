#!/usr/bin/env python3
"""Opens what `argent log export` wrote with other people's readers.

    argent demo --runs 2 --batch 3 --into /tmp/campaign
    argent log export /tmp/campaign --into /tmp/exported --spectra --jcamp --json
    Tests/Peers/exports.py /tmp/exported

Needs `pip install jcamp pandas`. Every spectrum of every JCAMP-DX file must be that of the same
droplet in the table, to the millionth that the file's factor resolves.
"""

import json
import pathlib
import sys

import jcamp
import pandas


def main(folder):
    folder = pathlib.Path(folder)
    droplets = pandas.read_csv(folder / "droplets.csv")
    conditions = pandas.read_csv(folder / "conditions.csv", parse_dates=["began", "ended"])
    records = [json.loads(line) for line in open(folder / "records.jsonl")]
    medians = droplets.groupby(["condition", "attempt"])["loss"].median()
    complete = conditions[conditions.outcome == "complete"].set_index(["condition", "attempt"])
    assert (medians.loc[complete.index] - complete.median_loss).abs().max() < 1e-12
    assert len(records) > len(droplets)
    worst = 0.0
    for row in droplets.itertuples():
        attempt = f"-attempt-{row.attempt}" if row.attempt > 1 else ""
        name = f"condition-{row.condition:04}/droplet-{row.droplet + 1:04}{attempt}.jdx"
        found = jcamp.readfile(str(folder / "spectra" / name))
        assert found["data type"].upper() == "UV/VIS SPECTRUM", found["data type"]
        for x, y in zip(found["x"], found["y"]):
            worst = max(worst, abs(y - getattr(row, f"A{x:g}")))
        valid = sum(getattr(row, column) == getattr(row, column)
                    for column in droplets.columns if column.startswith("A") and
                    column[1:].replace(".", "").isdigit())
        assert len(found["x"]) == valid, name
    assert worst <= 0.5e-6 + 1e-9, worst
    print(f"{len(conditions)} conditions, {len(droplets)} droplets, {len(records)} records; "
          f"pandas {pandas.__version__} and jcamp agree, spectra to {worst:.1e}")


main(*sys.argv[1:])
