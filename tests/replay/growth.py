#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A capture of more flows than the table has room for at first: it grows, and every flow stays one record. And one where
a few keys are used again and again: no table has room for all of these in one place, and all print in order. Several
seeds, since which flows meet in one place is the seed's doing."""

import json
import os
import resource
import tempfile

import hand
import replay
import report

FLOWS = 95_000
SEEDS = (1, 2)
KEYS, TIMES = 100, 50
LIMIT_MB = 200
FLOOD_MB = 150  # for all those SYNs


def frames():
    """A SYN of each."""
    for flow in range(FLOWS):
        client = f"10.{flow >> 16}.{flow >> 8 & 255}.{flow & 255}"
        yield flow, replay.frame4(client, "192.0.2.2", hand.tcp((40000, 80), hand.SYN, 100, 0))


def counted(path):
    """Flows, and of these in parts."""
    text = replay.tcpscope("-r", path, "--output", "json").stdout
    return text.count('"type":"flow"'), text.count('"end_reason":"evicted"')


def again_frames():
    """Of each key a SYN and its answer, so many times, five of them within one microsecond."""
    for number in range(KEYS * TIMES):
        micros, isn = number // 5, number * 1000
        ports = (40000 + micros % KEYS, 80)
        yield micros, replay.frame4("192.0.2.1", "192.0.2.2", hand.tcp(ports, hand.SYN, isn, 0))
        yield micros, replay.frame4("192.0.2.2", "192.0.2.1", hand.tcp(ports[::-1], hand.SYN | hand.ACK, isn, isn + 1))


def again(path):
    """Start and ISN of all flows, as printed; why they ended."""
    text = replay.tcpscope("-r", path, "--output", "json").stdout
    flows = [record for record in map(json.loads, text.splitlines()) if record["type"] == "flow"]
    return ([(flow["start_ns"], flow["client"]["isn"]) for flow in flows], {flow["end_reason"] for flow in flows})


def check_growth():
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap(frames()))
        file.flush()
        replay.tcpscope("-r", file.name, "--output", "none")
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        report.check(f"growth: {FLOWS} unanswered SYNs take no more than {FLOOD_MB} MB", most <= FLOOD_MB, most)
        for seed in SEEDS:
            os.environ["TCPSCOPE_SEED"] = str(seed)
            report.equal(f"growth: flows, and those evicted, seed {seed}", counted(file.name), (FLOWS, 0))


def check_again():
    """The first seed's answer is the others', too."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_MB << 20, LIMIT_MB << 20))
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap(again_frames()))
        file.flush()
        for seed in SEEDS:
            os.environ["TCPSCOPE_SEED"] = str(seed)
            flows, ends = again(file.name)
            report.equal(f"growth: keys used again, seed {seed}: flows in order of their SYNs, none evicted",
                         (flows, ends), (sorted(flows), {"closed", "end"}))
            report.equal(f"growth: keys used again, seed {seed}: all are there",
                         sorted(isn for _, isn in flows), [number * 1000 for number in range(KEYS * TIMES)])


def main():
    check_growth()
    check_again()


report.run(main)
