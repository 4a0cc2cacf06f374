"""The configuration is edited in the field: well, wrongly, and with what a running rig cannot do."""

TITLE = "reload: all or nothing; a broken file at boot: the last good one"

FILE = "/etc/argent/argent.d/70-change.toml"


def write(board, *lines):
    text = "\\n".join(lines)
    board.run(f"printf '{text}\\n' > {FILE}")


def check(board):
    board.wait_until_flowing(seconds=180)
    process = board.service("MainPID")
    try:
        write(board, "[rig]", 'blind_after = "9 s"')
        shown = board.try_run("argent diff")
        board.expect(shown.code == 1 and "blind_after" in shown.text, f"diff: {shown.text}")
        board.run("systemctl reload argent")
        shown = board.try_run("argent diff")
        board.expect(shown.code == 0, f"after the reload: {shown.text}")
        board.note("changed at once", "blind_after")

        write(board, "[rig]", "blind_after = ")
        board.expect(board.try_run("systemctl reload argent").code != 0, "a broken file is taken")
        write(board, "[spectrometer]", 'integration = "30 ms"')
        board.expect(board.try_run("systemctl reload argent").code != 0, "refused mid-run is taken")
        board.expect(board.service("MainPID") == process, "the agent was started again")
        board.expect(not board.rig.is_still(), "a refused reload stopped the pumps")
        board.note("broken, and refused mid-run", "said, pumps run on")

        write(board, "[rig]", "blind_after = ")
        board.run("systemctl restart argent", 120)
        board.wait_until_flowing(seconds=180)
        board.expect("last good" in board.journal(80), "nothing is said of the last good one")
        board.note("started with a broken file", "the last good configuration, loudly")
    finally:
        board.run(f"rm -f {FILE}")
    board.run("systemctl restart argent", 120)
    board.wait_until_flowing(seconds=180)
