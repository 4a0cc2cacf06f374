"""Edges on the board's lines stop real pumps; releases are as configured."""

import time

TITLE = "interlock lines: pressed, cut, released"


def check(board):
    board.wait_until_flowing(seconds=180)
    started = time.monotonic()
    board.pull("EMERGENCY-STOP", 0)
    board.note("emergency stop to standstill", f"{board.rig.time_until_still(started, 5):.2f} s")
    status = board.status()
    board.expect(status["state"] == "safe", f"state {status['state']}")
    board.expect(any("emergency stop" in fault["text"] for fault in status["faults"]),
                 f"faults: {status['faults']}")
    board.expect(board.try_run("argent clear").code == 1, "clear was accepted while pressed")
    board.pull("EMERGENCY-STOP", 1)
    time.sleep(2)
    board.expect(board.status()["state"] == "safe", "a latching stop went by itself")
    board.expect(board.rig.is_still(), "something flows while it is latched")
    board.run("argent clear")
    board.wait_until_flowing(seconds=180)
    started = time.monotonic()
    board.pull("DOOR", 0)
    board.note("door to standstill", f"{board.rig.time_until_still(started, 5):.2f} s")
    board.pull("DOOR", 1)
    board.wait_until_flowing(seconds=180)
