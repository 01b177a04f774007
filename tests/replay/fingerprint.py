#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The p0f object: the line of a SYN or SYN/ACK, worked out by hand from section 5 of p0f's README."""

import struct

import hand
import replay
import report

CLIENT4, SERVER4, CLIENT6, SERVER6 = "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"
PORTS = (40000, 80)
DF, MUST_BE_ZERO = 0x4000, 0x8000
URG, ECE, CWR = 32, 64, 128
MSS, SACK_OK, NOP, END, SCALE = struct.pack("!BBH", 2, 4, 1460), b"\x04\x02", b"\x01", b"\0", b"\x03\x03\x07"


def stamps(value, echo):
    return struct.pack("!BBII", 8, 10, value, echo)


LINUX = MSS + SACK_OK + stamps(7, 0) + NOP + SCALE
WINDOWS = MSS + NOP + b"\x03\x03\x08" + NOP + NOP + SACK_OK

# name, TCP header (arguments of hand.tcp after seq and ack), IPv4 header (arguments of hand.ipv4), line
SYNS = (
    ("Linux", {"options": LINUX, "window": 64240}, {"fragment": DF}, "4:64+0:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0"),
    ("Windows, 12 hops away", {"options": WINDOWS, "window": 64240}, {"fragment": DF, "ttl": 116},
     "4:116+12:0:1460:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0"),
    ("no options", {"window": 1024}, {"ttl": 40}, "4:40+24:0:0:1024,0:::0"),
    ("a TTL that tells no distance", {}, {"ttl": 200}, "4:200+?:0:0:8192,0:::0"),
    ("a TTL of 255", {}, {"ttl": 250}, "4:250+5:0:0:8192,0:::0"),
    ("window: what timestamps leave of the MSS", {"options": LINUX, "window": 14480}, {"fragment": DF},
     "4:64+0:0:1460:mss*10,7:mss,sok,ts,nop,ws:df,id+:0"),
    ("window: the MTU", {"options": MSS, "window": 6000}, {}, "4:64+0:0:1460:mtu*4,0:mss::0"),
    ("window: no multiple", {"options": MSS, "window": 8192}, {}, "4:64+0:0:1460:8192,0:mss::0"),
    ("IPv4 options", {}, {"options": NOP * 8}, "4:64+0:8:0:8192,0:::0"),
    ("df without id", {}, {"fragment": DF, "identification": 0}, "4:64+0:0:0:8192,0::df:0"),
    ("id-", {}, {"identification": 0}, "4:64+0:0:0:8192,0::id-:0"),
    ("ecn in the IP header", {}, {"tos": 2}, "4:64+0:0:0:8192,0::ecn:0"),
    ("ecn in the flags", {"more": ECE | CWR}, {}, "4:64+0:0:0:8192,0::ecn:0"),
    ("0+ in the IP header", {}, {"fragment": MUST_BE_ZERO}, "4:64+0:0:0:8192,0::0+:0"),
    ("0+ in the TCP header", {"reserved": 2}, {}, "4:64+0:0:0:8192,0::0+:0"),
    ("seq-", {"seq": 0}, {}, "4:64+0:0:0:8192,0::seq-:0"),
    ("ack+", {"ack": 5}, {}, "4:64+0:0:0:8192,0::ack+:0"),
    ("uptr+", {"urgent": 5}, {}, "4:64+0:0:0:8192,0::uptr+:0"),
    ("urgf+", {"urgent": 5, "more": URG}, {}, "4:64+0:0:0:8192,0::urgf+:0"),
    ("pushf+", {"more": hand.PSH}, {}, "4:64+0:0:0:8192,0::pushf+:0"),
    ("ts1-", {"options": stamps(0, 0) + NOP * 2}, {}, "4:64+0:0:0:8192,0:ts,nop,nop:ts1-:0"),
    ("ts2+", {"options": NOP * 2 + stamps(1, 9)}, {}, "4:64+0:0:0:8192,0:nop,nop,ts:ts2+:0"),
    ("end of options", {"options": MSS + END * 4}, {}, "4:64+0:0:1460:8192,0:mss,eol+3::0"),
    ("opt+", {"options": MSS + END + b"\0\0\7"}, {}, "4:64+0:0:1460:8192,0:mss,eol+3:opt+:0"),
    ("exws", {"options": b"\x03\x03\x0f" + NOP}, {}, "4:64+0:0:0:8192,15:ws,nop:exws:0"),
    ("sack", {"options": b"\x05\x0a" + bytes(8) + NOP * 2}, {}, "4:64+0:0:0:8192,0:sack,nop,nop::0"),
    ("kinds that p0f has no name for", {"options": b"\x1e\x04ab\x22\x02" + NOP * 2}, {},
     "4:64+0:0:0:8192,0:?30,?34,nop,nop::0"),
    ("bad: a length of 0", {"options": NOP + b"\x02\x00\x05"}, {}, "4:64+0:0:0:8192,0:nop,mss:bad:0"),
    ("bad: beyond the header", {"options": b"\x1e\x09ab"}, {}, "4:64+0:0:0:8192,0:?30:bad:0"),
    ("bad: no length", {"options": NOP * 3 + b"\x02"}, {}, "4:64+0:0:0:8192,0:nop,nop,nop,mss:bad:0"),
    ("bad: not the kind's length", {"options": b"\x02\x05\x05\xb4\0" + NOP * 3}, {},
     "4:64+0:0:0:8192,0:mss,nop,nop,nop:bad:0"),
    ("payload", {"payload": b"GET"}, {}, "4:64+0:0:0:8192,0:::+"),
    ("more options than there is room for", {"options": NOP * 20}, {}, None),
)


def syn(tcp, ip):
    arguments = {name: value for name, value in tcp.items() if name not in ("seq", "ack", "more")}
    return hand.tcp(PORTS, hand.SYN | tcp.get("more", 0), tcp.get("seq", 100), tcp.get("ack", 0), **arguments), ip


def lines(frames):
    return replay.flows(frames)[0]["p0f"]


def answers():
    ports = PORTS[::-1]
    frames = [(0, replay.frame4(CLIENT4, SERVER4, hand.tcp(PORTS, hand.SYN, 100, 0, options=LINUX, window=64240)))]
    frames.append((9, replay.frame4(SERVER4, CLIENT4, hand.tcp(ports, hand.SYN | hand.ACK, 900, 101, window=65160,
                                    options=MSS + SACK_OK + stamps(3, 7) + NOP + SCALE), fragment=DF, identification=0)))
    report.equal("p0f: SYN and SYN/ACK", lines(frames), {
        "client": "4:64+0:0:1460:mss*44,7:mss,sok,ts,nop,ws::0",
        "server": "4:64+0:0:1460:mss*45,7:mss,sok,ts,nop,ws:df:0"})
    frames = [(0, replay.frame4(SERVER4, CLIENT4, hand.tcp(ports, hand.SYN | hand.ACK, 900, 0)))]
    report.equal("p0f: ack-", lines(frames), {"client": None, "server": "4:64+0:0:0:8192,0::ack-:0"})
    frames = [(0, replay.frame4(SERVER4, CLIENT4, hand.tcp(ports, hand.ACK, 900, 1)))]
    report.equal("p0f: midstream", lines(frames), {"client": None, "server": None})


def truncated():
    frame = replay.frame4(CLIENT4, SERVER4, hand.tcp(PORTS, hand.SYN, 100, 0, options=MSS + END + b"\0\0\7"))
    lengths = {len(frame) - 1: None, len(frame) - 4: None, len(frame) - 8: None}
    for length, want in lengths.items():
        report.equal(f"p0f: {length} of {len(frame)} octets captured", lines([(0, frame, length)])["client"], want)


def main():
    for name, tcp, ip, want in SYNS:
        segment, header = syn(tcp, ip)
        report.equal(f"p0f: {name}", lines([(0, replay.frame4(CLIENT4, SERVER4, segment, **header))])["client"], want)
    segment = hand.tcp(PORTS, hand.SYN, 100, 0, options=MSS, window=4560)
    report.equal("p0f: IPv6 with a flow label",
                 lines([(0, replay.frame6(CLIENT6, SERVER6, segment, label=5, hops=61))])["client"],
                 "6:61+3:0:1460:mtu*3,0:mss:flow:0")
    padding = struct.pack("!BBBB4x", 6, 0, 1, 4)
    report.equal("p0f: IPv6 with an extension header",
                 lines([(0, replay.frame6(CLIENT6, SERVER6, padding + segment, following=0))])["client"],
                 "6:64+0:8:1460:mtu*3,0:mss::0")
    answers()
    truncated()


report.run(main)
