#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Long IPv6 addresses on the live screen, at several widths: shortened where numbers follow, whole among the details; and
what the details say of a connection that was not answered.

    client                                                    server
    veth0 2001:db8:1f11:81f:c999:d94:aa7c:fffe/64   <---->   veth0 ...:fffd     a listener on port 65001
      ^ tcpscope, in tmux                                    (...:fffc: nobody)
"""

import os
import re
import shutil
import socket
import time

import net
import report
from scope import BINARY
from sniff import socket_inside
from terminal import Terminal

PREFIX = "2001:db8:1f11:81f:c999:d94:aa7c:"
CLIENT, SERVER, NOBODY = (PREFIX + end for end in ("fffe", "fffd", "fffc"))
PORT = 65001
SIZES = ((80, 24), (100, 30), (120, 30), (40, 24))
STATUS = 3


def connect():
    client = socket_inside("client", socket.AF_INET6, socket.SOCK_STREAM)
    client.settimeout(net.EVENT_SECONDS)
    client.connect((SERVER, PORT))
    return client


def ask_nobody():
    """A SYN, and the end of it: the client gives up."""
    client = socket_inside("client", socket.AF_INET6, socket.SOCK_STREAM)
    client.setblocking(False)
    client.connect_ex((NOBODY, PORT))
    return client


def is_wide_as(text, columns):
    return len(text.split("\n")[0]) == columns


def has_service(text, columns):
    """Its address is shortened, its port whole, and there is a number for each column."""
    lines = text.split("\n")
    head = next((line.split() for line in lines if line.startswith("SERVICE")), [])
    row = next((line.split() for line in lines if re.match(rf"\[2001:\S*\.\.\S*d\]:{PORT} +1 ", line)), None)
    return is_wide_as(text, columns) and row and len(row) == len(head)


def check_services(terminal):
    terminal.keys("2")
    for columns, rows in SIZES:
        terminal.resize(columns, rows)
        terminal.wait(lambda text, columns=columns: has_service(text, columns), f"the service at {columns} columns")
        report.check(f"screen services at {columns}: a long address leaves the numbers, and has its port", True)
    terminal.keys("1")


def has_details(text, columns):
    """What is cut of the title is marked; both addresses are whole below."""
    title = text.split("\n")[STATUS] if text.count("\n") > STATUS else ""
    fields = text[text.find("CLIENT"):]
    return is_wide_as(text, columns) and CLIENT in fields and SERVER in fields and re.match(
        rf"\[2001:\S+\.\.\S*\]:\d+ -> \[2001:\S+\.\.\S*\]:{PORT}  ?\w+", title)


def check_details(terminal):
    for columns, rows in SIZES:
        terminal.resize(columns, rows)
        terminal.wait(lambda text, columns=columns: has_details(text, columns), f"the details at {columns} columns")
        report.check(f"screen details at {columns}: both addresses whole, the title shortened", True)


def check_fields(terminal):
    terminal.resize(120, 60)
    text = terminal.wait(lambda text: re.search(r"^end_resolution +\d+ns$", text, re.M), "fields of the flow")
    report.check("screen details: instants as people read them", re.search(
        r"^start +" + time.strftime("%Y-") + r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{9}$", text, re.M), text)
    report.check("screen details: no unit twice, no empty field", not re.search(r"_ns +-?\d", text) and
                 "handshake.attempts" not in text and not re.search(r"^vlan$", text, re.M), text)


def check_unanswered(terminal):
    terminal.keys("Escape", "/")
    terminal.type(f"dst host {NOBODY}")
    terminal.wait(lambda text: text.split("\n")[STATUS].startswith("1 shown"), "the one without an answer")
    terminal.keys("Enter")
    terminal.wait(lambda text: re.match(rf"1 shown.*{NOBODY} \(tcpdump\)", text.split("\n")[STATUS]), "the filter kept")
    terminal.keys("Enter")
    text = terminal.wait(lambda text: "handshake" in text and NOBODY in text, "its details")
    report.check("screen details: not answered", re.search(
        r"^handshake   not answered: \d+ SYNs?, no SYN/ACK$", text, re.M), text)
    report.check("screen details: no round trip of an unanswered one", "last -" not in text, text)


def main():
    if not shutil.which("tmux"):
        report.skip("screen wide", "tmux is not installed")
        return
    net.pair_make()
    net.addresses_set("client", "veth0", f"{CLIENT}/64")
    net.addresses_set("server", "veth0", f"{SERVER}/64")
    net.neighbour_set("client", "veth0", SERVER, net.mac("server", "veth0"))
    net.neighbour_set("client", "veth0", NOBODY, "02:00:00:00:00:99")
    net.neighbour_set("server", "veth0", CLIENT, net.mac("client", "veth0"))
    listener = socket_inside("server", socket.AF_INET6, socket.SOCK_STREAM)
    listener.bind((SERVER, PORT))
    listener.listen()
    terminal = Terminal("client")
    terminal.command(f"{os.path.abspath(BINARY)} -i veth0")
    terminal.wait_for("0 shown")
    client = connect()
    terminal.wait(lambda text: text.split("\n")[STATUS].startswith("1 shown"), "the connection")
    check_services(terminal)
    terminal.wait_for(" shown")
    terminal.keys("Enter")
    check_details(terminal)
    check_fields(terminal)
    nobody = ask_nobody()
    check_unanswered(terminal)
    terminal.close()
    del client, nobody


report.run(main)
