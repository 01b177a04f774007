#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A filter on a capture: what it chooses has the outcome that it has without."""

import struct
import tempfile

import hand
import replay
import report

CLIENT, SERVER, ROUTER = "192.0.2.1", "192.0.2.2", "192.0.2.254"
PORTS = (9009, 9010)
LINKTYPE_RAW = 101


def syn(port):
    return hand.ipv4(CLIENT, SERVER, hand.tcp((40000, port), hand.SYN, 100, 0))


def prohibited(port):
    """ICMP error of a firewall that quotes the SYN: it has no port of its own."""
    return hand.ipv4(ROUTER, CLIENT, b"\x03\x0d" + bytes(6) + syn(port)[:28], protocol=1)


def main():
    packets = [packet for port in PORTS for packet in (syn(port), prohibited(port))]
    frames = [(number, hand.ethernet(packet, hand.ETHER_IPV4)) for number, packet in enumerate(packets)]
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:  # of IP packets, without link layer
        file.write(replay.PCAP_HEADER[:-4] + struct.pack("=I", LINKTYPE_RAW))
        file.flush()
        refused = replay.tcpscope("-r", file.name, "vlan", "5")
        report.equal("filters of a link layer that a capture has not: exit status", refused.returncode, 2)
        report.check("filters of a link layer that a capture has not: no word of flows", "VLAN" in refused.stderr and
                     "a flow" not in refused.stderr, refused.stderr)
    for words, ports in ((), PORTS), (("port", "9009"), PORTS[:1]), (("tcp",), PORTS):
        done = replay.output(frames, "--output", "json", "--stats", *words)
        found = sorted((flow["server"]["port"], flow["outcome"], flow["reason"]) for flow in replay.flows_of(done.stdout))
        report.equal(f"filters '{' '.join(words)}': outcomes", found,
                     [(port, "filtered", "admin-prohibited") for port in ports])


report.run(main)
