#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Instants at the edges of what captures can hold: the first and last seconds of a pcap file's 32 bits, before 1970."""

import struct
import tempfile

import hand
import replay
import report

NS = 10**9
EPOCHS = (("1970", 0), ("2038, its last positive second", 2**31 - 1), ("2038, its first negative one", 2**31),
          ("2106", 2**32 - 2))


def frames():
    client, server = ("192.0.2.1", "192.0.2.2"), ("192.0.2.2", "192.0.2.1")
    return (replay.frame4(*client, hand.tcp((4000, 80), hand.SYN, 1, 0)),
            replay.frame4(*server, hand.tcp((80, 4000), hand.SYN | hand.ACK, 9, 2)),
            replay.frame4(*client, hand.tcp((4000, 80), hand.ACK, 2, 10)))


def pcap(second):
    """SYN, SYN/ACK and ACK in the last microsecond of a second and the first two of the next."""
    stamps = ((second, 999_999), (second + 1, 0), (second + 1, 1))
    return replay.PCAP_HEADER + b"".join(struct.pack("=IIII", *at, len(frame), len(frame)) + frame
                                         for at, frame in zip(stamps, frames()))


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("=II", kind, len(body) + 12) + body + struct.pack("=I", len(body) + 12)


def pcapng(offset_s):
    """The same in the interface's first microseconds, which is so many seconds off."""
    packets = (block(6, struct.pack("=IIIII", 0, 0, at, len(frame), len(frame)) + frame) for at, frame in enumerate(frames()))
    return (block(0x0A0D0D0A, struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1)) +
            block(1, struct.pack("=HHIHHq", 1, 0, 0, 14, 8, offset_s)) + b"".join(packets))


def steps_back():
    """A capture's clock that steps back within the handshake: spans as tshark has them, but no service counts them."""
    stamped = list(zip((30, 10, 5), frames()))
    shake = replay.flows(stamped)[0]["handshake"]
    report.equal("times: a clock that steps back: spans of the record",
                 [shake[name] for name in ("connect_ns", "server_ns", "client_ns", "lost_ns")], [-25000, -20000, -5000, 0])
    row = replay.output(stamped).stdout.splitlines()[1].split()
    report.equal("times: a clock that steps back: connect time and its halves in the table", row[7:9], ["-", "-/-"])
    judged = replay.output(stamped, "--output", "none", *(word for span in ("connect", "server", "client")
                                                          for word in ("--assert", f"count({span}) == 0")))
    report.equal("times: a clock that steps back: no service counts it", judged.returncode, 0)
    ladder = replay.output(stamped, "--ladder", "tcp").stdout.splitlines()[1:4]
    report.equal("times: a clock that steps back: in a ladder", [line.split(" --")[0].split(" <")[0] for line in ladder],
                 ["    0.000000", "   -0.000020", "   -0.000025"])


def of(octets, *arguments):
    with tempfile.NamedTemporaryFile() as file:
        file.write(octets)
        file.flush()
        return replay.tcpscope("-r", file.name, *arguments)


def main():
    for name, second in EPOCHS:
        flow, = replay.flows_of(of(pcap(second), "--output", "json").stdout)
        report.equal(f"times: {name}: from and to", (flow["start_ns"], flow["end_ns"]),
                     (second * NS + 999_999_000, (second + 1) * NS + 1000))
        report.equal(f"times: {name}: connect time", flow["handshake"]["connect_ns"], 2000)
        report.equal(f"times: {name}: conn.log", replay.rows_of(of(pcap(second), "--output", "zeek").stdout)[0]["ts"],
                     f"{second}.999999")
    ladder = of(pcap(2**32 - 2), "--ladder", "tcp").stdout.splitlines()[0]
    report.check("times: 2106 in a ladder", ladder.endswith("from 2106-02-07 06:28:14.999999 UTC"), ladder)
    ladder = of(pcapng(-1), "--ladder", "tcp").stdout.splitlines()
    report.check("times: before 1970 in a ladder", ladder[0].endswith("from 1969-12-31 23:59:59.000000 UTC"), ladder)
    ladder = of(block_shifted(), "--ladder", "tcp").stdout.splitlines()
    report.check("times: half a second before 1970", ladder[0].endswith("from 1969-12-31 23:59:59.500000 UTC"), ladder)
    steps_back()


def block_shifted():
    """A SYN half a second before 1970: interface one second back, and half a second on."""
    frame = frames()[0]
    return pcapng(-1).replace(block(6, struct.pack("=IIIII", 0, 0, 0, len(frame), len(frame)) + frame),
                              block(6, struct.pack("=IIIII", 0, 0, 500_000, len(frame), len(frame)) + frame))


report.run(main)
