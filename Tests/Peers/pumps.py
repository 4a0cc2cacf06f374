"""Drives simulated (or real) syringe pumps with unchanged third-party clients; see README.md."""

import argparse
import asyncio
import os
import shlex
import subprocess
import sys
import time

RESULTS = []
NAMES = ("new-era-basic", "new-era-safe", "harvard", "legato")


def check(line, what, passed, seen=""):
    RESULTS.append((line, what, bool(passed), str(seen)))


def near(value, wanted, share=0.01):
    return abs(float(value) - wanted) <= share * abs(wanted)


def new_era(line, path, baud, timeout):
    import nesp_lib

    with nesp_lib.Port(path, baud) as port:
        pump = nesp_lib.Pump(port, safe_mode_timeout_s=timeout)
        check(line, "construct, model number", pump.model_number == 1000, pump.model_number)
        check(line, "safe mode timeout", pump.safe_mode_timeout_s == timeout)
        pump.syringe_diameter_mm = 14.43
        check(line, "diameter", near(pump.syringe_diameter_mm, 14.43))
        pump.pumping_direction = nesp_lib.PumpingDirection.INFUSE
        check(line, "direction",
              pump.pumping_direction == nesp_lib.PumpingDirection.INFUSE)
        pump.pumping_volume_ml = 0.1
        check(line, "volume", near(pump.pumping_volume_ml, 0.1), pump.pumping_volume_ml)
        pump.pumping_rate_ml_per_min = 4.0
        check(line, "rate", near(pump.pumping_rate_ml_per_min, 4.0))
        pump.volume_infused_clear()
        started = time.monotonic()
        pump.run(wait_while_running=True)
        took = time.monotonic() - started
        check(line, "run to target takes 1.5 s", 1.3 < took < 2.0, f"{took:.2f} s")
        check(line, "volume infused", near(pump.volume_infused_ml, 0.1), pump.volume_infused_ml)
        try:
            pump.pumping_rate_ml_per_min = 100.0
            check(line, "rate above the limit refused", False)
        except ValueError:
            check(line, "rate above the limit refused", True)
        pump.pumping_rate_ml_per_min = 0.1
        pump.run(wait_while_running=False)
        try:
            pump.syringe_diameter_mm = 10.0
            check(line, "diameter refused while running", False)
        except nesp_lib.StateException:
            check(line, "diameter refused while running", True)
        if timeout:
            time.sleep(2.5 * timeout)
            check(line, "heartbeats keep it running", pump.running, pump.status)
        pump.stop()
        check(line, "stopped", not pump.running, pump.status)
        if timeout:
            new_era_alarm(line, pump, timeout)
        pump.safe_mode_timeout_s = 0
        check(line, "back to basic mode", pump.safe_mode_timeout_s == 0)


def new_era_alarm(line, pump, timeout):
    """The client's own lock held back is a host that hangs: the pump must alarm and stop."""
    import nesp_lib

    pump.run(wait_while_running=False)
    # The dead-man packet comes unasked and is the first thing the next exchange reads.
    with pump._Pump__port_lock:
        time.sleep(timeout + 1)
    alarms = 0
    for _ in range(2):
        try:
            pump.status
        except nesp_lib.StatusAlarmException as error:
            alarms += error.alarm_status == nesp_lib.AlarmStatus.TIMEOUT
        except nesp_lib.Exception:
            pass
    check(line, "silence raises the timeout alarm", alarms > 0, alarms)
    # The unasked packet put every answer one behind: let the last one come and forget it.
    time.sleep(0.3)
    pump._Pump__port._Port__serial.reset_input_buffer()
    check(line, "stands still after the alarm", not pump.running, pump.status)


async def harvard(line, path, baud):
    from flowchem.devices.harvardapparatus.elite11 import Elite11

    pump = Elite11.from_config(
        port=path, syringe_diameter="14.567 mm", syringe_volume="10 ml", address=3,
        baudrate=baud)
    await pump.initialize()
    check(line, "initialize", True)
    check(line, "version", "11 ELITE" in await pump.version(), await pump.version())
    check(line, "diameter", (await pump.get_syringe_diameter()).startswith("14.567"))
    check(line, "syringe volume", await pump.get_syringe_volume() == "10.0000 ml")
    check(line, "force", await pump.get_force() == 30)
    info = await pump.pump_info()
    check(line, "metrics: withdraws", not info.infuse_only, info.pump_description)
    await pump.set_flow_rate("4 ml/min")
    check(line, "rate", near(await pump.get_flow_rate(), 4.0))
    await pump.set_flow_rate("4000 ml/min")
    check(line, "rate bounded to the limit", near(await pump.get_flow_rate(), 26.5, 0.01))
    await pump.set_flow_rate("4 ml/min")
    await pump.set_target_volume("0.1 ml")
    await pump.infuse()
    check(line, "infuses", await pump.is_moving())
    check(line, "current rate", near(await pump.get_current_flow_rate(), 4.0))
    await asyncio.sleep(2)
    check(line, "ends at the target volume", not await pump.is_moving())
    await pump.set_target_volume("0 ml")
    await pump.set_withdrawing_flow_rate("2 ml/min")
    await pump.withdraw()
    check(line, "withdraws", near(await pump.get_current_flow_rate(), -2.0))
    await pump.stop()
    check(line, "stops", await pump.is_idle())


async def legato(line, path, baud):
    import aioserial
    from quantiphy import Quantity
    from syringe_pump.exceptions import PumpCommandError, TargetReachedError
    from syringe_pump.pump import Pump

    async with Pump(serial=aioserial.AioSerial(path, baudrate=baud, timeout=2)) as pump:
        version = await pump.version()
        check(line, "version", version.address == 0, version.firmware)
        await pump.syringe.set_diameter(14.5)
        check(line, "diameter", near(await pump.syringe.get_diameter(), 14.5e-3))
        await pump.infusion_rate.set(Quantity("4 ml/min"))
        check(line, "rate", near(await pump.infusion_rate.get(), 4e-3))
        low, high = await pump.infusion_rate.get_limits()
        check(line, "limits", low < 4e-3 < high, f"{low} to {high}")
        await pump.infusion_volume.clear()
        await pump.target_volume.set(Quantity("0.1 ml"))
        check(line, "target volume", near(await pump.target_volume.get(), 1e-4))
        try:
            await pump.infusion_rate.set(Quantity("4000 ml/min"))
            check(line, "rate above the limit refused", False)
        except PumpCommandError:
            check(line, "rate above the limit refused", True)
        await pump.run()
        await asyncio.sleep(2)
        check(line, "volume infused", near(await pump.infusion_volume.get(), 1e-4))
        try:
            await pump.run()
            check(line, "target reached is told", False)
        except TargetReachedError:
            check(line, "target reached is told", True)
        await pump.target_volume.clear()
        check(line, "target cleared", await pump.target_volume.get() is None)


def simulate(command):
    """Starts the simulator and reads where its lines are, for at most 20 s."""
    process = subprocess.Popen(shlex.split(command), stdout=subprocess.PIPE)
    paths, text, end = {}, b"", time.monotonic() + 20
    os.set_blocking(process.stdout.fileno(), False)
    while time.monotonic() < end and process.poll() is None and len(paths) < len(NAMES):
        text += process.stdout.read() or b""
        for row in text.decode(errors="replace").split("\n")[:-1]:
            words = row.split(maxsplit=1)
            if len(words) == 2 and words[0] in NAMES:
                paths[words[0]] = words[1].strip()
        time.sleep(0.05)
    return process, paths


def guarded(line, run):
    try:
        run()
    except Exception as error:  # the table must show it, whatever a client throws
        check(line, "no exception", False, f"{type(error).__name__}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulate", metavar="CMD")
    for name in NAMES:
        parser.add_argument("--" + name, metavar="PATH")
    parser.add_argument("--new-era-baud", type=int, default=19200)
    parser.add_argument("--harvard-baud", type=int, default=115200)
    arguments = parser.parse_args()
    paths = {name: getattr(arguments, name.replace("-", "_")) for name in NAMES}
    process = None
    if arguments.simulate:
        process, found = simulate(arguments.simulate)
        paths.update(found)
    try:
        era, protocol11 = arguments.new_era_baud, arguments.harvard_baud
        runs = {
            "new-era-basic": lambda n, p: new_era(n, p, era, 0),
            "new-era-safe": lambda n, p: new_era(n, p, era, 2),
            "harvard": lambda n, p: asyncio.run(harvard(n, p, protocol11)),
            "legato": lambda n, p: asyncio.run(legato(n, p, protocol11)),
        }
        for name in NAMES:
            if paths[name]:
                guarded(name, lambda: runs[name](name, paths[name]))
    finally:
        if process:
            process.terminate()
            process.wait(10)
    for line, what, passed, seen in RESULTS:
        print(f"{'ok  ' if passed else 'FAIL'}  {line:14} {what:36} {seen}")
    failed = sum(not row[2] for row in RESULTS)
    print(f"{len(RESULTS)} checks, {failed} failed")
    return 1 if failed or not RESULTS else 0


if __name__ == "__main__":
    sys.exit(main())
