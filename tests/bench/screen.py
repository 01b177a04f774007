#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the live screen costs: the program's share of a core, and its pictures a second, over many open flows.

    client                                        server
    veth0 192.0.2.1   flood of handshakes, ACKs ---> veth0 192.0.2.2, tcpscope in tmux; nobody has .99
"""

import os
import statistics
import subprocess
import sys
import threading
import time

import net
import report
from scope import BINARY
from terminal import Terminal

FLOWS = 100000
SECONDS = 12
LIMIT = 0.05
FLOOD = os.path.join(os.path.dirname(BINARY), "flood")


def flood(kind, per_second):
    return net.start("client", FLOOD, kind, "veth0", net.mac("server", "veth0"), FLOWS, per_second,
                     stdout=subprocess.DEVNULL)


class Acks:
    """Every flow moves, as often as the rate says; until it is closed."""

    def __init__(self, per_second):
        self.process, self.closed, self.per_second = None, False, per_second
        self.thread = threading.Thread(target=self.go_on)
        self.thread.start()

    def go_on(self):
        while not self.closed:
            self.process = flood("ack", self.per_second)
            self.process.wait()

    def close(self):
        self.closed = True
        self.process.terminate()
        self.thread.join()


def cpu_seconds(process):
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def pictures(terminal, seconds):
    """When the header changed: its ledger does with each picture."""
    end, last, times = time.monotonic() + seconds, None, []
    while time.monotonic() < end:
        line = terminal.lines()[2]
        if line != last:
            last = line
            times.append(time.monotonic())
        time.sleep(0.04)
    return [later - earlier for earlier, later in zip(times[1:], times[2:])]


def measure(name, terminal, process):
    time.sleep(2)  # what it costs to get there is not asked
    before, began = cpu_seconds(process), time.monotonic()
    gaps = pictures(terminal, SECONDS)
    share = (cpu_seconds(process) - before) / (time.monotonic() - began)
    rate = 1 / statistics.median(gaps) if len(gaps) > 3 else 0
    print(f"screen       {FLOWS:8} flows {share * 100:6.2f} % of a core, {rate:.2f} pictures/s (longest {max(gaps, default=0):.2f} s)"
          f"   at most {LIMIT * 100:.0f} %   {name}", file=sys.stderr, flush=True)
    report.check(f"bench screen, {name}: at most {LIMIT * 100:.0f} % of a core", share <= LIMIT, share)


def main():
    net.pair_make()
    terminal = Terminal("server", 250, 80)
    terminal.command(f"{os.path.abspath(BINARY)} -i veth0")
    terminal.wait_for("0 shown")
    process = int(net.run("pgrep", "-x", "tcpscope"))
    flood("handshake", 50000).wait()
    terminal.wait(lambda text: "  open 100k" in text or "  open 99." in text, "100,000 flows")
    for per_second in (2000, 20000, 200000):
        acks = Acks(per_second)
        measure(f"{per_second} packets/s", terminal, process)
        acks.close()
    acks = Acks(200000)
    terminal.keys("<")
    measure("200000 packets/s, by connect time", terminal, process)
    terminal.keys("/")
    terminal.type("port 443")
    terminal.keys("Enter")
    measure("200000 packets/s, filtered", terminal, process)
    terminal.keys("2")
    measure("200000 packets/s, services", terminal, process)
    acks.close()
    terminal.close()


report.run(main)
