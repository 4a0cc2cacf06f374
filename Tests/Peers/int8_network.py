"""ONNX Runtime and LiteRT, 8 bits, against argent-bench: the same network, the same work, one run.

Requirements (tried with Python 3.11):

    numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1 ai-edge-litert==2.3.0 flatbuffers==25.12.19

    python3 -m venv ~/peers && ~/peers/bin/pip install -r <the line above>
    swift build -c release --product argent-bench
    taskset -c 1 ~/peers/bin/python Tests/Peers/int8_network.py --data ../shared/data/agbonn

Networks go in and come out in single precision (raw input units), on one thread. The peers are
quantised as their tools do it: post-training, per channel, calibrated on the 164 conditions; the
LiteRT model is written with the schema of its own package, since its converter needs TensorFlow.
Rounds of all contestants alternate; the table gives the least and the median time of a call and,
for the peers, the errors on the conditions. Those of Argent are in PublishedQuantizationTests.
"""

import argparse
import csv
import json
import logging
import os
import struct
import subprocess
import sys
import tempfile
import time

logging.getLogger().setLevel(logging.ERROR)
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402

RECIPE = ["silver_nitrate_pct", "pva_pct", "trisodium_citrate_pct", "seed_pct",
          "total_flow_ul_min"]
ROWS = 4096
# Shares of a round: calls of the peers with one row, and with all rows.
SINGLE_CALLS, BATCH_CALLS = 4000, 12


def network(path):
    """Kernels and biases, float32, first layer first."""
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])

    def tensor(name):
        begin, end = header[name]["data_offsets"]
        raw = data[8 + length + begin:8 + length + end]
        return np.frombuffer(raw, "<f4").reshape(header[name]["shape"])

    return [(tensor(f"dense_{n}.kernel"), tensor(f"dense_{n}.bias")) for n in range(1, 6)]


def activations(layers, rows):
    """What goes into each layer, and what comes out of the last one, in double precision."""
    values = [rows.astype(float)]
    for index, (kernel, bias) in enumerate(layers):
        out = values[-1] @ kernel.astype(float) + bias
        values.append(np.maximum(out, 0) if index + 1 < len(layers) else out)
    return values


def losses(spectra, target):
    largest = spectra.max(1)
    factor = np.where((largest <= 0) | (largest > 1.2), 0, np.minimum(1, largest / 0.7))
    low = spectra.min(1, keepdims=True)
    shape = (spectra - low) / (largest[:, None] - low)
    goal = (target - target.min()) / (target.max() - target.min())
    return 1 - factor * (shape @ goal) / np.linalg.norm(shape, axis=1) / np.linalg.norm(goal)


def errors(found, wanted, target):
    found = found.astype(float)
    moved = np.abs(found.argmax(1) - wanted.argmax(1))
    return (f"rel. RMSE {100 * np.sqrt(((found - wanted) ** 2).sum() / (wanted ** 2).sum()):.2f} %"
            f", loss MAE {np.abs(losses(found, target) - losses(wanted, target)).mean():.4f}"
            f", peak p99 {np.percentile(moved, 99):.0f} nm")


class Onnx:
    """ONNX Runtime; `kind` is how activations are stored, None for the float network."""

    def __init__(self, layers, rows, folder, kind):
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
        from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

        self.name = f"ONNX Runtime {onnxruntime.__version__} {kind or 'float32'}"
        path = os.path.join(folder, "float.onnx")
        nodes, weights, at = [], [], "recipe"
        for n, (kernel, bias) in enumerate(layers):
            weights += [numpy_helper.from_array(kernel, f"w{n}"),
                        numpy_helper.from_array(bias, f"b{n}")]
            nodes.append(helper.make_node("Gemm", [at, f"w{n}", f"b{n}"], [f"sum{n}"]))
            at = f"sum{n}"
            if n + 1 < len(layers):
                nodes.append(helper.make_node("Relu", [at], [f"unit{n}"]))
                at = f"unit{n}"
        graph = helper.make_graph(
            nodes, "spectrum",
            [helper.make_tensor_value_info("recipe", TensorProto.FLOAT, ["rows", 5])],
            [helper.make_tensor_value_info(at, TensorProto.FLOAT, ["rows", 421])], weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 9
        onnx.save(model, path)
        if kind:
            class Reader(CalibrationDataReader):
                def __init__(self):
                    self.rows = iter([{"recipe": row[None]} for row in rows])

                def get_next(self):
                    return next(self.rows, None)

            short = os.path.join(folder, f"{kind}.onnx")
            activation = QuantType.QUInt8 if kind == "u8s8" else QuantType.QInt8
            quantize_static(path, short, Reader(), activation_type=activation,
                            weight_type=QuantType.QInt8, per_channel=True)
            path = short
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.kept = []
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"])

    def ready(self, rows):
        binding = self.session.io_binding()
        out = np.empty((len(rows), 421), np.float32)
        binding.bind_cpu_input("recipe", rows)
        binding.bind_output(self.session.get_outputs()[0].name, "cpu", 0, np.float32, out.shape,
                            out.ctypes.data)
        # A binding does not keep its memory alive.
        self.kept.append((rows, out))
        return lambda: self.session.run_with_iobinding(binding), lambda: out


class Lite:
    """LiteRT, full 8-bit integers inside (XNNPACK)."""

    def __init__(self, layers, rows, folder):
        from importlib.metadata import version

        self.name = f"LiteRT {version('ai-edge-litert')} int8"
        self.path = os.path.join(folder, "int8.tflite")
        with open(self.path, "wb") as file:
            file.write(self.model(layers, activations(layers, rows)))

    @staticmethod
    def model(layers, values):
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema

        model = schema.ModelT()
        model.version = 3
        model.buffers = [schema.BufferT()]
        model.operatorCodes = []
        for kind, revision in ((schema.BuiltinOperator.QUANTIZE, 1),
                               (schema.BuiltinOperator.FULLY_CONNECTED, 5),
                               (schema.BuiltinOperator.DEQUANTIZE, 1)):
            code = schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = kind
            code.version = revision
            model.operatorCodes.append(code)
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = [], []
        model.subgraphs = [graph]

        def tensor(name, shape, kind, scale=None, zero=None, data=None):
            item = schema.TensorT()
            item.name, item.shape, item.type, item.buffer = name, list(shape), kind, 0
            if data is None:
                item.shapeSignature = [-1] + list(shape[1:])
            else:
                buffer = schema.BufferT()
                buffer.data = np.frombuffer(data.tobytes(), np.uint8)
                model.buffers.append(buffer)
                item.buffer = len(model.buffers) - 1
            if scale is not None:
                steps = schema.QuantizationParametersT()
                steps.scale = [float(x) for x in np.atleast_1d(scale)]
                steps.zeroPoint = [int(x) for x in np.atleast_1d(zero)]
                steps.quantizedDimension = 0
                item.quantization = steps
            graph.tensors.append(item)
            return len(graph.tensors) - 1

        def operator(code, inputs, outputs, options, kind):
            item = schema.OperatorT()
            item.opcodeIndex, item.inputs, item.outputs = code, inputs, outputs
            item.builtinOptions, item.builtinOptionsType = options, kind
            graph.operators.append(item)

        def steps(numbers):
            low, high = min(0, numbers.min()), max(0, numbers.max())
            scale = (high - low) / 255
            return scale, int(round(-128 - low / scale))

        source = tensor("recipe", [1, 5], schema.TensorType.FLOAT32)
        scale, zero = steps(values[0])
        at = tensor("codes", [1, 5], schema.TensorType.INT8, scale, zero)
        operator(0, [source], [at], schema.QuantizeOptionsT(),
                 schema.BuiltinOptions.QuantizeOptions)
        for n, (kernel, bias) in enumerate(layers):
            width = np.abs(kernel).max(0).astype(float) / 127
            width[width == 0] = 1
            none = np.zeros(len(width))
            codes = np.clip(np.round(kernel / width), -127, 127).T.astype(np.int8)
            weights = tensor(f"w{n}", codes.shape, schema.TensorType.INT8, width, none,
                             np.ascontiguousarray(codes))
            shift = tensor(f"b{n}", bias.shape, schema.TensorType.INT32, width * scale, none,
                           np.round(bias / (width * scale)).astype(np.int32))
            scale, zero = steps(values[n + 1])
            out = tensor(f"a{n}", [1, kernel.shape[1]], schema.TensorType.INT8, scale, zero)
            options = schema.FullyConnectedOptionsT()
            options.fusedActivationFunction = 1 if n + 1 < len(layers) else 0
            operator(1, [at, weights, shift], [out], options,
                     schema.BuiltinOptions.FullyConnectedOptions)
            at = out
        spectrum = tensor("spectrum", [1, 421], schema.TensorType.FLOAT32)
        operator(2, [at], [spectrum], schema.DequantizeOptionsT(),
                 schema.BuiltinOptions.DequantizeOptions)
        graph.inputs, graph.outputs = [source], [spectrum]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def ready(self, rows):
        from ai_edge_litert.interpreter import Interpreter

        engine = Interpreter(self.path, num_threads=1)
        entry = engine.get_input_details()[0]["index"]
        engine.resize_tensor_input(entry, rows.shape)
        engine.allocate_tensors()
        engine.set_tensor(entry, rows)
        exit_ = engine.get_output_details()[0]["index"]
        return engine.invoke, lambda: engine.get_tensor(exit_)


def timed(call, count):
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def argent(program, path, seconds):
    """Least and median time of one call by name, in seconds, from the program's JSON."""
    environment = dict(os.environ, ARGENT_BENCH_NETWORK=path)
    run = subprocess.run([program, "--seconds", str(seconds), "network/int8"],
                         env=environment, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return {line["name"]: (line["min_ns"] / 1e9, line["median_ns"] / 1e9) for line in lines}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of the published data")
    parser.add_argument("--bench", default=".build/release/argent-bench")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    path = os.path.abspath(os.path.join(options.data, "published_network.safetensors"))
    layers = network(path)
    with open(os.path.join(options.data, "conditions.csv"), newline="") as file:
        recipes = np.array([[float(row[name]) for name in RECIPE]
                            for row in csv.DictReader(file)], np.float32)
    points = np.loadtxt(os.path.join(options.data, "target_prism_50nm.csv"), delimiter=",",
                        skiprows=1)
    target = np.interp(np.arange(380, 801), points[:, 0], points[:, 1])
    wanted = activations(layers, recipes)[-1]
    many = np.tile(recipes, (ROWS // len(recipes) + 1, 1))[:ROWS].copy()
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        peers = [Onnx(layers, recipes, folder, kind) for kind in (None, "s8s8", "u8s8")]
        peers.append(Lite(layers, recipes, folder))
        calls = []
        for peer in peers:
            call, result = peer.ready(recipes)
            call()
            print(f"{peer.name}: {errors(result(), wanted, target)}")
            calls += [(peer.name, 1, peer.ready(recipes[:1])[0], SINGLE_CALLS),
                      (peer.name, ROWS, peer.ready(many)[0], BATCH_CALLS)]
        for _ in range(options.rounds):
            for name, rows, call, count in calls:
                times.setdefault((name, rows), []).extend(timed(call, count))
            for name, (least, median) in argent(options.bench, path, 0.5).items():
                _, kind, rows = name.split("/")[:3]
                times.setdefault((f"Argent {kind}", int(rows)), []).extend([least, median])
    print(f"{'':42} {'rows':>5} {'least, µs':>12} {'median, µs':>12}")
    for (name, rows), all_times in sorted(times.items(), key=lambda item: item[0][1]):
        print(f"{name:42} {rows:5} {min(all_times) * 1e6:12.2f} "
              f"{float(np.median(all_times)) * 1e6:12.2f}")
    best = min(min(t) for (name, rows), t in times.items()
               if rows == ROWS and not name.startswith("Argent"))
    own = min(times[("Argent int8", ROWS)])
    print(f"{ROWS} rows: Argent int8 takes {own / best:.2f} of the best peer's least time")
    return 0 if own <= best else 1


if __name__ == "__main__":
    sys.exit(main())
