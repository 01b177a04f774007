#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A capture of more flows than the table has room for at first: it grows, and every flow stays one record. Several
seeds, since which flows meet in one place is the seed's doing."""

import os
import tempfile

import hand
import replay
import report

FLOWS = 95_000
SEEDS = (1, 2)


def frames():
    """A SYN of each."""
    for flow in range(FLOWS):
        client = f"10.{flow >> 16}.{flow >> 8 & 255}.{flow & 255}"
        yield flow, replay.frame4(client, "192.0.2.2", hand.tcp((40000, 80), hand.SYN, 100, 0))


def counted(path):
    """Flows, and of these in parts."""
    text = replay.tcpscope("-r", path, "--output", "json").stdout
    return text.count('"type":"flow"'), text.count('"end_reason":"evicted"')


def main():
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap(frames()))
        file.flush()
        for seed in SEEDS:
            os.environ["TCPSCOPE_SEED"] = str(seed)
            report.equal(f"growth: flows, and those evicted, seed {seed}", counted(file.name), (FLOWS, 0))


report.run(main)
