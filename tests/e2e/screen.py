#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The live screen, in a terminal that tmux plays: pages, keys, order, filter, pause, sizes; its text compared.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24     listeners on 8001 to 8004
                                                ^ tcpscope, in tmux
"""

import re
import shutil
import socket
import time

import net
import report
from sniff import socket_inside
from screen_talk import HEADER, PORTS, SERVER, SILENT, WAITED, Talk, command, exchange, order_by, refuse, rows, seen, \
    shown, status
from terminal import Terminal

SIZES = ((80, 24), (250, 80), (132, 43), (80, 24))


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
    terminal.type("tcp.port == 8002")
    terminal.wait_for("(text; tcpdump: 'port 80')")
    report.check("screen filter: what looks like another's expression is told what would be one", True)
    terminal.keys("Escape")
    shown(terminal, 3, "the filter given up again")
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
    text = shown(terminal, 3, "flows that ended are hidden")
    report.check("screen: it says that ended ones are hidden", status(text).startswith("3 shown (ended hidden), by "),
                 status(text))
    terminal.keys("e")
    shown(terminal, 4, "and shown again")
    report.check("screen: flows that ended", True)


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


def main():
    if not shutil.which("tmux"):
        report.skip("screen", "tmux is not installed")
        return
    net.pair_make()
    terminal = Terminal("server")
    terminal.command(command())
    text = terminal.wait_for("0 shown", "0 unaccounted", "q quit")
    report.check("screen: nothing yet, and it says so", "\nno flow yet\n" in text, text)
    talk = Talk()
    check_flows(terminal, talk)
    terminal.resize(132, 24)
    terminal.wait_for("BYTES")
    check_order(terminal, talk)
    check_details(terminal, talk)
    check_sparks(terminal)
    check_pause(terminal)
    check_ended(terminal)
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
    text = terminal.text()
    report.check("screen: the command line's filter", status(text).startswith("3 shown") and
                 status(text).endswith("; of 'tcp port 8001 or port 8002 or port 8003'"), status(text))
    report.check("screen header: what is of all, what of the filter", re.match(
        r"all: pkts \d+/s conns \d+/s open 3  filter: connect p50 - p99 - of 0/10s$", text.split("\n")[1]), text)
    terminal.keys("2")
    terminal.wait(lambda text: status(text) ==
                  "0 services, by ATTEMPTS falling; of 'tcp port 8001 or port 8002 or port 8003'", "services of it")
    terminal.keys("1")
    check_filter(terminal)
    terminal.command("clear; " + command())
    terminal.wait_for("shown, by")
    check_opening(terminal, talk)
    terminal.keys("q")
    terminal.wait_prompt()
    terminal.command("clear; " + command("--tap"))
    terminal.wait_for("tcpscope veth0 in xdp out - ")
    report.check("screen header: what is not watched", True)
    terminal.keys("q")
    terminal.wait_prompt()
    terminal.command("clear; TCPSCOPE_CLSACT=1 " + command())
    terminal.wait_for("tcpscope veth0 in clsact out clsact")
    net.inside("server", "tc", "filter", "del", "dev", "veth0", "egress")
    terminal.wait_for("tcpscope veth0 in clsact out off")
    report.check("screen header: what somebody else took off", True)
    terminal.keys("q")
    terminal.wait_prompt()
    terminal.close()


report.run(main)
