"""A device is missing when the service starts: it is ready all the same, says so, and waits."""

import time

TITLE = "a device missing at start: said, safe, and taken up when it comes"


def mend(board):
    board.machine.plug("oil")


def check(board):
    board.run("systemctl stop argent", 60)
    board.machine.unplug("oil")
    time.sleep(1)
    started = time.monotonic()
    board.run("systemctl start argent", 120)
    board.note("ready without it after", f"{time.monotonic() - started:.1f} s")
    status = board.status()
    board.expect(status["state"] == "safe", f"state {status['state']}")
    board.expect(any("oil" in fault["text"] for fault in status["faults"]),
                 f"faults: {status['faults']}")
    time.sleep(3)
    board.expect(board.rig.is_still(), "something flows without the oil pump")
    board.machine.plug("oil")
    board.wait_until_flowing(seconds=180)
