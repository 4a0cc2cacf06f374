"""Power cuts of the emulated board, with the drive's unsynced writes lost.

One campaign is recorded, write by write. Then the power is cut at random moments of it: the disk is
rebuilt as it would have been left, the board is switched on again, and what it has is held against
the uncut campaign: every record that was told outside is there, nothing is there that was not, the
campaign goes on with the very recipe the uncut one made, and the file system is sound. The same
without fsync (libeatmydata) must lose records, or this would prove nothing."""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time

import bench
import cuts
from machine import Failure
from rig import Rig

# The agent without systemd around it: what a power cut leaves is the agent's, the kernel's and the
# disk's, and a boot takes seconds.
DIRECT = "board.init=/usr/local/sbin/board-direct"
# Every so many cuts the whole of Debian is booted.
WHOLE_BOOT_EVERY = 10
LOUD = "systemd.journald.forward_to_console=1 systemd.journald.max_level_console=info"
RECORDING_LIMIT_S = 1800
RECOVERY_LIMIT_S = 400
# More cuts than those the board is booted after: read without booting, journal replayed by e2fsck.
READ_ONLY_CUTS = 100
CONTROL_CUTS = 40

# What the agent says once a record is safe, and which record that is.
SAYINGS = [
    (r"run (\d+): \d+ recipes", lambda m: ("decision", int(m[1]))),
    (r"condition (\d+): loss", lambda m: ("condition end", int(m[1]))),
    (r"condition (\d+)(?: \(try \d+\))?: [-0-9]", lambda m: ("recipe", int(m[1]))),
]


def meaning(line):
    """The record a line of the agent tells of, or None."""
    for pattern, record in SAYINGS:
        match = re.search(r"argent\[\d+\]: " + pattern, line)
        if match:
            return record(match)
    return None


def key(record):
    """What `meaning` calls this record."""
    if record["type"] == "decision":
        return ("decision", record["run"])
    if record["type"] in ("recipe", "condition end"):
        return (record["type"], record["condition"])
    return None


class Recording:
    """The uncut campaign: its disk's writes, its records, and when each was told outside."""

    def __init__(self, work, base, arguments, name):
        self.base = base
        self.program = arguments.program
        self.live = f"{work}/{name}.img"
        self.path = f"{work}/{name}.writes"
        self.told = []
        self.stop = threading.Event()
        subprocess.run(["cp", "--sparse=always", base, self.live], check=True)
        folder = f"{work}/{name}"
        os.makedirs(folder)
        self.rig = Rig(arguments.program, folder + "/rig", arguments.runs, arguments.batch)
        self.machine = bench.machine(
            arguments, folder, self.rig, drive=cuts.drive(self.live, self.path),
            words=DIRECT
        )

    def listen(self):
        """Notes, for every line of the agent, how much of the disk's log was there by then."""
        place = 0
        while not self.stop.is_set():
            if os.path.exists(self.machine.console):
                with open(self.machine.console, errors="replace") as file:
                    file.seek(place)
                    text = file.read()
                whole = text.rfind("\n") + 1
                seen = os.path.getsize(self.path)
                for line in text[:whole].splitlines():
                    record = meaning(line)
                    if record:
                        self.told.append((seen, record))
                place += len(text[:whole].encode())
            self.stop.wait(0.02)

    def run(self, conditions):
        listener = threading.Thread(target=self.listen, daemon=True)
        try:
            self.machine.switch_on()
            listener.start()
            end = time.monotonic() + RECORDING_LIMIT_S
            while sum(record[0] == "condition end" for _seen, record in self.told) < conditions:
                if time.monotonic() > end:
                    raise Failure(f"only {self.told[-3:]} within {RECORDING_LIMIT_S} s")
                self.machine.check_on()
                time.sleep(0.5)
        finally:
            self.stop.set()
            self.close()
        replay(self.live)
        self.records = bench.records(self.live, self.program)
        self.log = cuts.WriteLog(self.path)

    def close(self):
        if self.machine.process and self.machine.process.poll() is None:
            self.machine.cut()
        self.rig.close()

    def moments(self, count, seed):
        """Random entries between the first and the last word of the agent."""
        chance = random.Random(seed)
        first = self.log.after(self.told[0][0])
        last = self.log.after(self.told[-1][0])
        return [chance.randrange(first, last) for _ in range(count)]

    def promised(self, cut):
        """The records told outside before entry `cut` was written."""
        end = self.log.entries[cut - 1][0] if cut else 0
        return [record for seen, record in self.told if seen <= end]

    def judge(self, found, cut):
        """Compares recovered records with the uncut ones. Returns (records, lost promises)."""
        for place, record in enumerate(found):
            if place >= len(self.records) or record != self.records[place]:
                raise Failure(f"record {place + 1} is not the uncut run's: {str(record)[:300]}")
        there = {key(record) for record in found}
        return len(found), [record for record in self.promised(cut) if record not in there]


def before_and_after(records):
    """Splits at the start of the process that recovered the log."""
    for place, record in enumerate(records):
        if place > 0 and record["type"] == "start":
            return records[:place], records[place:]
    return records, []


def check_next(recording, after):
    """The first recipe after the recovery is the one the uncut campaign made, to the last bit."""
    recipes = {r["condition"]: r["values"] for r in recording.records if r["type"] == "recipe"}
    decisions = {r["run"]: r["recipes"] for r in recording.records if r["type"] == "decision"}
    for record in after:
        if record["type"] == "decision" and record["recipes"] != decisions.get(record["run"]):
            raise Failure(f"run {record['run']} was decided otherwise than in the uncut campaign")
        if record["type"] == "recipe":
            if record["values"] != recipes.get(record["condition"]):
                raise Failure(f"condition {record['condition']}: another recipe")
            return f"goes on with condition {record['condition']}"
    raise Failure("no recipe after the recovery")


def replay(image):
    """Replays the file system's journal as a mount does; anything else to mend is a failure."""
    done = subprocess.run(["e2fsck", "-p", image], capture_output=True, text=True)
    if done.returncode > 1:
        raise Failure(f"e2fsck: {done.stdout[-300:]}")
    checked = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True)
    if checked.returncode != 0:
        raise Failure(f"e2fsck after the replay: {checked.stdout[-400:]}")


def boot_after(arguments, work, image, is_whole):
    """Switches the board on with `image`; returns seconds until the agent had a recipe again."""
    folder = work + "/boot"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    rig = Rig(arguments.program, folder + "/rig", arguments.runs, arguments.batch)
    machine = bench.machine(arguments, folder, rig, disk=image, words=LOUD if is_whole else DIRECT)
    started = time.monotonic()
    try:
        machine.switch_on()
        while True:
            if os.path.exists(machine.console):
                with open(machine.console, errors="replace") as file:
                    told = [meaning(line) for line in file]
                if any(record and record[0] == "recipe" for record in told):
                    return time.monotonic() - started
            machine.check_on()
            if time.monotonic() - started > RECOVERY_LIMIT_S:
                raise Failure(f"no recipe within {RECOVERY_LIMIT_S} s: {machine.tail()}")
            time.sleep(0.3)
    finally:
        machine.cut()
        rig.close()


def booted_cuts(recording, arguments, work):
    failed = 0
    for number, cut in enumerate(recording.moments(arguments.cuts, seed=7), 1):
        image = work + "/cut.img"
        lost, kept, torn = recording.log.rebuild(recording.base, image, cut, seed=number)
        is_whole = number % WHOLE_BOOT_EVERY == 0
        text = f"cut {number:3} at write {cut}: {lost} lost, {kept} kept, {torn} torn"
        try:
            took = boot_after(arguments, work, image, is_whole)
            replay(image)
            before, after = before_and_after(bench.records(image, recording.program))
            count, missing = recording.judge(before, cut)
            if missing:
                raise Failure(f"told and lost: {missing}")
            text += ", whole Debian" if is_whole else ""
            text += f"; {count} records, {check_next(recording, after)} after {took:.0f} s: ok"
        except Failure as error:
            failed += 1
            text += f"; FAILED: {error}"
        print("  " + text, flush=True)
    return failed


def read_cuts(recording, work, count):
    """Cuts that are only read: (cuts with losses, promises lost, other failures)."""
    with_losses = lost = failed = 0
    image = work + "/read.img"
    for number, cut in enumerate(recording.moments(count, seed=11), 1):
        recording.log.rebuild(recording.base, image, cut, seed=1000 + number)
        try:
            replay(image)
            _count, missing = recording.judge(bench.records(image, recording.program), cut)
            with_losses += bool(missing)
            lost += len(missing)
        except Failure as error:
            failed += 1
            if failed <= 3:
                print(f"  read cut {number} at write {cut}: {error}", flush=True)
    return with_losses, lost, failed


def main():
    arguments = bench.arguments(argparse.ArgumentParser(), cuts=30)
    work = arguments.work
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    started = time.monotonic()
    conditions = arguments.runs * arguments.batch
    base = bench.installed(arguments, work, "base")
    print(f"a board with the package installed: {time.monotonic() - started:.0f} s", flush=True)

    recording = Recording(work, base, arguments, "uncut")
    recording.run(conditions - 1)
    print(
        f"uncut campaign: {len(recording.records)} records, {len(recording.told)} told outside, "
        f"{len(recording.log.entries)} writes and flushes, {time.monotonic() - started:.0f} s",
        flush=True,
    )
    with_losses, lost, odd = read_cuts(recording, work, READ_ONLY_CUTS)
    print(f"{READ_ONLY_CUTS} cuts read without booting: {lost} told records lost, {odd} failed")
    failed = booted_cuts(recording, arguments, work)
    print(f"{arguments.cuts} cuts with boot and recovery: {failed} failed", flush=True)

    control = Recording(work, bench.installed(arguments, work, "careless", bench.CARELESS), arguments, "control")
    control.run(max(2, conditions // 2))
    _with, lost_without, odd_without = read_cuts(control, work, CONTROL_CUTS)
    print(f"{CONTROL_CUTS} cuts of the control without fsync: {lost_without} told records lost, "
          f"{odd_without} unreadable or torn")
    proves = lost_without + odd_without > 0
    print(f"{time.monotonic() - started:.0f} s altogether")
    sys.exit(0 if proves and not (failed or lost or odd) else 1)


main()
