#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How many tcx programs are attached to interface number IFINDEX of this namespace; 0 where the kernel has no tcx."""

import ctypes
import errno
import os
import struct
import sys

BPF_PROG_QUERY, TCX_INGRESS, TCX_EGRESS = 16, 46, 47
SYSCALL_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
COUNT_OFFSET = 24  # of prog_cnt in union bpf_attr.query


def count(ifindex, attach_type):
    libc = ctypes.CDLL(None, use_errno=True)
    attr = ctypes.create_string_buffer(struct.pack("=II", ifindex, attach_type), 64)
    if libc.syscall(SYSCALL_BPF, BPF_PROG_QUERY, attr, 64) < 0:
        if ctypes.get_errno() != errno.EINVAL:
            sys.exit(f"BPF_PROG_QUERY: {os.strerror(ctypes.get_errno())}")
        return 0
    return struct.unpack_from("=I", attr.raw, COUNT_OFFSET)[0]


if __name__ == "__main__":
    number = int(sys.argv[1])
    print(f"tcx-ingress={count(number, TCX_INGRESS)} tcx-egress={count(number, TCX_EGRESS)}")
