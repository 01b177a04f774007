#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--tap: what arrives is counted, all of it, and never reaches the host; afterwards it does again, however the program
ended. And --stats: what the kernel says of the programs agrees with the ledger.

    client                           server
    veth0 192.0.2.1  <----------->   veth0 192.0.2.2 (raw socket)
      ^ tcpscope --tap, packet socket
"""

import signal
import socket

import hand
import net
import report
import sniff
from scope import BINARY, Scope

FRAMES = 1000
TAP_CLIENT, TAP_SERVER = "203.0.113.1", "203.0.113.2"



def frame(number):
    tcp = hand.tcp((1024 + number % 100, 443), hand.SYN if number < 100 else hand.ACK, 1000 + number // 100, 0)
    return hand.ethernet(hand.ipv4(TAP_CLIENT, TAP_SERVER, tcp), hand.ETHER_IPV4)


def arp():
    return b"\xff" * 6 + hand.CLIENT + b"\x08\x06" + bytes(46)


def reachable(listener):
    """Does a connection from the server's end come through?"""
    with sniff.socket_inside("server", socket.AF_INET, socket.SOCK_STREAM, 0) as client:
        client.settimeout(0.5)  # below the first retry of a SYN
        try:
            client.connect(("192.0.2.1", 9000))
        except TimeoutError:
            return False
    listener.accept()[0].close()
    return True


def counted(mode, sender, listener):
    heard = sniff.socket_inside("client", socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    heard.bind(("veth0", 0))
    heard.settimeout(0.2)
    scope = Scope("client", ["veth0"], "--tap", "--stats")
    for number in range(FRAMES):
        sender.send(frame(number))
        sender.send(arp())
    try:
        got = heard.recv(100)
    except TimeoutError:
        got = None
    report.equal(f"tap {mode}: nothing reaches the host", got, None)
    report.equal(f"tap {mode}: nor does a connection", reachable(listener), False)
    report.equal(f"tap {mode}: exit status", scope.stop(), 0)
    report.equal(f"tap {mode}: no account of what is not watched",
                 [ledger["direction"] for ledger in scope.ledgers], ["ingress"])
    ledger = scope.ledger("veth0", "ingress")
    report.equal(f"tap {mode}: every frame is counted",
                 (ledger["in_flows"] >= FRAMES, ledger["seen"] >= 2 * FRAMES, ledger["unaccounted"]), (True, True, 0))
    flows = [flow for flow in scope.flows if flow["client"]["ip"] == TAP_CLIENT]
    report.equal(f"tap {mode}: in its flow", (len(flows), sum(flow["client"]["packets"] for flow in flows)), (100, FRAMES))
    report.equal(f"tap {mode}: nothing is left attached", net.attached("client", "veth0"), [])
    report.equal(f"tap {mode}: then the host is reached again", reachable(listener), True)
    programs(f"tap {mode}", scope, {"xdp_ingress": "ingress"})


def killed(listener):
    scope = Scope("client", ["veth0"], "--tap")
    report.equal("tap: before a crash the host is not reached", reachable(listener), False)
    scope.process.send_signal(signal.SIGKILL)
    scope.process.wait()
    net.await_true(lambda: not net.attached("client", "veth0"), "nothing attached after a crash")
    report.equal("tap: after a crash the host is reached", reachable(listener), True)


def programs(name, scope, served):
    """`served`: by name, the direction whose frames a program sees."""
    records = {record["name"]: record for record in scope.records if record["type"] == "program"}
    report.equal(f"{name}: the programs that are attached", sorted(records), sorted(served))
    for program, direction in served.items():
        frames = scope.ledger("veth0", direction)["detail"]["frames"]
        record = records.get(program, {"runs": None, "cpu_frames": [], "run_ns": 0})
        report.equal(f"{name}: runs of {program} are the ledger's frames",
                     (record["runs"], sum(record["cpu_frames"])), (frames, frames))
        report.check(f"{name}: {program} took time", record["run_ns"] > 10 * frames > 0, record)


def measured(hook, sender, listener):
    scope = Scope("client", ["veth0"], "--hook", hook, "--stats")
    for number in range(FRAMES):
        sender.send(frame(number))
    reachable(listener)
    scope.stop()
    programs(f"programs {hook}", scope, {f"{hook}_ingress": "ingress", "tc_egress": "egress"})
    table = net.start("client", BINARY, "-i", "veth0", "--hook", hook, "--stats", stdout=net.subprocess.PIPE,
                      stderr=net.subprocess.PIPE, text=True)
    for line in table.stderr:
        if "egress" in line:
            break
    sender.send(frame(0))
    table.send_signal(signal.SIGTERM)
    lines = table.communicate()[0].splitlines()
    report.check(f"programs {hook}: a line of each in the table",
                 [line.split()[1] for line in lines if line.startswith("program ")] ==
                 [f"{hook}_ingress:", "tc_egress:"], lines[-4:])


def errors():
    for name, status, *arguments in (("without an interface", 2, "--tap"), ("with --hook", 2, "-i", "veth0", "--tap", "--hook", "tc"),
                                     ("of a capture", 2, "-r", "/dev/null", "--tap"), ("of lo", 1, "-i", "lo", "--tap"),
                                     ("of the default route", 1, "-i", "veth0", "--tap"),
                                     ("of the default route for IPv6", 1, "-i", "veth1", "--tap")):
        done = net.subprocess.run(net.enter("server", BINARY, *arguments), capture_output=True, text=True, check=False)
        report.check(f"tap {name} is refused in one line", done.returncode == status and
                     len(done.stderr.splitlines()) == 1 and not done.stdout, done)


def main():
    net.pair_make()
    net.veth_make("client", "server", "veth1")
    net.inside("server", "ip", "link", "set", "veth1", "up")
    net.inside("server", "ip", "route", "add", "default", "via", "192.0.2.1")
    net.inside("server", "ip", "-6", "route", "add", "default", "dev", "veth1")
    sender = hand.Sender("server", "veth0")
    listener = sniff.socket_inside("client", socket.AF_INET, socket.SOCK_STREAM, 0)
    listener.bind(("192.0.2.1", 9000))
    listener.listen()
    errors()
    report.equal("tap: without it the host is reached", reachable(listener), True)
    counted("native", sender, listener)
    killed(listener)
    for hook in ("tc", "xdp"):
        measured(hook, sender, listener)


report.run(main)
