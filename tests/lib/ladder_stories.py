# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Short connections made by hand, each with the ladder it is to give: frames at microseconds, and text."""

import struct

import hand
import replay

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
MSS, SCALE, SACK, NOP = b"\x02\x04\x05\xb4", b"\x03\x03\x07", b"\x04\x02", b"\x01"
SYN, ACK, PSH, FIN = hand.SYN, hand.ACK, hand.PSH, hand.FIN
C, S = 0, 1  # who sends
ISN = (4_294_967_290, 7000)  # the client's numbers wrap

HELLO = """\
192.0.2.1:40000 -> 192.0.2.2:80, from 2023-11-14 22:13:20.000100 UTC
    0.000000 ----------- SYN ------------> seq 0 len 0 win 64240 mss 1460 sack-permitted
    0.000050 <--------- SYN, ACK --------- seq 0 ack 1 len 0 win 65160 mss 1460 sack-permitted
    0.000080 ----------- ACK ------------> seq 1 ack 1 len 0 win 64240
    0.001000 <--------- PSH, ACK --------- seq 1 ack 1 len 5 win 65160
    0.001040 ----------- ACK ------------> seq 1 ack 6 len 0 win 64240
    0.002000 <--------- PSH, ACK --------- seq 6 ack 1 len 5 win 65160
    0.002040 ----------- ACK ------------> seq 1 ack 11 len 0 win 64240
    0.002100 <--------- FIN, ACK --------- seq 11 ack 1 len 0 win 65160
    0.002200 --------- FIN, ACK ---------> seq 1 ack 12 len 0 win 64240
    0.002240 <----------- ACK ------------ seq 12 ack 2 len 0 win 65160
"""

ECHO = """\
192.0.2.1:40001 -> 192.0.2.2:7, from 2023-11-14 22:13:20.000000 UTC
    0.000000 ----------- SYN ------------> seq 0 len 0 win 64240 mss 1460 wscale 7 ts 100/0
    0.000040 <--------- SYN, ACK --------- seq 0 ack 1 len 0 win 65160 mss 1460 wscale 7 ts 900/100
    0.000070 ----------- ACK ------------> seq 1 ack 1 len 0 win 64256 ts 101/900
    0.000100 --------- PSH, ACK ---------> seq 1 ack 1 len 2 win 64256 ts 101/900
    0.300100 --------- PSH, ACK ---------> seq 1 ack 1 len 2 win 64256 ts 401/900  [retransmission]
    0.300140 <----------- ACK ------------ seq 1 ack 3 len 0 win 65152 ts 1200/401
    0.300200 <--------- PSH, ACK --------- seq 1 ack 3 len 2 win 65152 ts 1200/401
    0.300240 ----------- ACK ------------> seq 3 ack 3 len 0 win 64256 ts 402/1200
    1.000000 ----------- ACK ------------> seq 3 ack 3 len 0 win 65536 ts 1101/1200  [window update]
   46.000000 ----------- ACK ------------> seq 2 ack 3 len 0 win 65536 ts 46101/1200  [keep-alive]
   46.000040 <----------- ACK ------------ seq 3 ack 3 len 0 win 65152 ts 46900/46101  [keep-alive ACK]
   46.100000 ----------- RST ------------> seq 3 len 0 win 0
"""


def segment(at, who, ports, flags, seq, ack, payload=b"", options=b"", window=None):
    """Numbers relative to ISN."""
    windows = (64240, 65160)
    ends = (CLIENT, SERVER) if who == C else (SERVER, CLIENT)
    tcp = hand.tcp(ports if who == C else ports[::-1], flags, (ISN[who] + seq) % 2**32,
                   (ISN[1 - who] + ack) % 2**32 if flags & ACK else 0, payload, options,
                   windows[who] if window is None else window)
    return at, replay.frame4(*ends, tcp)


def hello(client_port=40000):
    """The server greets in two words and closes."""
    ports, syn = (client_port, 80), MSS + SACK + NOP + NOP
    steps = [(100, C, SYN, 0, 0, b"", syn), (150, S, SYN | ACK, 0, 1, b"", syn), (180, C, ACK, 1, 1),
             (1100, S, PSH | ACK, 1, 1, b"hello"), (1140, C, ACK, 1, 6), (2100, S, PSH | ACK, 6, 1, b"world"),
             (2140, C, ACK, 1, 11), (2200, S, FIN | ACK, 11, 1), (2300, C, FIN | ACK, 1, 12), (2340, S, ACK, 12, 2)]
    return [segment(at, who, ports, *rest) for at, who, *rest in steps]


def stamp(value, echo):
    return NOP + NOP + struct.pack("!BBII", 8, 10, value, echo)


def echo():
    """Two octets there and back, the first time lost on the way; then silence, and the client goes."""
    ports = (40001, 7)
    steps = [(0, C, SYN, 0, 0, b"", MSS + SCALE + NOP + stamp(100, 0), 64240),
             (40, S, SYN | ACK, 0, 1, b"", MSS + SCALE + NOP + stamp(900, 100), 65160),
             (70, C, ACK, 1, 1, b"", stamp(101, 900), 502), (100, C, PSH | ACK, 1, 1, b"hi", stamp(101, 900), 502),
             (300100, C, PSH | ACK, 1, 1, b"hi", stamp(401, 900), 502),
             (300140, S, ACK, 1, 3, b"", stamp(1200, 401), 509),
             (300200, S, PSH | ACK, 1, 3, b"hi", stamp(1200, 401), 509),
             (300240, C, ACK, 3, 3, b"", stamp(402, 1200), 502), (1000000, C, ACK, 3, 3, b"", stamp(1101, 1200), 512),
             (46000000, C, ACK, 2, 3, b"", stamp(46101, 1200), 512),
             (46000040, S, ACK, 3, 3, b"", stamp(46900, 46101), 509), (46100000, C, hand.RST, 3, 0, b"", b"", 0)]
    return [segment(at, who, ports, *rest) for at, who, *rest in steps]


TROUBLE = """\
192.0.2.1:40002 -> 192.0.2.2:9, from 2023-11-14 22:13:20.000000 UTC
    0.000000 ----------- SYN ------------> seq 0 len 0 win 8192 mss 1460 wscale 7
    0.001000 <--------- SYN, ACK --------- seq 0 ack 1 len 0 win 100 mss 1460 wscale 7
    0.002000 ----------- ACK ------------> seq 1 ack 1 len 0 win 12800
    0.003000 ----------- ACK ------------> seq 1 ack 1 len 10 win 12800
    0.004000 ----------- ACK ------------> seq 21 ack 1 len 10 win 12800  [segment before it lost]
    0.004100 <----------- ACK ------------ seq 1 ack 11 len 0 win 12800
    0.004200 <----------- ACK ------------ seq 1 ack 11 len 0 win 12800  [duplicate ACK]
    0.004300 <----------- ACK ------------ seq 1 ack 11 len 0 win 12800  [duplicate ACK]
    0.005000 ----------- ACK ------------> seq 11 ack 1 len 10 win 12800  [fast retransmission]
    0.005100 <----------- ACK ------------ seq 1 ack 31 len 0 win 12800
    0.006000 ----------- ACK ------------> seq 21 ack 1 len 10 win 12800  [spurious retransmission]
    0.010000 ----------- ACK ------------> seq 41 ack 1 len 10 win 12800  [segment before it lost]
    0.010100 ----------- ACK ------------> seq 31 ack 1 len 10 win 12800  [out of order]
    0.010200 <----------- ACK ------------ seq 1 ack 41 len 0 win 12800
    0.400000 ----------- ACK ------------> seq 41 ack 1 len 10 win 12800  [retransmission]
    0.450000 <----------- ACK ------------ seq 1 ack 61 len 0 win 12800  [acknowledges what was not seen]
    0.500000 <----------- ACK ------------ seq 1 ack 61 len 0 win 128  [window update]
    0.500100 --------- PSH, ACK ---------> seq 61 ack 1 len 128 win 12800  [segment before it lost, window full]
    0.500200 <----------- ACK ------------ seq 1 ack 189 len 0 win 0  [acknowledges what was not seen, zero window]
    0.700000 ----------- ACK ------------> seq 189 ack 1 len 1 win 12800  [zero window probe]
    0.700100 <----------- ACK ------------ seq 1 ack 189 len 0 win 0  [zero window]
    0.800000 <----------- ACK ------------ seq 1 ack 189 len 0 win 12800  [window update]
    0.900000 ----------- ACK ------------> seq 188 ack 1 len 0 win 12800  [keep-alive]
    0.900100 <----------- ACK ------------ seq 1 ack 189 len 0 win 12800  [keep-alive ACK]
"""

MARKS = ("retransmission", "fast retransmission", "spurious retransmission", "out of order", "duplicate ACK",
         "segment before it lost", "acknowledges what was not seen", "zero window", "zero window probe", "window update",
         "window full", "keep-alive", "keep-alive ACK")


def trouble():
    """Octets lost, doubled and late; windows that close, fill and open again."""
    ports, wide = (40002, 9), MSS + SCALE + NOP
    steps = [(0, C, SYN, 0, 0, b"", wide, 8192), (1000, S, SYN | ACK, 0, 1, b"", wide, 100),
             (2000, C, ACK, 1, 1, b"", b"", 100),
             (3000, C, ACK, 1, 1, b"a" * 10, b"", 100),  # then 10 octets that are lost
             (4000, C, ACK, 21, 1, b"c" * 10, b"", 100),
             (4100, S, ACK, 1, 11, b"", b"", 100),
             (4200, S, ACK, 1, 11, b"", b"", 100),
             (4300, S, ACK, 1, 11, b"", b"", 100),
             (5000, C, ACK, 11, 1, b"b" * 10, b"", 100),
             (5100, S, ACK, 1, 31, b"", b"", 100),
             (6000, C, ACK, 21, 1, b"c" * 10, b"", 100),
             (10000, C, ACK, 41, 1, b"e" * 10, b"", 100),
             (10100, C, ACK, 31, 1, b"d" * 10, b"", 100),
             (10200, S, ACK, 1, 41, b"", b"", 100),
             (400000, C, ACK, 41, 1, b"e" * 10, b"", 100),  # and again two words at once, one of them lost
             (450000, S, ACK, 1, 61, b"", b"", 100),
             (500000, S, ACK, 1, 61, b"", b"", 1),
             (500100, C, PSH | ACK, 61, 1, b"f" * 128, b"", 100),
             (500200, S, ACK, 1, 189, b"", b"", 0),
             (700000, C, ACK, 189, 1, b"g", b"", 100),
             (700100, S, ACK, 1, 189, b"", b"", 0),
             (800000, S, ACK, 1, 189, b"", b"", 100),
             (900000, C, ACK, 188, 1, b"", b"", 100),
             (900100, S, ACK, 1, 189, b"", b"", 100)]
    return [segment(at, who, ports, *rest) for at, who, *rest in steps]
