"""A USB adapter is pulled and put back."""

import time

TITLE = "a tty pulled: safe, named, and back after clear"


def check(board):
    board.wait_until_flowing(seconds=180)
    started = time.monotonic()
    board.machine.unplug("AgNO3")
    others = board.rig.time_until_still(started, 10, but=board.rig.shared)
    board.note("other pumps at standstill", f"{others:.2f} s")
    dead_man = board.rig.time_until_still(started, 15)
    board.note("pulled pumps stopped by their own dead-man", f"{dead_man:.2f} s")
    status = board.status()
    board.expect(any("AgNO3" in fault["text"] for fault in status["faults"]),
                 f"faults: {status['faults']}")
    board.machine.plug("AgNO3")
    board.clear()
    board.wait_until_flowing(seconds=180)
    board.note("flowing again after", f"{time.monotonic() - started:.1f} s")
