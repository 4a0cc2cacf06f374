#!/usr/bin/env python3
"""Raw frames at a steady rate into Argent's log and into SQLite, in turns, on the same disk.

    swift build -c release --product argent-bench
    Tests/Peers/steady_logging.py [--bench PATH] [--into DIR] [--seconds S] [--rounds N] [--stall S]

100 frames a second of 2048 pixels of 16 bits (a drifting lamp with shot noise), the very same for
both. `argent-bench logging` hands them over as a rig's thread does; its log's thread packs them
in blocks of 64, syncs each block, seals and signs segments. SQLite (Python's own, WAL,
synchronous=FULL) gets one row a frame, the counts as a blob, and a commit every 64 frames, so that
a power cut takes as much from either; it inserts in the thread that takes the frames, as is usual,
and nothing is compressed, which SQLite leaves to others: with zstd -3 the blobs would have 2.0
bytes a pixel, at best 1.15 (spectral_codec.py).

Then both once more while another process keeps the same disk busy (`dd conv=fsync`, over and over),
and Argent alone with a disk that stalls: every tenth sync takes 3 s.

`hand-over` is what the thread that takes the frames spends on one, `CPU` processor seconds a
second: of that thread, and of what writes. `written` is what the kernel was made to send to the
disk (proc(5), write_bytes) for a byte of counts, without the file system's own; `on disk` is what
lies there in the end, bytes a pixel. Needs some 200 MB in DIR; it must be on a real disk.
Status 1 when Argent lost a frame, or gives another one back.
"""
import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PIXELS = 2048
BLOCK = 64

options = argparse.ArgumentParser()
options.add_argument("--bench", default=HERE + "/../../.build/release/argent-bench")
options.add_argument("--into", default=".")
options.add_argument("--seconds", type=float, default=20)
options.add_argument("--hertz", type=float, default=100)
options.add_argument("--rounds", type=int, default=3)
options.add_argument("--stall", type=float, default=3)
options.add_argument("--sqlite", nargs=2, help=argparse.SUPPRESS)
options = options.parse_args()


def disk_bytes():
    with open("/proc/self/io") as file:
        return int([line for line in file if line.startswith("write_bytes")][0].split()[1])


def with_sqlite(frames_path, base):
    """Logs the frames; prints what it took. Runs in a process of its own."""
    with open(frames_path, "rb") as file:
        frames = file.read()
    size = 2 * PIXELS
    try:  # as the thread that takes Argent's frames
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(80))
    except PermissionError:
        pass
    count = int(options.seconds * options.hertz)
    data = sqlite3.connect(base, isolation_level=None)
    assert data.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    data.execute("PRAGMA synchronous=FULL")
    data.execute("CREATE TABLE frames (id INTEGER PRIMARY KEY, at INTEGER, integration INTEGER, "
                 "counts BLOB)")
    took, late, cpu, before = [], [], 0.0, disk_bytes()
    began = time.monotonic()
    for number in range(count):
        due = began + (number + 1) / options.hertz
        time.sleep(max(0, due - time.monotonic()))
        place = number * size % len(frames)
        frame = frames[place:place + size]
        start, used = time.monotonic(), time.thread_time()
        if number % BLOCK == 0:
            data.execute("BEGIN")
        data.execute("INSERT INTO frames VALUES (?, ?, ?, ?)",
                     (number, time.monotonic_ns(), 8_000_000, frame))
        if number % BLOCK == BLOCK - 1 or number == count - 1:
            data.execute("COMMIT")
        took.append(time.monotonic() - start)
        cpu += time.thread_time() - used
        late.append(start - due)
    wall = time.monotonic() - began
    used = time.thread_time()
    data.close()  # moves what is left in the WAL into the database
    cpu += time.thread_time() - used
    took.sort()
    print(json.dumps({
        "p50_us": took[len(took) // 2] * 1e6, "p99_us": took[int(len(took) * 0.99)] * 1e6,
        "max_us": took[-1] * 1e6, "late_us": max(late) * 1e6, "cpu": cpu / wall,
        "disk_per_raw": (disk_bytes() - before) / (count * size),
        "bytes_per_pixel": os.path.getsize(base) / (count * PIXELS)}))


if options.sqlite:
    with_sqlite(*options.sqlite)
    sys.exit(0)

folder = tempfile.mkdtemp(prefix="argent-logging-", dir=options.into)
failed = False


def argent(number, stall=0.0):
    global failed
    told = json.loads(subprocess.run(
        [options.bench, "logging", "--into", "%s/log%d" % (folder, number), "--seconds",
         str(options.seconds), "--hertz", str(options.hertz), "--pixels", str(PIXELS), "--stall",
         str(stall), "--out", folder + "/frames"],
        check=True, capture_output=True, text=True).stdout)
    shutil.rmtree("%s/log%d" % (folder, number))
    push = told["push"]
    if told["lost"] or not told["equal"] or told["read_back"] != push["count"]:
        failed = True
        print("FAILED: %s" % told)
    return {"p50_us": push["p50_us"], "p99_us": push["p99_us"], "max_us": push["max_us"],
            "late_us": told["lateness"]["max_us"], "rig_cpu": told["rig_cpu"],
            "cpu": told["log_cpu"], "disk_per_raw": told["disk_per_raw"],
            "bytes_per_pixel": told["bytes_per_pixel"],
            "more": "%d of %d waited at most, %d lost; %d syncs, the longest %.0f ms; %.3f "
                    "written(2)" % (told["high_water"], told["ring"], told["lost"], told["syncs"],
                                    told["longest_sync_ms"], told["written_per_raw"])}


def sqlite(number):
    base = "%s/base%d" % (folder, number)
    told = json.loads(subprocess.run(
        [sys.executable, *sys.argv, "--sqlite", folder + "/frames", base],
        check=True, capture_output=True, text=True).stdout)
    os.remove(base)
    return dict(told, rig_cpu=0.0, more="a commit every %d frames" % BLOCK)


def show(name, told):
    print("%-8s hand-over p50 %8.1f  p99 %8.1f  worst %10.1f us, late %8.0f us; CPU %.4f + %.4f; "
          "written %.3f; on disk %.3f B/pixel; %s" % (
              name, told["p50_us"], told["p99_us"], told["max_us"], told["late_us"],
              told["rig_cpu"], told["cpu"], told["disk_per_raw"], told["bytes_per_pixel"],
              told["more"]), flush=True)


try:
    print("%g frames a second of %d pixels for %g s, %d rounds" % (
        options.hertz, PIXELS, options.seconds, options.rounds))
    for number in range(options.rounds):
        show("Argent", argent(number))
        show("SQLite", sqlite(number))
    print("the disk busy with dd conv=fsync of 256 MB, over and over:")
    command = "while dd if=/dev/zero of=%s/busy bs=1M count=256 conv=fsync 2>/dev/null; do :; done"
    busy = subprocess.Popen(["/bin/sh", "-c", command % folder], start_new_session=True)
    try:
        show("Argent", argent(100))
        show("SQLite", sqlite(100))
    finally:
        os.killpg(busy.pid, 9)
        busy.wait()
    print("every tenth sync takes %g s longer:" % options.stall)
    show("Argent", argent(200, options.stall))
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(1 if failed else 0)
