"""Boots the emulated board and puts it through the checks of board/checks, one file each, in the
order of their names, on one and the same board. Prints a table; exit code 0 when all hold.

A check is a file with `TITLE` and `def check(board)`: it raises `Failure` (or `board.expect`
does) when something does not hold, and calls `board.note("what", "how much")` for figures."""

import argparse
import glob
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import traceback

from machine import Failure, Machine
from rig import Rig



PRIORITY = -5


class Board:
    """What a check works with: the machine, the rig outside, and what they share."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.work = arguments.work
        self.packages = arguments.packages
        self.notes = []
        self.rig = Rig(arguments.program, self.work + "/rig", arguments.runs, arguments.batch)
        self.payload = self._payload()
        lines = {name: self.rig.port(name) for name in Rig.lines}
        disk = self.work + "/disk.img"
        subprocess.run(["cp", "--sparse=always", arguments.disk, disk], check=True)
        self.machine = Machine(
            self.work, arguments.kernel, arguments.initrd, disk, self.payload, lines
        )

    def _payload(self):
        """A disk with the packages and the configuration, as a memory stick would bring them."""
        folder = self.work + "/payload"
        os.makedirs(folder)
        for package in glob.glob(self.packages + "/*_arm64.deb"):
            shutil.copy(package, folder)
        with open(folder + "/argent.toml", "w") as file:
            file.write(self.configuration())
        shutil.copy(self.work + "/rig/target.csv", folder)
        with open(folder + "/lines.toml", "w") as file:
            file.write(LINES)
        image = self.work + "/payload.img"
        with open(image, "wb") as file:
            file.truncate(128 << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", folder, "-F", image], check=True)
        return image

    def configuration(self):
        """The rig's configuration, as the board sees the lines."""
        text = self.rig.configuration
        lines = list(Rig.lines)
        for name in lines:
            port = "/dev/ttyS0" if name == lines[-1] else (
                f"/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{name}-if00-port0"
            )
            text = text.replace(f'"{self.rig.port(name)}"', f'"{port}"')
        text = text.replace(f'"{self.rig.folder}/control"', '"/run/argent/control"')
        return text.replace(f'directory = "{self.rig.folder}"', 'directory = "/var/lib/argent"')

    # What checks call.

    gpioinfo = "gpioinfo -c $(gpiodetect | sed -n 's/ .rig-gpio.*//p')"

    def package(self, which):
        """The path, on the board, of the package of "this" version or of the "next" one."""
        names = glob.glob(self.packages + "/argent_*_arm64.deb")
        names = [n for n in names if n.endswith("+next_arm64.deb") == (which == "next")]
        if len(names) != 1:
            raise Failure(f"packages to choose from: {names}")
        return "/mnt/payload/" + os.path.basename(names[0])

    def workstation_package(self):
        names = glob.glob(self.packages + "/argent-workstation_*_arm64.deb")
        names = [n for n in names if "+next" not in n]
        return "/mnt/payload/" + os.path.basename(names[0])

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
        end = time.monotonic() + seconds
        while True:
            found = holds()
            if found:
                return found
            if time.monotonic() > end:
                raise Failure(f"{what}: not within {seconds} s; the journal says:\n{self.journal()}")
            time.sleep(period)

    def journal(self, lines=15):
        return self.try_run(f"journalctl -u argent -n {lines} -o cat --no-pager").text

    def service(self, key):
        """A property of the service, as systemd says."""
        return self.run(f"systemctl show argent -p {key} --value")

    def status(self):
        """`argent status --json`, or None while no agent answers."""
        import json

        outcome = self.try_run("argent status --json")
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

    def pull(self, line, level):
        """Drives input `line` of the simulated GPIO chip: 1 high, 0 low."""
        number = LINE_NAMES.index(line)
        direction = "pull-up" if level else "pull-down"
        self.run(f"echo {direction} > /run/rig-gpio/sim_gpio{number}/pull")

    def level(self, line):
        return int(self.run(f"cat /run/rig-gpio/sim_gpio{LINE_NAMES.index(line)}/value"))

    def close(self):
        if self.machine.process and self.machine.process.poll() is None:
            self.machine.cut()
        self.rig.close()


LINE_NAMES = [
    "EMERGENCY-STOP", "DOOR", "LEAK", "LEVEL", "VALVE-1", "VALVE-2", "VALVE-3", "VALVE-4",
    "LAMP", "SHUTTER", "HEARTBEAT", "ENABLE", "STEP", "DIRECTION", "SPARE-1", "SPARE-2",
]

# Drop-in of the emulated board: its lines. Active low: a cut wire counts as danger.
LINES = """
[[interlock]]
name = "emergency stop"
chip_label = "rig-gpio"
line = "EMERGENCY-STOP"
active_low = true
latching = true
debounce = "5 ms"

[[interlock]]
name = "door"
chip_label = "rig-gpio"
line = "DOOR"
active_low = true
latching = false
debounce = "5 ms"
"""


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
    parser = argparse.ArgumentParser()
    for name in ("work", "disk", "kernel", "initrd", "program", "packages", "checks"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    # The rig outside and the board's clock are real: they go before what else this machine does.
    os.nice(PRIORITY)
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
                module.check(board)
                verdict = "ok"
                passed += 1
            except Exception as error:
                verdict = "FAILED"
                failed += 1
                text = str(error) if isinstance(error, Failure) else traceback.format_exc()
                board.notes.append(("because", text.replace("\n", "\n" + " " * 26)))
            show(module.TITLE, verdict, time.monotonic() - begun, board.notes)
            if verdict == "FAILED" and getattr(module, "ESSENTIAL", False):
                print("the other checks need this one")
                break
    finally:
        board.close()
    print(f"{passed} passed, {failed} failed, after {time.monotonic() - started:.0f} s")
    sys.exit(1 if failed or not passed else 0)


def is_wanted(name, only):
    """Checks that others need (00…19) always run."""
    return not only or name < "2" or any(word in name for word in only.split(","))


main()
