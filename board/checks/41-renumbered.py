"""All USB adapters are pulled and come back in another order, so that their numbers change."""

import time

TITLE = "ttys renumbered: every pump is found on its own adapter again"
ADAPTERS = ("AgNO3", "solvent", "oil")


def mend(board):
    for name in ADAPTERS:
        try:
            board.machine.plug(name)
        except Exception:
            pass  # It is there.


def numbers(board):
    """The device behind each adapter's own name."""
    found = {}
    for name in ADAPTERS:
        link = board.machine.port(name, board.rig.lines)
        found[name] = board.try_run(f"readlink -e {link}").text.replace("/dev/", "")
    return found


def agree(board):
    told = {pump["name"]: pump["commanded_ul_per_min"] for pump in board.status()["pumps"]}
    flows = board.rig.flows()
    return len(flows) == len(told) and all(
        abs(flow - told[name]) <= 0.02 * max(told[name], 1.0) for name, flow in flows.items())


def check(board):
    board.wait_until_flowing(seconds=180)
    before = numbers(board)
    started = time.monotonic()
    for name in ADAPTERS:
        board.machine.unplug(name)
    # The Harvard pumps have no dead-man timer: theirs is the bound of their run.
    still = board.rig.time_until_still(started, 15, but=("solvent", "oil"))
    board.note("pumps with a dead-man timer at standstill", f"{still:.2f} s")
    board.wait_for_state("safe")
    board.wait_for("all adapters are gone", 20, lambda: not any(numbers(board).values()))
    for name in reversed(ADAPTERS):
        board.machine.plug(name)
        board.wait_for(f"{name} is there", 20, lambda: numbers(board)[name])
    after = numbers(board)
    board.note("before", ", ".join(f"{n} {before[n]}" for n in ADAPTERS))
    board.note("after", ", ".join(f"{n} {after[n]}" for n in ADAPTERS))
    board.expect(before != after, "the numbers did not change")
    board.clear()
    board.wait_until_flowing(seconds=180)
    board.note("flowing again after", f"{time.monotonic() - started:.1f} s")
    # What every syringe really does is what its pump was told, none another's.
    board.wait_for("every syringe does what its pump was told", 30, lambda: agree(board))
