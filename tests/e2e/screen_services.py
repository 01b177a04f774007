#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The live screen's pages of services and histograms, and its help, in a terminal that tmux plays: order, filter, sizes.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24     listeners on 8001 to 8003
                                                ^ tcpscope, in tmux
"""

import re
import shutil

import net
import report
from screen_talk import PORTS, SERVER, SILENT, Talk, command, refuse, shown, status
from terminal import Terminal


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


def check_services_order(terminal):
    """At 80 x 24: REFUSE has one service, SERVICE all; the outcomes of an attempt are there."""
    terminal.keys("2", "Home")
    text = terminal.wait(lambda text: len(services_of(text)) == 4, "all services")
    report.check("screen services at 80: accepted, refused, not answered, and the order", all(
        f" {head} " in text for head in ("ACCEPT", "REFUSE", "NOANSW")) and status(text) ==
                 "4 services, by ATTEMPTS falling", text)
    for keys, want, ports in ((("<",), "SERVICE rising", [8001, 8002, 8003, 8004]),
                              (("r",), "SERVICE falling", [8004, 8003, 8002, 8001]),
                              (("r", ">", ">", ">", ">"), "REFUSE falling", [8004])):
        for key in keys:
            before = status(terminal.text())
            terminal.keys(key)
            terminal.wait(lambda text, before=before: status(text) != before, f"an order other than {before}")
        text = terminal.wait(lambda text, want=want, ports=ports: status(text).endswith(f"by {want}") and
                             services_of(text)[:len(ports)] == ports, f"services by {want}")
    report.check("screen services: ordered by name and by what was refused, each way", True)
    order = r"by ATTEMPTS falling$"
    while not re.search(order, status(terminal.text())):
        before = status(terminal.text())
        terminal.keys("<")
        terminal.wait(lambda text, before=before: status(text) != before, f"an order other than {before}")


def check_help_small(terminal):
    """At 80 x 15 it scrolls; it is of the page from which it was asked."""
    def fits(text, height):
        return text.count("\n") == height - 1 and "q quit" in text.split("\n")[-1]

    terminal.resize(80, 15)
    terminal.wait(lambda text: fits(text, 15), "a picture of 80 x 15")
    terminal.keys("?")
    terminal.wait(lambda text: "this help; quit" in text and "MAX" not in text, "the help's top")
    terminal.keys("End")
    terminal.wait_for("NOANSW", "not answered", "MAX ", "longest connect time")
    terminal.keys("Home")
    terminal.wait_for("flows, services, histogram")
    terminal.keys("Escape", "1", "?", "PageDown", "PageDown")
    terminal.wait_for("BYTES", "IFACE", "interface")
    terminal.keys("Escape")
    terminal.resize(80, 24)
    terminal.wait(lambda text: fits(text, 24) and " shown, by " in text, "flows, at 80 x 24")
    report.check("screen help: scrolls at 80 x 15, has the columns of its page", True)


def check_services_filter(terminal):
    terminal.keys("2", "Home")
    terminal.wait(lambda text: len(services_of(text)) == 4, "all services")
    terminal.keys("/")
    terminal.type("port 8002 or port 8003")
    terminal.wait(lambda text: sorted(services_of(text)) == [8002, 8003] and status(text) ==
                  "2 of 4 services, by ATTEMPTS falling; filter: port 8002 or port 8003  (tcpdump)", "a filter of services, tcpdump syntax")
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


def main():
    if not shutil.which("tmux"):
        report.skip("screen services", "tmux is not installed")
        return
    net.pair_make()
    terminal = Terminal("server", 132)
    terminal.command(command())
    terminal.wait_for("0 shown", "0 unaccounted")
    talk = Talk()
    refuse()
    shown(terminal, 4, "three connections, and one that was refused")
    check_services(terminal)
    check_services_order(terminal)
    check_help_small(terminal)
    check_services_filter(terminal)
    terminal.close()
    del talk


report.run(main)
