#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--idle of a capture: connections are printed as they end or fall silent, by its clock, and are forgotten; so its length
does not matter to memory. Without it each is kept until the end."""

import json
import os
import resource
import signal
import subprocess
import tempfile

import hand
import replay
import report

SERVER = "198.51.100.1"
SECOND = 1_000_000
ENOUGH_MB = 80
ENOUGH_SECONDS = 30
ACK, SYN, FIN, RST, PSH = hand.ACK, hand.SYN, hand.FIN, hand.RST, hand.PSH


def client(number):
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def segment(at, number, flags, sequence, acknowledgment, payload=b"", back=False):
    ends = (SERVER, client(number)) if back else (client(number), SERVER)
    ports = (80, 40000) if back else (40000, 80)
    return at, replay.frame4(*ends, hand.tcp(ports, flags, sequence, acknowledgment, payload))


def handshake(at, number):
    return [segment(at, number, SYN, 100, 0), segment(at + 10, number, SYN | ACK, 900, 101, back=True),
            segment(at + 20, number, ACK, 101, 901)]


def close(at, number):
    return [segment(at, number, FIN | ACK, 101, 901), segment(at + 10, number, FIN | ACK, 901, 102, back=True),
            segment(at + 20, number, ACK, 102, 902)]


def connection(at, number):
    return handshake(at, number) + close(at + 1000, number)


def told(flows):
    return [(flow["client"]["ip"], flow["outcome"], flow["end_reason"], flow["client"]["packets"]) for flow in flows]


def run(frames, *arguments):
    done = replay.output(frames, "--output", "json", *arguments)
    report.equal(f"idle: {' '.join(arguments) or 'without'}: exit status, standard error", (done.returncode, done.stderr),
                 (0, ""))
    return replay.flows_of(done.stdout), [json.loads(line) for line in done.stdout.splitlines()][-1]


def ends():
    """One that falls silent and goes on, one that closes and has a late segment, one unanswered, one that goes on."""
    frames = [*handshake(0, 1), *connection(100, 2), segment(200, 3, SYN, 1, 0), *handshake(300, 4)]
    frames += [segment(at * SECOND, 4, ACK | PSH, 101 + at, 901, b"x") for at in range(1, 40)]
    frames += [segment(SECOND, 2, ACK, 102, 902), segment(30 * SECOND, 1, ACK | PSH, 101, 901, b"late"),
               segment(31 * SECOND, 2, ACK, 102, 902)]
    frames.sort(key=lambda frame: frame[0])
    flows, ledger = run(frames, "--idle", "10")
    report.equal("idle: each as it ends", told(flows),
                 [(client(2), "accepted", "closed", 5), (client(1), "accepted", "idle", 2),
                  (client(3), "unanswered", "idle", 1), (client(4), "accepted", "end", 41),
                  (client(1), "midstream", "end", 1), (client(2), "midstream", "end", 1)])
    report.equal("idle: every segment is in a record", sum(flow[side]["packets"] for flow in flows
                                                          for side in ("client", "server")), ledger["in_flows"])
    report.equal("idle: births", ledger["detail"]["births"], len(flows))
    whole, _ = run(frames)
    report.equal("idle: without, each is one record", told(whole),
                 [(client(1), "accepted", "end", 3), (client(2), "accepted", "closed", 6),
                  (client(3), "unanswered", "end", 1), (client(4), "accepted", "end", 41)])
    patient, _ = run(frames, "--idle", "60")
    report.equal("idle: with more patience only what ended is forgotten", told(patient),
                 [(client(2), "accepted", "closed", 5)] + [entry for entry in told(whole) if entry[0] != client(2)] +
                 [(client(2), "midstream", "end", 1)])


def reused():
    """Of ports used again many times each connection is told once, and none is kept."""
    frames = []
    for number in range(200):
        frames += [segment(number * SECOND // 10, 1, SYN, 5000 * number + 7, 0)]
    flows, _ = run(frames, "--idle", "5")
    report.equal("idle: ports used again", [flow["client"]["isn"] for flow in flows], [5000 * number + 7 for number in
                                                                                      range(200)])


def with_active():
    """Interim records before the last one; none of what is silent."""
    frames = handshake(0, 1) + [segment(at * SECOND, 1, ACK | PSH, 100 + at, 901, b"x") for at in range(1, 8)]
    frames += handshake(60 * SECOND, 2)
    flows, _ = run(frames, "--idle", "20", "--active", "2")
    report.equal("idle: beside --active", [flow["end_reason"] for flow in flows if flow["client"]["ip"] == client(1)],
                 ["active", "active", "active", "idle"])


def clock_set_back():
    """Whatever the clock does, each segment is in one record."""
    frames = connection(5000 * SECOND, 1) + handshake(10 * SECOND, 2) + connection(20 * SECOND, 3)
    frames += handshake(40 * SECOND, 4)
    flows, ledger = run(frames, "--idle", "10")
    report.equal("idle: a clock set back", sorted(told(flows)),
                 [(client(1), "accepted", "closed", 4), (client(2), "accepted", "idle", 2),
                  (client(3), "accepted", "closed", 4), (client(4), "accepted", "end", 2)])
    report.equal("idle: a clock set back: all in flows", ledger["in_flows"],
                 sum(flow[side]["packets"] for flow in flows for side in ("client", "server")))


def clock_to_and_fro():
    """As of two points of capture, merged unsorted: no look at all flows for each packet, which would take minutes."""
    frames = [frame for number in range(60_000) for frame in (
        segment(number * 100, number, SYN, 100, 0), segment(number * 100 + 20 * SECOND, number, SYN | ACK, 900, 101, back=True))]
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap(frames))
        file.flush()
        for arguments in (("--idle", "600"), ("--active", "5")):
            try:
                done = subprocess.run((replay.BINARY, "-r", file.name, "--output", "none", "--assert", "attempts == 60000",
                                       *arguments), capture_output=True, timeout=ENOUGH_SECONDS, check=False).returncode
            except subprocess.TimeoutExpired:
                done = "not yet"
            report.equal(f"idle: a clock that goes to and fro, {arguments[0]}", done, 0)


def stream():
    """From a pipe: the record is there before the pipe ends; and where nobody reads any more, nothing goes on."""
    process = subprocess.Popen((replay.BINARY, "-r", "-", "--idle", "5", "--output", "json"), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=False)
    signal.alarm(20)
    process.stdin.write(replay.pcap(connection(0, 1) + handshake(4 * SECOND, 2)))
    process.stdin.flush()
    first = json.loads(process.stdout.readline())
    report.equal("idle: a pipe's record comes when it ended", told([first]), [(client(1), "accepted", "closed", 4)])
    process.stdout.close()
    try:
        for number in range(3, 100_000):
            process.stdin.write(replay.pcap(connection(number * SECOND, number))[len(replay.PCAP_HEADER):])
            process.stdin.flush()
    except BrokenPipeError:
        pass
    report.check("idle: a pipe that nobody reads ends it", number < 90_000, number)
    report.equal("idle: with status 0", process.wait(), 0)
    signal.alarm(0)


def run_within(path, megabytes, *arguments):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    done = subprocess.run((replay.BINARY, "-r", path, "--output", "json", *arguments), capture_output=True, preexec_fn=limit,
                          check=False)
    return done.returncode, done.stdout.count(b'"type":"flow"'), b"no memory" in done.stderr


def memory():
    """500 connections a second: what is enough for a minute of them is for four, unless they are kept."""
    for seconds in (60, 240):
        frames, made = [], seconds * 500
        for number in range(made):
            frames += connection(number * 2000, number)
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            file.write(replay.pcap(sorted(frames, key=lambda frame: frame[0])))
            file.flush()
            report.equal(f"idle: memory of a capture of {seconds} s", run_within(file.name, ENOUGH_MB, "--idle", "5"),
                         (0, made, False))
            if seconds > 60:
                report.equal("idle: where all are kept it does not suffice", run_within(file.name, ENOUGH_MB)[1:], (made, True))


def main():
    ends()
    reused()
    with_active()
    clock_set_back()
    clock_to_and_fro()
    stream()
    memory()


report.run(main)
