#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--resolve on the live screen: flows, details, services and the filter by names; what is long is cut.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24, 192.0.2.3     a listener on port 7000
      ^ tcpscope, in tmux; the name server
"""

import os
import re
import shutil
import socket

import net
import report
from name_server import network_make
from scope import BINARY, processes
from sniff import socket_inside
from terminal import Terminal

PORT = 7000
LONG = "server-with-a-rather-long-name.somewhere-in-a-rack.example.org"


def connect(address):
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(net.EVENT_SECONDS)
    client.connect((address, PORT))
    return client


def status_line(text):
    return text.split("\n")[3]


def check_flows(terminal, server):
    clients = [connect("192.0.2.2"), connect("192.0.2.3")]
    ends = [f"client.example.org:{client.getsockname()[1]}" for client in clients]
    terminal.wait_for(*ends, f"short.example.org:{PORT}", f":{PORT}")
    terminal.wait(lambda text: re.search(rf"server-with-a\S*\.\.\S+:{PORT} ", text), "a long name, cut in the middle")
    report.check("screen names: flows", True)
    report.equal("screen names: each address is asked for once", len(server.asked), 3)
    terminal.keys("/")
    terminal.type("server-with")
    text = terminal.wait(lambda text: status_line(text).startswith("1 shown"), "the filter, by name")
    report.check("screen names: a filter of plain text finds names", ends[1] in text and ends[0] not in text, text)
    terminal.keys("Enter")
    terminal.resize(250, 24)
    terminal.keys("Enter")
    text = terminal.wait_for("handshake", "attempts")
    title = status_line(text)
    report.check("screen names: title of the details", re.match(
        rf"client\.example\.org:\d+ -> {re.escape(LONG)}:{PORT}  accepted, established  on veth0$", title), title)
    report.check("screen names: the details have the addresses, too",
                 re.search(r"^ip +192\.0\.2\.1 +192\.0\.2\.3$", text, re.M), text)
    terminal.keys("Escape", "Escape")
    terminal.wait(lambda text: status_line(text).startswith("2 shown"), "the filter given up")
    return clients


def check_services(terminal):
    terminal.keys("2")
    terminal.resize(132, 30)
    terminal.wait(lambda text: re.search(rf"^short\.example\.org:{PORT} +1 ", text, re.M) and
                  re.search(rf"^server-w\S*\.\.\S+:{PORT} +1 ", text, re.M) and
                  re.search(r"^client\.example\.org:\d+ connect ", text, re.M), "services and the slowest by name")
    report.check("screen names: services", True)
    terminal.keys("Down")
    terminal.keys("Enter")
    terminal.wait(lambda text: re.match(r"\S+example\.org:7000  connect  server  client$", status_line(text)),
                  "the histogram of a service by name")
    report.check("screen names: histogram", True)
    terminal.keys("1")


def main():
    if not shutil.which("tmux"):
        report.skip("screen names", "tmux is not installed")
        return
    server, listener = network_make(PORT)
    server.name("192.0.2.1", b"client", b"example", b"org")
    server.name("192.0.2.2", b"short", b"example", b"org")
    server.name("192.0.2.3", *(label.encode() for label in LONG.split(".")))
    terminal = Terminal("client", columns=120)
    terminal.command(f"{os.path.abspath(BINARY)} -i veth0 --resolve")
    terminal.wait_for("0 shown")
    clients = check_flows(terminal, server)
    check_services(terminal)
    terminal.keys("C-c")  # goes to all processes of the terminal
    text = terminal.wait_for("total 2 flows: 2 accepted")
    report.check("screen names: ended by Ctrl-C", "has ended" not in text, text)
    terminal.wait_prompt()
    report.equal("screen names: no process is left", processes(), [])
    terminal.close()
    del clients


report.run(main)
