#!/usr/bin/env python3
"""Lateness of the rig's thread beside cyclictest, slot by slot under the same load.

    Tests/Peers/lateness.py [--minutes 30] [--slot 30] [--hertz 1000] [--priority 80] [--cpu 1]
                            [--bench .build/release/argent-bench] [--load "--cpu 2 ..."] [--each]
                            [--keep-off]

Needs cyclictest (rt-tests) and stress-ng, and the right to SCHED_FIFO. The two programs take
turns on one processor at one priority while stress-ng runs; the classes of all slots are added
up, and p50, p99, p99.9 and the maximum of both are compared. Exit code 1 when p99.9 of the rig's
thread is more than 1.3 times that of cyclictest, when 99 of 100 stop commands were not written
within 200 us of the interlock's edge, or when the thread allocated after its start.
"""

import argparse
import contextlib
import glob
import json
import os
import re
import shlex
import subprocess
import sys
import time

LIMIT_RATIO = 1.3
LIMIT_STOP_US = 200.0
LOAD = "--cpu 2 --vm 1 --vm-bytes 128M --hdd 1 --hdd-bytes 64M --pipe 1 --temp-path /tmp"


def quantile(classes, share):
    """The upper edge below which `share` of all spans lie; classes: {upper edge, us: count}."""
    total = sum(classes.values())
    wanted = max(1, -(-total * share // 1))
    passed = 0
    for edge in sorted(classes):
        passed += classes[edge]
        if passed >= wanted:
            return edge
    return max(classes, default=0.0)


def rig_slot(options, seconds):
    """One slot of argent-bench rig: its report."""
    words = [
        options.bench, "rig", "--seconds", str(seconds), "--hertz", str(options.hertz),
        "--priority", str(options.priority), "--cpu", str(options.cpu), "--histogram",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 120)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        sys.exit(f"argent-bench said: {done.stdout}{done.stderr}")
    return json.loads(lines[-1])


def cyclic_slot(options, seconds):
    """One slot of cyclictest: {lateness in us: count}, the longest in us."""
    words = [
        "cyclictest", "--mlockall", f"--priority={options.priority}",
        f"--affinity={options.cpu}", "--threads=1", "--clock=0", "--quiet",
        f"--interval={round(1e6 / options.hertz)}", f"--duration={seconds}",
        "--histogram=100000",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 120)
    classes = {}
    for line in done.stdout.splitlines():
        found = re.match(r"^(\d+)\s+(\d+)", line)
        if found and int(found[2]):
            # Class n holds n up to n + 1 us; its upper edge, as for the other program.
            classes[int(found[1]) + 1.0] = int(found[2])
    longest = re.search(r"Max Latencies:\s*(\d+)", done.stdout)
    if not classes or not longest:
        sys.exit(f"cyclictest said: {done.stdout[-500:]}{done.stderr}")
    return classes, float(longest[1])


def stolen(cpu):
    """Time the processor was taken away by a hypervisor so far, ms."""
    with open("/proc/stat") as file:
        for line in file:
            words = line.split()
            if words[0] == f"cpu{cpu}":
                return int(words[8]) * 10
    return 0


WORKQUEUES = "/sys/devices/virtual/workqueue/cpumask"


def kernel_threads():
    """The numbers of all threads of the kernel itself: children of kthreadd."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            with open(path) as file:
                number, _, rest = file.read().partition(" ")
            if rest.rpartition(")")[2].split()[1] == "2":
                yield int(number)


@contextlib.contextmanager
def kept_off(cpu):
    """Moves off processor `cpu` what of the kernel may be moved; puts it back afterwards.

    That is threads of the kernel that belong to no processor, and workqueues without one. As a
    thread of the kernel is not preempted in its work (without CONFIG_PREEMPT), each can make the
    thread with the highest priority late by as long as its longest piece of work.
    """
    mask = sum(1 << other for other in os.sched_getaffinity(0) if other != cpu)
    with open(WORKQUEUES) as file:
        queues = file.read()
    moved = {}
    for thread in kernel_threads():
        # Those bound to a processor, and those that ended meanwhile, refuse.
        with contextlib.suppress(OSError):
            before = os.sched_getaffinity(thread)
            if cpu in before and len(before) > 1:
                os.sched_setaffinity(thread, before - {cpu})
                moved[thread] = before
    with open(WORKQUEUES, "w") as file:
        file.write(f"{mask:x}")
    print(f"kept off processor {cpu}: workqueues, {len(moved)} threads of the kernel", flush=True)
    try:
        yield
    finally:
        with open(WORKQUEUES, "w") as file:
            file.write(queues)
        for thread, before in moved.items():
            with contextlib.suppress(OSError):
                os.sched_setaffinity(thread, before)


def each(options, name, classes, longest, stolen_before):
    """One slot alone: what a hypervisor takes shows here, and in both programs."""
    if options.each:
        print(shown(name, classes, longest),
              f"stolen {stolen(options.cpu) - stolen_before} ms", flush=True)


def shown(name, classes, longest):
    """One line of the table."""
    values = " ".join(f"{quantile(classes, share):9.1f}" for share in (0.5, 0.99, 0.999))
    return f"{name:12} {sum(classes.values()):9d} {values} {longest:9.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--slot", type=int, default=30, help="seconds of one slot")
    parser.add_argument("--hertz", type=float, default=1000)
    parser.add_argument("--priority", type=int, default=80)
    parser.add_argument("--cpu", type=int, default=1)
    parser.add_argument("--bench", default=".build/release/argent-bench")
    parser.add_argument("--load", default=LOAD, help="arguments of stress-ng; empty: no load")
    parser.add_argument("--each", action="store_true", help="a line for every slot as well")
    parser.add_argument("--keep-off", action="store_true",
                        help="threads of the kernel and workqueues keep off the processor")
    options = parser.parse_args()
    with kept_off(options.cpu) if options.keep_off else contextlib.nullcontext():
        good = compare(options)
    sys.exit(0 if good else 1)


def compare(options):
    """The slots and the table; whether all limits were kept."""
    load = None
    if options.load:
        load = subprocess.Popen(
            ["stress-ng", "--quiet"] + shlex.split(options.load),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(2)
    rig, rig_longest, cyclic, cyclic_longest = {}, 0.0, {}, 0.0
    missed = allocations = frees = trips = turns = 0
    stop_99, seen_99, own_99, stop_longest, own_longest, lost = [], [], [], 0.0, 0.0, set()
    end = time.monotonic() + options.minutes * 60
    try:
        while time.monotonic() < end or not cyclic:
            before = stolen(options.cpu)
            report = rig_slot(options, options.slot)
            each(options, "rig thread", {edge / 1000: count for edge, count in
                                         report["lateness_histogram"]},
                 report["lateness"]["max_us"], before)
            for edge, count in report["lateness_histogram"]:
                rig[edge / 1000] = rig.get(edge / 1000, 0) + count
            rig_longest = max(rig_longest, report["lateness"]["max_us"])
            missed += report["missed"]
            turns += report["turns"]
            allocations += report["allocations"]
            frees += report["frees"]
            lost.update(report["lost"])
            trips += report["edge_to_stop"]["count"]
            stop_99 += report["edge_to_stop_us"]
            if options.each:
                late = sum(1 for span in stop_99 if span > LIMIT_STOP_US)
                print(f"stops so far {len(stop_99)}, later than {LIMIT_STOP_US:.0f} us: {late}")
            stop_longest = max(stop_longest, report["edge_to_stop"]["max_us"])
            before = stolen(options.cpu)
            classes, longest = cyclic_slot(options, options.slot)
            each(options, "cyclictest", classes, longest, before)
            seen_99.append(report["edge_to_seen"]["p99_us"])
            own_99.append(report["seen_to_stop"]["p99_us"])
            own_longest = max(own_longest, report["seen_to_stop"]["max_us"])
            for edge, count in classes.items():
                cyclic[edge] = cyclic.get(edge, 0) + count
            cyclic_longest = max(cyclic_longest, longest)
    finally:
        if load:
            load.terminate()
            load.wait()

    print(f"{'':12} {'turns':>9} {'p50/us':>9} {'p99/us':>9} {'p99.9/us':>9} {'max/us':>9}")
    print(shown("rig thread", rig, rig_longest))
    print(shown("cyclictest", cyclic, cyclic_longest))
    ratio = quantile(rig, 0.999) / quantile(cyclic, 0.999)
    stop_99.sort()
    stop = stop_99[max(0, -(-len(stop_99) * 99 // 100) - 1)] if stop_99 else float("nan")
    print(f"ratio at p99.9: {ratio:.3f} (at most {LIMIT_RATIO})")
    print(f"edge to first stop command: {trips} times, p99 {stop:.1f} us "
          f"(at most {LIMIT_STOP_US}), p50 {stop_99[len(stop_99) // 2] if stop_99 else 0:.1f} us, "
          f"longest {stop_longest:.1f} us; until the thread has seen the edge: p99 of the median "
          f"slot {sorted(seen_99)[len(seen_99) // 2]:.1f} us; from there to the stop: "
          f"{sorted(own_99)[len(own_99) // 2]:.1f} us, longest {own_longest:.1f} us")
    print(f"turns {turns}, left out {missed}; allocations after start {allocations}, "
          f"frees {frees}")
    for text in sorted(lost):
        print(f"lost: {text}")
    return ratio <= LIMIT_RATIO and stop <= LIMIT_STOP_US and allocations == 0


if __name__ == "__main__":
    main()
