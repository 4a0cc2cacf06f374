"""The spectra codec beside general compressors: the very same frames, the same core, the same run.

    python3 -m venv ~/peers
    ~/peers/bin/pip install -r Tests/Peers/requirements-spectra.txt
    swift build -c release --product argent-bench
    taskset -c 1 ~/peers/bin/python Tests/Peers/spectral_codec.py .build/release/argent-bench \
        --droplets FOLDER/run1_droplet_spectra.csv

`argent-bench spectra` makes the frames, codes them in blocks of 64, 32, 16 and 1, checks that they
come back, and writes them to a file; every other compressor gets the whole file at once, which
favours it: Argent's blocks can be read one by one. All are asked for lossless coding. `delta`
differences neighbouring pixels, `frame delta` neighbouring frames, both modulo 2^16; `planes` puts
the low bytes before the high ones. Speeds are MB of raw counts per second of processor time, the
best of some runs. The bound is the entropy of the noise alone, given the light: nothing that is
lossless can be below it on average.

A few blocks are read by spectra_block.py as well, which was written from the format's description
and nothing else. The script ends with status 1 when a peer is smaller than Argent on any data, when
the simulated frames take more than 1.06 of their bound, or when the second reader disagrees.
"""

import argparse
import json
import lzma
import subprocess
import sys
import tempfile
import time

import blosc2
import numpy as np
import zstandard

import spectra_block


def timed(body, runs):
    best, result = float("inf"), None
    for _ in range(runs):
        start = time.process_time()
        result = body()
        best = min(best, time.process_time() - start)
    return best, result


def with_zstd(level):
    return (zstandard.ZstdCompressor(level=level).compress,
            zstandard.ZstdDecompressor().decompress)


def with_blosc2(name, level):
    filters = [blosc2.Filter.BYTEDELTA] if name == "bytedelta" else []
    first = blosc2.Filter.BITSHUFFLE if name == "bitshuffle" else blosc2.Filter.SHUFFLE
    parameters = blosc2.CParams(
        codec=blosc2.Codec.ZSTD, clevel=level, typesize=2, nthreads=1,
        filters=[first] + filters, filters_meta=[0] * (1 + len(filters)))
    reading = blosc2.DParams(nthreads=1)

    def compress(frames):
        array = blosc2.asarray(frames, cparams=parameters, dparams=reading)
        return array.schunk.to_cframe()

    def decompress(data):
        return blosc2.schunk_from_cframe(data).decompress_chunk(0)

    return compress, decompress


def peers(frames):
    """Name, what is compressed, compressor, decompressor, runs."""
    raw = frames.tobytes()
    delta = np.diff(frames, axis=1, prepend=np.uint16(0)).tobytes()
    over = np.diff(frames, axis=0, prepend=np.zeros((1, frames.shape[1]), np.uint16))

    def planes(array):
        both = array.reshape(-1).view(np.uint8).reshape(-1, 2)
        return np.ascontiguousarray(both.T).tobytes()

    yield "zstd -3", raw, *with_zstd(3), 3
    yield "zstd -19", raw, *with_zstd(19), 1
    yield "xz -6", raw, lzma.compress, lzma.decompress, 1
    yield "delta, planes, zstd -19", planes(np.frombuffer(delta, np.uint16)), *with_zstd(19), 1
    yield "frame delta, planes, zstd -19", planes(over), *with_zstd(19), 1
    for name in ("shuffle", "bytedelta", "bitshuffle"):
        compress, decompress = with_blosc2(name, 5)
        yield f"blosc2 {name} + zstd 5", frames, compress, decompress, 3
    compress, decompress = with_blosc2("bytedelta", 9)
    yield "blosc2 bytedelta + zstd 9", frames, compress, decompress, 1


def compare(name, bench, arguments):
    with tempfile.NamedTemporaryFile() as file:
        command = [bench, "spectra", "--out", file.name] + arguments
        ours = json.loads(subprocess.run(
            command, check=True, capture_output=True, text=True).stdout)
        frames = np.fromfile(file.name, "<u2").reshape(ours["frames"], ours["pixels"])
    bound = ours["bound"]
    print(f"\n{name}: {frames.shape[0]} frames of {frames.shape[1]} pixels, bound "
          f"{bound:.4f} bytes per pixel")
    print(f"{'':34}{'bytes/pixel':>12}{'of bound':>10}{'coding':>10}{'decoding':>10}")

    def row(label, size, coding=None, decoding=None):
        def rate(value):
            return f"{value:10.0f}" if value else " " * 10
        print(f"{label:34}{size:12.4f}{size / bound:10.3f}{rate(coding)}{rate(decoding)}")

    sizes = ours["bytes_per_pixel"]
    row("Argent, blocks of 64", sizes["64"], ours["encode"]["best"], ours["decode"]["best"])
    for block in ("32", "16", "1"):
        row(f"Argent, blocks of {block}", sizes[block])
    megabytes, smallest = frames.nbytes / 1e6, float("inf")
    for label, content, compress, decompress, runs in peers(frames):
        coding, data = timed(lambda: compress(content), runs)
        decoding, _ = timed(lambda: decompress(data), 3)
        size = len(data) / frames.size
        smallest = min(smallest, size)
        row(label, size, megabytes / coding, megabytes / decoding)
    return sizes["64"], bound, smallest


def second_opinion(bench, arguments, blocks):
    """Whether spectra_block.py reads what Argent wrote, on the last frames of some blocks."""
    with tempfile.TemporaryDirectory() as folder:
        command = [bench, "spectra", "--out", f"{folder}/frames", "--blocks", f"{folder}/blocks"]
        ours = json.loads(subprocess.run(
            command + arguments, check=True, capture_output=True, text=True).stdout)
        frames = np.fromfile(f"{folder}/frames", "<u2").reshape(-1, ours["pixels"])
        with open(f"{folder}/blocks", "rb") as file:
            data = file.read()
    place, first, agree = 0, 0, True
    for _ in range(blocks):
        length = int.from_bytes(data[place + 8:place + 12], "little")
        if length == 0:
            break
        rows = np.array(spectra_block.decode(data[place:place + length]), np.uint16)
        agree = agree and np.array_equal(rows, frames[first:first + len(rows)])
        place, first = place + length, first + len(rows)
    return agree and first > 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("--droplets", help="run1_droplet_spectra.csv")
    parser.add_argument("--frames", default="1024")
    options = parser.parse_args()
    sets = [("simulated lamp light", ["--frames", options.frames])]
    if options.droplets:
        table = ["--droplets", options.droplets, "--frames", options.frames]
        sets.append(("measured droplets, 2048 pixels", table))
        sets.append(("measured droplets, 421 pixels", table + ["--pixels", "0"]))
    failed = False
    for name, arguments in sets:
        ours, bound, smallest = compare(name, options.bench, arguments)
        if ours >= smallest or (name == sets[0][0] and ours > 1.06 * bound):
            print("FAILED: larger than it may be")
            failed = True
        if not second_opinion(options.bench, arguments + ["--frames", "70"], 2):
            print("FAILED: the second reader reads something else")
            failed = True
    print("\nspeeds: MB of raw counts per second of processor time")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
