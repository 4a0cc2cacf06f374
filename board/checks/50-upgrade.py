"""A newer package over a running campaign, then over a stopped service."""

import time

from rig import RUN_OUT_S

TITLE = "upgrade mid-campaign: goes on; upgrade while stopped: stays stopped"

RECORDS = "argent log cat --json /var/lib/argent | wc -l"


def check(board):
    board.wait_until_flowing(seconds=180)
    board.run("echo '# mine' >> /etc/argent/argent.d/50-lines.toml")
    process = board.service("MainPID")
    records = int(board.run(RECORDS))
    started = time.monotonic()
    board.run(f"dpkg -i {board.package('next')}", 180)
    board.note("dpkg -i took", f"{time.monotonic() - started:.1f} s")
    board.expect(board.service("ActiveState") == "active", "not active after the upgrade")
    board.expect(board.service("MainPID") != process, "the old program still runs")
    version = board.run("dpkg-query -W -f '${Version}' argent")
    board.expect(version.endswith("+next"), f"version {version}")
    board.run("grep -q '# mine' /etc/argent/argent.d/50-lines.toml")
    board.run("cmp /mnt/payload/argent.toml /etc/argent/argent.toml")
    board.expect(int(board.run(RECORDS)) >= records, "records are gone")
    board.wait_until_flowing(seconds=180)
    board.note("flowing again after", f"{time.monotonic() - started:.1f} s")

    board.run("systemctl stop argent", 60)
    still = board.rig.time_until_still(time.monotonic(), RUN_OUT_S)
    board.note("still after systemctl stop", f"{still:.1f} s")
    board.run(f"dpkg -i {board.package('this')}", 180)
    time.sleep(3)
    board.expect(board.service("ActiveState") == "inactive", "an upgrade started the service")
    board.expect(board.rig.is_still(), "an upgrade started a pump")
    board.run("systemctl start argent", 120)
    board.wait_until_flowing(seconds=180)
