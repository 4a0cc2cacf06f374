"""The rig outside the board: `argent simulate` on pseudo-terminals, watched by what really flows."""

import os
import re
import select
import subprocess
import threading
import time

from machine import Failure

READY_LIMIT_S = 30
# Below this a syringe stands still, uL/min.
STANDS_STILL = 1.0
# A pump that says it stands still has a syringe that slows down by the simulator's time constant,
# 0.4 s: from 1,000 uL/min to standstill in seven of them, and room for one more.
RUN_OUT_S = 3.2


class Rig:
    """Four New Era pumps on one line, called by its first pump, two Harvard pumps and a spectrometer on lines of their own."""

    shared = ("AgNO3", "PVA", "TSC", "seeds")
    lines = ("AgNO3", "solvent", "oil", "spectrometer")
    # Pumps, on whatever line.
    count = 6

    def __init__(self, program, folder, runs, batch, seed=1):
        self.program = program
        self.folder = folder
        os.makedirs(folder + "/dev", exist_ok=True)
        self.configuration = self._configure(runs, batch, seed)
        self.process = subprocess.Popen(
            [program, "simulate", "--config", folder + "/argent.toml", "--into", folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
        )
        self.lock = threading.Lock()
        self.text = b""
        self._read_until(lambda text: b"ready:" in text, READY_LIMIT_S)

    def _configure(self, runs, batch, seed):
        """Lets the program write a configuration, and puts four pumps on one line."""
        first = subprocess.Popen(
            [self.program, "simulate", "--quick", "--into", self.folder, "--runs", str(runs),
             "--batch", str(batch), "--seed", str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for line in first.stdout:
            if line.startswith(b"ready:"):
                break
        first.communicate(b"quit\n", timeout=READY_LIMIT_S)
        path = self.folder + "/argent.toml"
        with open(path) as file:
            lines = file.read().splitlines()
        address = None
        for place, line in enumerate(lines):
            for number, name in enumerate(self.shared):
                if line == f'port = "{self.folder}/dev/{name}"':
                    lines[place] = f'port = "{self.folder}/dev/{self.shared[0]}"'
                    address = number
            if address is not None and line.startswith("address = "):
                lines[place] = f"address = {address}"
                address = None
        text = "\n".join(lines) + "\n"
        if text.count(f'/dev/{self.shared[0]}"') != len(self.shared):
            raise Failure("the simulator's configuration is not as expected")
        with open(path, "w") as file:
            file.write(text)
        return text

    def _read_until(self, done, seconds):
        end = time.monotonic() + seconds
        while not done(self.text):
            left = end - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not piece:
                raise Failure(f"the simulated rig does not answer: {self.text[-500:]!r}")
            self.text += piece

    def _ask(self, line):
        """Types a line; what was said before it is no answer to it."""
        while select.select([self.process.stdout], [], [], 0)[0]:
            if not os.read(self.process.stdout.fileno(), 65536):
                break
        self.text = b""
        self.process.stdin.write(line.encode() + b"\n")

    def type(self, line):
        """Types a line at the simulator and returns the line it answers."""
        with self.lock:
            self._ask(line)
            self._read_until(lambda text: text.endswith(b"\n"), READY_LIMIT_S)
            return self.text.decode()

    def flows(self):
        """What every syringe really does, uL/min."""
        with self.lock:
            self._ask("look")
            self._read_until(lambda text: len(self._flows(text)) == self.count, READY_LIMIT_S)
            return self._flows(self.text)

    @staticmethod
    def _flows(text):
        lines = re.finditer(r"^(\S+): ([-+0-9.e]+) uL/min.*\n", text.decode(), re.M)
        return {match[1]: float(match[2]) for match in lines}

    def is_still(self):
        return all(abs(flow) < STANDS_STILL for flow in self.flows().values())

    def time_until_still(self, since, seconds, but=()):
        """Seconds from `since` (monotonic) until no syringe moves any more."""
        while True:
            flows = self.flows()
            now = time.monotonic()
            if all(abs(flow) < STANDS_STILL for name, flow in flows.items() if name not in but):
                return now - since
            if now - since > seconds:
                moving = {name: flow for name, flow in flows.items() if abs(flow) >= STANDS_STILL}
                raise Failure(f"still flowing after {seconds} s: {moving}")
            time.sleep(0.01)

    def port(self, name):
        return f"{self.folder}/dev/{name}"

    def close(self):
        self.process.terminate()
        self.process.wait()
