#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The packets of a flow on the live screen, in a terminal that tmux plays: the ladder of a story from when it is asked for;
a real connection; a screen that stalls, and counts what it lost; other flows, the end, pause, scrolling, --pin.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24
      frames made by hand, of both sides        ^ tcpscope, in tmux
"""

import os
import re
import shutil
import signal
import socket

import hand
import net
import report
from ladder_stories import C, HELLO, hello, segment
from scope import BINARY
from sniff import socket_inside
from terminal import Terminal

HEADER = 3
TITLE, STATUS, FIRST = HEADER, HEADER + 1, HEADER + 2
FLOOD = 12_000  # rungs are 136 octets, and the ring buffer has 1 MiB
KEPT = 4096
PIN = "screen-ladder-test"


def status(text):
    return text.split("\n")[STATUS]


def rungs(text):
    """Without times."""
    return [line[13:] for line in text.split("\n")[FIRST:-1] if re.match(r"[- ] *\d+\.\d{6} ", line)]


def wanted(story):
    """Of a story's text, likewise."""
    return [line[13:] for line in story.splitlines()[1:]]


def open_details(terminal, endpoint):
    """Of the only flow with this endpoint, from any page."""
    terminal.keys("1", "Escape")
    terminal.wait(lambda text: f"{endpoint} " in text and " shown, by " in text and "; filter: " not in text, endpoint)
    terminal.keys("/", *endpoint, "Enter", "Home", "Down", "Enter")  # faster than it can draw
    terminal.wait(lambda text: f"{endpoint} " in text.split("\n")[TITLE] and "handshake" in text, "its details")


def shown(terminal, count):
    return terminal.wait(lambda text: status(text).startswith(f"{count} packet") and "0 dropped" in status(text),
                         f"{count} packets")


def story(terminal, hook, sender):
    """The flow is known by its handshake; what comes then is drawn, and nothing else."""
    frames = [frame for _, frame in hello()]
    for frame in frames[:3]:
        sender.send(frame)
    open_details(terminal, "192.0.2.2:80")
    terminal.wait(lambda text: " l ladder " in text.split("\n")[-1][:80], "the key in the last line, where 80 columns show it")
    terminal.keys("l")
    terminal.wait(lambda text: status(text) == "waiting for its next packet", "the page")
    for frame in frames[3:-2]:
        sender.send(frame)
        sender.send(hello(client_port=40003)[3][1])  # of another flow
    shown(terminal, len(frames) - 5)
    text = terminal.wait(lambda text: len(rungs(text)) == len(frames) - 5, "a rung for each")  # drawn after the status
    report.equal(f"screen ladder {hook}: as it is printed", rungs(text), wanted(HELLO)[3:-2])
    report.check(f"screen ladder {hook}: the first is at 0", text.split("\n")[FIRST].startswith("    0.000000 <"),
                 text.split("\n")[FIRST])
    terminal.keys("?")
    terminal.wait_for("this help; quit", "the flow's packets")
    terminal.keys("Escape")
    terminal.wait(lambda text: status(text).startswith("5 packets"), "the ladder, as it was")
    for frame in frames[-2:]:
        sender.send(frame)
    text = terminal.wait(lambda text: "closed" in text.split("\n")[TITLE] and "7 packets" in status(text),
                         "the connection has ended")
    report.equal(f"screen ladder {hook}: to its end", rungs(text), wanted(HELLO)[3:])
    terminal.wait(lambda text: text.split("\n")[TITLE].endswith("ended"), "it is swept")
    report.equal(f"screen ladder {hook}: stays when the flow has ended", rungs(terminal.text()), wanted(HELLO)[3:])
    terminal.keys("Escape")
    terminal.wait_for("handshake", "attempts")
    terminal.keys("l")
    text = terminal.wait(lambda text: status(text).startswith("no ladder: the connection has ended"), "says so")
    report.equal(f"screen ladder {hook}: none of one that has ended", rungs(text), [])


class Pair:
    """A real connection."""

    def __init__(self, port):
        listener = socket_inside("server", socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("192.0.2.2", port))
        listener.listen()
        self.client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
        self.client.connect(("192.0.2.2", port))
        self.server = listener.accept()[0]
        for side in (self.client, self.server):
            side.settimeout(net.EVENT_SECONDS)

    def ping(self, payload):
        self.client.sendall(payload)
        self.server.recv(len(payload))
        self.server.sendall(payload)
        self.client.recv(len(payload))


def real(terminal, hook):
    """Both directions of a connection between two kernels; another page ends it, and it begins anew."""
    pair = Pair(9001)
    pair.ping(b"before")
    open_details(terminal, "192.0.2.2:9001")
    terminal.keys("l")
    terminal.wait_for("waiting for its next packet")
    pair.ping(b"hello")
    arrows = (r"-+ PSH, ACK -+> seq 7 ack 7 len 5 ", r"<-+ PSH, ACK -+ seq 7 ack 12 len 5 ", r"-+ ACK -+> seq 12 ack 12 len 0 ")
    text = terminal.wait(lambda text: all(re.search(arrow, text) for arrow in arrows), "both directions")
    places = [re.search(arrow, text).start() for arrow in arrows]
    report.equal(f"screen ladder {hook}: both directions, in order", places, sorted(places))
    terminal.keys("p")
    before = terminal.wait_for("PAUSED")
    pair.ping(b"meanwhile")
    terminal.keys("Up")
    terminal.wait(lambda text: "end follows the newest" in status(text), "a key, while it is paused")
    report.equal(f"screen ladder {hook}: paused, it stands still", rungs(terminal.text()), rungs(before))
    terminal.keys("p", "End")
    terminal.wait_for(" len 9 ")
    terminal.keys("Right")
    terminal.wait(lambda text: re.search(r"^\d{4} -+ PSH, ACK -", text, re.M), "what is behind the margin")
    terminal.keys("1")
    terminal.wait_for(" shown, by ")
    pair.ping(b"unseen")
    open_details(terminal, "192.0.2.2:9001")
    terminal.keys("l")
    terminal.wait_for("waiting for its next packet")
    pair.ping(b"again!!")
    text = terminal.wait_for(" len 7 ")
    report.check(f"screen ladder {hook}: once left, it begins anew", " len 5 " not in text and " len 6 " not in text, text)
    pair.client.close()
    pair.server.close()


def numbers(text):
    """Of the status: shown, dropped."""
    found = re.match(r"([\d,]+) packets since \d\d:\d\d:\d\d(?:, the last (\d+) kept)?, ([\d,]+) dropped", status(text))
    return tuple(int(word.replace(",", "")) for word in found.groups(default="0")) if found else (0, 0, 0)


def stalled(terminal, hook, sender):
    """The ring buffer fills while nobody reads it."""
    process = int(net.run("pgrep", "-n", "-x", "tcpscope"))
    ports = (40009, 80)
    for at in range(2):
        sender.send(segment(0, C, ports, hand.ACK, 1 + at, 1, b"x")[1])
    open_details(terminal, "192.0.2.1:40009")
    terminal.keys("l")
    terminal.wait_for("waiting for its next packet")
    os.kill(process, signal.SIGSTOP)
    for number in range(FLOOD):
        sender.send(segment(0, C, ports, hand.ACK, 3 + number, 1, b"x")[1])
    os.kill(process, signal.SIGCONT)
    text = terminal.wait(lambda text: sum(numbers(text)[::2]) == FLOOD, f"{FLOOD} packets, shown or dropped")
    count, kept, dropped = numbers(text)
    report.check(f"screen ladder {hook}: what found no room is counted", count > KEPT and dropped > 0, status(text))
    report.equal(f"screen ladder {hook}: the last are kept", kept, KEPT)
    newest = f" seq {2 + count} ack 1 len 1 "
    text = terminal.wait(lambda text: newest in text, "the newest")  # a terminal may show half of a frame
    report.check(f"screen ladder {hook}: the newest is in sight", newest in rungs(text)[-1], text)
    terminal.keys("Home")
    terminal.wait(lambda text: f" seq {3 + count - KEPT} ack 1 len 1 " in text, "the oldest that is kept")
    terminal.keys("PageDown")
    terminal.wait(lambda text: f" seq {3 + count - KEPT} ack 1 len 1 " not in text and "end follows" in status(text), "a page on")
    terminal.keys("End")
    terminal.wait(lambda text: newest in text, "the newest")
    report.check(f"screen ladder {hook}: scrolls", True)


def watch(terminal, hook, sender):
    terminal.command(f"clear; {os.path.abspath(BINARY)} -i veth0 --hook {hook}")
    terminal.wait_for("0 shown", "0 unaccounted")
    story(terminal, hook, sender)
    real(terminal, hook)
    stalled(terminal, hook, sender)
    terminal.keys("q")
    text = terminal.wait(lambda text: "total " in text and "veth0 egress: " in text, "the account")
    ledgers = re.findall(r"^veth0 \w+: (\d+) packets = (.*)$", text.replace(",", ""), re.M)
    report.check(f"screen ladder {hook}: every packet is accounted for", len(ledgers) == 2 and all(
        int(packets) == sum(int(count) for count in re.findall(r"(\d+) \w+", parts)) for packets, parts in ledgers), text)


def pinned(terminal, sender):
    """The programs of a pinned watch have no ladders, and the page says so."""
    terminal.command(f"clear; {os.path.abspath(BINARY)} -i veth0 --pin {PIN}")
    terminal.wait_for("0 shown")
    for _, frame in hello()[:3]:
        sender.send(frame)
    open_details(terminal, "192.0.2.2:80")
    terminal.keys("l")
    terminal.wait(lambda text: status(text).startswith("no ladder with --pin:"), "the page says so")
    report.check("screen ladder: none with --pin", True)
    terminal.keys("q")
    terminal.wait_prompt()
    net.inside("server", BINARY, "--unpin", PIN)


def main():
    if not shutil.which("tmux"):
        report.skip("screen ladder", "tmux is not installed")
        return
    net.pair_make()
    sender = hand.Sender("client", "veth0")
    terminal = Terminal("server", 160, 24)
    terminal.command("set +m")  # a program that is stopped keeps the terminal
    for hook in ("tc", "xdp"):
        watch(terminal, hook, sender)
    pinned(terminal, sender)
    terminal.close()


report.run(main)
