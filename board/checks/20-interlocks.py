"""Every hazard that can be made on the board is made, while pumps run: by lines, registers of chips,
serial lines, the clock. Pumps must stand still within the row's time, the fault must have its name,
and nothing may move again before it is released as the table says."""

import threading
import time

from machine import Failure

TITLE = "interlock matrix: every row fired, stopped, released"

# Registers by which the simulated chips say something wrong: (address, register, 16 bits).
PRESSURE, BATH, TRAY, FLOW = 0x48, 0x49, 0x4A, 0x4B
FINE = {PRESSURE: 0x1C20, BATH: 0x0C80, TRAY: 0x1F40}
# Beyond the row's own time: a turn, the exchanges, and a shell in an emulated board.
SLACK_S = 4.0
# Time of a hazard that a person releases, in which nothing may move after its cause is gone.
WATCHED_S = 1.0


class Row:
    """One hazard: how it is made and mended, what must come of it."""

    def __init__(self, name, kind, whose, make, mend, within=0.0, state="safe", auto=False,
                 fleeting=False, but=()):
        self.name = name
        self.kind = kind
        self.whose = whose
        self.make = make
        self.mend = mend
        # What the row itself, or its instrument, takes before pumps are told to stop, s.
        self.within = within
        self.state = state
        self.auto = auto
        # The cause cannot be seen any more once the pumps stand still.
        self.fleeting = fleeting
        # Pumps nobody can reach, without a dead-man timer: they run to the bound of their run.
        self.but = but


def line(name, whose, wire, **more):
    return Row(name, "interlock", whose, lambda b: b.pull(wire, 0), lambda b: b.pull(wire, 1),
               **more)


def register(name, kind, whose, chip, word, **more):
    return Row(name, kind, whose, lambda b: b.set_register(chip, 0, word),
               lambda b: b.set_register(chip, 0, FINE[chip]), **more)


def typed(name, kind, whose, bad, good, **more):
    return Row(name, kind, whose, lambda b: b.rig.type(bad), lambda b: b.rig.type(good), **more)


ROWS = [
    line("emergency stop pressed", "emergency stop", "EMERGENCY-STOP"),
    line("door opened", "door", "DOOR", state="held", auto=True),
    line("floor wet", "wet floor", "LEAK"),
    line("waste full: ramp-down in 2 s", "waste level", "LEVEL", within=2.0, auto=True),
    register("pressure 400 kPa", "pressure", "oil pressure", PRESSURE, 0x41A0, within=0.5),
    register("pressure 0 kPa", "pressure", "oil pressure", PRESSURE, 0x0FA0, within=0.5),
    register("pressure transducer cut off (0 V)", "stale-reading", "oil pressure", PRESSURE, 0,
             within=2.5),
    register("pressure input saturated", "stale-reading", "oil pressure", PRESSURE, 0x7FFF,
             within=2.5),
    register("bath 70 C", "temperature", "bath", BATH, 0x2300),
    register("bath 0 C", "temperature", "bath", BATH, 0x0000),
    register("thermometer without a conversion", "stale-reading", "bath", BATH, 0x8000,
             within=2.0),
    register("drip tray wet (2.5 V)", "leak", "drip tray", TRAY, 0x4E20),
    register("drip tray sensor below its range", "out-of-range", "drip tray", TRAY, 0x0064,
             state="held", auto=True),
    typed("PVA pump stalls", "pump-alarm", "PVA", "stall PVA", "free PVA", within=3.0,
          fleeting=True),
    typed("wire of four pumps cut", "instrument-lost", "AgNO3", "cut AgNO3", "mend AgNO3",
          within=8.0),
    typed("oil pump's wire cut: the others", "instrument-lost", "oil", "cut oil", "mend oil",
          within=8.0, but=("oil",)),
    # On a board in time "no-spectra" comes first; the emulated one is given more patience.
    typed("spectrometer's wire cut", "instrument-lost", "spectrometer", "cut spectrometer",
          "mend spectrometer", within=9.0),
    Row("GPIO chip gone: interlocks unreadable", "interlock-unreadable", "emergency stop",
        lambda b: b.set_chip(False), lambda b: b.set_chip(True)),
    Row("GPIO chip gone: no heartbeat", "heartbeat", "", lambda b: b.set_chip(False),
        lambda b: b.set_chip(True)),
]

# The flow sensor follows what really flows, times a factor.
FLOW_ROWS = [
    ("flow sensor tells 3 x the volume", "volume-deviation", 3.0, 24.0, "held"),
    ("flow sensor tells 6 x the flow", "flow-deviation", 6.0, 12.0, "held"),
    ("pumps run and nothing flows", "no-flow", 0.0, 12.0, "safe"),
]


def check(board):
    fired = 0
    failed = []
    for part in (matrix, told_only, flow, disk):
        try:
            for what, how in part(board, failed):
                board.note(what, how)
                fired += 1
        except Failure as error:
            failed.append(f"{part.__name__}: {error}")
            recover(board)
    board.note("rows fired", fired)
    board.expect(not failed, "; ".join(failed))
    board.expect(fired >= 20, "fewer than 20 rows")


def recover(board):
    """After a row that failed, so that those behind it are tried as well."""
    mend(board)
    board.start_anew()


def mend(board):
    """Nothing is wrong any more, whatever row failed."""
    board.set_chip(True)
    for wire in ("EMERGENCY-STOP", "DOOR", "LEAK", "LEVEL"):
        board.pull(wire, 1)
    for chip, word in FINE.items():
        board.set_register(chip, 0, word)
    for words in ("free PVA", "mend AgNO3", "mend oil", "mend spectrometer"):
        board.rig.type(words)


def matrix(board, failed):
    for row in ROWS:
        try:
            yield row.name, fire(board, row)
        except Failure as error:
            failed.append(f"{row.name}: {error}")
            recover(board)


def fire(board, row):
    board.wait_until_moving()
    if row.kind == "pump-alarm":
        # Only a pump that runs can stall.
        board.wait_until_flowing(seconds=180)
        board.wait_for("PVA flows", 60, lambda: board.rig.flows()["PVA"] > 1)
    started = time.monotonic()
    row.make(board)
    still = stands_still(board, started, row.within, row.but)
    fault = board.wait_for(f"fault {row.kind} {row.whose}", 15,
                           lambda: board.fault(row.kind, row.whose))
    board.wait_for_state(row.state, seconds=15)
    if row.state == "safe":
        board.expect_lines_safe(row.kind in ("interlock-unreadable", "heartbeat"))
    if not (row.auto or row.fleeting):
        said = board.try_run("argent clear")
        board.expect(said.code == 1, f"cleared while the cause is there: {said.text}")
    row.mend(board)
    if row.but:
        board.wait_for("the pump is told to stop once it is reached", 15, board.rig.is_still)
    if not row.auto:
        stays_until_cleared(board)
    board.wait_until_moving()
    return f"{still:5.2f} s; {fault['text'][:90]}"


def stands_still(board, started, within, but=()):
    limit = (within + SLACK_S) * board.machine.shell.patience
    return board.rig.time_until_still(started, limit, but)


def stays_until_cleared(board):
    time.sleep(WATCHED_S)
    board.expect(board.rig.is_still(), "moves before anybody released it")
    board.clear()


def told_only(board, failed):
    """A hazard that nothing moves wrongly for: it is said, and the pumps go on."""
    board.wait_until_flowing(seconds=180)
    try:
        board.run("date -s '+2 hours'")
        board.wait_for("a word about the clock", 20,
                       lambda: "time of day jumped" in board.journal(200))
        board.expect(not board.status()["faults"], "the clock stopped the rig")
    finally:
        board.run("date -s '-2 hours'")
    yield "time of day jumps by 2 h", "told, pumps run on"


def flow(board, failed):
    board.run("cp /mnt/payload/flow.toml /etc/argent/argent.d/60-flow.toml && "
              "argent check /etc/argent/argent.toml && systemctl restart argent", 180)
    follower = Follower(board)
    try:
        for name, kind, factor, within, state in FLOW_ROWS:
            board.wait_until_flowing(seconds=240)
            started = time.monotonic()
            follower.factor = factor
            still = stands_still(board, started, within)
            fault = board.wait_for(f"fault {kind}", 15, lambda: board.fault(kind, "oil flow"))
            board.wait_for_state(state, "safe", seconds=15)
            follower.factor = 1.0
            stays_until_cleared(board)
            yield name, f"{still:5.2f} s; {fault['text'][:90]}"
    finally:
        follower.close()
        board.run("rm /etc/argent/argent.d/60-flow.toml; systemctl restart argent", 180)


class Follower:
    """Lets the simulated flow sensor say what the oil pump outside really does, times a factor."""

    def __init__(self, board):
        self.board = board
        self.factor = 1.0
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        told = None
        while not self.ends.wait(0.1):
            flow = self.board.rig.flows()["oil"] * self.factor
            # 1 V is no flow, 1 V more 2000 uL/min; 32768 is 4.096 V.
            word = round((flow / 2000 + 1) * 8000)
            if word == told:
                continue
            try:
                self.board.set_register(FLOW, 0, word)
                told = word
            except Failure as error:
                # The next turn tries again; a sensor that stays behind fails its row.
                print(f"flow sensor not set: {error}", flush=True)

    def close(self):
        self.ends.set()
        self.thread.join()


def disk(board, failed):
    """The log on a disk of its own, which hangs, and which is full."""
    place = "/var/lib/argent"
    board.run("systemctl stop argent && truncate -s 48M /root/disk && "
              f"mkfs.ext4 -q -m 0 /root/disk && modprobe loop && mount -o loop /root/disk {place} "
              f"&& chown argent: {place} && systemctl start argent", 180)
    try:
        board.wait_until_flowing(seconds=240)
        started = time.monotonic()
        board.run(f"fsfreeze -f {place}")
        try:
            still = stands_still(board, started, 15)
        finally:
            board.run(f"fsfreeze -u {place}")
        fault = board.wait_for("fault log", 30, lambda: board.fault("log", ""))
        stays_until_cleared(board)
        yield "disk hangs", f"{still:5.2f} s; {fault['text'][:90]}"
        board.wait_until_flowing(seconds=180)
        board.try_run(f"dd if=/dev/zero of={place}/full bs=64k; chown root: {place}/full")
        # From here on: how long an emulated board takes to fill a disk says nothing of the agent.
        started = time.monotonic()
        still = stands_still(board, started, 15)
        fault = board.wait_for("fault log", 30, lambda: board.fault("log", ""))
        board.run(f"rm {place}/full")
        stays_until_cleared(board)
        yield "disk full", f"{still:5.2f} s; {fault['text'][:90]}"
        board.wait_until_moving()
    finally:
        board.run(f"systemctl stop argent; umount {place}; rm /root/disk; systemctl start argent",
                  180)
