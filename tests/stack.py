#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""stack.py OBJECT: the deepest chain of calls in each BPF program, as kernels before 6.8 count it: the stack of each function
rounded up to 32 octets (kernel/bpf/verifier.c of 6.1, check_max_stack_depth). Callbacks of bpf_loop are named by an address
and so stand alone here. Exit status 1 if one is beyond 512."""

import os
import re
import subprocess
import sys

LIMIT, ROUND = 512, 32
OBJDUMP = os.environ.get("LLVM_OBJDUMP", "llvm-objdump-19")


def functions(path):
    """{name: (octets of stack, names called)}"""
    text = subprocess.run([OBJDUMP, "-dr", "--no-show-raw-insn", path], check=True, capture_output=True, text=True).stdout
    found, last = {}, ""
    for line in text.splitlines():
        head = re.match(r"[0-9a-f]+ <(\w+)>:", line)
        if head:
            depth, called = 0, set()
            found[head[1]] = [depth, called]
            current = found[head[1]]
        offset = re.search(r"r10 - (0x[0-9a-f]+)", line)
        if not offset and re.search(r"r\d = r10$", last):
            offset = re.search(r"r\d \+= -(0x[0-9a-f]+)", line)
        if offset:
            current[0] = max(current[0], int(offset[1], 16))
        relocated = re.search(r"R_BPF_64_32\s+(\w+)", line)
        if relocated:
            current[1].add(relocated[1])
        last = line
    return found


def deepest(found, name):
    """(octets, chain of names)"""
    octets, called = found[name]
    below = max((deepest(found, callee) for callee in called if callee in found), default=(0, []))
    return max(octets, 1) + -max(octets, 1) % ROUND + below[0], [name] + below[1]


def main():
    found = functions(sys.argv[1])
    called = set().union(*(names for _, names in found.values()))
    chains = [deepest(found, name) for name in found if name not in called]
    for octets, chain in sorted(chains, reverse=True):
        print(f"{octets} {' > '.join(chain)}")
    return 1 if not chains or max(chains)[0] > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
