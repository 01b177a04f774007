#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--ladder: two short stories as text, what the analysis finds, who is chosen, and relative numbers against tshark's."""

import os
import shutil
import struct
import subprocess

import hand
import replay
import report

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


def hello():
    """The server greets in two words and closes."""
    ports, syn = (40000, 80), MSS + SACK + NOP + NOP
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


def ladder(frames, expression):
    done = replay.output(frames, "--ladder", expression)
    if done.returncode or done.stderr:
        return f"status {done.returncode}: {done.stderr}"
    return done.stdout


def both():
    return sorted(hello() + echo(), key=lambda frame: frame[0])


def numbers(line):
    """seq, ack or 0, and len of a line of the ladder."""
    words = line.split("> seq " if "> seq " in line else "- seq ")[1].split()
    found = dict(zip(["seq"] + words[1::2], words[0::2]))
    return int(found["seq"]), int(found.get("ack", 0)), int(found["len"])


def against_tshark(name):
    """Every segment of a capture's first connection has tshark's relative numbers."""
    path = os.path.join(replay.CAPTURES, name)
    if not shutil.which("tshark") or not os.path.exists(path):
        report.skip(f"ladder: {name} against tshark", "needs tshark and the captures (TCPSCOPE_CAPTURES)")
        return
    fields = ["tcp.srcport", "tcp.seq", "tcp.ack", "tcp.len"]
    shown = subprocess.run(["tshark", "-r", path, "-Y", "tcp.stream == 0", "-T", "fields",
                            *(word for field in fields for word in ("-e", field))],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    want = [tuple(int(number) for number in line.split("\t")[1:]) for line in shown]
    port = shown[0].split("\t")[0]
    lines = replay.tcpscope("-r", path, "--ladder", f"port {port}").stdout.split("\n\n")[0].splitlines()[1:]
    report.equal(f"ladder: relative numbers of {name} are tshark's", [numbers(line) for line in lines], want)


def main():
    report.equal("ladder: hello/world", ladder(hello(), "port 80"), HELLO)
    report.equal("ladder: echo, with what was found", ladder(echo(), "port 7"), ECHO)
    report.equal("ladder: only the connection that is asked for", ladder(both(), "port 80"), HELLO)
    report.equal("ladder: all, each on its own", ladder(both(), "tcp"), ECHO + "\n" + HELLO)
    report.equal("ladder: a packet of one direction chooses both", ladder(hello(), "src host 192.0.2.1"), HELLO)
    report.equal("ladder: none", ladder(hello(), "port 81"), "")
    wrong = replay.output(hello(), "--ladder", "port and")
    report.check("ladder: a wrong filter is an error of usage", wrong.returncode == 2 and len(wrong.stderr.splitlines()) == 1,
                 wrong)
    against_tshark("zeek/http__206_example_b.pcap")


report.run(main)
