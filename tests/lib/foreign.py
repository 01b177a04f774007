#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Somebody else's XDP program: foreign.py IFINDEX [drop] attaches one that passes, or drops, all, prints `ready`, holds it
until killed."""

import ctypes
import os
import platform
import signal
import struct
import sys

BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28
PROG_TYPE_XDP, ATTACH_XDP = 6, 37
SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
XDP_DROP, XDP_PASS = 1, 2
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    number = libc.syscall(SYS_BPF, command, buffer, len(buffer))
    if number < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return number


def main():
    verdict = XDP_DROP if sys.argv[2:] == ["drop"] else XDP_PASS
    instructions = struct.pack("=BBhi", 0xB7, 0, 0, verdict) + struct.pack("=BBhi", 0x95, 0, 0, 0)  # r0 = verdict; exit
    code, licence = ctypes.create_string_buffer(instructions, len(instructions)), ctypes.create_string_buffer(b"GPL")
    program = bpf(BPF_PROG_LOAD, struct.pack("=IIQQ", PROG_TYPE_XDP, len(instructions) // 8, ctypes.addressof(code),
                                             ctypes.addressof(licence)))
    bpf(BPF_LINK_CREATE, struct.pack("=IIII", program, int(sys.argv[1]), ATTACH_XDP, 0))
    print("ready", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
