#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The ladder of attempts in the record: SYNs and SYN/ACKs with their times, eight at most."""

import json

import hand
import replay
import report

CLIENT, SERVER, PORTS, BACK = "192.0.2.1", "192.0.2.2", (40000, 80), (80, 40000)


def syn(at):
    return at, replay.frame4(CLIENT, SERVER, hand.tcp(PORTS, hand.SYN, 100, 0))


def synack(at):
    return at, replay.frame4(SERVER, CLIENT, hand.tcp(BACK, hand.SYN | hand.ACK, 900, 101))


def ack(at):
    return at, replay.frame4(CLIENT, SERVER, hand.tcp(PORTS, hand.ACK, 101, 901))


def rung(kind, at):
    return {"kind": kind, "at_ns": replay.START * 10**9 + at * 1000}


def handshake(*frames):
    return replay.flows(frames)[0]["handshake"]


def pending():
    """Two SYNs, the second a moment before the capture ends."""
    late = replay.frame4(CLIENT, SERVER, hand.tcp((40001, 80), hand.SYN, 100, 0))
    said = replay.output([syn(0), (5_000_000, late)], "--report", "--output", "json").stdout
    service = [record for record in map(json.loads, said.splitlines()) if record["type"] == "service"][0]
    report.same("attempts: one unanswered, one pending", service["outcomes"], {"unanswered": 1, "pending": 1})
    printed = replay.output([syn(0), (5_000_000, late)], "--report").stdout
    report.check("attempts: pending, in words", "1 unanswered (no-response), 1 pending" in printed, printed)


def main():
    pending()
    slow = handshake(syn(0), syn(1_000_000), syn(3_000_000), synack(3_020_000), ack(3_040_000))
    report.equal("attempts: two SYNs unanswered, the third answered", slow["attempts"],
                 [rung("syn", 0), rung("syn", 1_000_000), rung("syn", 3_000_000), rung("synack", 3_020_000)])
    report.same("attempts: why the connection took 3.04 s", slow,
                {"connect_ns": 3_040_000_000, "lost_ns": 3_000_000_000, "server_ns": 20_000_000,
                 "client_ns": 20_000_000, "syns": 3, "synacks": 1, "answered_syn": 3, "answered_by": "last"})
    many = handshake(*(syn(number * 1000) for number in range(6)), *(synack(6000 + number) for number in range(4)))
    report.equal("attempts: the first eight are kept", many["attempts"],
                 [rung("syn", number * 1000) for number in range(6)] + [rung("synack", 6000), rung("synack", 6001)])
    report.same("attempts: all are counted", many, {"syns": 6, "synacks": 4})
    report.equal("attempts: from the SYN/ACK on", handshake(synack(5), ack(9))["attempts"], [rung("synack", 5)])
    report.equal("attempts: none midstream", handshake(ack(5)), None)


report.run(main)
