#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Both ends of a tunnel of any kind: joins interface tun0 of two namespaces through their veth0, which are a pair.
encapsulate.py NAMESPACE NAMESPACE. Prints `ready` once both interfaces exist. A line on standard input is a kind
(tunnel.KINDS): what is sent from then on goes in it, which `ready` confirms. Runs until killed.

A frame's Ethernet and outer addresses are nobody's, so the kernels leave it alone."""

import os
import select
import socket
import sys

import tunnel
from delay import tun_open
from sniff import socket_inside

ETH_P_ALL, SOL_PACKET, PACKET_IGNORE_OUTGOING = 3, 263, 23


class End:
    def __init__(self, namespace):
        self.tun = tun_open(namespace)
        self.wire = socket_inside(namespace, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.wire.bind(("veth0", ETH_P_ALL))
        self.wire.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.wire.setblocking(False)

    def send(self, wrap):
        """All that tun0 has to send."""
        while True:
            try:
                packet = os.read(self.tun, 65536)
            except BlockingIOError:
                return
            if wrap:
                self.wire.send(wrap(packet))

    def receive(self, wrap):
        """What arrives ends with the packet, and is longer by what the wrapping adds."""
        while True:
            try:
                frame = self.wire.recv(65536)
            except BlockingIOError:
                return
            for version in (b"\x45", b"\x60") if wrap else ():
                added = len(wrap(version.ljust(40, b"\0"))) - 40
                if wrap(frame[added:]) == frame:
                    os.write(self.tun, frame[added:])
                    break


def main():
    ends = [End(namespace) for namespace in sys.argv[1:3]]
    wrap = None
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([sys.stdin, *(end.tun for end in ends), *(end.wire for end in ends)], [], [])
        if sys.stdin in readable:
            wrap = tunnel.KINDS[sys.stdin.readline().rstrip("\n")][0]
            print("ready", flush=True)
        for end in ends:
            if end.tun in readable:
                end.send(wrap)
            if end.wire in readable:
                end.receive(wrap)


if __name__ == "__main__":
    sys.exit(main())
