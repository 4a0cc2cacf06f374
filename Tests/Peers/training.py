"""Training of the spectrum network: PyTorch and Argent on the same data in the same run.

Data: the published network answers for the chemistry. Each condition has four droplets whose
amplitude scatters as in the published runs (5 % relative, 43 % of that variance a drift along the
droplets, the rest with lag-1 autocorrelation 0.25). Held out: other published conditions, without
scatter.

Peer: the published recipe (5-50-100-200-500-421, rectified, mean squared error, Adam 1e-3, 1000
epochs, batch 39) on one thread, with raw recipes as published and with standardised ones; the
better of the two counts.

    python training.py --data FOLDER --bench .build/release/argent-bench [--conditions 90]

FOLDER holds conditions.csv and published_network.safetensors. Needs the versions of
requirements-training.txt.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from safetensors.numpy import load_file

INPUTS = 5
DROPLETS = 4
RELATIVE_SD = 0.05
DRIFT_SHARE = 0.43
LAG_ONE = 0.25


def published(folder):
    tensors = load_file(os.path.join(folder, "published_network.safetensors"))
    count = len(tensors) // 2
    layers = [(tensors[f"dense_{index}.kernel"], tensors[f"dense_{index}.bias"])
              for index in range(1, count + 1)]

    def predict(rows):
        values = rows.astype(np.float64)
        for index, (kernel, bias) in enumerate(layers):
            values = values @ kernel + bias
            if index < count - 1:
                values = np.maximum(values, 0)
        return values

    return predict


def recipes(folder):
    with open(os.path.join(folder, "conditions.csv")) as file:
        rows = list(csv.reader(file))[1:]
    return np.array([[float(value) for value in row[2:7]] for row in rows])


def scatter(random, conditions):
    """Relative amplitudes, conditions × droplets."""
    place = np.linspace(-1, 1, DROPLETS)
    place /= place.std()
    drift = random.normal(size=(conditions, 1)) * place * np.sqrt(DRIFT_SHARE)
    rest = np.zeros((conditions, DROPLETS))
    rest[:, 0] = random.normal(size=conditions)
    for index in range(1, DROPLETS):
        fresh = random.normal(size=conditions) * np.sqrt(1 - LAG_ONE**2)
        rest[:, index] = LAG_ONE * rest[:, index - 1] + fresh
    return 1 + RELATIVE_SD * (drift + rest * np.sqrt(1 - DRIFT_SHARE))


def make(folder, conditions, seed, held_out=50):
    random = np.random.default_rng(seed)
    everything = recipes(folder)
    order = random.permutation(len(everything))
    chosen, others = order[:conditions], order[len(order) - held_out:]
    assert not set(chosen) & set(others)
    predict = published(folder)
    spectra = predict(everything[chosen])[:, None, :] * scatter(random, conditions)[:, :, None]
    names = np.repeat(np.arange(conditions), DROPLETS)
    return (names, np.repeat(everything[chosen], DROPLETS, axis=0),
            spectra.reshape(conditions * DROPLETS, -1), everything[others],
            predict(everything[others]))


def write(path, names, inputs, outputs):
    header = ",".join(["condition"] + [f"x{i}" for i in range(INPUTS)]
                      + [f"A{380 + i}" for i in range(outputs.shape[1])])
    np.savetxt(path, np.column_stack([names, inputs, outputs]), delimiter=",", fmt="%.9g",
               header=header, comments="")


def rmse(a, b):
    return float(np.sqrt(np.mean((np.asarray(a, np.float64) - b) ** 2)))


def torch_run(inputs, outputs, test, truth, standardised, seed, epochs, batch=39):
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    mean, deviation = inputs.mean(0), inputs.std(0)
    if not standardised:
        mean, deviation = np.zeros(INPUTS), np.ones(INPUTS)
    x = torch.tensor((inputs - mean) / deviation, dtype=torch.float32)
    y = torch.tensor(outputs, dtype=torch.float32)
    sizes = [INPUTS, 50, 100, 200, 500, outputs.shape[1]]
    layers = []
    for index in range(1, len(sizes)):
        layers.append(torch.nn.Linear(sizes[index - 1], sizes[index]))
        torch.nn.init.xavier_uniform_(layers[-1].weight)
        torch.nn.init.zeros_(layers[-1].bias)
        if index < len(sizes) - 1:
            layers.append(torch.nn.ReLU())
    network = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    start, start_of_work = time.perf_counter(), time.process_time()
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for first in range(0, len(x), batch):
            part = order[first:first + batch]
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(network(x[part]), y[part]).backward()
            optimizer.step()
    seconds, worked = time.perf_counter() - start, time.process_time() - start_of_work
    with torch.no_grad():
        given = network(torch.tensor((test - mean) / deviation, dtype=torch.float32)).numpy()
    return seconds, rmse(given, truth), worked


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--conditions", type=int, default=90)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--core", default="1", help="the core both are pinned to")
    parser.add_argument("--set", nargs="*", default=[], help="NAME=VALUE for Argent")
    chosen = parser.parse_args()
    os.sched_setaffinity(0, {int(chosen.core)})
    table = []
    for seed in range(1, chosen.repeats + 1):
        names, inputs, outputs, test, truth = make(chosen.data, chosen.conditions, seed)
        with tempfile.TemporaryDirectory() as folder:
            files = [os.path.join(folder, name) for name in ("train.csv", "test.csv")]
            write(files[0], names, inputs, outputs)
            write(files[1], np.arange(len(test)), test, truth)
            text = subprocess.run(
                [chosen.bench, "--train", *files, f"seed={seed}", *chosen.set], check=True,
                capture_output=True, text=True).stdout
        argent = json.loads(text)
        peers = {
            kind: torch_run(inputs, outputs, test, truth, kind == "standardised", seed,
                            chosen.epochs)
            for kind in ("raw", "standardised")
        }
        best = min(peers, key=lambda kind: peers[kind][1])
        row = {"seed": seed, "conditions": chosen.conditions,
               "argent_s": argent["seconds"], "argent_cpu_s": argent["cpu_seconds"],
               "argent_rmse": argent["held_out_rmse"],
               **{f"torch_{kind}_s": value[0] for kind, value in peers.items()},
               **{f"torch_{kind}_cpu_s": value[2] for kind, value in peers.items()},
               **{f"torch_{kind}_rmse": value[1] for kind, value in peers.items()},
               "better_peer": best, "times_faster": peers[best][0] / argent["seconds"],
               "times_less_work": peers[best][2] / argent["cpu_seconds"]}
        print(json.dumps(row), flush=True)
        table.append(row)
    better = [row["argent_rmse"] <= row[f"torch_{row['better_peer']}_rmse"] for row in table]
    middle = {name: float(np.median([row[name] for row in table])) for name in table[0]
              if isinstance(table[0][name], float)}
    print(json.dumps({"median": middle, "equal_or_lower": sum(better), "of": len(better)}))
    return 0 if middle["argent_rmse"] <= min(
        middle["torch_raw_rmse"], middle["torch_standardised_rmse"]) else 1


if __name__ == "__main__":
    sys.exit(main())
