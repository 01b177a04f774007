# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Frames made by hand, and a socket that sends them. Only what the tests need; no checksums, since nobody receives
them: the addresses are nobody's, and watchers do not look at checksums."""

import socket
import struct

from sniff import socket_inside

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MSS_1400 = struct.pack("!BBH", 2, 4, 1400)
ETHER_IPV4, ETHER_IPV6, ETHER_VLAN, ETHER_QINQ = 0x0800, 0x86DD, 0x8100, 0x88A8
CLIENT, SERVER = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02"


def tcp(ports, flags, seq, ack, payload=b"", options=b"", window=8192, urgent=0, reserved=0):
    """`ports`: source and target."""
    offset = (20 + len(options)) // 4 << 4 | reserved
    return struct.pack("!HHIIBBHHH", *ports, seq, ack, offset, flags, window, 0, urgent) + options + payload


def ipv4(source, target, body, protocol=6, options=b"", fragment=0, identification=7, tos=0, ttl=64):
    header = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, tos, 20 + len(options) + len(body), identification,
                         fragment, ttl, protocol, 0, socket.inet_aton(source), socket.inet_aton(target))
    return header + options + body


def ipv6(source, target, body, following=6, label=0, hops=64):
    return struct.pack("!IHBB", 6 << 28 | label, len(body), following, hops) + \
        socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target) + body


def ethernet(packet, ether_type, tags=()):
    """`tags`: of (type, VLAN id), outer first."""
    header = SERVER + CLIENT
    for tag_type, vlan in tags:
        header += struct.pack("!HH", tag_type, vlan)
    return header + struct.pack("!H", ether_type) + packet


class Sender:
    def __init__(self, namespace, interface):
        self.socket = socket_inside(namespace, socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((interface, 0))

    def send(self, frame):
        self.socket.send(frame)
