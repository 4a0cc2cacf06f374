"""Removed and purged."""

import time

from rig import RUN_OUT_S

TITLE = "remove stops and keeps the state; purge takes it away"


def check(board):
    board.run("systemctl start argent", 120)
    board.wait_until_flowing(seconds=180)
    board.run("dpkg --remove argent", 120)
    board.rig.time_until_still(time.monotonic(), RUN_OUT_S)
    board.expect(board.try_run("pgrep -x argent").code != 0, "the program still runs")
    board.run("test -e /etc/argent/argent.toml && ls /var/lib/argent/*.argent*")
    board.run("dpkg --purge argent", 120)
    board.run("! test -e /var/lib/argent && ! test -e /etc/argent/argent.toml")
    left = board.run("find /usr /etc -name '*argent*' -not -path '*/argent-workstation*' "
                     "-not -name 'argent-*' -not -name 'argent.d' | sort")
    # An administrator's own argent.service.d stays; what enabling made goes.
    enabled = [path for path in left.split() if path.endswith("/argent.service")]
    board.expect(not enabled, f"left behind: {enabled}")
    board.note("left behind", left.replace("\n", " ") or "nothing")
