#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Held against tcptrace: round trips of the handshake, segments resent and out of order. The two count by other rules
(doc/counters.md), so each difference must be of a class named there, by what tshark shows of the segments concerned."""

import collections
import glob
import ipaddress
import os
import shutil
import subprocess

import replay
import report
import segments

SIDES = ("client", "server")
SILENCE_S = 240  # then tcptrace begins another connection
ROUNDING_MS = 0.0501  # it prints tenths


def address(text):
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return str(ipaddress.ip_address(":" + text))  # it leaves out a colon of ::1


def endpoints(record):
    return tuple((record[side]["ip"], record[side]["port"]) for side in SIDES)


class Theirs:
    """A connection as tcptrace has it."""

    def __init__(self, row):
        self.row = row
        self.ends = tuple((address(row["host_" + end]), int(row["port_" + end])) for end in "ab")
        self.start = float(row["first_packet"])

    def of(self, name, end):
        return float(self.row[f"{name}_{'a2b' if end == self.ends[0] else 'b2a'}"])


def tcptrace(path):
    """None: it cannot read the capture."""
    done = subprocess.run(["tcptrace", "-l", "-r", "-n", "--csv", path], capture_output=True, text=True,
                          errors="replace", check=False)
    names, found = [], []
    for line in done.stdout.splitlines():
        words = [word.strip() for word in line.split(",")]
        if words[0] == "conn_#":
            names = words
        elif names and words[0].isdigit():
            found.append(Theirs(dict(zip(names, words))))
    return None if done.returncode else found


def grouped(connections, key):
    """By the two endpoints, in whatever order, those of one pair as they began."""
    groups = collections.defaultdict(list)
    for connection in connections:
        groups[frozenset(key(connection))].append(connection)
    return groups


class Comparison:
    def __init__(self):
        self.sides, self.equal = collections.Counter(), collections.Counter()
        self.explained = collections.defaultdict(collections.Counter)
        self.left_out, self.unexplained = collections.Counter(), []

    def capture(self, path):
        self.path, self.segments = path, None
        done = replay.tcpscope("-r", path, "--output", "json")
        theirs, ours = tcptrace(path), grouped(replay.flows_of(done.stdout), endpoints)
        if theirs is None or done.returncode:
            self.left_out["not read by " + ("tcptrace" if theirs is None else "tcpscope")] += 1
            return
        theirs = grouped(theirs, lambda connection: connection.ends)
        if self.agree(ours, theirs) or not self.odd():
            for pair in ours.keys() | theirs.keys():
                self.pair(pair, ours.get(pair, []), theirs.get(pair, []))

    def agree(self, ours, theirs):
        """On how many connections there are, and of how many packets."""
        return ours.keys() == theirs.keys() and all(
            len(ours[pair]) == len(theirs[pair]) and self.packets_equal(zip(ours[pair], theirs[pair])) for pair in ours)

    @staticmethod
    def packets_equal(pairs):
        return all(their.of("total_packets", end) == our[side]["packets"]
                   for our, their in pairs for side, end in zip(SIDES, endpoints(our)))

    def read(self):
        if self.segments is None:
            self.segments = segments.read(self.path) or []
        return self.segments

    def odd(self):
        """Why the two do not see the same packets; None if they should."""
        oddities = [segment.odd for segment in self.read() if segment.odd]
        if not oddities and len(segments.read(self.path, segments.NO_TSO)) < len(self.read()):
            oddities = ["no length"]
        if oddities:
            self.left_out[oddities[0]] += 1
        return bool(oddities)

    def wrong(self, *why):
        self.unexplained.append((os.path.basename(self.path), *why))

    def pair(self, pair, ours, theirs):
        if len(ours) == len(theirs):
            for our, their in zip(ours, theirs):
                self.connection(our, their)
        elif self.begun_anew(pair):
            self.left_out[self.begun_anew(pair)] += 1
        else:
            self.wrong("connections", set(pair), len(theirs), len(ours))

    def of_pair(self, pair):
        return [segment for segment in self.read() if {segment.source, segment.target} == set(pair)]

    def begun_anew(self, pair):
        """Why tcptrace sees another connection where we see one; None if it should not."""
        ended, last = False, None
        for segment in self.of_pair(pair):
            if last and segment.at - last > SILENCE_S:
                return "silence"
            if ended and segment.flags & segments.SYN:
                return "SYN after an end"
            ended, last = ended or bool(segment.flags & (segments.FIN | segments.RST)), segment.at
        return None

    def connection(self, our, their):
        for side, end in zip(SIDES, endpoints(our)):
            self.round_trip(our, their, side, end)
        counts = [(our[side]["retransmits"] + our[side]["fast_retransmits"] + our[side]["spurious_retransmits"],
                   our[side]["out_of_order"]) for side in SIDES]
        told = [(their.of("rexmt_data_pkts", end), their.of("outoforder_pkts", end)) for end in endpoints(our)]
        for number, name in enumerate(("segments resent", "segments out of order")):
            for side in range(2):
                self.sides[name] += 1
                self.equal[name] += counts[side][number] == told[side][number]
        if counts == told:
            return
        if any(segment.odd for segment in self.of_pair(endpoints(our))):
            self.explained["segments"]["broken"] += 1
        else:
            self.explain(our, told, counts)

    def round_trip(self, our, their, side, end):
        """The client's half in tcptrace is what the server took, and the other way round."""
        name, told = "round trips of handshakes", their.of("RTT_from_3WHS", end)
        handshake = our["handshake"]
        if not handshake and not told:
            return
        measured = handshake and handshake["server_ns" if side == "client" else "client_ns"]
        self.sides[name] += 1
        if abs((measured or 0) / 1e6 - told) <= ROUNDING_MS:
            self.equal[name] += 1
            return
        why = self.why_round_trip(our, side, end, told)
        if why:
            self.explained[name][why] += 1
        else:
            self.wrong(name, side, endpoints(our), told, measured)

    def why_round_trip(self, our, side, end, told):
        handshake = our["handshake"]
        started = [segment for segment in self.of_pair(endpoints(our))
                   if segment.source == end and segment.flags & segments.SYN]
        if not told and handshake and handshake["syns" if side == "client" else "synacks"] > 1:
            return "resent"
        if not told and started and started[0].length:
            return "payload"
        return "reset" if told and started and self.answered_by_reset(started[0]) else None

    def answered_by_reset(self, started):
        """Is a RST what acknowledges it, or came before that?"""
        for segment in self.of_pair((started.source, started.target)):
            if segment.target == started.source and segment.flags & segments.RST:
                return True
            if segment.target == started.source and segment.ack == (started.seq + 1) % segments.SPACE:
                return False
        return False

    def explain(self, our, told, counts):
        """Both totals must come of the segments, and each segment of which the two differ must have a reason."""
        start = our["start_ns"] / 1e9
        mine = [segment for segment in self.of_pair(endpoints(our)) if segment.at >= start - 1e-6]
        judged = segments.judge([segment for segment in mine if segment.stream == mine[0].stream])
        for number, end in enumerate(endpoints(our)):
            sent = [item for item in judged if item.segment.source == end]
            said, marked = [item.said for item in sent], [item.marked for item in sent]
            model = (said.count("resent") + said.count("both"), said.count("late") + said.count("both"))
            marks = (marked.count("resent"), marked.count("out of order"))
            if model != told[number] or marks != counts[number]:
                self.wrong("totals", end, "tcptrace", told[number], "model", model, "ours", counts[number], "tshark",
                           marks)
        for item in judged:
            if item.same() or (item.said == "probe" and item.marked == "new"):
                continue
            if item.why():
                self.explained["segments"][item.why()] += 1
            else:
                self.wrong("segment", item.segment.frame, "tcptrace", item.said, "tshark", item.marked)


def words(counter):
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))


def main():
    files = sorted(glob.glob(os.path.join(replay.CAPTURES, "zeek", "*")))
    missing = [program for program in ("tcptrace", "tshark") if not shutil.which(program)]
    if missing or not files:
        report.skip("tcptrace", f"{missing[0]} is not installed" if missing else
                    f"no captures in {replay.CAPTURES}/zeek (TCPSCOPE_CAPTURES)")
        return
    comparison = Comparison()
    for file in files:
        comparison.capture(file)
    for name, count in comparison.sides.items():
        equal = comparison.equal[name]
        report.check(f"tcptrace: {name}: {equal} of {count} sides equal", equal > 0.9 * count)
    for name, classes in comparison.explained.items():
        print(f"# {name} that differ, by reason: {words(classes)}")
    report.check(f"tcptrace: captures and connections left out: {words(comparison.left_out)}",
                 sum(comparison.left_out.values()) < len(files) / 2, comparison.left_out)
    report.equal("tcptrace: no difference without a reason", comparison.unexplained, [])


report.run(main)
