"""Power cuts as a drive with a volatile cache sees them.

While the board runs, QEMU's blklogwrites driver logs every write and flush of its disk in order.
From the log any moment can be rebuilt: what was written before the last flush is there; of each
write after it chance decides whether it was kept, lost, or torn in the middle."""

import os
import random
import struct
import subprocess

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD = 1, 2, 4
SECTOR = 512
SHARE_LOST = 0.5
SHARE_TORN = 0.1


def drive(live, log):
    """Arguments for a disk "disk" on `live` whose writes are logged in `log`."""
    open(log, "wb").close()
    return [
        "-blockdev",
        f"driver=blklogwrites,node-name=disk,log-sector-size={SECTOR},"
        f"log-super-update-interval=64,file.driver=file,file.filename={live},"
        f"file.cache.no-flush=on,log.driver=file,log.filename={log},log.cache.no-flush=on",
    ]


class WriteLog:
    """The entries of a log: (end in the log file, first sector, sectors, flags, place of data)."""

    def __init__(self, path):
        self.file = open(path, "rb")
        magic, _version, _count, sector = struct.unpack("<QQQI", self.file.read(28))
        if magic != MAGIC or sector != SECTOR:
            raise ValueError(f"{path} is no log of writes")
        end = os.path.getsize(path)
        place = SECTOR
        self.entries = []
        while place + SECTOR <= end:
            self.file.seek(place)
            first, count, flags, _length = struct.unpack("<QQQQ", self.file.read(32))
            if count == 0 and flags == 0:
                break
            data = place + SECTOR
            place = data + (0 if flags & DISCARD else count * SECTOR)
            if place > end:
                break
            self.entries.append((place, first, count, flags, data))

    def after(self, place):
        """Index of the first entry that ends beyond `place` in the log file."""
        for index, entry in enumerate(self.entries):
            if entry[0] > place:
                return index
        return len(self.entries)

    def rebuild(self, base, out, cut, seed):
        """Writes to `out` what a disk that began as `base` holds when the power goes before
        entry `cut`. Returns (lost, kept, torn) writes among those no flush had made sure of."""
        subprocess.run(["cp", "--sparse=always", base, out], check=True)
        flushed = max((i for i in range(cut) if self.entries[i][3] & FLUSH), default=-1)
        chance = random.Random(seed)
        lost = kept = torn = 0
        with open(out, "r+b") as image:
            for index in range(cut):
                _end, first, count, flags, data = self.entries[index]
                if flags & DISCARD or count == 0:
                    continue
                self.file.seek(data)
                content = self.file.read(count * SECTOR)
                if index > flushed and not flags & FUA:
                    fate = chance.random()
                    if fate < SHARE_LOST:
                        lost += 1
                        continue
                    if fate < SHARE_LOST + SHARE_TORN and count > 1:
                        content = content[: SECTOR * chance.randrange(1, count)]
                        torn += 1
                    else:
                        kept += 1
                image.seek(first * SECTOR)
                image.write(content)
        return lost, kept, torn
