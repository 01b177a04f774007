#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--output csv: RFC 4180 as a strict reader sees it, and every column what the JSON of the same flow says. JSON is read
by Python's module, so its text is checked too."""

import csv
import glob
import io
import itertools
import os
import tempfile

import hand
import replay
import report
import tunnel

CLIENT, SERVER, PORTS, BACK = "192.0.2.1", "192.0.2.2", (40000, 80), (80, 40000)
MSS = b"\x02\x04\x05\xb4"
EDGE = "\x80\xff"  # of what is not ASCII


def client(at, flags, seq, ack, payload=b"", **named):
    return at, tunnel.vxlan(42, replay.frame4(CLIENT, SERVER, hand.tcp(PORTS, flags, seq, ack, payload, **named)))


def server(at, flags, seq, ack, payload=b"", **named):
    return at, tunnel.vxlan(42, replay.frame4(SERVER, CLIENT, hand.tcp(BACK, flags, seq, ack, payload, **named)))


ACCEPTED = (client(0, hand.SYN, 100, 0, options=MSS), server(10, hand.SYN | hand.ACK, 900, 101, options=MSS),
            client(20, hand.ACK, 101, 901), client(30, hand.ACK, 101, 901, b"12345"), server(40, hand.ACK, 901, 106))
MIDSTREAM = (50, replay.frame6("2001:db8::1", "2001:db8::2", hand.tcp((40001, 443), hand.ACK, 1, 1)))
TAGGED = (60, hand.ethernet(hand.ipv4("192.0.2.3", SERVER, hand.tcp(PORTS, hand.SYN, 5, 0)), hand.ETHER_IPV4,
                            ((0x8100, 7), (0x8100, 4094))))
REFUSED = ((70, replay.frame4("192.0.2.4", SERVER, hand.tcp(PORTS, hand.SYN, 5, 0))),
           (80, replay.frame4(SERVER, "192.0.2.4", hand.tcp(BACK, hand.RST | hand.ACK, 0, 6))))
FLOWS = (*ACCEPTED, MIDSTREAM, TAGGED, *REFUSED)


def read(text):
    """Header and rows, by a reader that takes no liberties; every line ended by CR LF."""
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    return text.count("\n") == text.count("\r\n"), rows[0], rows[1:]


def cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(":".join(cell(part) for part in item.values()) if isinstance(item, dict) else cell(item)
                        for item in value)
    return str(value)


def flatten(value, prefix=""):
    """Columns of a record that is known; a null object gives none."""
    columns = {}
    for name, part in value.items():
        if isinstance(part, dict):
            columns |= flatten(part, prefix + name + ".")
        else:
            columns[prefix + name] = cell(part)
    return columns


def differences(header, rows, flows):
    """Each row against its flow: what is told of it, and nothing told where it says null."""
    found = []
    for row, flow in itertools.zip_longest(rows, flows, fillvalue={}):
        want = flatten(flow)
        nothing = [name for name, text in want.items() if not text]
        told = dict(zip(header, row))
        for name in header:
            inside = [null for null in nothing if name.startswith(null + ".")]
            if len(row) != len(header) or (name not in want and not inside) or told[name] != want.get(name, ""):
                found.append((name, told.get(name), want.get(name)))
        found += [name for name in want if name not in told and not any(column.startswith(name + ".") for column in header)]
    return found


def both(*arguments):
    as_json, as_csv = (replay.tcpscope_exact(*arguments, "--output", form) for form in ("json", "csv"))
    return replay.flows_of(as_json), as_csv


def by_hand():
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap(FLOWS))
        file.flush()
        flows, text = both("-r", file.name)
        quiet = replay.tcpscope("-r", file.name, "--output", "csv")
        loud = replay.tcpscope("-r", file.name, "--output", "csv", "--stats")
    ended, header, rows = read(text)
    report.check("csv: lines end with CR LF", ended, text[:200])
    report.equal("csv: a row for each flow", len(rows), 4)
    report.equal("csv: every column as in the JSON", differences(header, rows, flows), [])
    full = next(flow for flow in flows if flow["handshake"] and flow["rtt"]["server"] and flow["rtt"]["client"])
    report.equal("csv: columns in the order of the JSON", header, list(flatten(full)))
    told = [dict(zip(header, row)) for row in rows]
    report.equal("csv: tunnel", sorted((row["tunnel.kind"], row["tunnel.id"]) for row in told),
                 [("", ""), ("", ""), ("", ""), ("vxlan", "42")])
    report.equal("csv: list of numbers", sorted(row["vlan"] for row in told), ["", "", "", "7 4094"])
    report.check("csv: list of objects", f"syn:{replay.START}000000000 synack:{replay.START}000010000" in
                 [row["handshake.attempts"] for row in told], told)
    report.equal("csv: nothing on stderr", quiet.stderr, "")
    report.equal("csv: --stats leaves the file alone", loud.stdout, quiet.stdout)
    report.check("csv: --stats puts the ledger on stderr", ": seen 9, in_flows 9," in loud.stderr, loud.stderr)
    report.equal("csv: no flows, the header alone", read(replay.output((), "--output", "csv").stdout)[1:], (header, []))


# What the name of a capture may hold.
NAMES = ("plain", "a,b", 'say "when"', "two\nlines", "a\\b", "tab\tbell\a", "\x1b[31mred", "\x7fdel" + EDGE, " ")


def names():
    with tempfile.TemporaryDirectory() as directory:
        for name in NAMES:
            path = os.path.join(os.fsencode(directory), name.encode("latin-1"))
            with open(path, "wb") as file:
                file.write(replay.pcap((ACCEPTED[0],)))
            flows, text = both("-r", path)
            told = "".join("\ufffd" if "\x7f" <= octet < "\xa0" else octet for octet in name)
            report.equal(f"json: capture's name {name!r}", flows[0]["interface"], told)
            escaped = "".join(octet if " " <= octet < "\x7f" and octet != "\\" else f"\\x{ord(octet):02x}" for octet in name)
            _, header, rows = read(text)
            report.equal(f"csv: capture's name {name!r}", [dict(zip(header, row))["interface"] for row in rows], [escaped])


def captures():
    files = sorted(glob.glob(os.path.join(replay.CAPTURES, "zeek", "*")))
    if not files:
        report.skip("csv: captures", f"none in {replay.CAPTURES}/zeek (TCPSCOPE_CAPTURES)")
        return
    count, wrong = 0, []
    for file in files:
        flows, text = both("-r", file)
        ended, header, rows = read(text)
        count += len(rows)
        wrong += [(file, difference) for difference in differences(header, rows, flows)]
        if not ended:
            wrong.append((file, "line ends"))
    report.equal(f"csv: {len(files)} captures, {count} flows as in the JSON", wrong, [])


def main():
    by_hand()
    names()
    captures()


report.run(main)
