#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What people read, table and report: columns stay under their heads whatever the endpoints, names are whole, numbers and
nouns agree."""

import json
import os
import subprocess
import tempfile
import time

import hand
import replay
import report

PORTS, BACK = (49186, 50443), (50443, 49186)
IPV4 = "192.168.100.100", "192.168.200.200"
SHORT = "2001:db8::1", "2001:db8::2"
LONG = "2001:470:1f11:81f:c999:d94:aa7c:2e3e", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"
LONG_NAME = "http__261__variant-01-chunk_2pow64_overflow-and-so-on-until-it-is-long\x1b.pcap"


def story(frame, client, server):
    return [(0, frame(client, server, hand.tcp(PORTS, hand.SYN, 100, 0))),
            (10, frame(server, client, hand.tcp(BACK, hand.SYN | hand.ACK, 900, 101))),
            (20, frame(client, server, hand.tcp(PORTS, hand.ACK, 101, 901))),
            (30, frame(client, server, hand.tcp(PORTS, hand.ACK, 101, 901, b"12345"))),
            (40, frame(server, client, hand.tcp(BACK, hand.ACK, 901, 106)))]


def printed(frames, *arguments, columns="", name="capture.pcap", status=0):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, name)
        with open(path, "wb") as file:
            file.write(replay.pcap(frames))
        done = subprocess.run((replay.BINARY, "-r", path, *arguments), capture_output=True, text=True, check=False,
                              env=os.environ | {"COLUMNS": columns})
    report.equal(f"printed: {name} {' '.join(arguments)}: exit status, standard error", (done.returncode, done.stderr),
                 (status, ""))
    return done.stdout.splitlines()


def rows(lines):
    """Heads, and the lines of the one flow."""
    high = 2 if lines[1].lstrip().startswith(("->", "INTERFACE")) else 1
    total = next(number for number, line in enumerate(lines) if line.startswith("total "))
    return lines[:high], lines[high:total]


def columns_straight():
    for width in ("", "80", "100", "120", "160", "250"):
        heads, plain = rows(printed(story(replay.frame4, *IPV4), columns=width))
        rest = heads[0].index("STATE")
        for kind, ends in (("short", SHORT), ("long", LONG)):
            client, server = f"[{ends[0]}]:{PORTS[0]}", f"-> [{ends[1]}]:{PORTS[1]}"
            same, found = rows(printed(story(replay.frame6, *ends), columns=width))
            name = f"printed: {kind} IPv6 in {width or 'a pipe'}"
            report.equal(f"{name}: heads as for IPv4", same, heads)
            report.equal(f"{name}: under the heads what IPv4 has there", [line[rest:] for line in found[-len(heads):]],
                         [line[rest:] for line in plain])
            report.check(f"{name}: both endpoints whole, beginning under CLIENT", client in found[0] and
                         found[0].index(client) == heads[0].index("CLIENT") and
                         any(server in line for line in found), found)
            if kind == "long":
                wide = [line for line in found if client in line and server in line]
                report.check(f"{name}: one line for the endpoints", len(wide) == 1, found)
        report.equal(f"printed: IPv4 in {width or 'a pipe'} takes no line more", len(plain), len(heads))


def heads_by_width():
    """From 120 columns on, start and round trips are shown; on one line, more columns never show less."""
    frames, before = story(replay.frame4, *IPV4), set()
    for width in (120, 159, 160, 170, 180, 190, 200, 230):
        heads, _ = rows(printed(frames, columns=str(width)))
        report.check(f"printed: START and RTT at {width} columns", "START" in heads[0] and " RTT" in heads[0] and
                     max(map(len, heads)) <= width, heads)
        found = set(heads[0].replace("ENDED BY", "ENDED").split())
        if width >= 160:
            report.equal(f"printed: {width} columns show what fewer do", (len(heads), before - found), (1, set()))
            before = found


def names_whole():
    lines = printed(story(replay.frame4, *IPV4), name=LONG_NAME)
    report.equal("printed: the capture's name, whole and escaped", lines[-1],
                 LONG_NAME.replace("\x1b", "\\x1b") + ": 5 packets = 5 in_flows")


def syn(number, ports=PORTS, sequence=1):
    return number, replay.frame4(f"192.0.{number >> 8}.{number & 255}", IPV4[1], hand.tcp(ports, hand.SYN, sequence, 0))


def totals():
    many = printed([syn(number) for number in range(1100)])
    report.check("printed: every number of the total has its digits in groups",
                 "total 1,100 flows: 1,100 unanswered; 1,100 packets, 0 payload bytes, 0 resent" in many, many[-3:])
    one = printed([syn(1)])
    report.check("printed: a total of one", "total 1 flow: 1 unanswered; 1 packet, 0 payload bytes, 0 resent" in one, one)


def days():
    """START has the time of day alone."""
    lines = printed([syn(1), (90_000_000_000, syn(2)[1])])
    first, last = (time.strftime("%F %T", time.localtime(replay.START + seconds)) for seconds in (0, 90_000))
    report.equal("printed: of another day than today, which", [line for line in lines if line.startswith("first")],
                 [f"first segment {first}, last {last}"])
    since = int(time.time()) - replay.START
    lines = printed([(since * 1_000_000, syn(1)[1])])
    report.check("printed: of today, no date", not any("first segment" in line for line in lines), lines)


def again(frames, later):
    return [(at + later, frame) for at, frame in frames]


def reports():
    tale = story(replay.frame4, *IPV4)
    retry = printed([tale[0], *again(tale[0:1], 1_000_000), *again(tale[1:], 1_000_000)], "--report")
    report.check("printed: one retry, one connection",
                 "  1 SYN retry, 0 SYN/ACK retries; 1.00s lost to them by 1 connection that was answered" in retry, retry)
    lost = printed([syn(1), (1_000_000, syn(1)[1]), (3_000_000, syn(1)[1])], "--report")
    report.check("printed: nothing is said of the time lost by no connection", "  2 SYN retries, 0 SYN/ACK retries" in lost,
                 lost)
    answer = printed([*tale[:2], *again(tale[1:2], 100_000)], "--report")
    report.check("printed: one SYN/ACK retry", "  0 SYN retries, 1 SYN/ACK retry" in answer, answer)
    middle = printed(tale[3:], "--report")
    report.check("printed: a report without attempts says why", "1 flow had no attempt in view (midstream)" in middle, middle)
    both = printed([*again(tale[3:], 5), (50, replay.frame6(*SHORT, hand.tcp(PORTS, hand.ACK, 1, 1)))], "--report")
    report.check("printed: of two flows", "2 flows had no attempt in view (midstream)" in both, both)
    reset = (500_000, replay.frame4(*reversed(IPV4), hand.tcp(BACK, hand.RST | hand.ACK, 901, 106)))
    sent = printed([*tale, *again(tale[3:4], 400_000), reset], "--report")
    report.equal("printed: what was sent, sent again and reset", [line for line in sent if " sent " in line or "RST" in line],
                 ["  1 of the accepted ended by RST",
                  "  clients sent 4 packets with 10 octets of payload; 1 resent (25.00%)",
                  "  server sent 3 packets with 0 octets of payload"])
    seen = printed(tale, "--report")
    report.check("printed: and nothing where all were seen", not any("midstream" in line for line in seen), seen)


def verdicts():
    """For programs, also as numbers; what was not measured is null."""
    cases = (("max(connect) < 5ms", (True, "20.0us", "5.00ms", 20_000, 5_000_000)),
             ("max(connect) > 1s / 3", (False, "20.0us", "333ms", 20_000, 1e9 / 3)),
             ("refused / attempts <= 0.1%", (True, "0%", "0.1%", 0, 0.001)),
             ("service 192.0.2.9:9 p50(connect) < 1s", (False, None, None, None, None)))
    path_lines = printed(story(replay.frame4, *IPV4), "--output", "json",
                         *(word for expression, _ in cases for word in ("--assert", expression)), status=3)
    found = [record for record in map(json.loads, path_lines) if record["type"] == "assertion"]
    report.equal("printed: verdicts in JSON",
                 [tuple(verdict[name] for name in ("holds", "measured", "limit", "measured_value", "limit_value"))
                  for verdict in found], [(*want[:4], want[4] and float(f"{want[4]:.15g}")) for _, want in cases])


def main():
    columns_straight()
    heads_by_width()
    names_whole()
    totals()
    days()
    reports()
    verdicts()


report.run(main)
