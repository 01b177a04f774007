#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is left of a veth pair's throughput when it is watched: medians of ratios, each of two measurements one after the
other, in turn with and without first.

    client  veth0 <---------------> veth0  server
     iperf3 -c, connections, frames   ^ tcpscope, or what it is held against: nothing, or an empty XDP program

veth.py [PAIRS [WORD]]: all measurements, or those whose names have WORD."""

import json
import os
import resource
import statistics
import sys

import net
from scope import Scope

PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
WORD = sys.argv[2] if len(sys.argv) > 2 else ""
IPERF_SECONDS, CONNECT_SECONDS = 2, 2
FRAMES, FLOWS = 2_000_000, 1000
PORT = 7000
SERVER = "192.0.2.2"
TRAFFIC, OBJECT = os.environ["TRAFFIC"], os.environ["FRAMES_OBJECT"]


class Shared:
    accepting = None  # the server of connections


class Nothing:
    def stop(self):
        pass


class Empty:
    """An XDP program that passes all."""

    def __init__(self):
        ifindex = net.link("server", "veth0")["ifindex"]
        self.process = net.start_ready("server", net.PYTHON, os.path.join(net.LIB, "foreign.py"), ifindex)

    def stop(self):
        net.stop(self.process)
        net.await_true(lambda: not net.attached("server", "veth0"), "the empty program gone")


def iperf(_):
    said = net.inside("client", "iperf3", "-J", "-t", IPERF_SECONDS, "-c", SERVER)
    return json.loads(said)["end"]["sum_received"]["bits_per_second"] / 1e9


def cpu_seconds(processes):
    total = 0
    for process in processes:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def connections(_):
    return float(net.inside("client", TRAFFIC, "connect", SERVER, PORT, CONNECT_SECONDS)) / 1e3


def connections_per_cpu(attached):
    """For each second of CPU that client, server and monitor took: what others do on the machine hardly counts."""
    processes = [Shared.accepting.pid, *([attached.process.pid] if isinstance(attached, Scope) else [])]
    before, children = cpu_seconds(processes), resource.getrusage(resource.RUSAGE_CHILDREN)
    made = connections(attached) * CONNECT_SECONDS
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return made / (cpu_seconds(processes) - before + used.ru_utime - children.ru_utime + used.ru_stime -
                   children.ru_stime)


def frames(_):
    """What arrived, millions a second: a full queue drops."""
    before = net.quiet("server", "veth0")["ingress"]
    seconds = float(net.inside("client", TRAFFIC, "frames", OBJECT, "veth0", FRAMES, FLOWS))
    return (net.quiet("server", "veth0")["ingress"] - before) / seconds / 1e6


def offloads_set(on):
    for side in ("client", "server"):
        words = [word for name in ("tso", "gso", "gro") for word in (name, "on" if on else "off")]
        net.inside(side, "ethtool", "-K", "veth0", *words)


def measured(attach, measure):
    attached = attach()
    value = measure(attached)
    attached.stop()
    return value


def compare(what, unit, measure, hook, goal):
    if WORD not in what:
        return

    def watched():
        return Scope("server", ["veth0"], "--hook", hook)

    bare = Empty if hook == "xdp" else Nothing
    measured(watched, measure)  # warms up
    pairs = []
    for number in range(PAIRS):
        order = (bare, watched) if number % 2 else (watched, bare)
        values = {attach: measured(attach, measure) for attach in order}
        pairs.append((values[watched] / values[bare], values[watched], values[bare]))
    ratios = sorted(pair[0] for pair in pairs)
    print(f"{hook:<4} {what:<24} {statistics.median(ratios):6.3f}   ({ratios[0]:.3f} .. {ratios[-1]:.3f})  "
          f"{statistics.median(pair[1] for pair in pairs):8.2f} of {statistics.median(pair[2] for pair in pairs):8.2f} {unit:<12} "
          f"at least {goal}", flush=True)


def main():
    net.pair_make()
    listener = net.start("server", "iperf3", "-s", stdout=net.subprocess.DEVNULL)
    Shared.accepting = net.start_ready("server", TRAFFIC, "accept", PORT)
    print(f"# medians of {PAIRS} pairs: tcpscope by tc, of nothing attached; by XDP, of an empty XDP program")
    for hook, goals in (("tc", (0.95, 0.93, 0.95)), ("xdp", (0.97, 0.97, 0.97))):
        for on, goal in ((True, goals[0]), (False, goals[1])):
            offloads_set(on)
            compare(f"iperf3, offloads {'on' if on else 'off'}", "Gbit/s", iperf, hook, goal)
        offloads_set(True)
        compare("connections", "thousand/s", connections, hook, goals[2])
        compare("connections a CPU second", "thousand", connections_per_cpu, hook, goals[2])
    compare("64-octet frames, pass", "million/s", frames, "xdp", 0.9)
    net.stop(listener)
    net.stop(Shared.accepting)


if __name__ == "__main__":
    main()
