"""README's way from a bare Debian 13 to a running simulated campaign, word by word, as a user
without rights: the package was just installed, nothing was configured."""

import json
import re
import time

TITLE = "a newcomer's first campaign: demo, then simulate, run and status"
FOLDER = "/tmp/newcomer"
AS_USER = "runuser -u nobody --"


def mend(board):
    board.try_run("systemctl stop newcomer-run newcomer-rig; rm -rf " + FOLDER + "*", 60)


def look(board):
    said = board.try_run(
        f"{AS_USER} argent status --config {FOLDER}/argent.toml --json 2>/dev/null")
    return json.loads(said.text) if said.code == 0 else {}


def check(board):
    started = time.monotonic()
    said = board.run(f"{AS_USER} argent demo --runs 2 --batch 4 --into {FOLDER}-demo", 300)
    board.expect("ended: all runs are made" in said, said[-500:])
    board.note("argent demo, two runs of four", f"{time.monotonic() - started:.0f} s")
    board.note("it says", re.search(r"best: .*", said)[0])
    board.run(f"{AS_USER} argent log verify {FOLDER}-demo")
    # Three terminals. The simulator ends with its standard input.
    begin = "systemd-run --quiet --collect -p User=nobody --unit"
    board.run(f"{begin} newcomer-rig sh -c 'sleep 3600 | "
              f"argent simulate --quick --into {FOLDER} --runs 1 --batch 2'")
    board.wait_for("a configuration", 30, lambda: board.try_run(
        f"test -s {FOLDER}/argent.toml && test -e {FOLDER}/dev/oil").code == 0)
    started = time.monotonic()
    board.run(f"{begin} newcomer-run argent run --config {FOLDER}/argent.toml")
    board.wait_for("a droplet is collected", 180,
                   lambda: look(board).get("state") == "collecting", 2)
    board.note("collecting droplets in real time after", f"{time.monotonic() - started:.0f} s")
    board.wait_for("a condition is complete", 300,
                   lambda: look(board).get("conditions_done", 0) > 0, 3)
    board.note("first condition complete after", f"{time.monotonic() - started:.0f} s")
    mend(board)
