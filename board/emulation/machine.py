"""The emulated board: QEMU's aarch64 "virt" machine, a shell in it, and its plugs."""

import base64
import json
import os
import re
import socket
import subprocess
import threading
import time

BOOT_LIMIT_S = 600
# Time a boot takes on an idle machine; where it takes longer, everything may.
USUAL_BOOT_S = 45
# A Raspberry Pi 4's processor, without dot product instructions.
PROCESSOR = "cortex-a72"


class Failure(Exception):
    """A check that does not hold; its text says what was seen."""


class Outcome:
    """What a command in the board left behind."""

    def __init__(self, code, text):
        self.code = code
        self.text = text


class Shell:
    """Commands carried out in the board, through a port of the emulator."""

    def __init__(self, path):
        self.path = path
        self.answers = {}
        self.arrived = threading.Condition()
        self.number = 0
        self.lock = threading.Lock()
        self.greetings = 0
        self.socket = None
        self.patience = 1

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.path)
        threading.Thread(target=self._listen, args=(self.socket,), daemon=True).start()

    def _listen(self, link):
        pending = b""
        while True:
            try:
                piece = link.recv(65536)
            except OSError:
                return
            if not piece:
                return
            *lines, pending = (pending + piece).split(b"\n")
            for line in lines:
                self._take(line.split())

    def _take(self, words):
        if len(words) < 2 or not words[0].isdigit():
            return
        text = base64.b64decode(words[2]).decode(errors="replace") if len(words) > 2 else ""
        with self.arrived:
            if words[0] == b"0":
                self.greetings += 1
            else:
                self.answers[int(words[0])] = Outcome(int(words[1]), text.rstrip("\n"))
            self.arrived.notify_all()

    def wait_for_greeting(self, seconds):
        with self.arrived:
            return self.arrived.wait_for(lambda: self.greetings > 0, seconds)

    def start(self, command):
        """Sends a command and returns its number at once."""
        with self.lock:
            self.number += 1
            number = self.number
            line = f"{number} {base64.b64encode(command.encode()).decode()}\n"
            self.socket.sendall(line.encode())
        return number

    def finish(self, number, command, seconds):
        with self.arrived:
            limit = seconds * self.patience
            if not self.arrived.wait_for(lambda: number in self.answers, limit):
                raise Failure(f"no answer within {limit:.0f} s to: {command}")
            return self.answers.pop(number)

    def try_run(self, command, seconds=60):
        return self.finish(self.start(command), command, seconds)

    def run(self, command, seconds=60):
        """The output of a command that must succeed."""
        outcome = self.try_run(command, seconds)
        if outcome.code != 0:
            raise Failure(f"exit code {outcome.code} from: {command}\n{outcome.text}")
        return outcome.text


class Monitor:
    """QEMU's own control socket (QMP)."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rw")
        self.lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.lines.flush()
        while True:
            answer = json.loads(self.lines.readline())
            if "error" in answer:
                raise Failure(f"the emulator refuses {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]


class Machine:
    """One emulated board. `lines` maps a line's name to the pseudo-terminal outside; the last one
    is a built-in port (ttyS0), the others are USB adapters with their name as serial number."""

    def __init__(self, folder, kernel, initrd, disk, payload, lines, drive=None, arguments=""):
        self.folder = folder
        self.kernel = kernel
        self.initrd = initrd
        self.disk = disk
        self.drive = drive
        self.payload = payload
        self.lines = lines
        self.arguments = arguments
        self.console = os.path.join(folder, "console.log")
        self.process = None

    def _path(self, name):
        return os.path.join(self.folder, name)

    def command(self):
        words = f"""qemu-system-aarch64 -M virt -cpu {PROCESSOR} -smp 2 -m 768
            -accel tcg,thread=multi -display none -monitor none -no-reboot -nic none
            -kernel {self.kernel} -initrd {self.initrd}
            -chardev file,id=console,path={self.console} -serial chardev:console
            -qmp unix:{self._path("qmp")},server=on,wait=off
            -device virtio-serial-pci
            -chardev socket,id=shell,path={self._path("shell")},server=on,wait=off
            -device virtserialport,chardev=shell,name=argent.shell
            -device virtio-rng-pci -device i6300esb -action watchdog=poweroff
            -device qemu-xhci,id=usb,p2=8,p3=8""".split()
        words += ["-append", f"console=ttyAMA0 quiet panic=-1 {self.arguments}".strip()]
        if self.drive:
            words += self.drive
        else:
            # Flushes end here: the disk need not survive this machine's own power cut.
            words += ["-drive", f"file={self.disk},format=raw,if=none,id=disk,cache=unsafe"]
        words += ["-device", "virtio-blk-pci,drive=disk,write-cache=on"]
        if self.payload:
            words += ["-drive", f"file={self.payload},format=raw,if=none,id=payload,readonly=on"]
            words += ["-device", "virtio-blk-pci,drive=payload"]
        names = list(self.lines)
        for name in names:
            words += ["-chardev", f"serial,id={name},path={self.lines[name]}"]
        for name in names[:-1]:
            words += ["-device", f"usb-serial,bus=usb.0,chardev={name},serial={name},id=usb-{name}"]
        if names:
            words += ["-device", f"pci-serial,chardev={names[-1]}"]
        return words

    @staticmethod
    def port(name, lines):
        """Where a board with these `lines` sees line `name`."""
        if name == list(lines)[-1]:
            return "/dev/ttyS0"
        return f"/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{name}-if00-port0"

    def switch_on(self):
        """Switches it on and returns at once."""
        for name in ("qmp", "shell"):
            if os.path.exists(self._path(name)):
                os.unlink(self._path(name))
        log = open(self._path("qemu.log"), "ab")
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )

    def check_on(self):
        """Fails when the emulator has ended."""
        if self.process.poll() is not None:
            raise Failure(f"the emulator ended: {self.tail()}")

    def boot(self):
        """Switches it on; returns the seconds until its shell answered."""
        started = time.monotonic()
        self.switch_on()
        self._await_socket("shell")
        self._await_socket("qmp")
        self.shell = Shell(self._path("shell"))
        self.shell.connect()
        self.monitor = Monitor(self._path("qmp"))
        while not self.shell.wait_for_greeting(1):
            self.check_on()
            if time.monotonic() - started > BOOT_LIMIT_S:
                raise Failure(f"not up within {BOOT_LIMIT_S} s; its console says: {self.tail()}")
        took = time.monotonic() - started
        self.shell.patience = max(1, took / USUAL_BOOT_S)
        return took

    def _await_socket(self, name):
        for _ in range(200):
            if os.path.exists(self._path(name)):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise Failure(f"the emulator did not start; see {self._path('qemu.log')}")

    def tail(self):
        """The end of what the board's console and the emulator said."""
        text = ""
        for name in ("console.log", "qemu.log"):
            if os.path.exists(self._path(name)):
                with open(self._path(name), errors="replace") as file:
                    text += "\n".join(file.read().splitlines()[-15:])
        return re.sub(r"[^\x20-\x7e\n]", "", text)

    def unplug(self, name):
        """Pulls the USB plug of line `name`."""
        self.monitor.ask("device_del", id=f"usb-{name}")

    def plug(self, name):
        self.monitor.ask(
            "device_add", driver="usb-serial", bus="usb.0", chardev=name, serial=name,
            id=f"usb-{name}",
        )

    def cut(self):
        """Takes the power away."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def shut_down(self, seconds=60):
        """Switches it off as an administrator would; returns the seconds it took."""
        started = time.monotonic()
        self.shell.start("systemctl poweroff")
        try:
            self.process.wait(seconds * self.shell.patience)
        except subprocess.TimeoutExpired:
            self.cut()
            raise Failure(f"did not switch off within {seconds} s: {self.tail()}") from None
        return time.monotonic() - started
