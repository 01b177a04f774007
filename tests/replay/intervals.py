#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--report --interval of a capture, by its clock from the first packet on: with --per-interval what is new in each."""

import json
import subprocess
import tempfile

import hand
import replay
import report

CLIENT, SERVER = "192.0.2.1", "198.51.100.1"
SECOND = 1_000_000
ENOUGH_SECONDS = 60
ACK, SYN, PSH = hand.ACK, hand.SYN, hand.PSH


def segment(at, port, flags, sequence, acknowledgment, payload=b"", back=False):
    ends = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    ports = (80, port) if back else (port, 80)
    return at, replay.frame4(*ends, hand.tcp(ports, flags, sequence, acknowledgment, payload))


def handshake(at, port, took):
    """`took`: microseconds until the SYN/ACK; the ACK comes 10 later."""
    return [segment(at, port, SYN, 100, 0), segment(at + took, port, SYN | ACK, 900, 101, back=True),
            segment(at + took + 10, port, ACK, 101, 901)]


def data(at, port, number):
    return segment(at, port, ACK | PSH, 101 + number, 901, b"x")


def run(frames, *arguments):
    """Its services, then all other records."""
    done = replay.output(frames, "--report", "--output", "json", *arguments)
    report.equal(f"intervals: {' '.join(arguments)}: exit status, standard error", (done.returncode, done.stderr), (0, ""))
    records = [json.loads(line) for line in done.stdout.splitlines()]
    for record in records:
        record.pop("interface", None)  # a name of the moment
    return [record for record in records if record["type"] == "service"], [
        record for record in records if record["type"] != "service"]


def told(services):
    """Seconds since START, and what came between them."""
    def seconds(instant):
        return None if instant is None else round(instant / 1e9 - replay.START, 6)
    return [(seconds(service["since_ns"]), seconds(service["at_ns"]), service["attempts"],
             service["outcomes"]["accepted"], (service["connect"] or {"max_ns": None})["max_ns"],
             service["traffic"]["client"]["packets"], [slow["client"]["port"] for slow in service["slowest"]])
            for service in services]


def story():
    """Two connections in the first ten seconds, of which one goes on; one in the second ten; none until the fifth."""
    return sorted(handshake(2 * SECOND, 1, 300) + handshake(3 * SECOND, 2, 500) + [data(5 * SECOND, 1, 0)] +
                  handshake(14 * SECOND, 3, 400) + [data(17 * SECOND, 1, 1)] +
                  [data(at * SECOND, 1, at) for at in (45, 46)])


def news():
    services, others = run(story(), "--interval", "10", "--per-interval")
    near = {largest for *_, largest, _, _ in told(services[:2])}
    report.check("intervals: the largest of each, within 1.6 %", all(abs(got - want) < want * 0.016 for got, want in zip(
        sorted(near), (410_000, 510_000))), near)
    for service in services[:2]:
        service["connect"]["max_ns"] = round(service["connect"]["max_ns"], -4)
    report.equal("intervals: what is new in each that has packets", told(services),
                 [(2, 12, 2, 2, 510_000, 5, [2, 1]), (12, 22, 1, 1, 410_000, 3, [3]), (42, 46, 0, 0, None, 2, []),
                  (None, 46, 3, 3, 510_000, 10, [2, 3, 1])])
    plain, as_ever = run(story())
    report.equal("intervals: the final one is as without", (services[-1:], others), (plain, as_ever))


def since_the_start():
    services, _ = run(story(), "--interval", "10")
    report.equal("intervals: all since the start", told(services),
                 [(None, 12, 2, 2, 510_000, 5, [2, 1]), (None, 22, 3, 3, 510_000, 8, [2, 3, 1]),
                  (None, 46, 3, 3, 510_000, 10, [2, 3, 1])])


def with_idle():
    """What left the table is in the services, too."""
    services, others = run(story(), "--interval", "10", "--per-interval", "--idle", "4")
    report.equal("intervals: beside --idle", told(services)[-1][2:4], (3, 3))
    report.equal("intervals: beside --idle, together", sum(service["attempts"] for service in services[:-1]), 3)
    report.check("intervals: beside --idle, records before the end", len([
        record for record in others if record.get("end_reason") == "idle"]) >= 3, others)


def outcome():
    """Unanswered when it is told, answered when it is told again: it is in both. Pending is as of the moment."""
    frames = [segment(0, 1, SYN, 100, 0), segment(9.5 * SECOND // 1, 2, SYN, 100, 0), segment(11 * SECOND, 9, ACK, 1, 1),
              *handshake(12 * SECOND, 1, 100), *handshake(12 * SECOND, 2, 100), segment(21 * SECOND, 9, ACK, 1, 1)]
    frames = [(int(at), frame) for at, frame in frames]
    services, _ = run(frames, "--interval", "10", "--per-interval")
    words = ("accepted", "unanswered", "pending")
    report.equal("intervals: an outcome that changes", [[service["outcomes"][word] for word in words] for service in services],
                 [[0, 1, 1], [2, 0, 0], [2, 0, 0]])


def clock_set_back():
    """It is told that something is new, and no interval ends before it begins."""
    frames = handshake(5000 * SECOND, 1, 100) + handshake(10 * SECOND, 2, 100) + handshake(25 * SECOND, 3, 100)
    services, _ = run(frames + handshake(45 * SECOND, 4, 100), "--interval", "10", "--per-interval")
    report.equal("intervals: a clock set back: each connection once", sum(service["attempts"] for service in services[:-1]), 4)
    report.equal("intervals: a clock set back: none ends before it begins",
                 [service for service in services[:-1] if service["since_ns"] > service["at_ns"]], [])


def clock_to_and_fro():
    """Not all flows for each packet."""
    frames = [frame for number in range(20_000) for frame in (
        segment(0, 1024 + number, SYN, 100, 0), segment(1000 * SECOND, 1024 + number, SYN | ACK, 900, 101, back=True))]
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap(frames))
        file.flush()
        try:
            done = subprocess.run((replay.BINARY, "-r", file.name, "--report", "--interval", "1", "--per-interval"),
                                  stdout=subprocess.DEVNULL, timeout=ENOUGH_SECONDS, check=False).returncode
        except subprocess.TimeoutExpired:
            done = "not yet"
    report.equal("intervals: a clock that goes to and fro", done, 0)


def words():
    said = replay.output(story(), "--report", "--interval", "10", "--per-interval").stdout
    heads = [line.partition("UTC: ")[2] for line in said.splitlines() if "UTC: " in line]
    report.equal("intervals: for people", heads,
                 ["1 service, 2 connection attempts in the last 10.0s", "1 service, 1 connection attempt in the last 10.0s",
                  "1 service, 0 connection attempts in the last 4.00s", "1 service, 3 connection attempts in all"])


def main():
    news()
    since_the_start()
    with_idle()
    outcome()
    clock_set_back()
    clock_to_and_fro()
    words()


report.run(main)
