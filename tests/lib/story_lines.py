#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One line per story: what happened, and what the record says of it. story_lines.py RECORDS (NDJSON)."""

import json
import sys

import story_ports as ports

STORIES = (
    (ports.HELLO, "server sends hello, world and closes"),
    (ports.ECHO, "echo of AB, shutdown both ways"),
    (ports.CLOSED, "port where nobody listens"),
    (ports.DOWN, "host that is down"),
    (ports.DROPPED, "port that a firewall drops"),
    (ports.REJECTED, "port that a firewall rejects"),
    (ports.LAZY, "server that never accepts, client keeps sending"),
    (ports.RESET, "client that resets"),
    (ports.SCAN_OPEN, "SYN scan of an open port"),
    (ports.SCAN_CLOSED, "SYN scan of a closed port"),
    (ports.SCAN_DROPPED, "SYN scan of a filtered port"),
)


def flags_text(side):
    return " ".join(f"{count} {name}" for name, count in side["flags"].items()
                    if count and name in ("syn", "fin", "rst"))


def side_text(side):
    return f"{side['packets']} segments, {side['payload_bytes']} octets ({flags_text(side) or 'no SYN, FIN or RST'})"


def span_text(span_ns):
    return "-" if span_ns is None else f"{span_ns / 1000:.0f} us"


def flow_text(flow):
    client, server, handshake = flow["client"], flow["server"], flow["handshake"]
    text = f"{flow['outcome']} ({flow['reason']}), {flow['state']}"
    if flow["closed_by"]:
        text += f" by the {flow['closed_by']}"
    text += f"; client {side_text(client)}"
    if server["packets"]:
        text += f"; server {side_text(server)}"
    if server["packets"] and server["window_min"] == 0 and not server["flags"]["rst"]:
        text += "; the server's window fell to 0"
    if handshake and handshake["connect_ns"] is not None:
        text += f"; connected in {span_text(handshake['connect_ns'])}"
    return text


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        flows = [record for record in map(json.loads, file) if record["type"] == "flow"]
    missing = 0
    for port, story in STORIES:
        seen = [flow for flow in flows if flow["server"]["port"] == port]
        missing += not seen
        print(f"{story} (port {port}):")
        for flow in seen:
            print(f"    {flow_text(flow)}")
        if not seen:
            print("    NOT SEEN")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
