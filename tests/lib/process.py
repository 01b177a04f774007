# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the kernel tells of a running process, and of the pipe that it reads."""

import array
import fcntl
import signal
import termios
import time

EVENT_SECONDS = 60


def until(condition, what, seconds=EVENT_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not in {seconds} s: {what}")
        time.sleep(0.005)


def status(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(line.split()[1] for line in lines if line.startswith(f"{field}:"))


def signals_caught(pid):
    """Does the program take them itself?"""
    return int(status(pid, "SigCgt"), 16) >> (signal.SIGTERM - 1) & 1


def unread(pipe):
    """Octets that are in it."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]
