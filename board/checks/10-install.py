"""The package installs on a bare system, starts nothing, and the service starts when told to."""

TITLE = "installs the package: nothing starts, confined as promised"
ESSENTIAL = True


def check(board):
    said = board.run(f"dpkg -i {board.package('this')}", 180)
    board.note("installed", board.run("dpkg-query -W -f '${Version}, ${Installed-Size} KiB' argent"))
    board.expect("systemctl enable" in said, f"no word of what to do next: {said}")
    state = board.try_run("systemctl is-active argent; systemctl is-enabled argent").text.split()
    board.expect(state == ["inactive", "disabled"], f"after installation the service is {state}")
    board.expect(board.rig.is_still(), "something flows after installation")
    board.run("id argent; test -d /var/lib/argent; test \"$(stat -c %U /var/lib/argent)\" = argent")
    for port in ("/dev/serial/by-id/*", "/dev/gpiochip*", "/dev/i2c-*"):
        groups = set(board.run(f"stat -L -c %G {port}").split())
        board.expect(groups == {"argent"}, f"{port} belong to {groups}")
    board.run("man -l /usr/share/man/man1/argent.1.gz >/dev/null 2>&1 || "
              "zcat /usr/share/man/man1/argent.1.gz | grep -q '^.TH ARGENT'")
    exposure = board.run("systemd-analyze security --no-pager argent | "
                         "sed -n 's/.*exposure level for argent.service: \\([0-9.]*\\).*/\\1/p'")
    board.expect(exposure and float(exposure) <= 1.6, f"exposure {exposure}")
    board.note("systemd-analyze security", exposure)
