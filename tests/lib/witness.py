# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tcpdump beside the monitor, and what tcpscope makes of its capture: the records that the live ones must equal."""

import json
import os
import re
import signal

import net
from scope import BINARY


class Capture:
    """Started: captures. Stopped: `flows` and `ledger` are those of the replay."""

    def __init__(self, namespace, interface, *expression):
        self.path = f"/run/scratch/{interface}.pcap"
        self.process = net.start(namespace, "tcpdump", "-Z", "root", "-n", "-i", interface, "-s", "256", "-B", "65536",
                                 "-U", "--immediate-mode", "--time-stamp-precision=nano", "-w", self.path, *expression,
                                 stderr=net.subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        while "listening" not in line:
            if not line:
                raise net.Failed("tcpdump does not listen")
            line = self.process.stderr.readline()

    def stop(self):
        """The network is quiet; tcpdump may still be writing."""
        sizes = []

        def still():
            sizes.append(os.stat(self.path).st_size)
            return len(sizes) > 40 and sizes[-40] == sizes[-1]

        net.await_true(still, "tcpdump has written all")
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate()[1]
        dropped = re.search(r"(\d+) packets dropped by kernel", said)
        if not dropped or dropped[1] != "0":
            raise net.Failed(f"tcpdump lost packets: {said}")
        records = [json.loads(line) for line in net.run(BINARY, "-r", self.path, "--output", "json").splitlines()]
        self.flows = [record for record in records if record["type"] == "flow"]
        self.ledger = next(record for record in records if record["type"] == "ledger")


def flatten(value, prefix=""):
    """A record as {"client.flags.syn": 1, ...}; of a list, its entries by number, and how many."""
    if isinstance(value, list):
        value = {**{str(number): entry for number, entry in enumerate(value)}, "length": len(value)}
    if not isinstance(value, dict):
        return {prefix: value}
    flat = {}
    for name, entry in value.items():
        flat.update(flatten(entry, f"{prefix}.{name}" if prefix else name))
    return flat
