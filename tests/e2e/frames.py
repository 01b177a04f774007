#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Frames made by hand: VLAN tags, IP options and extension headers, fragments, padding, broken headers. Each side's
come from its own end, so that both ends see both directions.

    client                       server
    veth0 (raw socket) <------>  veth0 (raw socket)      the addresses in the frames are nobody's
      ^ tcpscope                   ^ tcpscope
"""

import struct

import hand
import net
import report
from scope import Scope

CLIENT4, SERVER4 = "203.0.113.1", "203.0.113.2"
CLIENT6, SERVER6 = "2001:db8:f::1", "2001:db8:f::2"
CLIENT_PORT = 50000
NO_OPERATIONS = b"\x01" * 8
# RFC 8200, 4.3 and 4.6: next header, length 0 (8 octets), a PadN option of four octets.
HOP_BY_HOP, DESTINATION = 0, 60


def extension(following):
    return struct.pack("!BBBB4x", following, 0, 1, 4)


def plain4(source, target, segment):
    return hand.ipv4(source, target, segment)


def options4(source, target, segment):
    return hand.ipv4(source, target, segment, options=NO_OPERATIONS)


def plain6(source, target, segment):
    return hand.ipv6(source, target, segment)


def extended6(source, target, segment):
    return hand.ipv6(source, target, extension(DESTINATION) + extension(6) + segment, following=HOP_BY_HOP)


# name: server's port, IP version, how a segment is wrapped, tags
SHAPES = {
    "802.1Q": (6001, 4, plain4, ((hand.ETHER_VLAN, 100),)),
    "QinQ": (6002, 4, plain4, ((hand.ETHER_QINQ, 200), (hand.ETHER_VLAN, 100))),
    "two 802.1Q tags": (6003, 4, plain4, ((hand.ETHER_VLAN, 201), (hand.ETHER_VLAN, 101))),
    "802.1Q IPv6": (6004, 6, plain6, ((hand.ETHER_VLAN, 102),)),
    "IPv4 options": (6005, 4, options4, ()),
    "IPv6 extension headers": (6006, 6, extended6, ()),
}

# A whole connection: sender, flags, seq, ack, payload.
CLIENT_ISN, SERVER_ISN = 1000, 9000
SCRIPT = (
    ("client", hand.SYN, CLIENT_ISN, 0, b""),
    ("server", hand.SYN | hand.ACK, SERVER_ISN, CLIENT_ISN + 1, b""),
    ("client", hand.ACK, CLIENT_ISN + 1, SERVER_ISN + 1, b""),
    ("client", hand.PSH | hand.ACK, CLIENT_ISN + 1, SERVER_ISN + 1, b"question"),
    ("server", hand.PSH | hand.ACK, SERVER_ISN + 1, CLIENT_ISN + 9, b"answer"),
    ("client", hand.FIN | hand.ACK, CLIENT_ISN + 9, SERVER_ISN + 7, b""),
    ("server", hand.FIN | hand.ACK, SERVER_ISN + 7, CLIENT_ISN + 10, b""),
    ("client", hand.ACK, CLIENT_ISN + 10, SERVER_ISN + 8, b""),
)
WANTED_CLIENT = {"packets": 5, "payload_bytes": 8, "stream_bytes": 8, "isn": CLIENT_ISN, "mss": 1400,
                 "payload_max": 8, "window_scale": None}
WANTED_SERVER = {"packets": 3, "payload_bytes": 6, "stream_bytes": 6, "isn": SERVER_ISN, "mss": 1400,
                 "payload_max": 6, "window_scale": None}


def play(senders, shape):
    port, version, wrap, tags = SHAPES[shape]
    client, server = (CLIENT4, SERVER4) if version == 4 else (CLIENT6, SERVER6)
    ether_type = hand.ETHER_IPV4 if version == 4 else hand.ETHER_IPV6
    for sender, flags, seq, ack, payload in SCRIPT:
        options = hand.MSS_1400 if flags & hand.SYN else b""
        ends, ports = ((client, server), (CLIENT_PORT, port)) if sender == "client" else \
                      ((server, client), (port, CLIENT_PORT))
        packet = wrap(*ends, hand.tcp(ports, flags, seq, ack, payload, options))
        # As a real interface does, fill up to the least frame: padding that must not count.
        senders[sender].send(hand.ethernet(packet, ether_type, tags).ljust(60, b"\xff"))


def frame4(segment, **how):
    return hand.ethernet(hand.ipv4(CLIENT4, SERVER4, segment, **how), hand.ETHER_IPV4)


def odd_frames():
    """Per counter of the ledger: the frames that must end in it."""
    data = hand.tcp((CLIENT_PORT, 6100), hand.ACK, 1, 1, bytes(32))
    no_offset = data[:12] + b"\x40" + data[13:]
    far_offset = data[:12] + b"\xf0" + data[13:24]
    short_frame = frame4(data)[:40]  # 6 octets of TCP header, though the IP header states more
    return {
        "not_ip": [hand.ethernet(bytes(46), 0x88B5), hand.ethernet(bytes(46), 0x88B5, ((hand.ETHER_VLAN, 5),))],
        "not_tcp": [frame4(bytes(40), protocol=17), frame4(bytes(40), protocol=47)],
        "fragments": [frame4(bytes(64), fragment=4), frame4(bytes(64), fragment=0x2000 | 8)],
        "malformed_tcp": [frame4(no_offset), frame4(far_offset), short_frame],
        "malformed_ip": [hand.ethernet(b"\x44" + bytes(59), hand.ETHER_IPV4)],
        "truncated": [],  # needs a snap length
    }


def check_shape(hook, end, scope, shape):
    port, version, _, tags = SHAPES[shape]
    flow = scope.flow(server_port=port)
    name = f"frames {hook} {end} {shape}"
    wanted = {"vlan": [vlan for _, vlan in tags], "ip_version": version, "outcome": "accepted", "state": "closed",
              "closed_by": "client", "client_known_by": "syn"}
    report.same(f"{name}: flow", flow, wanted)
    report.same(f"{name}: client", flow["client"], WANTED_CLIENT)
    report.same(f"{name}: server", flow["server"], WANTED_SERVER)
    sent = 5 * 20 + 4 + 8
    headers = {plain4: 20, options4: 28, plain6: 40, extended6: 56}[SHAPES[shape][2]]
    report.equal(f"{name}: octets of IP, without padding", flow["client"]["ip_bytes"], 5 * headers + sent)


def run(hook):
    senders = {end: hand.Sender(end, "veth0") for end in ("client", "server")}
    scopes = {end: Scope(end, ["veth0"], "--hook", hook) for end in ("client", "server")}
    before = {end: net.counters(end, "veth0") for end in scopes}
    for shape in SHAPES:
        play(senders, shape)
    odd = odd_frames()
    for frames in odd.values():
        for frame in frames:
            senders["client"].send(frame)
    first = hand.tcp((CLIENT_PORT, 6200), hand.SYN, 77, 0, bytes(4))
    senders["client"].send(frame4(first, fragment=0x2000))
    sent = 5 * len(SHAPES) + sum(map(len, odd.values())) + 1
    net.await_true(lambda: net.counters("server", "veth0")["ingress"] - before["server"]["ingress"] >= sent, "arrival")
    for end, direction in (("client", "egress"), ("server", "ingress")):
        scope = scopes[end]
        report.equal(f"frames {hook} {end} exit status", scope.stop(), 0)
        for shape in SHAPES:
            check_shape(hook, end, scope, shape)
        ledger = scope.ledger("veth0", direction)
        report.same(f"frames {hook} {end}: odd frames, each in its counter", ledger,
                    {**{name: len(frames) for name, frames in odd.items()}, "unaccounted": 0,
                     "in_flows": 5 * len(SHAPES) + 1, "seen": sent})
        report.equal(f"frames {hook} {end}: the first fragment is in its flow",
                     scope.flow(server_port=6200)["client"]["packets"], 1)


def main():
    net.namespace_make("client")
    net.namespace_make("server")
    net.veth_make("client", "server")
    for end in ("client", "server"):
        net.addresses_set(end, "veth0")
        net.quiet(end, "veth0")
    for hook in ("tc", "xdp"):
        run(hook)


if __name__ == "__main__":
    report.run(main)
