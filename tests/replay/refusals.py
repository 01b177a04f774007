#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is refused says what it is and what to do instead: captures that cannot be read, slips on the command line."""

import bz2
import gzip
import lzma
import os
import subprocess
import tempfile
import xml.etree.ElementTree

import hand
import replay
import report

SYN = replay.pcap([(0, replay.frame4("192.0.2.1", "192.0.2.2", hand.tcp((4000, 80), hand.SYN, 1, 0)))])
FAILED, USAGE = 1, 2
ZSTD, LZ4 = b"\x28\xb5\x2f\xfd\0\0\0\0", b"\x04\x22\x4d\x18\0\0\0\0"

# name, the file's octets, what the message must hold besides the file's name
CAPTURES = (
    ("gzip", gzip.compress(SYN), "`gzip -dc FILE | tcpscope -r -`"),
    ("bzip2", bz2.compress(SYN), "`bzip2 -dc"),
    ("xz", lzma.compress(SYN), "`xz -dc"),
    ("zstd", ZSTD, "`zstd -dc"),
    ("lz4", LZ4, "`lz4 -dc"),
    ("empty", b"", "empty"),
    ("text", b"no capture\n", "pcap and pcapng files are read"),
    ("of Bluetooth", SYN[:20] + b"\xc9\0\0\0" + SYN[24:], "link type 201 (BLUETOOTH_HCI_H4_WITH_PHDR) is not supported"),
    ("of no known link", SYN[:20] + b"\xe7\3\0\0" + SYN[24:], "link type 999 is not supported"),
    ("cut short", SYN[:-1], "truncated"),
)
# name, arguments, what the message must hold; CAPTURE is one that can be read
LINES = (
    ("a capture without -r", ("CAPTURE",), "-r reads a capture"),
    ("a capture without -r that is not there", ("nosuch.pcap",), "-r FILE reads a capture"),
    ("a second capture", ("-r", "CAPTURE", "CAPTURE"), "-r reads a capture, one at a time"),
    ("-r twice", ("-r", "CAPTURE", "-r", "CAPTURE"), "mergecap"),
    ("an option without its value", ("-r", "CAPTURE", "--ladder"), "--ladder needs a value: FILTER"),
    ("a letter without its value", ("-i",), "--interface needs a value: NAME"),
    ("a short form without its value", ("--dur",), "--duration needs a value: SECONDS"),
    ("a value for an option that has none", ("--merge=yes",), "--merge takes no value"),
    ("short for two options", ("--in", "1"), "'--in' is short for several options"),
    ("short for several options, with more behind it", ("--re", "-r", "CAPTURE"), "'--re' is short for several options"),
    ("the same with a value", ("--re=5", "-r", "CAPTURE", "--merge"), "'--re=5' is short for several options"),
    ("an option that is not there, with more behind it", ("--frob", "-r", "CAPTURE"), "no such option: '--frob'"),
    ("a letter that is not there, with more behind it", ("-r", "CAPTURE", "-x", "--merge"), "no such option: '-x'"),
    ("a value for none, with more behind it", ("--merge=yes", "-r", "CAPTURE"), "--merge takes no value"),
    ("an option's value that looks like one", ("--ladder", "--re", "--frob", "-r", "CAPTURE"), "no such option: '--frob'"),
    ("an option that is not there", ("--frobnicate=1",), "no such option: '--frobnicate=1'"),
    ("a duration that is none", ("--duration", "1e-10"), "--duration is at least 0.001 seconds, not '1e-10'"),
    ("an interval that is too short", ("--report", "--interval", "0.1"), "--interval is at least 0.25 seconds"),
    ("a user that is not there", ("-r", "CAPTURE", "--user", "nosuch"), "no user 'nosuch'"),
    ("a letter that is not there", ("-x",), "no such option: '-x'"),
)


def refused(name, done, status, *words):
    lines = done.stderr.splitlines()
    report.equal(f"refusals: {name}: exit status, nothing on stdout", (done.returncode, done.stdout), (status, ""))
    report.check(f"refusals: {name}: one line says {' and '.join(words)}",
                 len(lines) == 1 and all(word in lines[0] for word in words), lines)


def captures(directory):
    for name, octets, words in CAPTURES:
        path = os.path.join(directory, name)
        with open(path, "wb") as file:
            file.write(octets)
        done = replay.tcpscope("-r", path)
        done.stdout = "" if name == "cut short" else done.stdout
        refused(name, done, FAILED, path, words)
    refused("a folder", replay.tcpscope("-r", directory), FAILED, directory, "directory")
    refused("no name", replay.tcpscope("-r", ""), USAGE, "-r wants")
    nothing = subprocess.run((replay.BINARY, "-r", "-"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    refused("nothing on standard input", nothing, FAILED, "standard input: empty")


def lines(directory):
    path = os.path.join(directory, "there.pcap")
    with open(path, "wb") as file:
        file.write(SYN)
    for name, arguments, words in LINES:
        refused(name, replay.tcpscope(*(path if word == "CAPTURE" else word for word in arguments)), USAGE, words)


def full():
    """Of more than is buffered: the write that fails is not the last."""
    many = replay.pcap([(at, replay.frame4(f"192.0.{at >> 8}.{at & 255}", "192.0.2.2", hand.tcp((4000, 80), hand.SYN, 1, 0)))
                        for at in range(3000)])
    for name, arguments in (("table", ()), ("json", ("--output", "json")), ("csv", ("--output", "csv")),
                            ("zeek", ("--output", "zeek")), ("ladder", ("--ladder", "tcp")), ("report", ("--report",))):
        with open("/dev/full", "w", encoding="utf-8") as out:
            done = subprocess.run((replay.BINARY, "-r", "-", *arguments), input=many, stdout=out, stderr=subprocess.PIPE,
                                  check=False)
        done.stderr, done.stdout = done.stderr.decode(), ""
        refused(f"no space for {name}", done, FAILED, "writing to standard output: No space left on device")


def unjudged(directory):
    """Of a run that fails no verdict is given: the JUnit file says so, for each assertion."""
    path = os.path.join(directory, "verdict.xml")
    done = replay.tcpscope("-r", os.path.join(directory, "cut short"), "--assert", "attempts == 1", "--assert", "reset == 0",
                           "--junit", path)
    suite = xml.etree.ElementTree.parse(path).getroot()
    report.equal("refusals: JUnit of a run that fails",
                 (done.returncode, suite.get("tests"), suite.get("failures"), suite.get("errors")),
                 (FAILED, "2", "0", "2"))
    report.equal("refusals: JUnit of a run that fails, each assertion",
                 [(case.get("name"), case.find("error").get("message")) for case in suite],
                 [(name, "not judged: the run failed") for name in ("attempts == 1", "reset == 0")])


def main():
    full()
    with tempfile.TemporaryDirectory() as directory:
        captures(directory)
        lines(directory)
        unjudged(directory)


report.run(main)
