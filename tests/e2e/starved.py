#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What it may lack: standard streams, descriptors, memory, /sys, space for what it writes. One line says which, nothing
stays attached.

    client (namespace): veth0, the interface that is there
"""

import os

import net
import report
from scope import BINARY

FAILED = 1
WATCH = f"{BINARY} -i veth0 --duration 0.1"

# name, command of a shell, words of its one complaint
LACKS = (
    ("standard output", f"exec {WATCH} >&-", "writing to standard output: Bad file descriptor"),
    ("standard input and output", f"exec {WATCH} --output json <&- >&-", "writing to standard output: Bad file descriptor"),
    ("space on standard output", f"exec {WATCH} >/dev/full", "writing to standard output: No space left on device"),
    ("space for a report", f"exec {WATCH} --report >/dev/full", "writing to standard output: No space left on device"),
    ("space for JSON", f"exec {WATCH} --output json >/dev/full", "writing to standard output: No space left on device"),
    ("room in a file", f"ulimit -f 0; exec {WATCH} >/run/scratch/limited", "writing to standard output: File too large"),
    ("descriptors for programs", f"ulimit -n 12; exec {WATCH}", "cannot load its programs: Too many open files; `ulimit -n`"),
    ("descriptors for --resolve", f"ulimit -n 4; exec {WATCH} --resolve", "the process that looks up names: Too many open files"),
    ("memory for its programs", f"ulimit -v $LITTLE_KB; exec {WATCH}", "built into it: Cannot allocate memory; `ulimit -v`"),
    ("memory to map the table", f"ulimit -v 100000; exec {WATCH}", "flow table: Cannot allocate memory; try a smaller --flows"),
    ("/sys", f"umount -R -l /sys; exec {WATCH}", "/sys/devices/system/cpu/possible"),
)


def little_kb():
    """Virtual memory that does for it to start, and for little more."""
    for kb in range(5000, 50000, 20):
        if not net.subprocess.run(["bash", "-c", f"ulimit -v {kb}; exec {BINARY} --version"], capture_output=True).returncode:
            return kb + 200
    raise net.Failed("it does not start with 50 MB")


def shell(command):
    """Its complaints but for where it was attached; nobody else's mounts change."""
    done = net.subprocess.run(net.enter("client", "unshare", "--mount", "bash", "-c", command), capture_output=True, text=True,
                              timeout=30)
    lines = done.stderr.splitlines()
    return done, [line for line in lines if not line.startswith(("tcpscope: veth0: ingress by", "tcpscope: veth0: egress by"))]


# An /etc of its own, which only root may read.
ETC = "mkdir -p /run/scratch/etc; cp /etc/passwd /etc/group /etc/nsswitch.conf /run/scratch/etc; chmod 700 /run/scratch/etc; " \
      "mount --bind /run/scratch/etc /etc"


def lacks():
    os.environ["LITTLE_KB"] = str(little_kb())
    for name, command, words in LACKS:
        done, lines = shell(command)
        report.equal(f"starved: without {name}: exit status", done.returncode, FAILED)
        report.check(f"starved: without {name}: one line says so", len(lines) == 1 and words in lines[0], lines)
        report.equal(f"starved: without {name}: nothing is attached", net.attached("client", "veth0"), [])


def descriptors():
    """However few there are, it says that, and how many they may be; or it works."""
    for words, counts in (("", (*range(4, 32, 4), *range(32, 44))), (" --ladder tcp", (24, 34, 36, 42)),
                          (" --resolve", (4, 6, 36, 42))):
        wrong, fine = [], []
        for count in counts:
            done, lines = shell(f"ulimit -n {count}; exec {WATCH}{words}")
            fine += [count] if not done.returncode else []
            if done.returncode not in (0, FAILED) or net.attached("client", "veth0") or (done.returncode and (
                    len(lines) != 1 or "Too many open files; `ulimit -n`" not in lines[0])):
                wrong.append((count, done.returncode, lines))
        report.equal(f"starved: from {counts[0]} descriptors on{words}: refused in one line that says so", wrong, [])
        report.check(f"starved: from {counts[0]} descriptors on{words}: few do not suffice, more do",
                     fine and fine[0] > counts[0] and counts[-1] in fine, fine)


def does_without():
    for name, command in (("standard input", f"exec {WATCH} <&-"), ("standard error", f"exec {WATCH} 2>&-"),
                          ("an /etc that nobody may read", f"{ETC}; exec {WATCH} --resolve"),
                          ("a BPF file system", f"umount -l /sys/fs/bpf; exec {WATCH}"),
                          ("memory that may be locked", f"ulimit -l 0; exec {WATCH}")):
        done, lines = shell(command)
        report.equal(f"starved: it can do without {name}", (done.returncode, lines), (0, []))
        report.check(f"starved: without {name} the ledger is printed", "veth0 egress:" in done.stdout, done.stdout)


def main():
    net.namespace_make("client")
    net.namespace_make("server")
    net.veth_make("client", "server")
    net.addresses_set("client", "veth0")
    lacks()
    descriptors()
    does_without()


if __name__ == "__main__":
    report.run(main)
