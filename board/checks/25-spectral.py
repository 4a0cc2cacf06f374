"""An AS7341 on the simulated bus, as far as that can play one.

i2c-stub keeps what is written and no more: it never takes back the bit that starts the wiring
(SMUXEN), so a reading alone comes to nothing. A hand outside takes the bit back; what the
exposure gives stands in the registers beforehand. No light, no time of exposure."""

TITLE = "AS7341 on the simulated bus: wired, read, saturated, without power"

FILE = "/etc/argent/argent.d/70-light.toml"
SENSOR = """[[sensor]]
name = "window light"
chip = "as7341"
bus = "/dev/i2c-0"
channel = "F6"
gain = 4
integration = "50 ms"
period = "200 ms"
stale_after = "5 s"
highest = 65535

[[reaction]]
when = "out-of-range"
of = "window light"
below = "100 counts"
"""
CHIP = 0x39
OTHERS = "0x20,0x48,0x49,0x4a,0x4b"
ENABLE, EXPOSURE, IDENTITY, SECOND_RESULT, STATUS2, GAIN = 0x80, 0x81, 0x92, 0x97, 0xA3, 0xAA
# SMUX for F5 to F8, clear and NIR: a nibble for each photodiode (datasheet DS000504, section 10).
WIRING = "00 00 00 40 02 00 10 03 50 10 03 00 00 00 24 00 00 50 00 06"
HAND = f"while :; do i2cset -y 0 {CHIP:#x} {ENABLE:#x} 0x01; done"


def put(board, register, value):
    board.run(f"i2cset -y 0 {CHIP:#x} {register:#x} {value:#x}")


def get(board, register):
    return int(board.run(f"i2cget -y 0 {CHIP:#x} {register:#x}"), 16)


def light(board):
    """What the agent says of the sensor: a number, or None."""
    sensors = (board.status() or {}).get("sensors", [])
    return next((s["value"] for s in sensors if s["name"] == "window light"), None)


def is_missed(board):
    """What is said of the reading that does not come, or None."""
    fault = board.fault("stale-reading", "window light")
    return fault and fault["text"]


def chips(board, addresses):
    board.run(f"rmmod i2c-stub && modprobe i2c-stub chip_addr={addresses} && board-lines", 60)


def check(board):
    board.run("systemctl stop argent", 60)
    chips(board, f"{OTHERS},{CHIP:#x}")
    board.run(f"cat > {FILE} <<'END'\n{SENSOR}END")
    put(board, IDENTITY, 0x24)
    # F6 is the second converter of the second bank, low byte first.
    put(board, SECOND_RESULT, 0x34)
    put(board, SECOND_RESULT + 1, 0x12)
    put(board, STATUS2, 0x40)
    try:
        board.run("systemctl start argent", 120)
        said = board.wait_for("a wiring without end is missed", 60, lambda: is_missed(board))
        board.note("the bus alone, SMUXEN stays", said)
        board.expect(light(board) is None, "a value came of a wiring without end")
        bytes_there = [f"{get(board, register):02x}" for register in range(20)]
        board.expect(" ".join(bytes_there) == WIRING, f"SMUX: {bytes_there}")
        board.expect(get(board, GAIN) == 3, "gain 4 is code 3 (CFG1)")

        board.run(f"({HAND}) >/dev/null 2>&1 & echo $! > /run/hand")
        board.wait_for("0x1234 counts", 60, lambda: light(board) == 0x1234)
        board.note("with the bit taken back", f"{light(board):.0f} counts")
        board.wait_for("nothing is missed", 60, lambda: not is_missed(board))

        put(board, STATUS2, 0x50)
        said = board.wait_for("saturation is no value", 60, lambda: is_missed(board))
        board.note("saturated", said)
        put(board, STATUS2, 0x40)
        board.wait_for("counts again", 60, lambda: light(board) == 0x1234)
        board.wait_for("nothing is missed again", 60, lambda: not is_missed(board))

        # Without power it forgets its exposure; what answers then is another chip.
        put(board, IDENTITY, 0xFF)
        put(board, EXPOSURE, 0)
        board.wait_for("another chip is missed", 60, lambda: is_missed(board))
        board.expect(light(board) is None, "another chip's value is taken")
        put(board, IDENTITY, 0x24)
        board.wait_for("its own again", 60, lambda: light(board) == 0x1234)
        board.expect(get(board, EXPOSURE) != 0, "its exposure was not set again")
    finally:
        board.try_run("kill $(cat /run/hand); systemctl stop argent", 60)
        board.run(f"rm -f {FILE} /run/hand")
        chips(board, OTHERS)
    board.run("systemctl start argent", 120)
