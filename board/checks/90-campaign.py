"""A small campaign of its own comes to its end on the board."""

TITLE = "a whole campaign to its end"


def check(board):
    board.run("systemctl stop argent", 60)
    board.run("mkdir -p /var/lib/argent/small && chown argent: /var/lib/argent/small && "
              "printf '[campaign]\\nruns = 2\\nbatch = 2\\n[log]\\n"
              "directory = \"/var/lib/argent/small\"\\n' > /etc/argent/argent.d/90-small.toml")
    board.run("systemctl start argent", 120)
    board.wait_for("the campaign is over", 420,
                   lambda: board.service("ActiveState") in ("inactive", "failed"), 2)
    board.expect(board.service("Result") == "success", f"service: {board.service('Result')}")
    board.expect(board.service("NRestarts") == "0", "it was restarted after its end")
    board.expect(board.rig.is_still(), "something flows after the end")
    journal = board.journal(40)
    board.run("rm /etc/argent/argent.d/90-small.toml")
    said = board.run("argent log verify /var/lib/argent/small")
    board.note("log", said.split("\n")[-1].strip())
    ends = board.run("argent log cat --json --type 'condition end' /var/lib/argent/small")
    board.expect(ends.count('"outcome":"complete"') == 4, f"{ends}\n{journal}")
