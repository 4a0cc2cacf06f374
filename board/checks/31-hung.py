"""The agent stands still without dying: the watchdog ends it, pumps stop before that."""

import time

TITLE = "kill -STOP: the watchdog ends it, safe, back"


def check(board):
    board.wait_until_flowing(seconds=180)
    restarts = int(board.service("NRestarts"))
    started = time.monotonic()
    board.run("systemctl kill -s STOP --kill-whom=main argent")
    board.note("to standstill", f"{board.rig.time_until_still(started, 40):.2f} s")
    board.wait_for("the watchdog restarted it", 60,
                   lambda: int(board.service("NRestarts")) > restarts
                   and board.service("ActiveState") == "active")
    board.note("active again after", f"{time.monotonic() - started:.1f} s")
    journal = board.run("journalctl -u argent -n 60 -o cat --no-pager")
    board.expect("Watchdog timeout" in journal, f"the watchdog said nothing:\n{journal}")
    board.wait_until_flowing(seconds=180)
