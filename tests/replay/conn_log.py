#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--output zeek: header and end, columns and their types, values, what is unset, and that it agrees with the JSON."""

import re

import hand
import replay
import report

CLIENT, SERVER, PORTS, BACK = "192.0.2.1", "192.0.2.2", (40000, 80), (80, 40000)
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::2"

# Zeek 5's conn.log, and community_id of its policy script of that name.
TYPES = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port", "id.resp_h": "addr", "id.resp_p": "port",
    "proto": "enum", "service": "string", "duration": "interval", "orig_bytes": "count", "resp_bytes": "count",
    "conn_state": "string", "local_orig": "bool", "local_resp": "bool", "missed_bytes": "count", "history": "string",
    "orig_pkts": "count", "orig_ip_bytes": "count", "resp_pkts": "count", "resp_ip_bytes": "count",
    "tunnel_parents": "set[string]", "community_id": "string",
}


def client(at, flags, seq, ack, payload=b""):
    return at, replay.frame4(CLIENT, SERVER, hand.tcp(PORTS, flags, seq, ack, payload))


def server(at, flags, seq, ack, payload=b""):
    return at, replay.frame4(SERVER, CLIENT, hand.tcp(BACK, flags, seq, ack, payload))


# A request of 5 octets, of which the answer of 30 lacks 10 in the capture; closed in four steps.
CONNECTION = (
    client(0, hand.SYN, 100, 0), server(10, hand.SYN | hand.ACK, 900, 101), client(20, hand.ACK, 101, 901),
    client(30, hand.PSH | hand.ACK, 101, 901, b"12345"), server(40, hand.ACK, 901, 106),
    server(50, hand.ACK, 901, 106, b"0123456789"), server(60, hand.ACK, 921, 106, b"0123456789"),
    client(70, hand.ACK, 106, 931), client(80, hand.FIN | hand.ACK, 106, 931), server(90, hand.FIN | hand.ACK, 931, 107),
    client(5_000_000, hand.ACK, 107, 932),
)
ATTEMPT = (0, replay.frame6(CLIENT6, SERVER6, hand.tcp((40001, 443), hand.SYN, 1, 0)))


def header(lines):
    stamp = r"\t\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
    start = ("#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", "#path\tconn")
    report.equal("conn.log: first lines", tuple(lines[:5]), start)
    report.check("conn.log: when it began", re.fullmatch("#open" + stamp, lines[5]), lines[5])
    report.equal("conn.log: columns", lines[6].split("\t"), ["#fields", *TYPES])
    report.equal("conn.log: types", lines[7].split("\t"), ["#types", *TYPES.values()])
    report.check("conn.log: when it ended", re.fullmatch("#close" + stamp, lines[-2]) and not lines[-1], lines[-2:])


def values(row):
    want = {
        "ts": f"{replay.START}.000000", "id.orig_h": CLIENT, "id.orig_p": "40000", "id.resp_h": SERVER, "id.resp_p": "80",
        "proto": "tcp", "service": "-", "duration": "0.000090", "orig_bytes": "5", "resp_bytes": "30",
        "conn_state": "SF", "local_orig": "-", "local_resp": "-", "missed_bytes": "10", "history": "ShADadgFf",
        "orig_pkts": "6", "orig_ip_bytes": "245", "resp_pkts": "5", "resp_ip_bytes": "220", "tunnel_parents": "-",
    }
    report.same("conn.log: a connection", row, want)
    report.check("conn.log: uid", re.fullmatch("C[0-9A-Za-z]{17}", row["uid"]), row["uid"])


def main():
    frames = [*CONNECTION[:-1], (CONNECTION[-1][0] - 1, ATTEMPT[1]), CONNECTION[-1]]
    run = replay.output(frames, "--output", "zeek")
    rows = replay.rows_of(run.stdout)
    header(run.stdout.split("\n"))
    report.equal("conn.log: nothing on standard error, status 0", (run.stderr, run.returncode), ("", 0))
    values(rows[0])
    report.same("conn.log: one SYN lasts no time", rows[1],
                {"id.orig_h": CLIENT6, "id.resp_p": "443", "duration": "-", "orig_bytes": "-", "resp_bytes": "-",
                 "conn_state": "S0", "history": "S", "resp_pkts": "0"})
    report.check("conn.log: another flow, another uid", rows[0]["uid"] != rows[1]["uid"])
    again = replay.output([client(0, hand.SYN, 100, 0), client(3_000_000, hand.SYN, 100, 0)], "--output", "zeek")
    report.same("conn.log: what lasts and got no answer sent 0 octets", replay.rows_of(again.stdout)[0],
                {"duration": "3.000000", "orig_bytes": "0", "resp_bytes": "0", "conn_state": "S0"})
    records = replay.flows(frames)
    report.equal("conn.log: the JSON record has the same", [
        (record["zeek"]["conn_state"], record["zeek"]["history"], str(record["zeek"]["missed_bytes"]),
         record["community_id"]) for record in records
    ], [tuple(row[name] for name in ("conn_state", "history", "missed_bytes", "community_id")) for row in rows])
    stats = replay.output(frames, "--output", "zeek", "--stats")
    report.equal("conn.log: --stats leaves it as it is", replay.rows_of(stats.stdout)[0]["history"], "ShADadgFf")
    report.check("conn.log: --stats tells on standard error", "in_flows 12" in stats.stderr, stats.stderr)
    named = replay.output(frames, "--output", "zeek", "--stats", suffix="\x1b[2J.pcap").stderr
    report.check("conn.log: the name of a capture commands no terminal", "\\x1b[2J.pcap: seen" in named, repr(named))
    empty = replay.output([], "--output", "zeek").stdout.split("\n")
    report.equal("conn.log: of no flows, header and end", [line[:5] for line in empty[5:]],
                 ["#open", "#fiel", "#type", "#clos", ""])


report.run(main)
