"""Debian with systemd comes up on the emulated board."""

TITLE = "boots Debian with systemd"
ESSENTIAL = True


def check(board):
    board.note("shell answers after", f"{board.machine.boot():.0f} s")
    state = board.try_run("systemctl is-system-running --wait", 120).text
    board.expect(state in ("running", "degraded"), f"systemd says {state}")
    failed = board.run("systemctl list-units --failed --no-legend --plain")
    board.expect(not failed, f"units failed: {failed}\n"
                 + board.try_run(f"systemctl status --no-pager -n 5 {failed.split(' ')[0]}").text)
    board.note("kernel, systemd", board.run("uname -rm; systemctl --version | head -1 | cut -d' ' -f2")
               .replace("\n", ", "))
    board.run("mkdir -p /mnt/payload && mount -o ro /dev/vdb /mnt/payload")
    lines = board.run(board.gpioinfo)
    board.expect('"EMERGENCY-STOP"' in lines or "EMERGENCY-STOP" in lines, f"no lines: {lines}")
    # Adapters may be found after systemd has called itself done.
    board.wait_for("three USB adapters", 60,
                   lambda: len(board.try_run("ls /dev/serial/by-id").text.split()) == 3)
