# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tcpscope under a flood: its output is read as it comes; flows of the flood (to 192.0.2.99, 2001:db8::99) are only
counted, all other records are kept."""

import collections
import json
import os
import re
import threading

import net
from scope import Scope

FLOODED = re.compile(rb'"server":\{"ip":"(?:192\.0\.2\.99|2001:db8::99)","port":(\d+)')
PACKETS = re.compile(rb'"packets":(\d+),"ip_bytes"')


class Tally(Scope):
    """`flows`, `ledgers`: of what is no flood. Of the flood, by service (port): `kept` and `summed`, in packets, and
    `recorded`, in flows."""

    def __init__(self, namespace, interfaces, *arguments, environment=None):
        self.kept, self.summed = collections.Counter(), collections.Counter()
        self.recorded = self.summaries = 0
        self.records = []
        self.broken = None
        read, write = os.pipe()
        self.lines_read = threading.Thread(target=self.tally, args=(os.fdopen(read, "rb", 1 << 20),), daemon=True)
        self.lines_read.start()
        super().__init__(namespace, interfaces, *arguments, out=write, environment=environment)
        os.close(write)

    def tally(self, pipe):
        try:
            for line in pipe:
                self.enter(line)
        except Exception as error:  # of any kind: wait() must hear of it
            self.broken = error

    def enter(self, line):
        flooded = FLOODED.search(line)
        if flooded and line.startswith(b'{"type":"flow"'):
            self.recorded += 1
            self.kept[flooded[1].decode()] += sum(map(int, PACKETS.findall(line)))
        elif flooded and line.startswith(b'{"type":"summary"'):
            record = json.loads(line)
            self.summaries += record["flows"]
            self.summed[flooded[1].decode()] += record["packets"]
        else:
            self.records.append(json.loads(line))

    def wait(self, seconds=120):
        status = self.process.wait(seconds)
        self.reader.join()
        self.lines_read.join()
        if self.broken:
            raise net.Failed(f"what it wrote: {self.broken!r}")
        self.flows = [record for record in self.records if record["type"] == "flow"]
        self.ledgers = [record for record in self.records if record["type"] == "ledger"]
        return status

    def total(self, field):
        """Of all ledgers, `detail` too."""
        return sum(ledger[field] if field in ledger else ledger["detail"][field] for ledger in self.ledgers)
