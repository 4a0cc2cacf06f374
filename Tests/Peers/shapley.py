"""Shapley values of 135 recipes against 50: argent-bench against numpy's brute force.

    python Tests/Peers/shapley.py --data DATA/agbonn --bench .build/release/argent-bench

One core, one after the other. numpy predicts every mixture of every coalition in single
precision, in batches; prints the times and the mean sizes of the values.
"""
import argparse
import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import math
import time

import numpy as np
from network_peer import Planner


def shapley(planner, recipes, background):
    dimension = recipes.shape[1]
    worth = np.empty((len(recipes), 1 << dimension))
    for coalition in range(1 << dimension):
        inside = np.array([coalition >> k & 1 for k in range(dimension)], bool)
        rows = np.where(inside, recipes[:, None], background[None]).reshape(-1, dimension)
        losses = np.concatenate(
            [planner.loss(planner.predict(rows[n : n + 4096])) for n in range(0, len(rows), 4096)])
        worth[:, coalition] = losses.reshape(len(recipes), -1).mean(1)
    values = np.zeros(recipes.shape)
    for variable in range(dimension):
        for coalition in range(1 << dimension):
            if not coalition >> variable & 1:
                size = bin(coalition).count("1")
                weight = 1 / (dimension * math.comb(dimension - 1, size))
                values[:, variable] += weight * (
                    worth[:, coalition | 1 << variable] - worth[:, coalition])
    return values


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--core", type=int, default=1)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    planner = Planner(arguments.data)
    recipes = planner.recipes(135)
    ours = planner.bench(arguments.bench, "shapley/135x50", arguments.core)
    start = time.perf_counter()
    values = shapley(planner, recipes, recipes[:50])
    took = time.perf_counter() - start
    print(f"argent {ours:8.3f} s")
    print(f"numpy  {took:8.3f} s  {took / ours:.1f} x")
    print("mean sizes", np.abs(values).mean(0).round(4))


if __name__ == "__main__":
    main()
