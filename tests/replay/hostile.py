#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Names and texts made to command a terminal: of captures, of what stands in them, of files, filters and options. Whatever
is printed, written or refused, no control character of theirs comes out. (An interface's name: e2e/tty.py, e2e/input.py.)"""

import os
import struct
import subprocess
import tempfile
import xml.etree.ElementTree

import hand
import replay
import report

# Title, clear, colour by a C1 control, delete; what ends a line, too.
HOSTILE = "\x1b]2;owned\x07\x1b[2J\r\n\x9b31m\x7f\x85\x08".encode("latin-1")
PORT = 80
FRAMES = (
    (0, replay.frame4("192.0.2.1", "192.0.2.2", hand.tcp((4000, PORT), hand.SYN, 1, 0))),
    (10, replay.frame4("192.0.2.2", "192.0.2.1", hand.tcp((PORT, 4000), hand.SYN | hand.ACK, 9, 2))),
    (20, replay.frame4("192.0.2.1", "192.0.2.2", hand.tcp((4000, PORT), hand.ACK, 2, 10, payload=HOSTILE))),
)
OUTPUTS = {
    "table": ("--output", "table"), "table with ledger": ("--output", "table", "--stats"),
    "table in colour": ("--color", "always"), "json": ("--output", "json"), "csv": ("--output", "csv", "--stats"),
    "zeek": ("--output", "zeek", "--stats"), "report": ("--report",), "report in JSON": ("--report", "--output", "json"),
    "ladder": ("--ladder", f"port {PORT}"), "assertion": ("--assert", "attempts\t==\t1"),
}
WRONG = {
    "output": ("--output", HOSTILE), "hook": ("--hook", HOSTILE), "color": ("--color", HOSTILE), "pin": ("--pin", HOSTILE),
    "unpin": ("--unpin", HOSTILE), "duration": ("--duration", HOSTILE), "active": ("--active", HOSTILE),
    "flows": ("--flows", HOSTILE), "option": (b"--" + HOSTILE,), "short option": (b"-\x1b",),
    "assertion": ("--assert", HOSTILE), "function": ("--assert", b"p99" + HOSTILE),
    "assertion with ends of lines": ("--assert", "attempts\r\n==\v1"),
    "junit": ("--assert", "attempts == 1", "--junit", b"/nowhere/" + HOSTILE), "filter": (b"port " + HOSTILE,),
    "filter's token": (HOSTILE + b" and tcp",),
}
COLOURS = (b"\x1b[0m", b"\x1b[m", b"\x1b[1m", b"\x1b[2m") + tuple(b"\x1b[%dm" % number for number in range(30, 38))


def run(*arguments):
    return subprocess.run((replay.BINARY, *arguments), capture_output=True, check=False)


def controls(text, form=""):
    """What of it a terminal could obey, but what the form itself has: tabs, ends of lines, colours."""
    own = {"table in colour": COLOURS, "zeek": (b"\t",), "csv": (b"\r\n",), "assertion": (b"\t",)}
    for octets in own.get(form, ()):
        text = text.replace(octets, b"")
    return [octet for octet in text.decode() if octet != "\n" and not octet.isprintable() and octet != "\ufffd"]


def check_clean(name, done, form=""):
    """Bad UTF-8 would end the test, too."""
    report.equal(f"hostile {name}: no control on stdout, on stderr",
                 (controls(done.stdout, form), controls(done.stderr, form)), ([], []))


def pcapng_option(code, value):
    return struct.pack("=HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(frames):
    """With comments, and an interface whose name, description, filter, hardware and system would command the terminal."""
    texts = b"".join(pcapng_option(code, HOSTILE) for code in (1, 2, 3, 4))
    interface = b"".join(pcapng_option(code, HOSTILE) for code in (1, 2, 3, 11, 12, 15))
    blocks = [replay.pcapng_block(0x0A0D0D0A, struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1) + texts),
              replay.pcapng_block(1, struct.pack("=HHI", 1, 0, 65535) + interface)]
    for at, frame in frames:
        stamp = replay.START * 1_000_000 + at
        fixed = struct.pack("=IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
        blocks.append(replay.pcapng_block(6, fixed + frame + bytes(-len(frame) % 4) + pcapng_option(1, HOSTILE)))
    return b"".join(blocks)


def outputs(path):
    for name, arguments in OUTPUTS.items():
        done = run("-r", path, *arguments)
        report.equal(f"hostile {name}: exit status", done.returncode, 0)
        report.check(f"hostile {name}: something is said", done.stdout, done)
        check_clean(name, done, name)


def junit(path, directory):
    written = os.path.join(directory, b"verdict.xml")
    for name, assertion in (("holds", "attempts\t== 1"), ("fails", "attempts >\t1")):
        done = run("-r", path, "--assert", assertion, "--junit", written)
        check_clean(f"junit that {name}", done, "assertion")
        with open(written, "rb") as file:
            text = file.read()
        report.equal(f"hostile junit that {name}: no control in the file", controls(text), [])
        report.equal(f"hostile junit that {name}: it is XML", xml.etree.ElementTree.fromstring(text).get("tests"), "1")


def refusals(path):
    for name, arguments in WRONG.items():
        done = run("-r", path, *arguments) if not name.startswith("unpin") else run(*arguments)
        lines = done.stderr.decode().splitlines()
        report.check(f"hostile {name}: refused in one line", done.returncode in (1, 2) and len(lines) == 1,
                     (done.returncode, lines))
        check_clean(name, done)


def captures(directory):
    """What cannot be read, or ends early: the capture's name is in the message."""
    whole = replay.pcap(FRAMES)
    for name, content in (("missing", None), ("empty", b""), ("no capture", HOSTILE * 9), ("cut", whole[:-5]),
                          ("cut pcapng", pcapng(FRAMES)[:-5]), ("of an unknown link type", whole[:20] + b"\xee\0\0\0")):
        path = os.path.join(directory, name.encode() + HOSTILE)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        done = run("-r", path)
        report.check(f"hostile capture, {name}: refused in one line, which has its name", done.returncode == 1 and
                     done.stderr.count(b"\n") == 1 and rb"\x1b]2;owned\x07" in done.stderr, done)
        check_clean(f"capture, {name}", done)


def main():
    with tempfile.TemporaryDirectory() as directory:
        directory = os.fsencode(directory)
        for content, kind in ((replay.pcap(FRAMES), b"pcap"), (pcapng(FRAMES), b"pcapng")):
            path = os.path.join(directory, HOSTILE + kind)
            with open(path, "wb") as file:
                file.write(content)
            outputs(path)
        junit(path, directory)
        refusals(path)
        captures(directory)


report.run(main)
