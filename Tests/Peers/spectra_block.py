"""Reads a spectra block, written from Sources/RunLog/FORMAT.md alone: a second opinion on what
the format says. Slow, and plain on purpose.

    python3 spectra_block.py BLOCK        prints mode, frames, pixels and the first counts
"""

import math
import struct
import sys

import numpy as np

D = [
    1399367, 11997446, 54818946, 160512678, 343107549, 587110170, 858380948, 1122857733,
    1357703594, 1552842111, 1707526359, 1826116930, 1914911208, 1980291960, 2027865998,
    2062194123, 2086817930, 2104406842, 2116933485, 2125836137, 2132153851, 2136632477,
    2139805021, 2142051191,
]
R = [1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7, 9, 10, 12, 14, 17, 20, 24, 28, 33, 39, 47]
WAYS = [
    lambda a: a[1],
    lambda a: 2 * a[1] - a[2],
    lambda a: (a[1] + a[2] + 1) >> 1,
    lambda a: (a[1] + a[2] + a[3] + a[4] + 2) >> 2,
    lambda a: (2 * a[1] + a[2] - a[4] + 1) >> 1,
    lambda a: (16 * a[1] + 12 * a[2] + 9 * a[3] + 6 * a[4] + 2 * a[5] - a[6] - 4 * a[7]
               - 8 * a[8] + 16) >> 5,
]


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def table_of(number):
    """Frequencies by token, and the token of every slot with its place among the token's."""
    g, d = [1 << 31], D[number]
    square = D[number] * D[number] >> 31
    for _ in range(R[number]):
        g.append(g[-1] * d >> 31)
        d = d * square >> 31
    total = g[0] + 2 * sum(g[1:])
    z = 1 if number < 8 else 2
    frequency = {0: z, 127: z}
    for x in range(1, R[number] + 1):
        frequency[64 - x] = frequency[64 + x] = max(
            1, (g[x] * (4096 - 2 * z) + total // 2) // total)
    frequency[64] = 4096 - sum(frequency.values())
    slots = []
    for token in sorted(frequency):
        slots += [(token, frequency[token], place) for place in range(frequency[token])]
    return slots


TABLES = [table_of(number) for number in range(24)]


class Bits:
    def __init__(self, data):
        self.number, self.end, self.place = int.from_bytes(data, "little"), 8 * len(data), 0

    def take(self, width):
        value = self.number >> self.place & (1 << width) - 1
        self.place += width
        assert self.place <= self.end, "more bits than there are"
        return value

    def signed(self, width):
        value = self.take(width)
        return value - (1 << width) if value >> width - 1 else value

    def golomb(self, order):
        zeros = 0
        while not self.take(1):
            zeros += 1
        assert zeros <= 18
        return (1 << zeros + order | self.take(zeros + order)) - (1 << order)


class Tokens:
    def __init__(self, words, plain):
        self.state = [words[2 * i] | words[2 * i + 1] << 16 for i in range(8)]
        self.words, self.next, self.plain = words, 16, plain

    def residual(self, pixel, scale):
        kind = min(max(scale, 0), 143) // 2
        number = kind if kind < 20 else 20 + (kind - 20) % 4
        shift = 0 if kind < 20 else (kind - 20) // 4
        state = self.state[pixel % 8]
        token, frequency, place = TABLES[number][state % 4096]
        state = frequency * (state // 4096) + place
        if state < 1 << 16:
            state = state << 16 | self.words[self.next]
            self.next += 1
        self.state[pixel % 8] = state
        q = token - 64
        if token in (0, 127):
            q = R[number] + 1 + self.plain.golomb(0 if number < 16 else 2)
            q = -q if token == 0 else q
        t = q << shift | self.plain.take(shift)
        return t - ((1 << shift) >> 1)


def offsets_of(side, level, mean, pixels):
    fineness, rule, order = side.take(5), side.take(2), side.take(4)
    spacing = 0 if level == 1 else 32 << level - 2
    count = 1 if level == 1 else (pixels - 1) // spacing + 2
    o = []
    for k in range(count):
        pixel = pixels // 2 if level == 1 else min(k * spacing, pixels - 1)
        half = math.frexp(max(float(mean[pixel]), 1.0))[1] - 1 >> 1
        folded = side.golomb(order)
        code = folded // 2 if folded % 2 == 0 else -(folded + 1) // 2
        if rule == 0 or k == 0:
            p = 0
        elif rule == 1 or k == 1:
            p = o[k - 1]
        else:
            p = 2 * o[k - 1] - o[k - 2]
        o.append(p + code * (1 << max(0, 20 - fineness - half)))
    return spacing, [np.float32((2**20 + value) / 2**20) for value in o]


def decode(block):
    """The frames of a block, each a list of counts."""
    version, mode, frames, pixels, zero, length, sides, plains, check = struct.unpack(
        "<BBHHHIIII", block[:24])
    assert version == 1 and zero == 0 and length == len(block)
    assert check == crc32c(block[:20] + block[24:]), "checksum"
    if mode == 0:
        counts = struct.unpack(f"<{frames * pixels}H", block[24:])
        return [list(counts[i * pixels:(i + 1) * pixels]) for i in range(frames)]
    side = Bits(block[24:24 + sides])
    words = block[24 + sides:length - plains]
    words = struct.unpack(f"<{len(words) // 2}H", words)
    tokens = Tokens(words, Bits(block[length - plains:]))
    bound = None
    if mode == 2:
        bound = [np.frombuffer(struct.pack("<I", side.take(32)), "<f4")[0] for _ in range(4)]
    first = side.take(6)
    last = first + side.take(6)
    scales = [side.take(8) for _ in range(first, last + 1)]
    bands = (pixels + 31) // 32
    extra = [side.signed(6) for _ in range(bands)] if side.take(1) else [0] * bands
    mean, out = None, []
    for _ in range(frames):
        if side.take(1) == 0:
            way, start = side.take(3), side.take(16)
            own = [side.take(8) for _ in range(bands)]
            row = []
            for i in range(pixels):
                left = [0] + [row[i - j] if i >= j else start for j in range(1, 9)]
                e = min(max(WAYS[way](left), 0), 65535)
                row.append((e + tokens.residual(i, own[i // 32])) % 65536)
            mean = np.array(row, np.float32)
            out.append(row)
            continue
        exact = mode == 1 or side.take(1) == 1
        weight = np.float32((side.take(8) + 1) / 256)
        share, level = side.signed(7), side.take(4)
        gain = np.full(pixels, np.float32(1))
        if level:
            spacing, knots = offsets_of(side, level, mean, pixels)
            if level == 1:
                gain = np.full(pixels, knots[0])
            else:
                gain = np.array([
                    knots[i // spacing] + np.float32(i % spacing / spacing)
                    * (knots[i // spacing + 1] - knots[i // spacing]) for i in range(pixels)
                ], np.float32)
        v = np.minimum(mean * gain, np.float32(65535))
        bins = (np.maximum(v, np.float32(1)).view(np.uint32) >> 21).astype(int) - 508
        row = []
        for i in range(pixels):
            scale = scales[min(max(int(bins[i]) - first, 0), last - first)]
            r = tokens.residual(i, scale + extra[i // 32] + share)
            e = int(np.rint(v[i]))
            b = 0
            if not exact:
                def noise(y):
                    light = np.maximum(y - bound[2], np.float32(0))
                    return np.sqrt(bound[1] * light + bound[3] * bound[3])

                b = int(bound[0] * noise(v[i] - np.float32(4) * noise(v[i])))
            if b == 0:
                row.append((e + r) % 65536)
            else:
                r = (r + 32768) % 65536 - 32768
                row.append(min(max(e + r * (2 * b + 1), 0), 65535))
        mean = v + (np.array(row, np.float32) - v) * weight
        out.append(row)
    assert tokens.state == [1 << 16] * 8 and tokens.next == len(words)
    assert side.end - side.place < 8 and tokens.plain.end - tokens.plain.place < 8
    return out


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    frames = decode(data)
    print(f"mode {data[1]}, {len(frames)} frames of {len(frames[0])} pixels:", frames[0][:8])
