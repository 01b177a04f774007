#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A wire that does harm: joins interface tun0 of two namespaces, holds each packet for a while, and drops, repeats or
delays the segments that its rules choose. impair.py NAMESPACE NAMESPACE RULES. RULES is JSON:

    {"delay_ms": 2, "ports": {"7001": [["server", "data", 3, 3, "drop", 0], ...], ...}}

By the server's port, what befalls segments sent to that side ("client" or "server") of a kind ("syn", "synack", "ack",
"data", "fin", "rst"), from one ordinal of that kind in its connection to another: "drop", "repeat" (so many copies), or
"delay" (so many ms more). Kind "any" with a seed and a percentage instead: each of the three befalls so many segments at
random. Prints `ready` once both interfaces exist, and `idle` for each line on standard input, once it holds nothing; runs
until killed."""

import collections
import heapq
import json
import os
import random
import select
import struct
import sys
import time

from delay import PRIORITY, tun_open

FIN, SYN, RST, ACK = 1, 2, 4, 16
LATER_MS = (1, 9)  # how much a segment is delayed at random


def segment_of(packet):
    """Source port, target port, kind; None if it is not TCP."""
    version = packet[0] >> 4
    header, protocol = ((packet[0] & 15) * 4, packet[9]) if version == 4 else (40, packet[6])
    if protocol != 6:
        return None
    source, target = struct.unpack_from("!HH", packet, header)
    flags, payload = packet[header + 13], len(packet) - header - (packet[header + 12] >> 4) * 4
    for flag, kind in ((RST, "rst"), (SYN | ACK, "synack"), (SYN, "syn"), (FIN, "fin")):
        if flags & flag == flag:
            return source, target, kind
    return source, target, "data" if payload else "ack"


class Wire:
    def __init__(self, rules):
        self.delay = rules["delay_ms"] / 1000
        self.rules = {int(port): rows for port, rows in rules["ports"].items()}
        self.counts = collections.Counter()
        self.dice = {}
        self.held = []  # heap of (due, order, target, packet)
        self.order = 0

    def hold(self, target, packet, later=0.0):
        self.order += 1
        heapq.heappush(self.held, (time.monotonic() + self.delay + later, self.order, target, packet))

    def accept(self, target, packet):
        segment = segment_of(packet)
        action, much = self.fate(*segment) if segment else (None, 0)
        if action == "drop":
            return
        self.hold(target, packet, much / 1000 if action == "delay" else 0.0)
        for _ in range(much if action == "repeat" else 0):
            self.hold(target, packet)

    def fate(self, source, target, kind):
        side, client, port = ("server", source, target) if target in self.rules else ("client", target, source)
        self.counts[client, port, side, kind] += 1
        ordinal = self.counts[client, port, side, kind]
        for row in self.rules.get(port, ()):
            if row[0] != side:
                continue
            if row[1] == "any":
                return self.throw(side, port, *row[2:])
            if row[1] == kind and row[2] <= ordinal <= row[3]:
                return row[4], row[5]
        return None, 0

    def throw(self, side, port, seed, percent):
        dice = self.dice.setdefault((side, port), random.Random(f"{seed} {side}"))
        number = dice.randrange(100)
        if number < percent:
            return "drop", 0
        if number < 2 * percent:
            return "repeat", 1
        return ("delay", dice.uniform(*LATER_MS)) if number < 3 * percent else (None, 0)

    def deliver(self):
        """Writes what is due; returns the seconds until the next, None if nothing is held."""
        while self.held:
            left = self.held[0][0] - time.monotonic()
            if left > 0:
                return left
            _, _, target, packet = heapq.heappop(self.held)
            os.write(target, packet)
        return None


def main():
    one, other = tun_open(sys.argv[1]), tun_open(sys.argv[2])
    wire = Wire(json.loads(sys.argv[3]))
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    print("ready", flush=True)
    asked = 0
    while True:
        wait = wire.deliver()
        if asked and not wire.held:
            print("idle", flush=True)
            asked -= 1
        readable, _, _ = select.select([one, other, sys.stdin], [], [], wait)
        if sys.stdin in readable:
            readable.remove(sys.stdin)
            asked += len(sys.stdin.readline()) > 0
        for tun in readable:
            while True:
                try:
                    wire.accept(other if tun == one else one, os.read(tun, 65536))
                except BlockingIOError:
                    break


if __name__ == "__main__":
    sys.exit(main())
