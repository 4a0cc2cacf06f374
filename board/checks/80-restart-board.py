"""The board is switched off properly while the rig runs, and on again."""

import time

TITLE = "the board is switched off and on: lines safe, campaign goes on by itself"


def check(board):
    board.wait_until_flowing(seconds=180)
    started = time.monotonic()
    board.machine.shell.start("systemctl poweroff")
    board.note("poweroff to standstill", f"{board.rig.time_until_still(started, 30):.2f} s")
    board.machine.process.wait(60)
    board.note("off after", f"{time.monotonic() - started:.1f} s")
    started = time.monotonic()
    board.machine.boot()
    board.wait_until_flowing(seconds=300)
    board.note("switched on to flowing", f"{time.monotonic() - started:.1f} s")
    board.run("mkdir -p /mnt/payload && mount -o ro /dev/vdb /mnt/payload")
