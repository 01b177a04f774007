#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--ladder live: the ladders of the stories in tests/lib/ladder_stories.py, which captures give too, of frames made by hand;
those of real connections against the ladders of what tcpdump captured beside; a reader that stalls: what had no room in
the ring buffer is counted.

    client                          server
    veth0 192.0.2.1  <---------->   veth0 192.0.2.2 (raw socket: sends the frames of both sides)
      ^ tcpscope --ladder
      ^ tcpdump
"""

import os
import re
import signal
import tempfile
import time

import hand
import net
import replay
import report
import story_ports
from ladder_stories import ECHO, HELLO, TROUBLE, echo, hello, trouble
from scope import BINARY
from witness import Capture

SLOWLY = 5  # times the pace of the story, so that a machine that is late changes no order of times
GAP_MAX = 0.3  # seconds
NEAR = 0.002  # seconds between the times of hook and witness
FLOOD = 90_000  # rungs are 136 octets, and the ring buffer has 8 MiB


class Ladder:
    """A run whose standard output is ladders."""

    def __init__(self, expression, *arguments):
        self.out = tempfile.TemporaryFile(mode="w+", dir="/run/scratch")
        self.process = net.start("client", BINARY, "-i", "veth0", "--ladder", expression, *arguments, stdout=self.out,
                                 stderr=net.subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "egress" in line:  # the last announcement
                break

    def stop(self):
        """Returns the text."""
        self.process.send_signal(signal.SIGTERM)
        report.equal("ladder live: exit status", self.process.wait(10), 0)
        self.out.seek(0)
        return self.out.read()


def ladders(text):
    """By port of the client."""
    return {int(re.match(r"\S+:(\d+) ", block)[1]): block for block in text.strip().split("\n\n") if block}


def without_times(text):
    return re.sub(r"^ *\d+\.\d{6} |, from .*", "", text, flags=re.MULTILINE).strip()


def times(text):
    return [float(time_) for time_ in re.findall(r"^ *(\d+\.\d{6}) ", text, flags=re.MULTILINE)]


def tagged(frame):
    return frame[:12] + b"\x81\x00\x00\x64" + frame[12:]


def play(sender, story, change=lambda frame: frame):
    before = 0
    for at, frame in story:
        time.sleep(min((at - before) * SLOWLY / 1e6, GAP_MAX))  # the story's own pace
        before = at
        sender.send(change(frame))


def stories(hook, sender):
    ladder = Ladder("port 7 or port 9 or (vlan 100 and port 80)", "--hook", hook)
    play(sender, echo())
    play(sender, trouble())
    play(sender, hello(), tagged)
    play(sender, hello(client_port=40003))
    shown = {port: without_times(text) for port, text in ladders(ladder.stop()).items()}
    for name, port, want in (("hello/world", 40000, HELLO), ("echo", 40001, ECHO), ("trouble", 40002, TROUBLE)):
        report.equal(f"ladder live {hook}: {name}", shown.pop(port, None), without_times(want))
    report.equal(f"ladder live {hook}: no other connection", shown, {})


def ended(hook, sender):
    """A ladder is printed when its connection has ended."""
    ladder = Ladder("port 80", "--hook", hook)
    play(sender, hello())
    net.await_true(lambda: os.fstat(ladder.out.fileno()).st_size > 0, "the ladder of a connection that has ended")
    report.equal(f"ladder live {hook}: printed at the connection's end", without_times(ladder.stop()), without_times(HELLO))


def real(hook, server):
    """Real connections: the kernel's segments, whatever they are."""
    capture = Capture("client", "veth0", f"port {story_ports.HELLO} or port {story_ports.ECHO}")
    ladder = Ladder(f"port {story_ports.HELLO} or port {story_ports.ECHO}", "--hook", hook)
    client = net.start("client", net.PYTHON, os.path.join(net.LIB, "story_client.py"), server, "192.0.2.99",
                       stdout=net.subprocess.PIPE, text=True)
    for line in client.stdout:
        if line == "done\n":
            break
    net.stop(client)
    got = ladders(ladder.stop())
    capture.stop()
    want = ladders(replay.tcpscope("-r", capture.path, "--ladder", "tcp").stdout)
    report.check(f"ladder live {hook}: two real connections", len(got) == 2, got)
    report.equal(f"ladder live {hook}: as a capture beside it tells", {port: without_times(text) for port, text in got.items()},
                 {port: without_times(text) for port, text in want.items()})
    late = [(one, other) for port in got for one, other in zip(times(got[port]), times(want.get(port, "")))
            if abs(one - other) > NEAR]
    report.check(f"ladder live {hook}: times as the capture's", len(late) <= 1, late)


def stalled(hook, sender):
    ladder = Ladder("port 80", "--hook", hook)
    os.kill(ladder.process.pid, signal.SIGSTOP)
    frame = hello()[0][1]
    for _ in range(FLOOD):
        sender.send(frame)
    os.kill(ladder.process.pid, signal.SIGCONT)
    text = ladder.stop()
    shown = len(times(text))
    missing = re.search(r"^(\d+) segments more are not shown: the ring buffer", text, flags=re.MULTILINE)
    dropped = int(missing[1]) if missing else 0
    report.check(f"ladder live {hook}: what found no room is counted", dropped and shown + dropped == FLOOD,
                 f"{shown} shown, {dropped} dropped of {FLOOD}")


def interfaces(sender):
    """Of several, the ladder says where."""
    ladder = Ladder("port 80", "-i", "lo")
    sender.send(hello()[0][1])
    report.check("ladder live: of several interfaces, which", ladder.stop().splitlines()[0].endswith(" UTC, at veth0"))


def errors():
    for name, *arguments in (("a wrong filter", "--ladder", "port and"), ("with --pin", "--ladder", "tcp", "--pin", "x")):
        done = net.subprocess.run(net.enter("client", BINARY, "-i", "veth0", *arguments), capture_output=True, text=True,
                                  check=False)
        report.check(f"ladder live: {name} is an error of usage", done.returncode == 2 and not done.stdout and
                     len(done.stderr.splitlines()) == 1, done)
    none = net.subprocess.run(net.enter("client", BINARY, "-i", "veth0", "--ladder", "port 1", "--duration", "0.1"),
                              capture_output=True, text=True, check=False)
    report.check("ladder live: no connection matched, and it says so", none.returncode == 0 and
                 "tcpscope: no connection matched --ladder" in none.stderr.splitlines(), none)


def main():
    net.pair_make()
    sender = hand.Sender("server", "veth0")
    server = net.start_ready("server", net.PYTHON, os.path.join(net.LIB, "story_server.py"))
    errors()
    interfaces(sender)
    for hook in ("tc", "xdp"):
        stories(hook, sender)
        ended(hook, sender)
        real(hook, "192.0.2.2")
        stalled(hook, sender)
    net.stop(server)


report.run(main)
