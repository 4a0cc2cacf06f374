"""The grid search of 3.2 million recipes: argent-bench against ONNX Runtime, float and int8.

    python Tests/Peers/grid_search.py --data DATA/agbonn --bench .build/release/argent-bench

Both on one core, one after the other. The peers predict every recipe that keeps the cap, in
batches of 4,096, and work out the losses with numpy; `--share` lets them do a part only, and
scales the time. Int8 is static quantisation, per channel, calibrated on the published conditions.
"""
import argparse
import os
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from network_peer import Planner
from onnxruntime import quantization

BATCH = 4096


def model(planner, path):
    nodes, weights, last = [], [], "x"
    for n, (kernel, bias) in enumerate(zip(planner.kernels, planner.biases)):
        weights += [
            onnx.numpy_helper.from_array(kernel, f"w{n}"),
            onnx.numpy_helper.from_array(bias, f"b{n}")]
        nodes.append(onnx.helper.make_node("Gemm", [last, f"w{n}", f"b{n}"], [f"z{n}"]))
        last = f"z{n}"
        if n < len(planner.kernels) - 1:
            nodes.append(onnx.helper.make_node("Relu", [last], [f"h{n}"]))
            last = f"h{n}"
    number = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes, "network",
        [onnx.helper.make_tensor_value_info("x", number, ["rows", 5])],
        [onnx.helper.make_tensor_value_info(last, number, ["rows", 421])], weights)
    opset = [onnx.helper.make_opsetid("", 17)]
    made = onnx.helper.make_model(graph, opset_imports=opset)
    made.ir_version = 8
    onnx.save(made, path)


class Calibration(quantization.CalibrationDataReader):
    def __init__(self, rows):
        self.rows = iter([{"x": rows.astype(np.float32)}])

    def get_next(self):
        return next(self.rows, None)


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def search(planner, network, rows):
    start = time.perf_counter()
    losses = np.concatenate([
        planner.loss(network.run(None, {"x": rows[first : first + BATCH]})[0])
        for first in range(0, len(rows), BATCH)])
    took = time.perf_counter() - start
    return took, np.argsort(losses, kind="stable")[:15], losses


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--share", type=float, default=1)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    planner = Planner(arguments.data)
    ranges = [(4, 45), (10, 40), (0.5, 30), (0.5, 20), (200, 1000)]
    axes = [np.linspace(low, high, 20) for low, high in ranges]
    rows = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 5)
    rows = rows[rows[:, :4].sum(1) <= 90 + 1e-9].astype(np.float32)
    part = rows[:: max(1, round(1 / arguments.share))]
    ours = planner.bench(arguments.bench, "grid/3200000", arguments.core)
    print(f"argent            {ours:8.3f} s  exact")
    with tempfile.TemporaryDirectory() as folder:
        plain, small = os.path.join(folder, "f.onnx"), os.path.join(folder, "q.onnx")
        model(planner, plain)
        quantization.quantize_static(
            plain, small, Calibration(planner.recipes(164)), per_channel=True,
            weight_type=quantization.QuantType.QInt8)
        best = None
        for name, path in [("float", plain), ("int8", small)]:
            took, top, losses = search(planner, session(path), part)
            took *= len(rows) / len(part)
            best = top if best is None else best
            common = len(set(best) & set(top))
            print(
                f"ONNX Runtime {name:5}{took:8.3f} s  {took / ours:5.1f} x, least loss "
                f"{losses.min():.6f}, {common} of 15 best in common with float")


if __name__ == "__main__":
    main()
