# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is shown on the live screen by its tests, and how it is read: connections from the client's 192.0.2.1 to listeners of
the server's."""

import os
import re
import socket
import threading

import net
from scope import BINARY
from sniff import socket_inside

SERVER = "192.0.2.2"
PORTS = (8001, 8002, 8003)
SILENT = 8004  # nothing listens: refused
WAITED = 8005  # and on: listened on when it is waited for
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


def shown(terminal, count, why):
    return terminal.wait(lambda text: status(text).startswith(f"{count} shown"), why)


def command(*words):
    return " ".join((os.path.abspath(BINARY), "-i", "veth0", *words))
