#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The live screen, in a terminal that tmux plays: pages, keys, order, filter, pause, sizes; its text compared.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24     listeners on 8001 to 8004
                                                ^ tcpscope, in tmux
"""

import os
import re
import shutil
import socket
import threading
import time

import net
import report
from scope import BINARY
from sniff import socket_inside
from terminal import Terminal

SERVER = "192.0.2.2"
PORTS = (8001, 8002, 8003)
SILENT = 8004  # nothing listens: refused
WAITED = 8005  # and on: listened on when it is waited for
SIZES = ((80, 24), (250, 80), (132, 43), (80, 24))
HEADER = 3


class Talk:
    """Connections of known size to each port, and one that goes on talking."""

    def __init__(self):
        self.listeners = {port: self.listen(port) for port in PORTS}
        self.pairs = [self.connect(port, size) for port, size in zip(PORTS, (1000, 30000, 200))]
        self.stopped = threading.Event()
        self.talker = threading.Thread(target=self.go_on, daemon=True)

    @staticmethod
    def listen(port):
        listener = socket_inside("server", socket.AF_INET, socket.SOCK_STREAM)
        listener.bind((SERVER, port))
        listener.listen()
        return listener

    def connect(self, port, size):
        client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
        client.settimeout(net.EVENT_SECONDS)
        client.connect((SERVER, port))
        server = self.listeners[port].accept()[0]
        server.settimeout(net.EVENT_SECONDS)
        exchange(client, server, size)
        return client, server

    def endpoint(self, number):
        return "192.0.2.1:%u" % self.pairs[number][0].getsockname()[1]

    def go_on(self):
        """The last talks, ten times a second."""
        while not self.stopped.wait(0.1):
            exchange(*self.pairs[2], 10)

    def stop(self):
        self.stopped.set()
        self.talker.join()


def exchange(client, server, size):
    """`size` octets there and one back."""
    client.sendall(b"x" * size)
    while size:
        size -= len(server.recv(size))
    server.sendall(b"y")
    client.recv(1)


def refuse():
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    try:
        client.connect((SERVER, SILENT))
    except ConnectionRefusedError:
        return
    raise net.Failed(f"{SILENT} was not refused")


def rows(text):
    """Of the flow table: a dictionary by column head for each flow, as the head's places have it."""
    lines = text.split("\n")
    at = next((number for number, line in enumerate(lines) if line.startswith("CLIENT ")), None)
    if at is None:
        return []
    spans = [match.span() for match in re.finditer(r"\S+( BY)?", lines[at])]
    found = []
    for line in lines[at + 1:-1]:
        words = line.split()
        if len(words) >= len(spans):
            found.append({lines[at][start:end]: word for (start, end), word in zip(spans, words)})
    return found


def seen(text):
    """Packets, of the header; -1 while it is being drawn."""
    found = re.match(r"([\d,]+) seen", text.split("\n")[HEADER - 1])
    return int(found[1].replace(",", "")) if found else -1


def status(text):
    return text.split("\n")[HEADER]


def order_by(terminal, head):
    """Presses > until the table says so."""
    for _ in range(40):
        if f"by {head} " in status(terminal.text()):
            return
        before = status(terminal.text())
        terminal.keys(">")
        terminal.wait(lambda text, before=before: status(text) != before, f"another order than {before}")
    raise net.Failed(f"no column {head}: {status(terminal.text())}")


def check_flows(terminal, talk):
    text = terminal.wait_for(*(talk.endpoint(i) for i in range(3)))
    lines = text.split("\n")
    report.check("screen header: interfaces and hooks", lines[0].startswith("tcpscope veth0 in tcx out tcx"), lines[0])
    report.check("screen header: rates and connect time", re.match(
        r"pkts \d+/s  conns \d+/s  connect p50 [\d.]+[um]s p99 [\d.]+[um]?s of 3/10s  open 3$", lines[1]), lines[1])
    report.check("screen header: the ledger", re.match(
        r"\d+ seen, \d+ in flows, 0 unaccounted, 0 records lost, 0 without room$", lines[2]), lines[2])
    found = {row["CLIENT"]: row for row in rows(text)}
    for number, port in enumerate(PORTS):
        row = found.get(talk.endpoint(number), {})
        report.equal(f"screen flow to {port}", (row.get("SERVER"), row.get("STATE"), row.get("RTX")),
                     (f"{SERVER}:{port}", "established", "0"))
    talk.talker.start()
    terminal.wait(lambda text: [row for row in rows(text) if row["CLIENT"] == talk.endpoint(2) and
                                80 <= int(row["B/S"]) <= 130], "the rate of the one that talks: 110 octets a second")
    report.equal("screen order: by rate, the one that talks first", rows(terminal.text())[0]["CLIENT"],
                 talk.endpoint(2))


def check_order(terminal, talk):
    """By a column of the row (BYTES) and one of the record (SERVER), each way."""
    order_by(terminal, "BYTES")
    want = [talk.endpoint(1), talk.endpoint(0), talk.endpoint(2)]
    report.equal("screen order by BYTES", [row["CLIENT"] for row in rows(terminal.text())], want)
    report.equal("screen BYTES", [row["BYTES"] for row in rows(terminal.text())][:2], ["30.0k", "1001"])
    terminal.keys("r")
    terminal.wait(lambda text: "by BYTES rising" in status(text), "the order reversed")
    report.equal("screen order reversed", [row["CLIENT"] for row in rows(terminal.text())], want[::-1])
    terminal.keys("r")
    order_by(terminal, "SERVER")
    report.equal("screen order by SERVER", [row["SERVER"] for row in rows(terminal.text())],
                 [f"{SERVER}:{port}" for port in PORTS])


def shown(terminal, count, why):
    return terminal.wait(lambda text: status(text).startswith(f"{count} shown"), why)


def check_filter(terminal):
    terminal.keys("/")
    terminal.type("port 8002")
    terminal.wait(lambda text: status(text).startswith("1 shown") and "filter: port 8002" in status(text) and
                  "(tcpdump)" in status(text) and [row["SERVER"] for row in rows(text)] == [f"{SERVER}:8002"],
                  "the filter, as it is typed")
    report.check("screen filter: tcpdump syntax", True)
    terminal.type(" or (")
    text = terminal.wait_for("filter: port 8002 or (", "can't parse")
    report.check("screen filter: not complete, says so, the last stays", len(rows(text)) == 1, status(text))
    terminal.keys("Enter")
    terminal.type("8")  # still typed: goes behind the rest
    terminal.wait_for("filter: port 8002 or (8", "can't parse")
    report.check("screen filter: what is wrong is not taken", True)
    terminal.keys("Escape")
    shown(terminal, 3, "the filter given up")
    terminal.keys("/")
    terminal.type("8003 ESTAB")
    text = shown(terminal, 1, "a filter of plain text")
    report.check("screen filter: plain text", "(text)" in text and rows(text)[0]["SERVER"].endswith(":8003"),
                 status(text))
    terminal.keys("Enter")
    terminal.wait(lambda text: "filter: 8003 ESTAB (text)" in text, "the filter kept")
    terminal.keys("q")  # not typed any more
    terminal.wait_prompt()
    report.check("screen filter: enter keeps it, and keys are keys again", True)


def check_opening(terminal, talk):
    """Enter before the flow is in sight opens it when it is. It may be there in time: then another flow is taken."""
    for tried in range(5):
        listener = talk.listen(WAITED + tried)
        terminal.keys("/")
        terminal.type(f"port {WAITED + tried}")
        terminal.keys("Enter", "Enter")
        shown(terminal, 0, "a filter that nothing matches yet")
        client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
        client.connect((SERVER, WAITED + tried))
        text = terminal.wait(lambda text: "handshake" in text or status(text).startswith("1 shown"), "the flow")
        client.close()
        listener.close()
        terminal.keys("Escape")
        terminal.wait_for(" shown, by ")
        terminal.keys("Escape")
        if "handshake" in text:
            break
    report.check("screen: enter before the flow is in sight opens it", "handshake" in text, text)


def check_pause(terminal):
    terminal.keys("p")
    last = []

    def stands(text):  # it may be looked at while it is being drawn
        last.append(text)
        return "PAUSED" in text and last[-2:] == [text, text]

    before = terminal.wait(stands, "PAUSED")
    time.sleep(1.5)  # three pictures, if there were any
    report.equal("screen paused: stands still", terminal.text(), before)
    terminal.keys("Down")
    terminal.wait(lambda text: text.split("\n")[0] == before.split("\n")[0], "the cursor moved, the clock not")
    terminal.keys("p")
    terminal.wait(lambda text: "PAUSED" not in text and text.split("\n")[0] != before.split("\n")[0], "it goes on")
    report.check("screen paused: goes on", True)


def check_details(terminal, talk):
    order_by(terminal, "SERVER")
    terminal.keys("Home", "Down")
    terminal.keys("Enter")
    text = terminal.wait_for("CLIENT", "SERVER", "handshake", "attempts")
    report.check("screen details: title", text.split("\n")[HEADER].startswith(
        f"{talk.endpoint(1)} -> {SERVER}:8002  accepted, established  on veth0"), text.split("\n")[HEADER])
    report.check("screen details: story", re.search(
        r"^handshake   connect [\d.]+\wsx?: server [\d.]+\ws, client [\d.]+\ws$", text, re.M), text)
    report.check("screen details: attempts", re.search(r"^attempts    SYN \+0ns, SYN/ACK \+[\d.]+\ws$", text, re.M), text)
    report.check("screen details: sides", re.search(r"^payload_bytes +30,000 +1$", text, re.M) and
                 re.search(r"^flags.syn +1 +1$", text, re.M), text)
    terminal.keys("End")
    terminal.wait(lambda text: "keep_alives" in text, "the end of the fields")
    terminal.keys("Escape")
    terminal.wait_for(" shown, by ")
    report.check("screen details: and back", True)


def check_sparks(terminal):
    order_by(terminal, "SERVER")
    terminal.keys("Home", "Down", "Down")
    terminal.keys("Enter")
    terminal.wait(lambda text: re.search(r"^rtt server  .*[\u2581-\u2588]{3,}.* last [\d.]+\ws, most shown [\d.]+\ws$", text,
                                         re.M), "round trips as they go")
    report.check("screen details: round trips as they go", True)
    terminal.keys("Escape")


def check_ended(terminal):
    refuse()
    text = shown(terminal, 4, "the one that was refused")
    report.check("screen header: what was refused is not open, nor when its row is still there",
                 re.search(r"  open 3$", text.split("\n")[1]), text.split("\n")[1])
    report.check("screen: refused", [row for row in rows(text) if row["SERVER"] == f"{SERVER}:{SILENT}" and
                                     row["STATE"] == "reset"], rows(text))
    terminal.wait(lambda text: "  open 3" in text and len(rows(text)) == 4, "it is swept, and still shown")
    terminal.keys("e")
    shown(terminal, 3, "flows that ended are hidden")
    terminal.keys("e")
    shown(terminal, 4, "and shown again")
    report.check("screen: flows that ended", True)


def check_services(terminal):
    terminal.keys("2")
    text = terminal.wait(lambda text: "SERVICE" in text and all(
        re.search(rf"^{SERVER}:{port} +\d+ .*\S$", text, re.M) for port in (*PORTS, SILENT)), "each service")
    for port, refused in ((8001, "0"), (SILENT, "1")):
        line = next((line for line in text.split("\n") if line.startswith(f"{SERVER}:{port} ")), "")
        words = line.split()
        report.equal(f"screen services: {port}: attempts, refused", (words[1:2], words[4:5]), (["1"], [refused]))
    terminal.resize(80, 30)
    terminal.keys("Down")
    terminal.wait(lambda text: re.search(r"^slowest connections to [\d.:]+$", text, re.M) and
                  re.search(r"^192\.0\.2\.1:\d+ connect [\d.]+\ws: server ", text, re.M), "the slowest by name")
    report.check("screen services: the slowest by name", True)
    terminal.keys("3", "Home")
    terminal.wait_for("all services  connect  server  client", "3 measured")
    # Row by row, as all of it comes: a terminal may be looked at while it is being drawn.
    terminal.wait(lambda text: sum(int(match[1]) for match in re.finditer(
        r"^ *[\d.]+\w+ \.\. +[\d.]+\w+ +(\d+)", text, re.M)) == 3, "the histogram's rows add up to 3")
    report.check("screen histogram", True)
    terminal.keys("?")
    heads = ("CLIENT", "RTT-S", "START", "ENDED BY", "IFACE")
    terminal.wait_for("this help; quit", "filter flows or services: tcpdump", *heads)
    terminal.resize(80, 24)
    terminal.wait(lambda text: text.count("\n") == 23 and all(
        re.search(rf"(^| ){head} ", text, re.M) for head in heads), "all of the help at 80 x 24")
    report.check("screen help: keys and columns, at 80 x 24 too", True)
    terminal.keys("Escape", "1")
    terminal.wait_for(" shown, by ")


def services_of(text):
    return [int(port) for port in re.findall(rf"^{SERVER}:(\d+) +\d+ ", text, re.M)]


def check_services_filter(terminal):
    terminal.keys("2", "Home")
    terminal.wait(lambda text: len(services_of(text)) == 4, "all services")
    terminal.keys("/")
    terminal.type("port 8002 or port 8003")
    terminal.wait(lambda text: sorted(services_of(text)) == [8002, 8003] and status(text) ==
                  "2 of 4 services; filter: port 8002 or port 8003  (tcpdump)", "a filter of services, tcpdump syntax")
    terminal.keys("Escape", "/")
    terminal.type(f"2:{SILENT}")
    terminal.wait(lambda text: services_of(text) == [SILENT] and status(text).endswith("(text)"),
                  "a filter of services, plain text")
    terminal.keys("Enter", "Enter")
    terminal.wait(lambda text: status(text).startswith(f"{SERVER}:{SILENT}  connect  server  client"),
                  "the histogram of the one that is in sight")
    terminal.keys("Escape")
    terminal.wait(lambda text: services_of(text) == [SILENT], "and back")
    terminal.keys("Escape")
    terminal.wait(lambda text: len(services_of(text)) == 4 and "filter: " not in text, "the filter given up")
    report.check("screen services: filter", True)
    terminal.keys("1", "/")  # each page has its own
    terminal.wait(lambda text: status(text).startswith("4 shown") and "8002" not in status(text), "flows, all of them")
    terminal.keys("Escape")


def is_drawn(text, columns, height):
    lines = text.split("\n")
    return len(lines) == height and len(lines[0]) == columns and "q quit" in lines[-1] and \
        lines[0].startswith("tcpscope ") and status(text).startswith("4 shown") and len(rows(text)) == 4


def check_sizes(terminal, talk):
    for columns, height in SIZES:
        terminal.resize(columns, height)
        text = terminal.wait(lambda text, size=(columns, height): is_drawn(text, *size),
                             f"a picture of {columns} x {height}")
        lines = text.split("\n")
        clock = r"\d\d:\d\d:\d\d$"
        report.check(f"screen {columns} x {height}: as wide, all flows", lines[0].startswith("tcpscope ") and
                     re.search(clock, lines[0]) and all(talk.endpoint(i) in text for i in range(3)), text)
        report.check(f"screen {columns} x {height}: columns", ("IFACE" in text) == (columns >= 250) and
                     ("RTT-S" in text) == (columns > 100), lines[HEADER + 1])
    terminal.resize(30, 5)
    terminal.wait_for("tcpscope needs 40 x 8")
    terminal.resize(80, 24)
    terminal.wait_for("CLIENT", "q quit")
    report.check("screen: too small a terminal, and back", True)


def command(*words):
    return " ".join((os.path.abspath(BINARY), "-i", "veth0", *words))


def main():
    if not shutil.which("tmux"):
        report.skip("screen", "tmux is not installed")
        return
    net.pair_make()
    terminal = Terminal("server")
    terminal.command(command())
    terminal.wait_for("0 shown", "0 unaccounted")
    talk = Talk()
    check_flows(terminal, talk)
    terminal.resize(132, 24)
    terminal.wait_for("BYTES")
    check_order(terminal, talk)
    check_details(terminal, talk)
    check_sparks(terminal)
    check_pause(terminal)
    check_ended(terminal)
    check_services(terminal)
    check_services_filter(terminal)
    check_sizes(terminal, talk)
    terminal.keys("q")
    text = terminal.wait_for("total 4 flows: 3 accepted, 1 refused")
    report.check("screen quit: totals and ledger", re.search(r"^veth0 ingress: \d+ packets = \d+ in_flows", text, re.M),
                 text)
    talk.stop()
    terminal.command("clear; " + command("'tcp port 8001 or port 8002 or port 8003'"))
    terminal.wait_for("0 shown")
    for pair in talk.pairs:
        exchange(*pair, 10)
    shown(terminal, 3, "the flows, midstream")
    before = seen(terminal.text())
    refuse()
    exchange(*talk.pairs[0], 10)
    terminal.wait(lambda text: seen(text) > before + 4, "another flow")
    report.check("screen: the command line's filter", status(terminal.text()).startswith("3 shown"),
                 status(terminal.text()))
    check_filter(terminal)
    terminal.command("clear; " + command())
    terminal.wait_for("shown, by")
    check_opening(terminal, talk)
    terminal.close()


report.run(main)
