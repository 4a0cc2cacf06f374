"""The agent is killed: pumps stop, it comes back by itself and goes on."""

import time

TITLE = "kill -9: safe, back, and going on"


def check(board):
    board.wait_until_flowing(seconds=180)
    restarts = int(board.service("NRestarts"))
    records = int(board.run("ls /var/lib/argent | wc -l"))
    board.expect(records > 0, "no log")
    started = time.monotonic()
    board.run("systemctl kill -s KILL --kill-whom=main argent")
    board.note("to standstill", f"{board.rig.time_until_still(started, 15):.2f} s")
    board.wait_for("the service is active again", 60,
                   lambda: int(board.service("NRestarts")) > restarts
                   and board.service("ActiveState") == "active")
    board.note("active again after", f"{time.monotonic() - started:.1f} s")
    board.wait_until_flowing(seconds=180)
    board.note("flowing again after", f"{time.monotonic() - started:.1f} s")
