"""Reads a run log by Sources/RunLog/FORMAT.md, without Argent's own code and without libraries.

    python3 runlog.py FILE          prints the records, one a line
"""
import struct
import sys

MAGIC = bytes.fromhex("89415247 4C4F470D 0A1A0A00".replace(" ", ""))
NAMES = ["", "start", "configuration", "decision", "recipe", "setpoints", "readings", "droplet",
         "spectra", "condition end", "event", "fault", "operator", "clock step", "stop"]


def crc32c(data, table=[]):
    if not table:
        for byte in range(256):
            for _ in range(8):
                byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
            table.append(byte)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def cbor(data, at):
    """One item of `data` from `at` on, and where it ends."""
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        if low == 27:
            return struct.unpack(">d", data[at:at + 8])[0], at + 8
        return {20: False, 21: True, 22: None}[low], at
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    number = int.from_bytes(data[at:at + size], "big") if size else low
    at += size
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if major == 2:
        return data[at:at + number], at + number
    if major == 3:
        return data[at:at + number].decode(), at + number
    if major == 4:
        items = []
        for _ in range(number):
            item, at = cbor(data, at)
            items.append(item)
        return items, at
    if major == 5:
        items = {}
        for _ in range(number):
            key, at = cbor(data, at)
            items[key], at = cbor(data, at)
        return items, at
    raise ValueError("CBOR major type %d at %d" % (major, at))


def frames(data):
    """The intact frames from the start: their payloads; and how many bytes are left over."""
    if len(data) < 20:
        return [], len(data)
    if data[:12] != MAGIC or crc32c(data[:16]) != int.from_bytes(data[16:20], "little"):
        raise ValueError("no run log")
    found, at = [], 20
    while at + 8 <= len(data):
        length, crc = struct.unpack("<II", data[at:at + 8])
        payload = data[at + 8:at + 8 + length]
        if len(payload) < length or crc32c(data[at:at + 4] + payload) != crc:
            break
        found.append(payload)
        at += 8 + length
    return found, len(data) - at


def records(data):
    """Each record as (sequence, type's name, monotonic ns, time of day ns, fields)."""
    result = []
    for payload in frames(data)[0]:
        sequence, kind, at, wall, fields = cbor(payload, 0)[0][:5]
        name = NAMES[kind] if kind < len(NAMES) else "type %d" % kind
        result.append((sequence, name, at, wall, fields))
    return result


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        for sequence, name, at, wall, fields in records(file.read()):
            shown = {key: value for key, value in fields.items() if not isinstance(value, bytes)}
            print("%6d %14.6f %-13s %s" % (sequence, at / 1e9, name, str(shown)[:150]))
