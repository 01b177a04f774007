# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tcpscope under test: started in a namespace, ready when it has announced each hook, stopped, its records read."""

import json
import os
import signal
import tempfile
import threading
import time

import net

BINARY = os.environ.get("TCPSCOPE", os.path.join(net.LIB, "../../build/tcpscope"))


class Scope:
    """Announcements are lines on stderr that name the interface: they say which hook is in use, and that it is."""

    def __init__(self, namespace, interfaces, *arguments, out=None, environment=None, prefix=()):
        """`out`: where it writes records, instead of a file that is read in the end. `prefix`: what starts it."""
        named = [word for interface in interfaces for word in ("-i", interface)]
        self.out = out or tempfile.TemporaryFile(dir="/run/scratch")
        self.lines = []
        self.news = threading.Condition()
        self.ended = False
        self.process = net.start(namespace, *prefix, BINARY, *named, "--output", "json", *arguments, stdout=self.out,
                                 stderr=net.subprocess.PIPE, text=True,
                                 env={**os.environ, **(environment or {})})
        self.reader = threading.Thread(target=self.read_errors, daemon=True)
        self.reader.start()
        for interface in interfaces:
            self.wait_line(interface, "egress")  # comes last

    def read_errors(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def wait_line(self, *words, seconds=net.EVENT_SECONDS, after=0):
        """Until a line on stderr, from number `after` on, holds all the words; returns it."""
        deadline = time.monotonic() + seconds
        with self.news:
            while True:
                for line in self.lines[after:]:
                    if all(word in line for word in words):
                        return line
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    raise net.Failed(f"tcpscope said no line with {words}: {self.lines}")
                self.news.wait(left)

    def so_far(self):
        """The records that it has written while it is still running: of a file, the first megabyte."""
        text = os.pread(self.out.fileno(), 1 << 20, 0).decode()
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def stop(self, signal_number=signal.SIGTERM):
        """Returns the exit status; then flows and ledgers are there."""
        self.process.send_signal(signal_number)
        return self.wait()

    def wait(self, seconds=net.EVENT_SECONDS):
        status = self.process.wait(seconds)
        self.reader.join()
        self.out.seek(0)
        self.records = [json.loads(line) for line in self.out]
        self.flows = [record for record in self.records if record["type"] == "flow"]
        self.ledgers = [record for record in self.records if record["type"] == "ledger"]
        return status

    def flow(self, **want):
        """The one flow whose fields are as wanted: port of the server, and what else is named side_field."""
        found = [flow for flow in self.flows if all(field(flow, name) == value for name, value in want.items())]
        if len(found) != 1:
            raise net.Failed(f"{len(found)} flows with {want}: {found or self.flows}")
        return found[0]

    def ledger(self, interface, direction):
        found = [ledger for ledger in self.ledgers
                 if ledger["interface"] == interface and ledger.get("direction") == direction]
        if len(found) != 1:
            raise net.Failed(f"{len(found)} ledgers of {interface} {direction} among {self.ledgers}")
        return found[0]


def field(flow, name):
    """`server_port` is flow["server"]["port"]; other names are the flow's own."""
    side, _, rest = name.partition("_")
    return flow[side][rest] if side in ("client", "server") and rest in flow[side] else flow[name]


def processes():
    """Of tcpscope, guardians too, as far as the sandbox sees: its own."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            target = os.readlink(f"/proc/{name}/exe")
        except OSError:
            continue  # it has just ended, or is the kernel's
        if os.path.basename(target) == os.path.basename(BINARY):
            found.append(int(name))
    return found
