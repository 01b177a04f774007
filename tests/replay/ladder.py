#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--ladder: short stories as text, what the analysis finds, who is chosen, and relative numbers against tshark's."""

import os
import re
import shutil
import subprocess

import replay
import report
import tunnel
from ladder_stories import ECHO, HELLO, MARKS, TROUBLE, echo, hello, trouble


def ladder(frames, expression):
    done = replay.output(frames, "--ladder", expression)
    if done.returncode or done.stderr:
        return f"status {done.returncode}: {done.stderr}"
    return done.stdout


def both():
    return sorted(hello() + echo(), key=lambda frame: frame[0])


def numbers(line):
    """seq, ack or 0, and len of a line of the ladder."""
    words = line.split("> seq " if "> seq " in line else "- seq ")[1].split()
    found = dict(zip(["seq"] + words[1::2], words[0::2]))
    return int(found["seq"]), int(found.get("ack", 0)), int(found["len"])


def against_tshark(name):
    """Every segment of a capture's first connection has tshark's relative numbers."""
    path = os.path.join(replay.CAPTURES, name)
    if not shutil.which("tshark") or not os.path.exists(path):
        report.skip(f"ladder: {name} against tshark", "needs tshark and the captures (TCPSCOPE_CAPTURES)")
        return
    fields = ["tcp.srcport", "tcp.seq", "tcp.ack", "tcp.len"]
    shown = subprocess.run(["tshark", "-r", path, "-Y", "tcp.stream == 0", "-T", "fields",
                            *(word for field in fields for word in ("-e", field))],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    want = [tuple(int(number) for number in line.split("\t")[1:]) for line in shown]
    port = shown[0].split("\t")[0]
    lines = replay.tcpscope("-r", path, "--ladder", f"port {port}").stdout.split("\n\n")[0].splitlines()[1:]
    report.equal(f"ladder: relative numbers of {name} are tshark's", [numbers(line) for line in lines], want)


def main():
    report.equal("ladder: hello/world", ladder(hello(), "port 80"), HELLO)
    report.equal("ladder: echo, with what was found", ladder(echo(), "port 7"), ECHO)
    report.equal("ladder: trouble", ladder(trouble(), "port 9"), TROUBLE)
    report.equal("ladder: each mark is in one of them", [mark for mark in MARKS if not re.search(rf"(\[|, ){mark}(,|\])", ECHO + TROUBLE)], [])
    report.equal("ladder: only the connection that is asked for", ladder(both(), "port 80"), HELLO)
    report.equal("ladder: all, each on its own", ladder(both(), "tcp"), ECHO + "\n" + HELLO)
    report.equal("ladder: a packet of one direction chooses both", ladder(hello(), "src host 192.0.2.1"), HELLO)
    none = replay.output(hello(), "--ladder", "port 81")
    report.equal("ladder: none, and it says so", (none.returncode, none.stdout, none.stderr),
                 (0, "", "tcpscope: no connection matched --ladder\n"))
    inside = [(at, tunnel.vxlan(7, frame)) for at, frame in hello()]
    report.equal("ladder: in a tunnel", ladder(inside, "udp port 4789"), HELLO.replace(" UTC\n", " UTC, in vxlan 7\n"))
    wrong = replay.output(hello(), "--ladder", "port and")
    report.check("ladder: a wrong filter is an error of usage", wrong.returncode == 2 and len(wrong.stderr.splitlines()) == 1,
                 wrong)
    against_tshark("zeek/http__206_example_b.pcap")


report.run(main)
