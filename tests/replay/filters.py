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
LINKTYPE_ETHERNET, LINKTYPE_RAW = 1, 101


def syn(port):
    return hand.ipv4(CLIENT, SERVER, hand.tcp((40000, port), hand.SYN, 100, 0))


def prohibited(port):
    """ICMP error of a firewall that quotes the SYN: it has no port of its own."""
    return hand.ipv4(ROUTER, CLIENT, b"\x03\x0d" + bytes(6) + syn(port)[:28], protocol=1)


def link_types():
    """Names in an expression are found for each link type of a pcapng file; where it makes no sense nothing matches."""
    packets = [(0, 1, syn(80)), (1, 0, hand.ethernet(syn(443), hand.ETHER_IPV4)), (2, 1, syn(9009))]
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        file.write(replay.pcapng((LINKTYPE_ETHERNET, LINKTYPE_RAW), packets))
        file.flush()
        for words, ports in ((("port", "http", "or", "port", "https"), [80, 443]), (("not", "vlan", "5"), [443]),
                             ((), [80, 443, 9009])):
            done = replay.tcpscope("-r", file.name, "--output", "json", *words)
            report.equal(f"filters '{' '.join(words)}' on two link types: exit status, ports",
                         (done.returncode, [flow["server"]["port"] for flow in replay.flows_of(done.stdout)]), (0, ports))


def main():
    link_types()
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
