#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the user program costs, beside the kernel's programs; prints each figure and the goal.

    client  veth0 <---------------> veth0  server
     flood                            ^ tcpscope --pin bench

A pinned watch is filled by a flood, with the program stopped; then it is read, and drained."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import net
from scope import BINARY, Scope

FLOWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
IDLE_SECONDS = 10
LOOK_SECONDS = 10  # more than it needs for a look at all, a little each time
NAME = "bench"
TICKS = os.sysconf("SC_CLK_TCK")
READ = 1 << 20
LEDGERS = 2


def say(what, value, unit, goal=""):
    print(f"{what:<58} {value:>10} {unit:<10} {goal}", flush=True)


def flood(kind, flows):
    said = net.inside("client", os.environ["FLOOD"], kind, "veth0", net.mac("server", "veth0"), flows)
    return json.loads(said)


def watch(*more):
    return Scope("server", ["veth0"], "--hook", "tc", "--pin", NAME, "--flows", FLOWS, *more)


def cpu_seconds(process):
    """Its guardian sleeps."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(process):
    """All that it holds but the maps, whose memory is the kernel's whether or not somebody looks."""
    own, of_map = 0, False
    with open(f"/proc/{process.pid}/smaps", encoding="ascii") as file:
        for line in file:
            if "-" in line.split(" ", 1)[0]:
                of_map = "bpf" in line.rpartition(" ")[2]
            elif line.startswith("Rss:") and not of_map:
                own += int(line.split()[1])
    return own / 1024


def idle_share(process):
    """Parts of a hundred of a core."""
    time.sleep(1)  # it has begun
    before, began = cpu_seconds(process), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return 100 * (cpu_seconds(process) - before) / (time.monotonic() - began)


class OnTerminal:
    """The program on a terminal of its own, whose screen is read and thrown away."""

    def __init__(self):
        self.master, slave = pty.openpty()
        self.process = net.start("server", BINARY, "-i", "veth0", "--hook", "tc", "--pin", NAME, "--flows", FLOWS,
                                 stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm"})
        os.close(slave)

    def read_for(self, seconds):
        """Returns how much."""
        deadline, octets = time.monotonic() + seconds, 0
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    octets += len(os.read(self.master, READ))
                except OSError:
                    return octets  # the other end has closed
        return octets

    def share(self):
        self.read_for(2)  # begins with a glance at each flow
        before, began = cpu_seconds(self.process), time.monotonic()
        octets = self.read_for(IDLE_SECONDS)
        if not octets:
            raise net.Failed("no screen")
        return 100 * (cpu_seconds(self.process) - before) / (time.monotonic() - began)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None:
            self.read_for(0.05)
        os.close(self.master)


def fill_finished():
    watch().stop()
    return flood("connection", FLOWS)


def ended(process, began):
    """Seconds of the clock and of the CPU."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise net.Failed(f"--unpin ended with {status}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime


def drain(out):
    began = time.monotonic()
    return net.start("server", BINARY, "--unpin", NAME, "--output", "json", stdout=out,
                     stderr=subprocess.DEVNULL), began


def drained_away():
    """The JSON is made and thrown away."""
    with open("/dev/null", "wb") as out:
        process, began = drain(out)
        return ended(process, began)


def drained_to_reader(want):
    """Who counts it: every flow is there, and no record was lost on the way."""
    process, began = drain(subprocess.PIPE)
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, READ)
    counter = subprocess.Popen(["wc", "-l"], stdin=process.stdout, stdout=subprocess.PIPE, text=True)
    process.stdout.close()
    took = ended(process, began)
    lines = int(counter.communicate()[0])
    if lines != want + LEDGERS:
        raise net.Failed(f"{lines} lines of {want} flows and {LEDGERS} ledgers")
    return took


def drains():
    for what, drained in (("made and thrown away", lambda want: drained_away()), ("counted by a reader",
                                                                                 drained_to_reader)):
        sent = fill_finished()
        seconds, cpu = drained(sent["flows"])
        say(f"finished flows to JSON, {what}", f"{sent['flows'] / seconds:.0f}", "a second",
            f"at least 200000; {cpu / sent['flows'] * 1e6:.2f} us of CPU each")


def main():
    net.pair_make()
    scope = watch()
    say("idle, no flows", f"{idle_share(scope.process):.2f}", "% of a core", "below 0.5")
    scope.stop()
    flood("handshake", FLOWS)
    scope = watch()
    say(f"idle, {FLOWS} open flows, at first", f"{idle_share(scope.process):.2f}", "% of a core", "below 0.5")
    time.sleep(LOOK_SECONDS)
    say("the same, once it has looked at each", f"{idle_share(scope.process):.2f}", "% of a core", "below 0.5")
    say("resident above the table", f"{resident_mb(scope.process):.1f}", "MB", "below 100")
    scope.stop()
    screen = OnTerminal()
    say(f"screen, {FLOWS} open flows that stand still", f"{screen.share():.2f}", "% of a core")
    say("resident above the table, with the screen", f"{resident_mb(screen.process):.1f}", "MB", "below 100")
    os.write(screen.master, b"<")  # to an order that every flow's record makes
    say("screen, the same by connect time", f"{screen.share():.2f}", "% of a core")
    say("resident above the table, ordered so", f"{resident_mb(screen.process):.1f}", "MB", "below 100")
    screen.stop()
    took = json.loads(net.run(os.environ["SNAPSHOT"], NAME))
    for what, key, goal in (("all new, for the screen", "new_ms", "at most 150"), ("standing still", "still_ms", ""),
                            ("copied whole", "copy_ms", "")):
        say(f"snapshot of {took['flows']} flows, {what}", took[key], "ms of CPU", goal)
    subprocess.run(net.enter("server", BINARY, "--unpin", NAME), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=True)
    drains()


if __name__ == "__main__":
    main()
