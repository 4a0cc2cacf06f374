"""Boots the emulated board and puts it through the checks of board/checks, one file each, in the
order of their names, on one and the same board. Prints a table; exit code 0 when all hold.

A check is a file with `TITLE` and `def check(board)`: it raises `Failure` (or `board.expect`
does) when something does not hold, and calls `board.note("what", "how much")` for figures."""

import argparse
import glob
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import traceback

import bench
from machine import Failure
from rig import Rig



class Board:
    """What a check works with: the machine, the rig outside, and what they share."""

    def __init__(self, options):
        self.options = options
        self.work = options.work
        self.notes = []
        self.rig = Rig(options.program, self.work + "/rig", options.runs, options.batch)
        disk = self.work + "/disk.img"
        subprocess.run(["cp", "--sparse=always", options.disk, disk], check=True)
        stick = bench.payload(options, self.rig, self.work)
        self.machine = bench.machine(options, self.work, self.rig, disk=disk, stick=stick)

    # What checks call.

    gpioinfo = "gpioinfo -c $(gpiodetect | sed -n 's/ .rig-gpio.*//p')"

    def package(self, which):
        """The path, on the board, of the package of "this" version or of the "next" one."""
        return bench.package(self.options, which)

    def note(self, what, value):
        """A measured figure for the table."""
        self.notes.append((what, value))

    def expect(self, holds, what):
        if not holds:
            raise Failure(what)

    def run(self, command, seconds=60):
        return self.machine.shell.run(command, seconds)

    def try_run(self, command, seconds=60):
        return self.machine.shell.try_run(command, seconds)

    def wait_for(self, what, seconds, holds, period=0.3):
        """Waits until `holds()` is true and returns what it returned."""
        seconds *= self.machine.shell.patience
        end = time.monotonic() + seconds
        while True:
            found = holds()
            if found:
                return found
            if time.monotonic() > end:
                raise Failure(f"{what}: not within {seconds:.0f} s; the journal says:\n{self.journal()}")
            time.sleep(period)

    def journal(self, lines=15):
        return self.try_run(f"journalctl -u argent -n {lines} -o cat --no-pager").text

    def last_words(self):
        """The end of the agent's journal, if the board still answers."""
        try:
            return self.journal(25)
        except Failure as error:
            return str(error)

    def service(self, key):
        """A property of the service, as systemd says."""
        return self.run(f"systemctl show argent -p {key} --value")

    def status(self):
        """`argent status --json`, or None while no agent answers."""
        outcome = self.try_run("argent status --json 2>/dev/null")
        return json.loads(outcome.text) if outcome.code == 0 else None

    def wait_for_state(self, *states, seconds=90):
        return self.wait_for(
            f"state {' or '.join(states)}", seconds,
            lambda: (self.status() or {}).get("state") in states,
        )

    def wait_until_flowing(self, seconds=90):
        """Waits until droplets are collected and every pump of the recipe flows."""
        self.wait_for_state("collecting", "settling", seconds=seconds)
        return self.wait_for(
            "pumps flow", 20, lambda: self.rig.flows()["oil"] > 10 and self.rig.flows()
        )

    def wait_until_moving(self, seconds=120):
        """Waits until some pump flows, if only to prime."""
        return self.wait_for(
            "a pump moves", seconds,
            lambda: any(flow > 10 for flow in self.rig.flows().values()), 0.1)

    def pull(self, line, level):
        """Drives input `line` of the simulated GPIO chip: 1 high, 0 low."""
        number = bench.LINE_NAMES.index(line)
        direction = "pull-up" if level else "pull-down"
        self.run(f"echo {direction} > /run/rig-gpio/sim_gpio{number}/pull")

    def level(self, line):
        return int(self.run(f"cat /run/rig-gpio/sim_gpio{bench.LINE_NAMES.index(line)}/value"))

    def set_chip(self, there):
        """Takes the whole GPIO chip away, or brings it back."""
        self.run("board-lines" if there else "echo 0 >/sys/kernel/config/gpio-sim/rig/live")

    def set_register(self, chip, register, word):
        """What a simulated chip on the bus says, high byte first."""
        swapped = (word & 0xFF) << 8 | word >> 8
        self.run(f"i2cset -y 0 {chip:#x} {register:#x} {swapped:#x} w")

    def fault(self, kind, whose):
        """The fault of this kind that names `whose`, or None."""
        faults = (self.status() or {}).get("faults", [])
        return next((f for f in faults if f["kind"] == kind and whose in f["text"]), None)

    def expect_lines_safe(self, is_chip_gone=False):
        """Outputs have the level they have without power."""
        if is_chip_gone:
            return
        levels = {name: self.level(name) for name in ("VALVE-1", "VALVE-2", "ENABLE")}
        self.expect(not any(levels.values()), f"lines that should be low: {levels}")

    def forget_starts(self):
        """The checks start the service more often than its limit of an hour allows; none of them
        may meet it because of those before."""
        if self.machine.process:
            self.try_run("systemctl reset-failed argent")

    def start_anew(self):
        """After something failed: the service runs again, whatever it was left in."""
        self.forget_starts()
        self.try_run("systemctl restart argent", 180)

    def clear(self):
        """`argent clear`, as soon as it is accepted."""
        self.wait_for("clear is accepted", 60, lambda: self.try_run("argent clear").code == 0, 1)

    def close(self):
        if self.machine.process and self.machine.process.poll() is None:
            self.machine.cut()
        self.rig.close()


def load(path):
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def show(title, verdict, seconds, notes):
    print(f"  {verdict:<6} {seconds:7.1f} s  {title}")
    for what, value in notes:
        print(f"                        {what}: {value}")
    sys.stdout.flush()


def main():
    arguments = bench.arguments(argparse.ArgumentParser())
    shutil.rmtree(arguments.work, ignore_errors=True)
    os.makedirs(arguments.work)

    started = time.monotonic()
    board = Board(arguments)
    failed = 0
    passed = 0
    try:
        paths = sorted(glob.glob(arguments.checks + "/[0-9]*.py"))
        wanted = [p for p in paths if is_wanted(os.path.basename(p), arguments.only)]
        print(f"{len(wanted)} checks on the emulated board")
        for path in wanted:
            module = load(path)
            board.notes = []
            begun = time.monotonic()
            try:
                board.forget_starts()
                module.check(board)
                verdict = "ok"
                passed += 1
            except Exception as error:
                verdict = "FAILED"
                failed += 1
                text = str(error) if isinstance(error, Failure) else traceback.format_exc()
                board.notes.append(("because", text.replace("\n", "\n" + " " * 26)))
                board.notes.append(("journal", board.last_words().replace("\n", "\n" + " " * 26)))
            show(module.TITLE, verdict, time.monotonic() - begun, board.notes)
            if verdict == "FAILED":
                mend(board, module)
            if verdict == "FAILED" and getattr(module, "ESSENTIAL", False):
                print("the other checks need this one")
                break
    finally:
        board.close()
    print(f"{passed} passed, {failed} failed, after {time.monotonic() - started:.0f} s")
    sys.exit(1 if failed or not passed else 0)


def mend(board, module):
    """After a check that failed: what it left wrong must not fail those behind it."""
    try:
        if hasattr(module, "mend"):
            module.mend(board)
        board.start_anew()
    except Exception as error:
        print(f"                        not mended: {error}", flush=True)


def is_wanted(name, only):
    """Checks that others need (00…19) always run."""
    return not only or name < "2" or any(word in name for word in only.split(","))


main()
