#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is left of a veth pair's throughput when it is watched: medians of ratios, each of two measurements one after the
other, in turn with and without first.

    client  veth0 <---------------> veth0  server
     iperf3 -c, connections, frames   ^ tcpscope, or what it is held against: nothing, or an empty XDP program
            veth1 <---------------> veth1
             frames                   ^ an empty XDP program, beside tcpscope: bursts go by turns

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
BURST, FLOWS = 500_000, 1000
BURSTS = 4  # of a pair
PORT = 7000
SERVER = "192.0.2.2"
TRAFFIC, OBJECT = os.environ["TRAFFIC"], os.environ["FRAMES_OBJECT"]


class Shared:
    accepting = None  # the server of connections


class Nothing:
    def stop(self):
        pass


class Empty:
    """An XDP program that passes, or drops, all."""

    def __init__(self, interface="veth0", verdict="pass"):
        self.interface = interface
        ifindex = net.link("server", interface)["ifindex"]
        self.process = net.start_ready("server", net.PYTHON, os.path.join(net.LIB, "foreign.py"), ifindex, verdict)

    def stop(self):
        net.stop(self.process)
        net.await_true(lambda: not net.attached("server", self.interface), "the empty program gone")


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


def burst(interface, sent):
    """What arrived, millions a second: a full queue drops. One CPU sends and receives."""
    before = net.quiet("server", interface)["ingress"]
    seconds = float(net.inside("client", "taskset", "-c", 1, TRAFFIC, "frames", OBJECT, interface, BURST, FLOWS, sent))
    return (net.quiet("server", interface)["ingress"] - before) / seconds / 1e6


def offloads_set(on):
    for side in ("client", "server"):
        words = [word for name in ("tso", "gso", "gro") for word in (name, "on" if on else "off")]
        net.inside(side, "ethtool", "-K", "veth0", *words)


def measured(attach, measure):
    attached = attach()
    value = measure(attached)
    attached.stop()
    return value


def print_pairs(hook, what, unit, goal, pairs):
    """`pairs`: measured with tcpscope, and without."""
    ratios = sorted(watched / bare for watched, bare in pairs)
    watched, bare = (statistics.median(values) for values in zip(*pairs))
    print(f"{hook:<4} {what:<24} {statistics.median(ratios):6.3f}   ({ratios[0]:.3f} .. {ratios[-1]:.3f})  "
          f"{watched:8.2f} of {bare:8.2f} {unit:<12} at least {goal}", flush=True)


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
        pairs.append((values[watched], values[bare]))
    print_pairs(hook, what, unit, goal, pairs)


def compare_frames(verdict, *how):
    """By turns on two interfaces, so that what others do on the machine meets both."""
    what = f"64-octet frames, {verdict}"
    if WORD not in what:
        return
    scope, empty = Scope("server", ["veth0"], *how), Empty("veth1", verdict)
    burst("veth0", 0)  # warms up
    pairs = [(burst("veth0", number * BURST), burst("veth1", number * BURST)) for number in range(1, PAIRS * BURSTS + 1)]
    print_pairs("xdp", what, "million/s", 0.9, pairs)
    empty.stop()
    scope.stop()


def main():
    net.pair_make()
    net.veth_make("client", "server", "veth1")
    for side, number in (("client", 1), ("server", 2)):
        net.addresses_set(side, "veth1", f"198.51.100.{number}/24")
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
    compare_frames("pass", "--hook", "xdp")
    compare_frames("drop", "--tap")
    net.stop(listener)
    net.stop(Shared.accepting)


if __name__ == "__main__":
    main()
