#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A capture, and too little memory, from hardly enough to start to plenty: all flows or segments are there, or one line
says what there was no memory for and the exit status is 1. (Live: e2e/faults.py.)"""

import resource
import subprocess
import tempfile

import hand
import replay
import report

FLOWS = 40_000
LIMITS_MB = (25, 40, 60, 80, 100, 150, 250, 400, 800)
# What asks for memory of its own; what a whole answer has for each flow.
KINDS = {"json": (("--output", "json"), b'"type":"flow"'), "ladder": (("--ladder", "tcp"), b" SYN "),
         "report": (("--report",), b"192.0.2.2:80  40,000 attempts")}


def frames():
    for flow in range(FLOWS):
        client = f"10.0.{flow >> 8 & 255}.{flow & 255}"
        yield flow, replay.frame4(client, "192.0.2.2", hand.tcp((40000, 80), hand.SYN, 100, 0))


def run(path, megabytes, *arguments):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return subprocess.run((replay.BINARY, "-r", path, *arguments), capture_output=True, preexec_fn=limit, check=False)


def check(name, done, mark, marks):
    lines = done.stderr.decode().splitlines()
    if done.returncode == 0:
        return report.check(f"{name}: fine, and whole, and a line says what there was no memory for, if so",
                            done.stdout.count(mark) == marks and all("no memory" in line for line in lines) and
                            len(lines) <= 2, (done.stdout.count(mark), lines))
    return report.check(f"{name}: refused, and each line says for want of what", done.returncode == 1 and
                        1 <= len(lines) <= 2 and all("memory" in line for line in lines),
                        (done.returncode, lines, done.stdout[-200:]))


def main():
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap(frames()))
        file.flush()
        for kind, (arguments, mark) in KINDS.items():
            ends = set()
            for megabytes in LIMITS_MB:
                done = run(file.name, megabytes, *arguments)
                check(f"memory: {kind}, {megabytes} MB", done, mark, 1 if kind == "report" else FLOWS)
                ends.add(done.returncode)
            report.equal(f"memory: {kind}: both ends were met", ends, {0, 1})


report.run(main)
