# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The TCP segments of a capture as tshark reads them, and what the two rules of counting say of each: tcptrace's, by a
model of it that is held against its own totals; tshark's, which tcpscope follows, by tshark's marks."""

import bisect
import subprocess

FIN, SYN, RST, ACK = 1, 2, 4, 16
QUARTER, SPACE = 1 << 30, 1 << 32
FIELDS = ("frame.number", "frame.time_epoch", "frame.len", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
          "ip.len", "ip.flags.mf", "ip.frag_offset", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.len", "tcp.seq_raw",
          "tcp.ack_raw", "tcp.window_size_value", "tcp.stream", "_ws.short", "tcp.analysis.retransmission",
          "tcp.analysis.out_of_order", "tcp.analysis.keep_alive")
PREFERENCES = ("tcp.desegment_tcp_streams:FALSE", "ip.defragment:FALSE", "ipv6.tso_support:TRUE")
NO_TSO = "ip.tso_support:FALSE"  # a packet whose IP header says 0 for its length is none
# Layers below TCP that both programs take apart alike.
PLAIN = {"eth", "ethertype", "null", "raw", "sll", "ip", "ipv6"}


class Segment:
    def __init__(self, row):
        self.frame, self.at = int(row["frame.number"]), float(row["frame.time_epoch"])
        self.layers = row["frame.protocols"].split(":")
        self.source = (row["ip.src"] or row["ipv6.src"], int(row["tcp.srcport"] or 0))
        self.target = (row["ip.dst"] or row["ipv6.dst"], int(row["tcp.dstport"] or 0))
        self.flags, self.stream = int(row["tcp.flags"] or "0", 16), int(row["tcp.stream"] or -1)
        self.seq, self.ack = int(row["tcp.seq_raw"] or 0), int(row["tcp.ack_raw"] or 0)
        self.window, self.length = int(row["tcp.window_size_value"] or 0), int(row["tcp.len"] or 0)
        self.odd = self.oddity(row)
        self.keep_alive = row["tcp.analysis.keep_alive"] != ""
        self.marked = "out of order" if row["tcp.analysis.out_of_order"] else \
            "resent" if row["tcp.analysis.retransmission"] else "new"

    def oddity(self, row):
        """What keeps tcptrace from reading the frame as others do; None: nothing."""
        below = self.layers[:self.layers.index("tcp")]
        if set(below) - PLAIN or below.count("ip") + below.count("ipv6") > 1:
            return "layers"
        if row["ip.flags.mf"] in ("1", "True") or row["ip.frag_offset"] not in ("", "0"):
            return "fragment"
        if not row["tcp.len"] or row["_ws.short"] or int(row["ip.len"] or 0) > int(row["frame.len"]):
            return "broken"
        return None

    def end(self):
        return (self.seq + self.length + bool(self.flags & SYN) + bool(self.flags & FIN)) % SPACE


def read(path, *more):
    """All frames with a TCP header that is theirs: not one quoted by ICMP. None: tshark cannot read the file. `more`:
    preferences."""
    command = ["tshark", "-n", "-r", path, "-Y", "tcp && !icmp && !icmpv6", "-T", "fields", "-E", "occurrence=l", "-E",
               "separator=\t", "-d", "tcp.port==0-65535,data"]
    command += [word for preference in (*PREFERENCES, *more) for word in ("-o", preference)]
    command += [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if "doesn't support" in done.stderr:
        return None
    return [Segment(dict(zip(FIELDS, line.split("\t")))) for line in done.stdout.splitlines()]


class Pieces:
    """Of a quarter of the sequence space, what was sent: each as long as the segment that brought it."""

    def __init__(self):
        self.first, self.last = [], []

    def add(self, first, last):
        """Returns octets that were there before, and whether the segment fills a hole below another."""
        known, late = 0, False
        at = bisect.bisect_left(self.last, first)
        while at < len(self.last) and first <= last:
            if first < self.first[at]:
                late = late or last < self.last[at]
                end = min(last, self.first[at] - 1)
                self.insert(at, first, end)
            else:
                end = min(last, self.last[at])
                known += end - first + 1
            first, at = end + 1, at + 1
        if first <= last:
            self.insert(at, first, last)
        return known, late

    def insert(self, at, first, last):
        self.first.insert(at, first)
        self.last.insert(at, last)


class Sent:
    """What a side sent before. tcptrace keeps three quarters of the sequence space, those round the last one used, by a
    segment or an acknowledgment; what it knew of the fourth is gone."""

    def __init__(self):
        self.quarters, self.middle = {}, None

    def visit(self, sequence):
        quarter = sequence // QUARTER % 4
        if quarter != self.middle:
            self.quarters.pop((quarter + 2) % 4, None)
            self.middle = quarter
        return quarter

    def pieces(self, quarter):
        return self.quarters.setdefault(quarter % 4, Pieces())

    def add(self, first, length):
        """As Pieces.add; a segment may begin in one quarter and end in the next."""
        quarter = self.visit(first)
        here = min(length, QUARTER - first % QUARTER)
        known, late = self.pieces(quarter).add(first % QUARTER, first % QUARTER + here - 1)
        if here < length:
            more, later = self.pieces(quarter + 1).add(0, length - here - 1)
            known, late = known + more, late or later
        return known, late


class Side:
    def __init__(self):
        self.sent, self.window, self.packets = Sent(), 0, 0
        self.highest, self.highest_by, self.ack = None, None, None
        self.probes = []


def before(one, other):
    """In sequence space."""
    return 0 < (other - one) % SPACE < SPACE // 2


class Judged:
    """A segment, what tcptrace says of it (new, resent, late, both, or probe: it is left out, since the peer's window
    is 0), tshark's mark, and what was known when it came."""

    def __init__(self, segment, said, own, peer):
        self.segment, self.said, self.marked = segment, said, segment.marked
        self.beyond = own.highest is not None and not before(segment.seq, own.highest)
        self.below_empty = own.highest_by is not None and not own.highest_by.length and before(segment.seq, own.highest)
        self.acked = peer.ack is not None and not before(peer.ack, segment.end())
        self.of_probe = any(not before(probe.end(), segment.seq) and not before(segment.end(), probe.seq)
                            for probe in own.probes)

    def why(self):
        """The class of the difference between the two; None: they say the same, or nothing known explains it."""
        rules = (
            ("keep-alive", self.said == "resent" and self.segment.keep_alive),
            ("wrapped", self.said == "resent" and self.marked == "new" and self.beyond),
            ("late", self.said == "late" and self.marked == "resent"),
            ("soon", self.said in ("resent", "both") and self.marked == "out of order"),
            ("probe", self.said == "probe"),
            ("after probe", self.said == "new" and self.marked != "new" and self.of_probe),
            ("acked unseen", self.said == "new" and self.marked == "resent" and self.acked),
            ("hole without payload", self.said == "new" and self.marked != "new" and self.below_empty),
        )
        return next((name for name, holds in rules if holds), None)

    def same(self):
        return self.marked == {"late": "out of order"}.get(self.said, self.said)


def judge(segments):
    """Of one connection, each segment that tcptrace judges or tshark marks."""
    sides, judged = {}, []
    for segment in segments:
        own, peer = sides.setdefault(segment.source, Side()), sides.setdefault(segment.target, Side())
        length = (segment.end() - segment.seq) % SPACE
        probe = length > 0 and peer.packets > 0 and peer.window == 0
        known, late = own.sent.add(segment.seq, length) if length and not probe else (0, False)
        if segment.flags & ACK:
            peer.sent.visit(segment.ack)
        said = "both" if known and late else "probe" if probe else "resent" if known else "late" if late else "new"
        if length or segment.marked != "new":
            judged.append(Judged(segment, said, own, peer))
        note(own, segment, probe)
    return judged


def note(own, segment, probe):
    own.packets += 1
    if probe:
        own.probes.append(segment)
    if segment.flags & ACK:
        own.ack = segment.ack
    if own.highest is None or before(own.highest, segment.end()):
        own.highest, own.highest_by = segment.end(), segment
    if not segment.flags & RST:
        own.window = segment.window
