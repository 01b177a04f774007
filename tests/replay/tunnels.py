#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Connections in tunnels: what the record says of them, and which of them are one flow. Captures of Zeek's test suite are
looked for in TCPSCOPE_CAPTURES/zeek; what is wanted of them is tshark's count, with fragments put together, by tunnel."""

import glob
import os

import hand
import replay
import report
import tunnel

ENDS = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}
PORTS = (40000, 80)
# Sender (0: client), flags, seq, ack, payload.
SCRIPT = (
    (0, hand.SYN, 100, 0, b""), (1, hand.SYN | hand.ACK, 900, 101, b""), (0, hand.ACK, 101, 901, b""),
    (0, hand.ACK | hand.PSH, 101, 901, b"question"), (1, hand.ACK | hand.PSH, 901, 109, b"answer"),
    (0, hand.ACK | hand.FIN, 109, 907, b""), (1, hand.ACK | hand.FIN, 907, 110, b""), (0, hand.ACK, 110, 908, b""),
)
WHOLE = {"outcome": "accepted", "state": "closed"}


def packet(version, sender, flags, seq, ack, payload):
    order = -1 if sender else 1
    segment = hand.tcp(PORTS[::order], flags, seq, ack, payload)
    return (hand.ipv4 if version == 4 else hand.ipv6)(*ENDS[version][::order], segment)


def connection(there, back=None, version=4, late=0):
    """`there`, `back`: what a packet of client and server goes in."""
    ways = (there, back or there)
    return [(late + at * 1000, ways[line[0]](packet(version, *line))) for at, line in enumerate(SCRIPT)]


def vxlan(vni):
    return lambda inner: tunnel.vxlan(vni, tunnel.framed(inner))


def gre(key):
    return lambda inner: tunnel.gre(inner, key=key)


def bridged(key):
    return lambda inner: tunnel.gre(tunnel.framed(inner), key=key, ether_type=tunnel.ETHER_TEB)


def labelled(*labels):
    return lambda inner: tunnel.mpls(labels, inner)


def wire(*labels):
    return lambda inner: tunnel.pseudowire(labels, tunnel.framed(inner))


def nested(vni):
    return lambda inner: tunnel.vxlan(vni, tunnel.in_ip(inner))


def session(number):
    return lambda inner: tunnel.pppoe(number, inner)


def is_whole(flow):
    """Nothing was taken for lost, resent or foreign."""
    sums = [(flow[side]["packets"], flow[side]["payload_bytes"], flow[side]["stream_bytes"]) for side in ("client", "server")]
    return {name: flow[name] for name in WHOLE} == WHOLE and sums == [(5, 8, 8), (3, 6, 6)]


def kinds():
    for kind, (carry, _) in tunnel.KINDS.items():
        for version in ENDS:
            flows = replay.flows(connection(carry, version=version))
            name = f"tunnels: {kind}, IPv{version}"
            report.equal(f"{name}: one flow, whole", [is_whole(flow) for flow in flows], [True])
            report.equal(f"{name}: recorded", [flow["tunnel"] for flow in flows], [tunnel.recorded(kind, version)])


APART = {
    "two VXLAN networks": (vxlan(1), vxlan(2)),
    "VXLAN network 0 and none": (vxlan(0), tunnel.framed),
    "VXLAN and Geneve of one number": (vxlan(1), lambda inner: tunnel.geneve(1, tunnel.framed(inner))),
    "two GRE keys": (gre(1), gre(2)),
    "GRE key 0 and none": (gre(0), tunnel.gre),
    "GRE and beside it": (tunnel.gre, tunnel.framed),
    "two PPPoE sessions": (session(1), session(2)),
    "IP in IP in two VXLAN networks": (nested(1), nested(2)),
    "IP in IP, in VXLAN and not": (nested(1), tunnel.in_ip),
}
TOGETHER = {
    "two labels": (labelled(16), labelled(17)),
    "a label and none": (labelled(3, 16), tunnel.framed),
    "pseudo-wires": (wire(16), wire(17)),
    "GRE keys round Ethernet": (bridged(0), bridged(0x02000000)),
    "labels round VXLAN": (lambda inner: tunnel.mpls((16,), tunnel.packet_of(vxlan(1)(inner))), vxlan(1)),
}


def identity():
    for name, (one, other) in APART.items():
        frames = sorted(connection(one) + connection(other, late=500))
        flows = replay.flows(frames)
        report.equal(f"tunnels apart: {name}", [is_whole(flow) for flow in flows], [True, True])
        both = [replay.output(sorted(connection(one) + connection(other)), "--output", "json", suffix="").stdout
                for _ in range(2)]
        tunnels = [[flow["tunnel"] for flow in replay.flows_of(text)] for text in both]
        report.equal(f"tunnels apart: {name}, the same order each time", *tunnels)
    for name, ways in TOGETHER.items():
        flows = replay.flows(connection(*ways))
        report.equal(f"tunnels together: {name}", [is_whole(flow) for flow in flows], [True])


def conn_log():
    rows = replay.rows_of(replay.output(sorted(connection(vxlan(1)) + connection(vxlan(2))), "--output", "zeek").stdout)
    report.equal("tunnels: conn.log, a line for each", [row["history"] for row in rows], ["ShADdFf"] * 2)
    report.equal("tunnels: conn.log, uids differ", len({row["uid"] for row in rows}), 2)
    report.equal("tunnels: conn.log, Community ID is of the inner pair", len({row["community_id"] for row in rows}), 1)


def icmp():
    """An error inside is evidence for the flow in the same tunnel."""
    syn = packet(4, *SCRIPT[0])
    error = hand.ipv4("192.0.2.9", ENDS[4][0], b"\x03\x01" + bytes(6) + syn[:28], protocol=1)
    for vni, outcome in ((1, "filtered"), (2, "unanswered")):
        flows = replay.flows([(0, vxlan(1)(syn)), (10, vxlan(vni)(error))])
        report.equal(f"tunnels: ICMP error in network {vni}", [flow["outcome"] for flow in flows], [outcome])


def fragments():
    """The first fragment of the outer packet has the inner headers; the segment counts whole, once."""
    data = packet(4, 0, hand.ACK, 101, 901, bytes(1000))
    whole = tunnel.packet_of(vxlan(1)(data))[20:]
    cut = 560
    outer = [tunnel.outer(part, tunnel.UDP, fragment=fragment)
             for part, fragment in ((whole[:cut], 0x2000), (whole[cut:], cut // 8))]
    after = vxlan(1)(packet(4, 0, hand.ACK, 1101, 901, bytes(10)))
    done = replay.output([(0, outer[0]), (1, outer[1]), (2, after)], "--output", "json", "--stats")
    client = replay.flows_of(done.stdout)[0]["client"]
    report.same("tunnels: outer fragments", client, {"packets": 2, "payload_bytes": 1010, "lost_segments": 0})
    ledger = next(line for line in done.stdout.splitlines() if '"type":"ledger"' in line)
    report.check("tunnels: the rest of them in the ledger", '"in_flows":2,' in ledger and '"fragments":1,' in ledger, ledger)


def filters():
    """A capture's filter sees the packets as they are."""
    frames = connection(vxlan(1))
    for expression, count in (("udp port 4789", 1), ("tcp port 80", 0), (f"host {ENDS[4][0]}", 0), (f"host {tunnel.NEAR}", 1)):
        flows = replay.flows_of(replay.output(frames, "--output", "json", expression).stdout)
        report.equal(f"tunnels: filter '{expression}'", len(flows), count)


# capture: of each flow kind and id, packets and payload of both sides
CAPTURES = {
    "doc__advanced__devel__plugins__connkey-vxlan-fivetuple-plugin-src__Traces__vxlan-overlapping-http-get": (
        "None 7 136 7 5007", "vxlan 4242 7 136 7 5007", "vxlan 4711 7 136 7 5007"),
    "erspan": ("gre 0 24 3542 8 17541", "gre 0 14 2191 8 19458", "gre 0 14 2116 7 15310", "gre 0 16 1839 7 15968",
               "gre 0 5 306 3 5794"),
    "tunnels__4in6": ("ipip None 1 0 0 0",),
    "tunnels__geneve-47101": ("geneve 4242 15 781 9 23111",),
    "tunnels__geneve-inner-tcp-bad-checksum": ("geneve 42 1 0 0 0",),
    "tunnels__geneve-many-options": ("geneve 786734 6 81 4 577",),
    "tunnels__gre-sample": ("gre None 12 952 10 1671",),
    "tunnels__tunnel-direct-bypass": ("None 10 10 0 0", "gre None 10 10 0 0"),
    "tunnels__vxlan-encapsulated-http": ("vxlan 1 7 87 5 9212",),
    "tunnels__vxlan-inner-tcp-bad-checksum": ("vxlan 42 1 0 0 0",),
}


def captures():
    for capture, want in CAPTURES.items():
        files = glob.glob(os.path.join(replay.CAPTURES, "zeek", capture + ".pcap*"))
        if not files:
            report.skip(f"tunnels: {capture}", f"not in {replay.CAPTURES}/zeek (TCPSCOPE_CAPTURES)")
            continue
        flows = replay.flows_of(replay.tcpscope("-r", files[0], "--output", "json").stdout)
        found = [" ".join([f"{flow['tunnel']['kind']} {flow['tunnel']['id']}" if flow["tunnel"] else "None"] +
                          [f"{flow[side]['packets']} {flow[side]['payload_bytes']}" for side in ("client", "server")])
                 for flow in flows]
        report.equal(f"tunnels: {capture}", sorted(found), sorted(want))


def main():
    kinds()
    identity()
    conn_log()
    icmp()
    fragments()
    filters()
    captures()


report.run(main)
