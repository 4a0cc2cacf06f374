"""What grid_search.py and shapley.py share: the published network, the target, the loss."""
import csv
import json
import os
import struct
import subprocess

import numpy as np


def safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            first, last = (8 + length + offset for offset in entry["data_offsets"])
            kind = {"F32": np.float32, "F64": np.float64}[entry["dtype"]]
            tensors[name] = np.frombuffer(data[first:last], kind).reshape(entry["shape"])
    return tensors


class Planner:
    """Network, target and loss from the folder of published data."""

    def __init__(self, folder):
        self.network_path = os.path.join(folder, "published_network.safetensors")
        self.target_path = os.path.join(folder, "target_prism_50nm.csv")
        self.conditions_path = os.path.join(folder, "conditions.csv")
        tensors = safetensors(self.network_path)
        count = sum(name.endswith(".kernel") for name in tensors)
        self.kernels = [tensors[f"dense_{n}.kernel"].astype(np.float32) for n in range(1, count + 1)]
        self.biases = [tensors[f"dense_{n}.bias"].astype(np.float32) for n in range(1, count + 1)]
        points = np.loadtxt(self.target_path, delimiter=",", skiprows=1)
        target = np.interp(np.arange(380, 801.0), points[:, 0], points[:, 1])
        self.target = (target - target.min()) / (target.max() - target.min())

    def predict(self, rows):
        values = rows.astype(np.float32)
        for number, (kernel, bias) in enumerate(zip(self.kernels, self.biases)):
            values = values @ kernel + bias
            if number < len(self.kernels) - 1:
                values = np.maximum(values, 0)
        return values

    def loss(self, spectra):
        high, low = spectra.max(1), spectra.min(1)
        scaled = (spectra - low[:, None]) / (high - low)[:, None]
        target = self.target.astype(spectra.dtype)
        cosine = scaled @ target / np.sqrt((scaled * scaled).sum(1) * (target @ target))
        factor = np.where(high <= 0, 0, np.where(high < 0.7, high / 0.7, high <= 1.2))
        return 1 - factor * cosine

    def recipes(self, count):
        with open(self.conditions_path) as file:
            rows = list(csv.reader(file))[1 : count + 1]
        return np.array([[float(field) for field in row[2:7]] for row in rows])

    def bench(self, program, name, core):
        """The median of an argent-bench entry with this network, in seconds."""
        environment = dict(
            os.environ, ARGENT_BENCH_NETWORK=self.network_path,
            ARGENT_BENCH_TARGET=self.target_path, ARGENT_BENCH_CONDITIONS=self.conditions_path)
        done = subprocess.run(
            ["taskset", "-c", str(core), program, name], env=environment, check=True,
            capture_output=True, text=True)
        return json.loads(done.stdout.splitlines()[-1])["median_ns"] / 1e9
