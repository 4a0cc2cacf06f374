"""The Gaussian process of argent-bench beside scikit-learn's and GPy's: same data, same core,
same run, taking turns.

    python3 -m venv ~/peers
    ~/peers/bin/pip install scikit-learn==1.7.2 numpy==1.26.4 scipy==1.12.0 GPy==1.13.2 \
        matplotlib==3.10.8
    swift build -c release --product argent-bench
    taskset -c 1 ~/peers/bin/python Tests/Peers/gaussian_process.py .build/release/argent-bench

Every round times each program once and prints what it found; at the end come medians and ratios.
GPy is left out, and said to be, where it does not import. The data are those of
GaussianProcessBench.swift, made here from the same seed: Friedman's function of five uniform
variables with uniform noise, standardised.

`fit` is one maximum likelihood fit of a Matern 5/2 covariance with one length scale per variable,
signal and noise. scikit-learn and GPy start once, at length scales .7, signal 1 and noise .01;
Argent's usual `fit` has weak priors, looks at that start and at ten random ones, and follows two.
Its `flat fit` has no priors to speak of, and maximises the same likelihood from the same start and
within the same bounds as scikit-learn: the log likelihoods printed should agree. GPy knows no
bounds and goes further. `fit+batch15` adds fifteen recipes by expected improvement with local
penalisation: for scikit-learn out of 720 candidates, for Argent a whole decision of its planner,
which follows the best candidates uphill as well.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import warnings

import numpy as np
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

try:
    import GPy
except Exception as error:
    GPy = None
    why_no_gpy = error

MASK = (1 << 64) - 1


class Generator:
    """xoshiro256** seeded by SplitMix64: SeededGenerator of the Swift code."""

    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = seed
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            self.state.append(z ^ (z >> 31))

    def uniform(self, low=0.0, high=1.0):
        s = self.state
        product = (s[1] * 5) & MASK
        result = ((((product << 7) | (product >> 57)) & MASK) * 9) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = ((s[3] << 45) | (s[3] >> 19)) & MASK
        return low + (high - low) * ((result >> 11) * 2.0**-53)


def friedman(count):
    generator = Generator(1)
    inputs, values = [], []
    for _ in range(count):
        x = [generator.uniform() for _ in range(5)]
        value = 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]
        inputs.append(x)
        values.append(value + 3**0.5 * 0.5 * generator.uniform(-1, 1))
    values = np.array(values)
    return np.array(inputs), (values - values.mean()) / values.std()


def fit_sklearn(x, y):
    kernel = ConstantKernel(1.0, (0.05, 20)) * Matern([0.7] * 5, (0.05, 20), nu=2.5)
    kernel += WhiteKernel(0.01, (1e-5, 1))
    model = GaussianProcessRegressor(kernel, alpha=0)
    return model.fit(x, y)


def fit_gpy(x, y):
    kernel = GPy.kern.Matern52(5, variance=1.0, lengthscale=[0.7] * 5, ARD=True)
    model = GPy.models.GPRegression(x, y[:, None], kernel, noise_var=0.01)
    model.optimize()
    return model


def batch_sklearn(x, y, count=15):
    """Expected improvement with local penalisation over candidates, all of them asked once."""
    model = fit_sklearn(x, y)
    candidates = np.random.default_rng(1).uniform(size=(720, 5))
    mean, deviation = model.predict(candidates, return_std=True)
    deviation = np.maximum(deviation, 1e-9)
    best = model.predict(x).min()
    slopes = np.stack(
        [(model.predict(candidates + s) - model.predict(candidates - s)) / 2e-4
         for s in 1e-4 * np.eye(5)], 1)
    slope = max(np.linalg.norm(slopes, axis=1).max(), 1e-7)
    u = (best - 0.1 - mean) / deviation
    scores = np.log(np.maximum(deviation * (u * norm.cdf(u) + norm.pdf(u)), 1e-300))
    chosen = []
    for _ in range(count):
        index = int(np.argmax(scores))
        chosen.append(candidates[index])
        distance = np.linalg.norm(candidates - candidates[index], axis=1)
        scores = scores + norm.logcdf(
            (slope * distance - max(mean[index] - best, 0)) / deviation[index])
        scores[index] = -np.inf
    return chosen


told = set()


def argent(program, job, seconds):
    done = subprocess.run(
        [program, "--seconds", str(seconds), job], check=True, capture_output=True, text=True)
    if done.stderr and job not in told:
        told.add(job)
        print(done.stderr.strip())
    for line in done.stdout.splitlines():
        record = json.loads(line)
        if record["name"] == job:
            return record["median_ns"] * 1e-6
    raise SystemExit(f"{program} has no job {job}")


def timed(work):
    start = time.perf_counter()
    result = work()
    return (time.perf_counter() - start) * 1e3, result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="argent-bench, built for release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--counts", type=int, nargs="+", default=[135, 1000], choices=[135, 1000])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if len(os.sched_getaffinity(0)) != 1:
        print("not pinned: start with taskset -c 1", file=sys.stderr)
    if GPy is None:
        print(f"without GPy: {why_no_gpy}", file=sys.stderr)
    for count in options.counts:
        x, y = friedman(count)
        jobs = {"scikit-learn fit": lambda: fit_sklearn(x, y)}
        if GPy is not None:
            jobs["GPy fit"] = lambda: fit_gpy(x, y)
        ours = {"fit": f"gp/fit/{count}", "flat fit": f"gp/fit-flat/{count}"}
        if count == 135:
            jobs["scikit-learn fit+batch15"] = lambda: batch_sklearn(x, y)
            ours["fit+batch15"] = "gp/fit+batch15/135"
        times = {}
        for round in range(options.rounds):
            for name, job in ours.items():
                times.setdefault(f"Argent {name}", []).append(argent(options.program, job, 0.5))
            for name, job in jobs.items():
                took, result = timed(job)
                times.setdefault(name, []).append(took)
                if round == 0 and name == "scikit-learn fit":
                    print(f"n={count} {name}: log likelihood "
                          f"{result.log_marginal_likelihood_value_:.3f}  {result.kernel_}")
                if round == 0 and name == "GPy fit":
                    print(f"n={count} {name}: log likelihood {result.log_likelihood():.3f}")
        print(f"n={count}: median of {options.rounds} rounds, ms (least)")
        for name, values in times.items():
            work = name.split(" ", 1)[1]
            base = statistics.median(times[f"Argent {work}"])
            middle = statistics.median(values)
            print(f"  {name:28s} {middle:10.2f} ({min(values):.2f})  {middle / base:7.1f} x")


if __name__ == "__main__":
    main()
