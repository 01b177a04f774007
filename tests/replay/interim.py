#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--active of a capture: when a flow has an interim record, what that holds, and that nothing counts twice."""

import hand
import replay
import report

SECOND = 1_000_000
CLIENT, OTHER, SERVER = "192.0.2.1", "192.0.2.3", "192.0.2.2"
PORTS, BACK = (40000, 80), (80, 40000)


def segment(second, source, target, flags, seq, ack, payload=b""):
    ports = PORTS if target == SERVER else BACK
    return second * SECOND, replay.frame4(source, target, hand.tcp(ports, flags, seq, ack, payload))


def connection(client, second):
    return [segment(second, client, SERVER, hand.SYN, 100, 0), segment(second, SERVER, client, hand.SYN | hand.ACK, 900, 101),
            segment(second, client, SERVER, hand.ACK, 101, 901)]


def data(client, second, sent):
    """Its hundred octets, after `sent` of them."""
    return [segment(second, client, SERVER, hand.ACK, 101 + sent, 901, b"x" * 100)]


def close(client, second, sent):
    return [segment(second, client, SERVER, hand.FIN | hand.ACK, 101 + sent, 901),
            segment(second, SERVER, client, hand.FIN | hand.ACK, 901, 102 + sent),
            segment(second, client, SERVER, hand.ACK, 102 + sent, 902)]


def long_flow(seconds, last):
    """Begins at 0 and sends every second up to `last`; another capture's clock ticks on to `seconds`."""
    frames = connection(CLIENT, 0)
    for second in range(1, seconds):
        if second <= last:
            frames += data(CLIENT, second, (second - 1) * 100)
        frames += data(OTHER, second, second * 100)
    return frames


def told(records, client):
    """Of each record of this client: why it was written, packets of the client, second of the last one."""
    return [(record["end_reason"], record["client"]["packets"], (record["end_ns"] // 10**9) - replay.START)
            for record in records if record["client"]["ip"] == client]


def interim(frames, seconds, client=CLIENT):
    return told(replay.flows_of(replay.output(frames, "--output", "json", "--active", str(seconds)).stdout), client)


def when():
    frames = long_flow(10, last=9)
    report.equal("interim: every two seconds, of what was seen until then", interim(frames, 2),
                 [("active", 3, 1), ("active", 5, 3), ("active", 7, 5), ("active", 9, 7), ("end", 11, 9)])
    report.equal("interim: none unless asked for", told(replay.flows(frames), CLIENT), [("end", 11, 9)])
    report.equal("interim: none of a flow that lasts less", interim(frames, 60), [("end", 11, 9)])
    report.equal("interim: none where nothing was sent since the last", interim(long_flow(10, last=3), 2),
                 [("active", 3, 1), ("active", 5, 3), ("end", 5, 3)])
    report.equal("interim: again when it goes on", interim(long_flow(8, last=1) + data(CLIENT, 9, 100) + data(CLIENT, 12, 200), 2),
                 [("active", 3, 1), ("active", 4, 9), ("end", 5, 12)])
    gap = connection(CLIENT, 0) + data(CLIENT, 1, 0) + data(CLIENT, 30, 100)
    report.equal("interim: one for all the intervals of a gap", interim(gap, 2), [("active", 3, 1), ("end", 4, 30)])
    frames = long_flow(10, last=9)
    jump = data(OTHER, 10**8, 0)
    report.equal("interim: a packet of a wrong time, years ahead, ends none", interim(frames[:8] + jump + frames[8:], 2)[-4:],
                 [("active", 5, 3), ("active", 7, 5), ("active", 9, 7), ("end", 11, 9)])
    closed = connection(CLIENT, 0) + close(CLIENT, 1, 0) + long_flow(10, last=0)[3:]
    report.equal("interim: none of a flow that is over", interim(closed, 2), [("closed", 4, 1)])


def not_twice():
    """Sums, services and verdicts are of flows, however often these were printed."""
    frames = long_flow(10, last=9)
    records, plain = ([record | {"interface": "capture"} for record in
                       replay.flows_of(replay.output(frames, "--output", "json", *more).stdout)]
                      for more in (("--active", "1"), ()))
    last = [record for record in records if record["end_reason"] != "active"]
    report.check("interim: the last records are those without --active", last == plain and len(records) > len(last), records)
    first = [record for record in records if record["client"]["ip"] == CLIENT]
    report.equal("interim: one flow, by what tells it", len({(record["community_id"], record["start_ns"]) for record in first}), 1)
    counts = [record["client"]["payload_bytes"] for record in first]
    report.equal("interim: counters go on", counts, sorted(counts))
    tables = [replay.output(frames, *more).stdout for more in ((), ("--active", "1"))]
    totals = [[line for line in table.splitlines() if line.startswith("total ")] for table in tables]
    report.equal("interim: the table's totals", totals[1], totals[0])
    report.check("interim: the table says that it is one", "active" in tables[1], tables[1])
    judged = replay.output(frames, "--active", "1", "--assert", "attempts == 1", "--assert", "count(connect) == 1")
    report.equal("interim: assertions count it once", judged.returncode, 0)


def refused():
    for arguments, word in ((("--active", "0"), "--active"), (("--active", "often"), "often"), (("--active", "0.05"), "0.1"),
                            (("--active", "1", "--output", "zeek"), "zeek"), (("--active", "1", "--ladder", "tcp"), "ladder")):
        done = replay.output(connection(CLIENT, 0), *arguments)
        report.check(f"interim: {' '.join(arguments)}: refused, in a line", done.returncode == 2 and done.stdout == "" and
                     done.stderr.count("\n") == 1 and word in done.stderr, done)


def main():
    when()
    not_twice()
    refused()


report.run(main)
