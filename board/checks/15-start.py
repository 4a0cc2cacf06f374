"""One file edited, one command: the campaign runs, with its lines seen and its pumps obeying."""

TITLE = "starts a campaign: ready only when devices are known and safe"
ESSENTIAL = True


def check(board):
    board.run("cp /mnt/payload/argent.toml /mnt/payload/target.csv /etc/argent/ && "
              "cp /mnt/payload/lines.toml /etc/argent/argent.d/50-lines.toml")
    board.run("argent check /etc/argent/argent.toml")
    board.run("time systemctl enable --now argent 2>&1", 120)
    board.expect(board.service("ActiveState") == "active", "not active")
    ready = int(board.service("ExecMainStartTimestampMonotonic"))
    active = int(board.service("ActiveEnterTimestampMonotonic"))
    board.note("ready after", f"{(active - ready) / 1e6:.1f} s")
    board.expect(board.service("NRestarts") == "0", "it was started more than once")
    status = board.status()
    links = {pump["name"]: pump["link"] for pump in status["pumps"]}
    board.expect(set(links.values()) == {"ready"}, f"pumps: {links}")
    lines = board.run(board.gpioinfo)
    board.expect("consumer" in lines.lower() or "used" in lines.lower(), f"lines unused: {lines}")
    policy = board.run("ps -eLo cls,rtprio,comm | grep -i argent || true")
    board.note("threads", " | ".join(line.strip() for line in policy.splitlines()))
    board.wait_until_flowing(seconds=180)
    board.note("status line", board.service("StatusText"))
    memory = int(board.run("grep VmRSS /proc/$(systemctl show argent -p MainPID --value)/status | "
                           "tr -dc 0-9"))
    board.note("resident", f"{memory / 1024:.1f} MiB")
