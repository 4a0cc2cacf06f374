#!/usr/bin/env python3
"""Pulls a log over loopback beside rsync and bare TLS of the same bytes, in turns, in one run.

    Tests/Peers/pull.py [--bench PATH] [--workstation PATH] [--megabytes N] [--repeats N] [--netem]

Everybody ends with the bytes on the disk and synced, but for `openssl`, which throws them away: it
is the price of TLS alone (s_server and s_client, TLS 1.3, AES-128-GCM, as the pull has). rsync is
its daemon, without encryption and with --whole-file; it checks nothing but lengths and times
unless asked, the pull verifies SHA-256, checksums and signatures besides. With --netem everything
runs in a network namespace of its own, with 10 ms delay each way and 1 % loss (needs root).
Needs rsync and openssl (Debian packages).
"""
import argparse
import glob
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
options = argparse.ArgumentParser()
options.add_argument("--bench", default=HERE + "/../../.build/release/argent-bench")
options.add_argument("--workstation", default=HERE + "/../../.build/release/argent-workstation")
options.add_argument("--megabytes", type=int, default=256)
options.add_argument("--repeats", type=int, default=5)
options.add_argument("--netem", action="store_true")
options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
options = options.parse_args()

if options.netem and not options.inside:
    name = "argent-pull-%d" % os.getpid()
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = ["ip", "netns", "exec", name]
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        made = subprocess.run([*inside, "tc", "qdisc", "add", "dev", "lo", "root", "netem",
                               "delay", "10ms", "loss", "1%", "limit", "100000"])
        if made.returncode:
            sys.exit("this kernel has no netem")
        sys.exit(subprocess.run([*inside, sys.executable, *sys.argv, "--inside"]).returncode)
    finally:
        subprocess.run(["ip", "netns", "del", name])

folder = tempfile.mkdtemp(prefix="argent-pull-")
place = "127.0.0.1:17428"
identity = ["--identity", folder + "/ws"]
server = subprocess.Popen(
    [options.bench, "serve-segments", folder + "/rig", str(options.megabytes), place],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
rig_print = server.stdout.readline().strip()
time.sleep(0.5)
paired = subprocess.run(
    [options.workstation, "pair", place, "--fingerprint", rig_print, "--name", "rig", *identity],
    capture_output=True, text=True, check=True)
server.stdin.write(re.search(r"accept (\S+)", paired.stdout).group(1) + "\n")
server.stdin.flush()
server.stdout.readline()
segments = sorted(glob.glob(folder + "/rig/log/*.argentseg"))
size = sum(os.path.getsize(path) for path in segments)
with open(folder + "/all", "wb") as all_bytes:
    for path in segments:
        with open(path, "rb") as file:
            shutil.copyfileobj(file, all_bytes)

with open(folder + "/rsyncd.conf", "w") as file:
    file.write("port = 17429\naddress = 127.0.0.1\nuse chroot = no\n[log]\npath = %s/rig/log\n"
               "read only = yes\n" % folder)
    if os.geteuid() == 0:  # the daemon would step down to a user who may not read the log
        file.write("uid = root\ngid = root\n")
rsyncd = subprocess.Popen(["rsync", "--daemon", "--no-detach", "--config",
                           folder + "/rsyncd.conf"])
subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x",
                "-keyout", folder + "/key", "-out", folder + "/certificate"],
               check=True, capture_output=True)
time.sleep(0.5)


def timed(command, **more):
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **more)
    return time.monotonic() - started


def pull():
    shutil.rmtree(folder + "/pulled", ignore_errors=True)
    return timed([options.workstation, "pull", place, "--into", folder + "/pulled", *identity])


def rsync():
    shutil.rmtree(folder + "/copied", ignore_errors=True)
    started = time.monotonic()
    subprocess.run(["rsync", "-a", "--whole-file", "--fsync", "rsync://127.0.0.1:17429/log/",
                    folder + "/copied/"], check=True)
    return time.monotonic() - started


def tls():
    with open(folder + "/all", "rb") as content:
        listener = subprocess.Popen(
            ["openssl", "s_server", "-quiet", "-accept", "127.0.0.1:17430", "-tls1_3", "-key",
             folder + "/key", "-cert", folder + "/certificate", "-ciphersuites",
             "TLS_AES_128_GCM_SHA256", "-naccept", "1"], stdin=content,
            stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        started = time.monotonic()
        client = subprocess.Popen(["openssl", "s_client", "-quiet", "-connect",
                                   "127.0.0.1:17430"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        got = 0
        while got < size:
            piece = client.stdout.read1(1 << 20)
            if not piece:
                break
            got += len(piece)
        took = time.monotonic() - started
        for process in (client, listener):
            process.kill()
            process.wait()
    return took if got == size else None


try:
    taken = {"pull": [], "rsync": [], "openssl": []}
    for repeat in range(options.repeats):
        for name, run in (("pull", pull), ("rsync", rsync), ("openssl", tls)):
            seconds = run()
            if seconds is not None:
                taken[name].append(seconds)
    here = sorted(glob.glob(folder + "/pulled/rig/*/*.argentseg"))
    same = len(here) == len(segments) and not any(
        subprocess.run(["cmp", "-s", one, other]).returncode
        for one, other in zip(segments, here))
    print("%d segments, %d bytes%s; the pulled ones are %s" % (
        len(segments), size, ", 10 ms each way and 1 % loss" if options.inside else "",
        "the same" if same else "DIFFERENT"))
    for name, seconds in taken.items():
        if seconds:
            print("%-8s median %7.1f MB/s, best %7.1f MB/s (%d repeats)" % (
                name, size / 1e6 / statistics.median(seconds), size / 1e6 / min(seconds),
                len(seconds)))
    sys.exit(0 if same else 1)
finally:
    server.stdin.close()
    server.wait()
    rsyncd.terminate()
    rsyncd.wait()
    shutil.rmtree(folder, ignore_errors=True)
