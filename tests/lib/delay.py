#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A wire with a delay: joins interface tun0 of two namespaces, and holds each packet for MILLISECONDS, each way.
delay.py NAMESPACE NAMESPACE MILLISECONDS. Prints `ready` once both interfaces exist; runs until killed."""

import collections
import fcntl
import os
import select
import struct
import sys
import threading
import time

import net

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
PRIORITY = 50  # above all ordinary work: the delay is to be exact


def tun_open(namespace):
    made = []

    def make():
        net.namespace_enter(namespace)
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
        made.append(tun)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


def pick_up(tun, target, held, delay):
    """All that waits on `tun` is due on `target` after the delay."""
    while True:
        try:
            packet = os.read(tun, 65536)
        except BlockingIOError:
            return
        held.append((time.monotonic() + delay, target, packet))


def deliver(held):
    """Writes what is due; returns the seconds until the next, None if nothing is held."""
    while held:
        left = held[0][0] - time.monotonic()
        if left > 0:
            return left
        _, target, packet = held.popleft()
        os.write(target, packet)
    return None


def main():
    one, other = tun_open(sys.argv[1]), tun_open(sys.argv[2])
    delay = float(sys.argv[3]) / 1000
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    print("ready", flush=True)
    held = collections.deque()
    while True:
        readable, _, _ = select.select([one, other], [], [], deliver(held))
        for tun in readable:
            pick_up(tun, other if tun == one else one, held, delay)


if __name__ == "__main__":
    sys.exit(main())
