"""Reads a run log by Sources/RunLog/FORMAT.md, without Argent's own code; sealed segments are
decompressed by the program `zstd`.

    python3 runlog.py DIRECTORY     prints the records, one a line
"""
import hashlib
import os
import re
import struct
import subprocess
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
    """The intact frames of an active segment: their payloads; and how many bytes are left over."""
    if len(data) < 16 or data[:12] != MAGIC:
        if len(data) >= 12:
            raise ValueError("no run log")
        return [], len(data)
    size = {1: 20, 2: 52}[int.from_bytes(data[12:16], "little")]
    if len(data) < size:
        return [], len(data)
    if crc32c(data[:size - 4]) != int.from_bytes(data[size - 4:size], "little"):
        raise ValueError("no run log")
    found, at = [], size
    while at + 8 <= len(data):
        length, crc = struct.unpack("<II", data[at:at + 8])
        payload = data[at + 8:at + 8 + length]
        if len(payload) < length or crc32c(data[at:at + 4] + payload) != crc:
            break
        found.append(payload)
        at += 8 + length
    return found, len(data) - at


def sealed(path, before):
    """The records of a sealed segment, decompressed by zstd's own program, and its hash."""
    with open(path, "rb") as file:
        data = file.read()
    index, seal = struct.unpack("<II", data[-12:-4])
    digest = hashlib.sha256(data[:-seal]).digest()
    blocks = []
    for start, length in ((0, int.from_bytes(data[4:8], "little") + 8),
                          (len(data) - seal - index, index), (len(data) - seal, seal)):
        block = data[start:start + length]
        if crc32c(block[:-4]) != int.from_bytes(block[-4:], "little"):
            raise ValueError("%s: a block is damaged" % path)
        blocks.append(cbor(block, 8)[0])
    if blocks[2][1] != digest:
        raise ValueError("%s: the hash is wrong" % path)
    if before is not None and blocks[0][5] != before:
        raise ValueError("%s: the chain is broken" % path)
    content = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
    found, at = [], 0
    while at < len(content):
        end = cbor(content, at)[1]
        found.append(content[at:end])
        at = end
    return found, digest


def directory(path):
    """The payloads of all segments in a directory, in order; how many bytes are left over."""
    names = sorted(name for name in os.listdir(path) if re.fullmatch(r"\d+\.argent(seg|log)", name))
    found, rest, before = [], 0, None
    for number in sorted({int(name.split(".")[0]) for name in names}):
        both = [name for name in names if int(name.split(".")[0]) == number]
        if both[-1].endswith("seg"):
            payloads, before = sealed(os.path.join(path, both[-1]), before)
        else:
            with open(os.path.join(path, both[-1]), "rb") as file:
                payloads, rest = frames(file.read())
            before = None
        found += payloads
    return found, rest


def records(payloads):
    """Each record as (sequence, type's name, monotonic ns, time of day ns, fields)."""
    result = []
    for payload in payloads:
        sequence, kind, at, wall, fields = cbor(payload, 0)[0][:5]
        name = NAMES[kind] if kind < len(NAMES) else "type %d" % kind
        result.append((sequence, name, at, wall, fields))
    return result


if __name__ == "__main__":
    for sequence, name, at, wall, fields in records(directory(sys.argv[1])[0]):
        shown = {key: value for key, value in fields.items() if not isinstance(value, bytes)}
        print("%6d %14.6f %-13s %s" % (sequence, at / 1e9, name, str(shown)[:150]))
