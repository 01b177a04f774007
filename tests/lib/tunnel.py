# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Frames in tunnels, made by hand. `frame` begins with its Ethernet header, `packet` with its IP header; each function gives
the frame that carries it."""

import struct

import hand

UDP, GRE, IPV4, IPV6 = 17, 47, 4, 41
ETHER_TEB, ETHER_MPLS, ETHER_PPPOE = 0x6558, 0x8847, 0x8864
NEAR, FAR, NEAR6, FAR6 = "203.0.113.1", "203.0.113.2", "2001:db8:ffff::1", "2001:db8:ffff::2"


def packet_of(frame):
    return frame[14:]


def ether_type_of(packet):
    return hand.ETHER_IPV4 if packet[0] >> 4 == 4 else hand.ETHER_IPV6


def outer(body, protocol, ends=(NEAR, FAR), **named):
    if ":" in ends[0]:
        return hand.ethernet(hand.ipv6(*ends, body, following=protocol, **named), hand.ETHER_IPV6)
    return hand.ethernet(hand.ipv4(*ends, body, protocol=protocol, **named), hand.ETHER_IPV4)


def udp(port, body):
    return struct.pack("!HHHH", 49152, port, 8 + len(body), 0) + body


def vxlan(vni, frame, port=4789, **named):
    return outer(udp(port, struct.pack("!II", 8 << 24, vni << 8) + frame), UDP, **named)


def geneve(vni, frame, options=b"", **named):
    return outer(udp(6081, struct.pack("!BBHI", len(options) // 4, 0, ETHER_TEB, vni << 8) + options + frame), UDP, **named)


def gre(packet, key=None, checksum=False, sequence=None, ether_type=None, **named):
    flags = (0x8000 if checksum else 0) | (0 if key is None else 0x2000) | (0 if sequence is None else 0x1000)
    fields = ([0] if checksum else []) + [field for field in (key, sequence) if field is not None]
    header = struct.pack(f"!HH{len(fields)}I", flags, ether_type or ether_type_of(packet), *fields)
    return outer(header + packet, GRE, **named)


def in_ip(packet, **named):
    return outer(packet, IPV4 if packet[0] >> 4 == 4 else IPV6, **named)


def mpls(labels, payload):
    stack = (struct.pack("!I", label << 12 | (position == len(labels) - 1) << 8 | 64)
             for position, label in enumerate(labels))
    return hand.ethernet(b"".join(stack) + payload, ETHER_MPLS)


def pseudowire(labels, frame, control=b"\0\0\0\0"):
    return mpls(labels, control + frame)


def pppoe(session, packet):
    protocol = 0x21 if packet[0] >> 4 == 4 else 0x57
    return hand.ethernet(struct.pack("!BBHHH", 0x11, 0, session, 2 + len(packet), protocol) + packet, ETHER_PPPOE)


def framed(packet):
    return hand.ethernet(packet, ether_type_of(packet))


def nested(packet):
    """In IP in VXLAN in GRE."""
    return gre(packet_of(vxlan(5, in_ip(packet))), key=6)


# name: what carries a packet, and the record's `tunnel`
KINDS = {
    "VXLAN": (lambda packet: vxlan(0xABCDEF, framed(packet)), ("vxlan", 0xABCDEF)),
    "VXLAN over IPv6": (lambda packet: vxlan(7, framed(packet), ends=(NEAR6, FAR6)), ("vxlan", 7)),
    "Geneve": (lambda packet: geneve(8, framed(packet)), ("geneve", 8)),
    "Geneve with options": (lambda packet: geneve(9, framed(packet), b"\x01\x02\x80\x01abcd"), ("geneve", 9)),
    "GRE": (gre, ("gre", None)),
    "GRE with all fields": (lambda packet: gre(packet, key=0xFEDCBA98, checksum=True, sequence=1), ("gre", 0xFEDCBA98)),
    "GRE of Ethernet": (lambda packet: gre(framed(packet), ether_type=ETHER_TEB), ("gre", None)),
    "IP in IPv4": (in_ip, {4: ("ipip", None), 6: ("6in4", None)}),
    "IP in IPv6": (lambda packet: in_ip(packet, ends=(NEAR6, FAR6)), {4: ("ipip", None), 6: ("ip6ip6", None)}),
    "MPLS": (lambda packet: mpls((1000, 17), packet), ("mpls", 17)),
    "pseudo-wire": (lambda packet: pseudowire((18,), framed(packet)), ("mpls", 18)),
    "pseudo-wire without control word": (lambda packet: pseudowire((19,), framed(packet), b""), ("mpls", 19)),
    "PPPoE": (lambda packet: pppoe(0x1234, packet), ("pppoe", 0x1234)),
    "three tunnels": (nested, {4: ("ipip", None), 6: ("6in4", None)}),
}


def recorded(kind, version):
    """The record's `tunnel`."""
    want = KINDS[kind][1]
    return dict(zip(("kind", "id"), want[version] if isinstance(want, dict) else want))
