"""Steps on the emulated lines, counted by the kernel (its gpio:gpio_value events). As many as
`board/emulate --steps` says."""

import re

TITLE = "step pump: every step with its ramps, counted by the kernel"
# An emulated processor makes some 1,500 a second.
RATE = 1_000
EVENT = "/sys/kernel/tracing/events/gpio/gpio_value"
# By level, of every line: the one raised most often is the step line.
HISTOGRAM = "hist:keys=gpio,value:size=256 if get == 0"


def mend(board):
    board.try_run(f"echo '!{HISTOGRAM}' > {EVENT}/trigger")


def check(board):
    steps = board.options.steps
    board.run("systemctl stop argent", 60)
    board.run("mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing")
    board.run("install -m755 /mnt/payload/argent-bench /run/argent-bench")
    board.run(f"echo '{HISTOGRAM}' > {EVENT}/trigger")
    told = board.run(
        f"/run/argent-bench steps --seconds {steps // RATE} --rate {RATE} --chip rig-gpio "
        "--step STEP --direction DIRECTION --enable ENABLE", 4 * steps // RATE + 60)
    text = board.run(f"cat {EVENT}/hist")
    mend(board)
    counts = {
        (int(line), int(level)): int(count) for line, level, count in
        re.findall(r"gpio:\s*(\d+), value:\s*(\d+) \} hitcount:\s*(\d+)", text)}
    raised = max((count for (_, level), count in counts.items() if level), default=0)
    board.note("rising edges by the kernel's count", f"{raised}")
    board.expect(f"steps ordered {steps}, made {steps}," in told, told)
    board.expect(raised == steps, f"{raised} rising edges of {steps}:\n{text}")
    for line in told.splitlines():
        if line.startswith(("steps", "late")) or " us: " in line:
            board.note("bench", line.strip())
    board.run("systemctl start argent", 120)
