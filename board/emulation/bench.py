"""What checks and power cuts share: the board with its plugs, what is brought to it, and its log."""

import glob
import json
import os
import re
import shutil
import subprocess

from machine import Failure, Machine
from rig import Rig

LINE_NAMES = [
    "EMERGENCY-STOP", "DOOR", "LEAK", "LEVEL", "VALVE-1", "VALVE-2", "VALVE-3", "VALVE-4",
    "LAMP", "SHUTTER", "HEARTBEAT", "ENABLE", "STEP", "DIRECTION", "SPARE-1", "SPARE-2",
]

# Drop-in of the emulated board: lines (active low: a cut wire counts as danger), outputs, the
# relay's heartbeat, and chips on the simulated bus with what is done against each. The relay is
# as patient as an emulated clock needs it.
LINES = """
[[interlock]]
name = "emergency stop"
chip_label = "rig-gpio"
line = "EMERGENCY-STOP"
active_low = true
latching = true
debounce = "5 ms"

[[interlock]]
name = "door"
chip_label = "rig-gpio"
line = "DOOR"
active_low = true
latching = false
debounce = "5 ms"

[[interlock]]
name = "wet floor"
chip_label = "rig-gpio"
line = "LEAK"
active_low = true
latching = true

[[interlock]]
name = "waste level"
chip_label = "rig-gpio"
line = "LEVEL"
active_low = true
latching = false

[[output]]
name = "waste valve"
kind = "valve"
chip_label = "rig-gpio"
line = "VALVE-1"
normally = "closed"
on = "flowing"

[[output]]
name = "vent valve"
kind = "valve"
chip_label = "rig-gpio"
line = "VALVE-2"
normally = "open"
on = "never"

[[output]]
name = "pump power"
kind = "enable"
chip_label = "rig-gpio"
line = "ENABLE"
on = "awake"

[heartbeat]
chip_label = "rig-gpio"
line = "HEARTBEAT"
period = "200 ms"
earliest = "50 ms"
latest = "5 s"

[[expander]]
name = "extra"
bus = "/dev/i2c-0"
address = 0x20

[[output]]
name = "ring light"
kind = "lamp"
expander = "extra"
line = "A0"
on = "lit"
frozen_is_safe = true

[[sensor]]
name = "oil pressure"
chip = "ads1115"
bus = "/dev/i2c-0"
address = 0x48
channel = "AIN0"
quantity = "pressure"
scale = 250
offset = -125
lowest = -50
highest = 850
stale_after = "2 s"

[[sensor]]
name = "bath"
chip = "tmp117"
bus = "/dev/i2c-0"
address = 0x49
stale_after = "2 s"

[[sensor]]
name = "drip tray"
chip = "ads1115"
bus = "/dev/i2c-0"
address = 0x4a
channel = "AIN0"
stale_after = "2 s"

[[reaction]]
when = "interlock"
of = "door"
do = ["hold"]
after = "500 ms"

[[reaction]]
when = "interlock"
of = "waste level"
do = ["ramp-down"]
ramp_time = "2 s"
after = "500 ms"

[[reaction]]
when = "pressure"
of = "oil pressure"
above = "300 kPa"
below = "20 kPa"
for = "500 ms"

[[reaction]]
when = "temperature"
of = "bath"
above = "60 C"
below = "5 C"

[[reaction]]
when = "leak"
of = "drip tray"
above = "2 V"

[[reaction]]
when = "out-of-range"
of = "drip tray"
below = "0.1 V"
do = ["hold"]
release = "automatic"
after = "500 ms"
"""

# Another drop-in: a flow sensor, which the checks let follow what the oil pump really does, some
# seconds behind; conditions are long enough to judge flow in them.
FLOW = """
[rig]
droplets = 80

[[sensor]]
name = "oil flow"
chip = "ads1115"
bus = "/dev/i2c-0"
address = 0x4b
channel = "AIN0"
quantity = "flow"
scale = 2000
offset = -2000
stale_after = "2 s"

[[reaction]]
when = "flow-deviation"
of = "oil flow"
pumps = ["oil"]
tolerance = "400 %"
settle = "8 s"
filter = "500 ms"
for = "1 s"

[[reaction]]
when = "no-flow"
of = "oil flow"
pumps = ["oil"]
settle = "8 s"
filter = "500 ms"
for = "1 s"

[[reaction]]
when = "volume-deviation"
of = "oil flow"
pumps = ["oil"]
settle = "8 s"
tolerance = "10 %"
slack_volume = "5 uL"
"""

# A library that makes fsync do nothing, for the negative control.
CARELESS = "LD_PRELOAD=/usr/lib/aarch64-linux-gnu/libeatmydata.so"


def arguments(parser, **numbers):
    """The command line that board/emulate gives to every program here."""
    for name in ("work", "disk", "kernel", "initrd", "program", "packages", "checks"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--only", default="")
    parser.add_argument("--bench", default="")
    parser.add_argument("--steps", type=int, default=100_000)
    for name, default in numbers.items():
        parser.add_argument("--" + name, type=int, default=default)
    return parser.parse_args()


def configuration(rig):
    """The rig's configuration, as the board sees the lines."""
    text = rig.configuration
    for name in Rig.lines:
        text = text.replace(f'"{rig.port(name)}"', f'"{Machine.port(name, Rig.lines)}"')
    text = text.replace(f'"{rig.folder}/control"', '"/run/argent/control"')
    # A thousand turns a second are more than an emulated processor has time for.
    text = re.sub(r'(\[realtime\][^\[]*?\nperiod = )"[^"]*"', r'\1"20 ms"', text)
    # Nor does a frame always come in time through an emulated line.
    text, found = re.subn(r'\nblind_after = "[^"]*"', '\nblind_after = "8 s"', text)
    if found != 1:
        raise Failure("no blind_after in the simulated rig's configuration")
    return text.replace(f'directory = "{rig.folder}"', 'directory = "/var/lib/argent"')


def payload(options, rig, work):
    """A disk with the packages and the configuration, as a memory stick would bring them."""
    folder = work + "/payload"
    os.makedirs(folder)
    # The measuring program is in no package.
    measuring = [options.bench] if options.bench else []
    for package in glob.glob(options.packages + "/*_arm64.deb") + measuring:
        shutil.copy(package, folder)
    with open(folder + "/argent.toml", "w") as file:
        file.write(configuration(rig))
    shutil.copy(rig.folder + "/target.csv", folder)
    with open(folder + "/lines.toml", "w") as file:
        file.write(LINES)
    with open(folder + "/flow.toml", "w") as file:
        file.write(FLOW)
    image = work + "/payload.img"
    with open(image, "wb") as file:
        file.truncate(128 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", folder, "-F", image], check=True)
    return image


def machine(options, folder, rig, disk=None, stick=None, drive=None, words=""):
    lines = {name: rig.port(name) for name in Rig.lines}
    return Machine(
        folder, options.kernel, options.initrd, disk, stick, lines, drive=drive, arguments=words
    )


def package(options, which):
    """The path, on the board, of the package of "this" version or of the "next" one."""
    names = glob.glob(options.packages + "/argent_*_arm64.deb")
    names = [n for n in names if n.endswith("+next_arm64.deb") == (which == "next")]
    if len(names) != 1:
        raise Failure(f"packages to choose from: {names}")
    return "/mnt/payload/" + os.path.basename(names[0])


def installed(options, work, name, environment=""):
    """The disk of a board on which the package is unpacked, configured and enabled, but was never
    run. `environment` is the agent's: NAME=VALUE, for the negative control."""
    root = work + "/root"
    subprocess.run(["cp", "-a", os.path.dirname(options.disk) + "/root", root], check=True)
    (deb,) = [n for n in glob.glob(options.packages + "/argent_*_arm64.deb") if "+next" not in n]
    rig = Rig(options.program, work + "/first-rig", options.runs, options.batch)
    rig.close()
    for command in (["dpkg-deb", "-x", deb, root], ["systemd-sysusers", f"--root={root}"],
                    ["systemd-tmpfiles", f"--root={root}", "--create", "argent.conf"],
                    ["systemctl", f"--root={root}", "enable", "argent"]):
        subprocess.run(command, check=True, capture_output=True)
    with open(root + "/etc/argent/argent.toml", "w") as file:
        file.write(configuration(rig))
    shutil.copy(rig.folder + "/target.csv", root + "/etc/argent")
    with open(root + "/etc/board-direct.conf", "w") as file:
        file.write(f'AGENT_ENVIRONMENT="{environment}"\n')
    disk = f"{work}/{name}.img"
    subprocess.run(["truncate", "-s", "900M", disk], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, "-F", disk], check=True)
    shutil.rmtree(root)
    return disk


def records(image, program):
    """Every record of the log in a disk, as dictionaries, in order. Raises on gaps."""
    folder = image + ".log"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    subprocess.run(["debugfs", "-R", f"rdump /var/lib/argent {folder}", image], check=True,
                   capture_output=True)
    if not glob.glob(folder + "/argent/*.argent*"):
        return []
    done = subprocess.run([program, "log", "cat", "--json", folder + "/argent"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"the log cannot be read: {done.stderr[-300:]}")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if any(record["type"] == "gap" for record in found):
        raise Failure("the log has a gap")
    return found
