#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The demo: tells every story in well under a minute, and leaves nothing behind, whenever it is interrupted.

    (the demo makes its own namespaces, inside this suite's sandbox; there is none here)
"""

import os
import re
import signal
import time

import net
import report

DEMO = os.path.join(net.LIB, "../demo.sh")
SECONDS = 30
GONE_SECONDS = 2
# A line of its output that opens each phase in which it is interrupted.
PHASES = ("creating two", "creating a firewall", "attaching", "starting", "playing", "the flow table")
SAID = {  # after each story's title
    "server sends hello": r"accepted .* closed by the server; .* server \d+ segments, 10 octets",
    "echo of AB": r"accepted .* closed by the client; client \d+ segments, 2 octets .* server \d+ segments, 2 octets",
    "nobody listens": r"refused \(reset\)",
    "host that is down": r"unanswered \(no-response\)",
    "firewall drops": r"unanswered \(no-response\)",
    "firewall rejects": r"filtered \(admin-prohibited\)",
    "never accepts": r"accepted .* established; .* window fell to 0",
    "client that resets": r"accepted .* reset by the client; client \d+ segments, 3 octets",
    "SYN scan of an open port": r"aborted \(syn-ack\)",
    "SYN scan of a closed port": r"refused \(reset\)",
    "SYN scan of a filtered port": r"unanswered \(no-response\)",
}

TEMPORARY = "/run/temporary"


def state():
    """All that the demo could leave: namespaces, interfaces, mounts, scratch files, processes."""
    processes = sorted(name for name in os.listdir("/proc") if name.isdigit() and os.path.exists(f"/proc/{name}/exe"))
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return {"namespaces": net.run("ip", "netns"), "interfaces": net.run("ip", "-br", "link"),
                "mounts": mounts.read(), "scratch": os.listdir("/run/scratch"), "processes": processes,
                "temporary": sorted(os.listdir(TEMPORARY)), "pinned": os.listdir("/sys/fs/bpf")}


def start():
    """As from a terminal: a process group of its own."""
    return net.subprocess.Popen([DEMO], stdout=net.subprocess.PIPE, stderr=net.subprocess.STDOUT, text=True,
                                process_group=0)


def check_nothing_left(name, before):
    def left():
        now = state()
        return {key: now[key] for key in before if now[key] != before[key]}

    try:
        net.await_true(lambda: not left(), name, GONE_SECONDS)
        report.check(name, True)
    except net.Failed:
        report.check(name, False, left())


def whole():
    before, began = state(), time.monotonic()
    demo = start()
    text = demo.stdout.read()
    report.equal("demo: exit status", demo.wait(), 0)
    report.check(f"demo: in {SECONDS} s", time.monotonic() - began < SECONDS, time.monotonic() - began)
    lines = text.splitlines()
    for title, said in SAID.items():
        told = [lines[i + 1] for i, line in enumerate(lines) if title in line and line.endswith("):")]
        report.check(f"demo: {title}", told and re.search(said, told[0]), told or text)
    totals = [line for line in lines if line.startswith("total ")]
    report.check("demo: the flow table has them all", totals and re.match(r"total 1[1-3] flows", totals[0]), totals)
    check_nothing_left("demo: nothing is left", before)


def interrupted(phase, number):
    before = state()
    demo = start()
    for line in demo.stdout:
        if phase in line:
            break
    if number == signal.SIGINT:
        os.killpg(demo.pid, number)  # Ctrl-C reaches all that is in the foreground
    else:
        demo.send_signal(number)
    rest = demo.stdout.read()
    name = f"demo: {number.name} while {phase}"
    status = demo.wait()
    if number != signal.SIGKILL:
        report.check(f"{name}: exit status", status == 128 + number, f"{status}: {rest}")
    check_nothing_left(f"{name}: nothing is left", before)


def main():
    os.mkdir(TEMPORARY)  # the sandbox's own: other programs use the machine's, and the checkout may lie there
    os.environ["TMPDIR"] = TEMPORARY
    whole()
    for phase in PHASES:
        interrupted(phase, signal.SIGINT)
    for number in (signal.SIGTERM, signal.SIGKILL):
        interrupted("playing", number)


if __name__ == "__main__":
    report.run(main)
