#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Bad input: one line on stderr that names the thing, the right exit status, nothing on stdout but what was read.

    client (namespace): veth0, the interface that is there; no traffic
"""

import json
import os
import shutil
import socket
import struct

import hand
import net
import report
from scope import BINARY, Scope
from sniff import socket_inside

FAILED, USAGE = 1, 2
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
SCRATCH = "/run/scratch"
HOSTILE, SHOWN = "v\x1b]2;own\x07", r"v\x1b]2;own\x07"
# A copy that everybody may run, wherever the tree is.
PROGRAM = f"{SCRATCH}/{os.path.basename(BINARY)}"
PCAP_HEADER = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


def pcap_record(frame, seconds, length=None):
    return struct.pack("=IIII", seconds, 0, len(frame) if length is None else length, len(frame)) + frame


def captures_make():
    syn = hand.ethernet(hand.ipv4("203.0.113.1", "203.0.113.2", hand.tcp((4000, 80), hand.SYN, 1, 0)), hand.ETHER_IPV4)
    good = PCAP_HEADER + pcap_record(syn, 1)
    files = {"good": good, "cut": good + pcap_record(syn, 2)[:-7], "long": good + pcap_record(syn, 2, 1 << 30),
             "garbage": b"no capture at all, but text\n", "empty": b""}
    for name, content in files.items():
        with open(f"{SCRATCH}/{name}.pcap", "wb") as file:
            file.write(content)


def tcpscope(*arguments, prefix=(), stdout=net.subprocess.PIPE):
    return net.subprocess.run(net.enter("client", *prefix, PROGRAM, *arguments), stdout=stdout,
                              stderr=net.subprocess.PIPE, stdin=net.subprocess.DEVNULL, text=True, timeout=15)


def check_refused(name, done, status, word):
    """One line, that holds the word; and the status."""
    lines = done.stderr.splitlines()
    report.equal(f"input {name}: exit status", done.returncode, status)
    report.check(f"input {name}: one line on stderr", len(lines) == 1, lines)
    report.check(f"input {name}: it names {word!r}", word in done.stderr, lines)


def check_empty(name, done):
    report.equal(f"input {name}: nothing on stdout", done.stdout, "")


# name, arguments, exit status, a word that the message must hold
REFUSED = (
    ("no such interface", ("-i", "nosuch0"), FAILED, "nosuch0"),
    ("a colon in its name", ("-i", "lo:"), FAILED, "lo:: no such interface"),
    ("an interface's name that commands terminals", ("-i", HOSTILE), FAILED, SHOWN),
    ("a user's name that does", ("-i", "veth0", "--user", HOSTILE), USAGE, SHOWN),
    ("one of two interfaces is not there", ("-i", "veth0", "-i", "nosuch0"), FAILED, "nosuch0"),
    ("filter of the link layer, live", ("-i", "veth0", "vlan", "5"), USAGE, "ports alone"),
    ("an interface without a name", ("-i", ""), USAGE, "-i wants"),
    ("a capture without a name", ("-r", ""), USAGE, "-r wants"),
    ("a capture that is to be merged", ("-r", f"{SCRATCH}/good.pcap", "--merge"), USAGE, "--merge is for interfaces"),
    ("filter of lengths, live", ("-i", "veth0", "greater", "100"), USAGE, "length or a direction"),
    ("filter of directions, live", ("-i", "veth0", "inbound"), USAGE, "ports alone"),
    ("bad filter, live", ("-i", "veth0", "port", "ninety"), USAGE, "port ninety"),
    ("filter that may loop", ("-r", f"{SCRATCH}/good.pcap", "ip6", "protochain", "6"), USAGE, "protochain"),
    ("bad filter, capture", ("-r", f"{SCRATCH}/good.pcap", "port", "ninety"), USAGE, "port ninety"),
    ("bad output", ("-r", f"{SCRATCH}/good.pcap", "--output", "xml"), USAGE, "xml"),
    ("bad hook", ("-i", "veth0", "--hook", "kprobe"), USAGE, "kprobe"),
    ("bad duration", ("-i", "veth0", "--duration", "soon"), USAGE, "soon"),
    ("bad number of flows", ("-i", "veth0", "--flows", "-5"), USAGE, "-5"),
    ("unknown option", ("--nonsense",), USAGE, "nonsense"),
    ("capture and interface", ("-r", f"{SCRATCH}/good.pcap", "-i", "veth0"), USAGE, "-i"),
    ("an interface where a filter is asked for", ("veth0",), USAGE, "-i watches it"),
    ("missing file", ("-r", f"{SCRATCH}/missing.pcap"), FAILED, "missing.pcap"),
    ("a directory", ("-r", SCRATCH), FAILED, SCRATCH),
    ("not a capture", ("-r", f"{SCRATCH}/garbage.pcap"), FAILED, "garbage.pcap"),
    ("empty file", ("-r", f"{SCRATCH}/empty.pcap"), FAILED, "empty.pcap"),
)


def check_broken(name):
    """What was read is reported, then the error."""
    done = tcpscope("-r", f"{SCRATCH}/{name}.pcap", "--output", "json")
    check_refused(f"broken capture ({name})", done, FAILED, f"{name}.pcap")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    flows = [record for record in records if record["type"] == "flow"]
    report.equal(f"input broken capture ({name}): what was read is reported", len(flows), 1)
    report.equal(f"input broken capture ({name}): the ledger too", [record["seen"] for record in records
                                                                   if record["type"] == "ledger"], [1])


def check_good():
    done = tcpscope("-r", f"{SCRATCH}/good.pcap", "--output", "json", prefix=NOBODY)
    report.equal("input a capture needs no root: exit status", done.returncode, 0)
    report.equal("input a capture needs no root: nothing on stderr", done.stderr, "")
    types = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    report.equal("input a capture needs no root: a flow and a ledger", types, ["flow", "ledger"])
    for option in ("-h", "-V"):
        done = tcpscope(option, prefix=NOBODY)
        report.check(f"input {option}: on stdout, exit status 0", done.returncode == 0 and done.stdout, done)


def check_hostile():
    """A watched interface may be called almost anything, too. (Its name on the screen: tty.py.)"""
    net.veth_make("client", "server", HOSTILE, "veth8")
    net.inside("client", "ip", "link", "set", HOSTILE, "up")
    net.inside("server", "ip", "link", "set", "veth8", "up")
    for hook in ("tc", "xdp"):
        for words in (("table",), ("csv",), ("zeek",), ("json",), ("table", "--stats"), ("table", "--report")):
            name = f"input hostile interface, {hook}, {' '.join(words)}"
            done = tcpscope("-i", HOSTILE, "--hook", hook, "--duration", "0.2", "--output", *words)
            report.equal(f"{name}: exit status", done.returncode, 0)
            report.check(f"{name}: shown in escapes", SHOWN in done.stderr, done.stderr)
            wrong = [octet for octet in done.stdout + done.stderr if octet not in "\t\n" and not octet.isprintable()]
            report.equal(f"{name}: no control of its", wrong, [])
    net.inside("client", "ip", "link", "delete", HOSTILE)


def check_down():
    """An interface that is down is watched, but not in silence: it may come up."""
    net.veth_make("client", "server", "veth7")
    scope = Scope("client", ["veth7"])
    lines = [line for line in scope.lines if "is down" in line]
    report.check("input an interface that is down: a line says so", len(lines) == 1 and "veth7 is down" in lines[0], scope.lines)
    net.addresses_set("client", "veth7", "198.51.100.1/24")
    net.addresses_set("server", "veth7", "198.51.100.2/24")
    for namespace in ("client", "server"):
        net.await_true(lambda name=namespace: net.link(name, "veth7")["operstate"] == "UP", "veth7 up")
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    try:
        client.connect(("198.51.100.2", 7))
    except ConnectionRefusedError:
        pass
    report.equal("input an interface that was down: exit status", scope.stop(), 0)
    report.equal("input an interface that was down: its flows", [flow["outcome"] for flow in scope.flows], ["refused"])
    scope = Scope("client", ["veth7"])
    report.check("input an interface that is up: no such line", not any("down" in line for line in scope.lines), scope.lines)
    scope.stop()
    net.inside("client", "ip", "link", "delete", "veth7")


def check_watched_only():
    """The loopback interface receives what it sends: one direction is watched, and one is told of."""
    done = tcpscope("-i", "lo", "--output", "table", "--duration", "0.2")
    report.check("input loopback: the account of what is watched, and no other", "lo ingress: " in done.stdout and
                 "lo egress" not in done.stdout and done.returncode == 0, done)


def main():
    net.namespace_make("client")
    net.namespace_make("server")
    net.veth_make("client", "server")
    net.addresses_set("client", "veth0")
    shutil.copy(BINARY, PROGRAM)
    captures_make()
    for name, arguments, status, word in REFUSED:
        done = tcpscope(*arguments)
        check_refused(name, done, status, word)
        check_empty(name, done)
    done = tcpscope("-i", "veth0", prefix=NOBODY)
    check_refused("not root", done, FAILED, "root")
    check_empty("not root", done)
    for name in ("cut", "long"):
        check_broken(name)
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = tcpscope("-r", f"{SCRATCH}/good.pcap", "--output", "json", stdout=full)
        check_refused("stdout is full", done, FAILED, "space")
    check_good()
    check_hostile()
    check_down()
    check_watched_only()
    report.equal("input: nothing is attached after all that", net.attached("client", "veth0"), [])


if __name__ == "__main__":
    report.run(main)
