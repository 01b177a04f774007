#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Community ID version 1, seed 0: the TCP vectors that its specification publishes, each in both directions."""

import hand
import replay
import report

V6 = ("2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25)
V4 = ("128.232.110.120", "66.35.250.204", 34855, 80)
VECTORS = (
    ("IPv6", replay.frame6, V6, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="),
    ("IPv4", replay.frame4, V4, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
)


def main():
    for name, frame, (source, target, source_port, target_port), want in VECTORS:
        ends = (source, target, source_port, target_port), (target, source, target_port, source_port)
        for way, (of, to, of_port, to_port) in zip(("forth", "back"), ends):
            frames = [(0, frame(of, to, hand.tcp((of_port, to_port), hand.ACK, 1, 1)))]
            report.equal(f"community id: {name}, {way}", replay.flows(frames)[0]["community_id"], want)
            log = replay.rows_of(replay.output(frames, "--output", "zeek").stdout)
            report.equal(f"community id: {name}, {way}, in conn.log", log[0]["community_id"], want)


report.run(main)
