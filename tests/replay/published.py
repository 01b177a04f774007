#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""conn.log against the logs that Zeek's own test suite publishes for its captures. The captures are looked for in
TCPSCOPE_CAPTURES/zeek; what is wanted here was read from those logs."""

import glob
import os

import replay
import report

COLUMNS = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "duration", "orig_bytes", "resp_bytes", "conn_state",
           "missed_bytes", "history", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes")

LOGS = {
    "tcp__miss_end_data": ("192.168.122.230 60648 77.238.160.184 80 10.048360 538 2902 SF 2902 ShADafgF 5 750 4 172",),
    "tcp__missing-syn": ("141.42.64.125 56730 125.190.109.199 80 1.550793 98 9417 SF 0 ^hADdFaf 11 670 10 9945",),
    "tls__irc-starttls": ("203.143.168.47 55123 185.18.76.170 6667 4.923144 913 1903 SF 0 ShADadFRf 11 1469 9 2379",),
    "tls__pop3-starttls": ("192.168.4.149 54775 192.168.4.149 110 2.489002 851 2590 SF 0 ShAadDfFr 16 1695 17 3462",),
    "tls__xmpp-starttls": (
        "198.128.203.95 56048 146.255.57.229 5222 2.213218 676 4678 SF 0 ShADadfFr 19 1676 15 5442",),
    "mysql__tls-12-amazon-rds": (
        "82.239.87.25 58132 79.107.90.25 3306 2.043921 724 3255 SF 0 ShAdDaFf 14 1460 11 3835",),
    "ldap__ldap-starttls": ("127.0.0.1 45936 127.0.1.1 389 0.016922 683 3002 RSTO 0 ShADadFR 14 1407 14 3738",),
    "http__connect-with-smtp": (
        "79.26.245.236 3378 254.228.86.79 8240 6.722274 1685 223 SF 0 ShADadtTfF 14 2257 16 944",),
    "mixed-vlan-mpls": (
        "10.1.2.1 11001 10.34.0.1 23 2.102560 26 0 SH 0 SADF 11 470 0 0",
        "141.42.64.125 56730 125.190.109.199 80 1.733303 98 9417 SF 0 ShADdFaf 12 730 10 9945",
        "10.20.80.1 50343 10.0.0.15 80 0.004152 9 3429 SF 0 ShADadfF 7 381 7 3801"),
}

# Of these Zeek publishes history and conn_state only.
STATES = {
    "tcp__single-rst": ("R", "OTH"),
    "tcp__syn-then-rst": ("SR", "RSTOS0"),
    "tcp__syn-then-ack-then-rst": ("SaR", "RSTOS0"),
    "tcp__syn-then-stuff-then-rst": ("SaFR", "OTH"),
}


def rows(capture):
    """None if the capture is not there."""
    files = glob.glob(os.path.join(replay.CAPTURES, "zeek", capture + ".pcap*"))
    return replay.rows_of(replay.tcpscope("-r", files[0], "--output", "zeek").stdout) if files else None


def compare(name, capture, columns, want):
    found = rows(capture)
    if found is None:
        report.skip(name, f"{capture} is not in {replay.CAPTURES}/zeek (TCPSCOPE_CAPTURES)")
        return
    report.equal(name, sorted(" ".join(row[column] for column in columns) for row in found), sorted(want))


def main():
    for capture, want in LOGS.items():
        compare(f"published: {capture}", capture, COLUMNS, want)
    for capture, want in STATES.items():
        compare(f"published: {capture}", capture, ("history", "conn_state"), (" ".join(want),))


report.run(main)
