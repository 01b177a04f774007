#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Floods of crafted segments beside connections that talk, a reader that stalls: nothing is lost but what is counted.

    client                                      server
    veth0 192.0.2.1   flood, talkers  ------->  veth0 192.0.2.2   tcpscope; a listener; nobody has .99

The account is the sender's own: what the interface took. floods.py short|long.
"""

import collections
import json
import os
import signal
import socket
import sys
import time

import net
import report
from sniff import socket_inside
from tally import Tally
from witness import Capture

HERE = os.path.dirname(os.path.abspath(__file__))
BEGAN = time.monotonic()
SERVER, TALK_PORT, HONEST_PORT = "192.0.2.2", 7000, 7001
HONEST = 50
BEYOND = 4  # so many times the connections, at full rate, where there is not to be room
SEED = 20260101
REGION_SLOTS = 64 * 8  # where the second buckets of keys with one first bucket lie
SYNACK = 1  # the listener sends it: the connection's own count is without
SPAN_TOLERANCE_NS = 50_000
SIZES = {  # flows: of the table
    "short": {"flows": 16384, "talkers": 500, "syns": 100_000, "kinds": 12_000, "kind_flows": 4096,
              "stall_seconds": 1, "rate": 20_000},
    "long": {"flows": 131072, "talkers": 10_000, "syns": 2_000_000, "kinds": 500_000, "kind_flows": 16384,
             "stall_seconds": 10, "rate": 50_000},
}
KINDS = ("handshake", "rst", "ack", "one")


def flood_start(kind, flows, *more):
    return net.start("client", os.environ["FLOOD"], kind, "veth0", net.mac("server", "veth0"), flows, *more,
                     stdout=net.subprocess.PIPE, text=True)


def flood_end(process):
    said = process.communicate()[0]
    if process.returncode:
        raise net.Failed(f"the flood ended with {process.returncode}")
    return json.loads(said)


def ask(process):
    print(file=process.stdin, flush=True)
    return {int(port): counted for port, counted in json.loads(process.stdout.readline()).items()}


def await_quiet():
    return net.quiet("server", "veth0")


def check_account(name, scope, sent, before, after):
    """Packets as sent, as handed to the interface, as recorded; flows as begun, as recorded."""
    report.equal(f"{name}: the ledger has seen what the interface counted",
                 scope.ledger("veth0", "ingress")["detail"]["frames"], after["ingress"] - before["ingress"])
    report.equal(f"{name}: unaccounted", scope.total("unaccounted"), 0)
    flows = len(scope.flows) + scope.recorded + scope.summaries + scope.total("lost_records")
    report.equal(f"{name}: births are records, summed and lost", scope.total("births"), flows)
    if scope.total("lost_records") == 0:
        packets = sum(flow[side]["packets"] for flow in scope.flows for side in ("client", "server")) + \
            sum(scope.kept.values()) + sum(scope.summed.values())
        report.equal(f"{name}: each packet of in_flows is in a record or a sum", packets, scope.total("in_flows"))
    if sent and scope.total("table_full") == 0 and scope.total("lost_records") == 0:
        got = {port: scope.kept[port] + scope.summed[port] for port in sent["services"]}
        report.equal(f"{name}: kept and summed are what was sent, by service", got,
                     {port: frames for port, frames in sent["services"].items()})


def check_services(name, scope, sent):
    """Handshakes are counted once each: where records were summed, and where they were lost."""
    services = [record for record in scope.records if record["type"] == "service" and record["final"]]
    report.equal(f"{name}: attempts of all services are the flows begun", sum(service["attempts"] for service in services),
                 scope.total("births"))
    if sent["frames"] == sent["flows"] and scope.total("table_full") == 0:
        flooded = collections.Counter()
        for service in services:
            if service["server"] and service["server"]["ip"].endswith("99"):
                flooded[str(service["server"]["port"])] += service["attempts"]
        report.equal(f"{name}: attempts are what was sent, by service", flooded, sent["services"])


def dropped_on_the_way():
    return net.link("client", "veth0")["stats64"]["tx"]["dropped"]


def check_talkers(name, scope, clients, servers, dropped):
    """One record each, with each segment that either side's kernel has sent. What it sent itself the server's hook has
    seen; what the client sent, unless a queue before the hook was full: then the server has had it resent."""
    records = {}
    for flow in scope.flows:
        if flow["server"]["port"] == TALK_PORT:
            records.setdefault(flow["client"]["port"], []).append(flow)
    wrong = []
    missing = 0
    for port, (sent, received, rounds) in clients.items():
        flows = records.get(port, [])
        if len(flows) != 1 or flows[0]["end_reason"] != "end" or flows[0]["outcome"] != "accepted":
            wrong.append(f"{port}: {[(flow['end_reason'], flow['outcome']) for flow in flows]}")
            continue
        server_sent, server_received = servers[port]
        packets = flows[0]["client"]["packets"], flows[0]["server"]["packets"]
        missing += sent - packets[0]
        if not server_received <= packets[0] <= sent or packets[1] != server_sent + SYNACK:
            wrong.append(f"{port}: {packets}, client {sent, received}, server {server_sent, server_received}")
        elif [flows[0][side]["stream_bytes"] for side in ("client", "server")] != [rounds, rounds]:
            wrong.append(f"{port}: not {rounds} octets")
    report.check(f"{name}: {len(clients)} talking connections, one whole record each", not wrong,
                 f"{len(wrong)} wrong: {wrong[:4]}")
    report.check(f"{name}: what they sent besides, the interface dropped before the hook", missing <= dropped,
                 f"{missing}, dropped {dropped}")


def honest(count):
    ports = []
    for _ in range(count):
        with socket_inside("client", socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(net.EVENT_SECONDS)
            client.connect((SERVER, HONEST_PORT))
            client.sendall(b"x")
            client.recv(1)
            ports.append(client.getsockname()[1])
    return ports


def check_honest(name, scope, capture, ports):
    want = {flow["client"]["port"]: flow["handshake"] for flow in capture.flows}
    got = {flow["client"]["port"]: flow["handshake"] for flow in scope.flows
           if flow["server"]["port"] == HONEST_PORT}
    report.equal(f"{name}: new connections in the middle, each recorded", sorted(got), sorted(ports))
    off = sorted(abs(got[port][half] - want[port][half]) for port in ports if port in got and port in want
                 for half in ("server_ns", "client_ns", "connect_ns"))
    near = sum(span < SPAN_TOLERANCE_NS for span in off)
    report.check(f"{name}: their handshake times are those of tcpdump within 50 us", near >= 0.95 * len(off) > 0,
                 f"{near} of {len(off)}, {off[-5:]}")


def syn_flood(hook, size):
    name = f"floods {hook} SYN"
    before, dropped = await_quiet(), dropped_on_the_way()
    capture = Capture("server", "veth0", "tcp", "port", str(HONEST_PORT))
    scope = Tally("server", ["veth0"], "--hook", hook, "--flows", size["flows"], "--report")
    listener = net.start_ready("server", net.PYTHON, os.path.join(HERE, "talk.py"), "listen", TALK_PORT)
    other = net.start_ready("server", net.PYTHON, os.path.join(HERE, "talk.py"), "listen", HONEST_PORT)
    talker = net.start_ready("client", net.PYTHON, os.path.join(HERE, "talk.py"), "talk", SERVER, TALK_PORT,
                             size["talkers"])
    flood = flood_start("syn", size["syns"])
    ports = honest(HONEST)
    sent = flood_end(flood)
    ask(talker)
    after = await_quiet()
    dropped = dropped_on_the_way() - dropped
    clients, servers = ask(talker), ask(listener)
    report.equal(f"{name}: exit status", scope.stop(signal.SIGTERM), 0)
    capture.stop()
    for process in (talker, listener, other):
        net.stop(process)
    print(f"# {time.monotonic() - BEGAN:.1f} {name}: {sent['frames'] / sent['seconds']:.0f} SYNs a second, {scope.summaries} summed, "
          f"{clients[min(clients)][2]} rounds")
    check_account(name, scope, sent, before, after)
    check_services(name, scope, sent)
    report.check(f"{name}: SYNs were summed", scope.summaries > 0, scope.summaries)
    report.equal(f"{name}: lost", (scope.total("lost_records"), scope.total("table_full")), (0, 0))
    check_talkers(name, scope, clients, servers, dropped)
    check_honest(name, scope, capture, ports)
    await_quiet()


def kind_flood(hook, kind, size):
    """Of more flows than the table has room for."""
    name = f"floods {hook} {kind}"
    before = await_quiet()
    scope = Tally("server", ["veth0"], "--hook", hook, "--flows", size["kind_flows"])
    sent = flood_end(flood_start(kind, size["kinds"]))
    after = await_quiet()
    report.equal(f"{name}: exit status", scope.stop(signal.SIGTERM), 0)
    print(f"# {time.monotonic() - BEGAN:.1f} {name}: {sent['frames'] / sent['seconds']:.0f} frames a second, {scope.total('lost_records')} lost")
    check_account(name, scope, sent, before, after)
    if sent["frames"] == sent["flows"]:
        report.equal(f"{name}: kept, summed, lost and refused are what was sent",
                     sum(scope.kept.values()) + sum(scope.summed.values()) + scope.total("lost_records") +
                     scope.total("table_full"), sent["frames"])


def hash_flood(size):
    """All flows have one first bucket in a table whose seed is known: they evict each other. With another seed the same
    flows hardly meet."""
    flows = min(size["kinds"] // 4, 12_000)
    shape = 16384 * 3 // 2 // 8 // 64 * 64
    sents = {}
    for name, seed in (("floods hash, seed known", SEED), ("floods hash, another seed", SEED + 1)):
        before = await_quiet()
        scope = Tally("server", ["veth0"], "--hook", "tc", "--flows", 16384, environment={"TCPSCOPE_SEED": str(seed)})
        sents[name] = flood_end(flood_start("ack", flows, 0, SEED, shape))
        after = await_quiet()
        report.equal(f"{name}: exit status", scope.stop(signal.SIGTERM), 0)
        check_account(name, scope, sents[name], before, after)
        evicted = scope.total("evicted")
        report.check(f"{name}: evicted", evicted >= flows - REGION_SLOTS if seed == SEED else evicted < 0.001 * flows, evicted)


def stall(hook, size, flows, room):
    """Stopped for some seconds under a flood of connections that open and close."""
    name = f"floods {hook} reader stalled, {'room for all' if room else 'a table too small'}"
    before = await_quiet()
    scope = Tally("server", ["veth0"], "--hook", hook, "--flows", flows, "--report")
    scope.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    count = size["rate"] * size["stall_seconds"] * (1 if room else BEYOND)
    sent = flood_end(flood_start("connection", count, size["rate"] if room else 0))
    after = await_quiet()
    left = size["stall_seconds"] - (time.monotonic() - began)
    if left > 0:
        time.sleep(left)  # it is the stall that is wanted
    scope.process.send_signal(signal.SIGCONT)
    report.equal(f"{name}: exit status", scope.stop(signal.SIGTERM), 0)
    print(f"# {time.monotonic() - BEGAN:.1f} {name}: {sent['flows'] / sent['seconds']:.0f} connections a second, {scope.total('lost_records')} lost")
    check_account(name, scope, sent, before, after)
    check_services(name, scope, sent)
    lost = scope.total("lost_records")
    if room:
        report.equal(f"{name}: lost", lost, 0)
        report.equal(f"{name}: every connection is reported, with its seven segments",
                     (scope.recorded, sum(scope.kept.values())), (sent["flows"], sent["frames"]))
    else:
        report.check(f"{name}: some had to be lost", lost > 0, lost)
        report.equal(f"{name}: reported and lost are what was sent", scope.recorded + lost, sent["flows"])
        report.equal(f"{name}: their segments, too", sum(scope.kept.values()) + 7 * lost, sent["frames"])


def main():
    size = SIZES[sys.argv[1]]
    net.pair_make()
    for hook in ("tc", "xdp"):
        syn_flood(hook, size)
    for number, kind in enumerate(KINDS):
        for hook in ("tc", "xdp") if sys.argv[1] == "long" else (("tc", "xdp")[number % 2],):
            kind_flood(hook, kind, size)
    hash_flood(size)
    connections = size["rate"] * size["stall_seconds"]
    stall("tc", size, connections * 3 // 2, True)
    stall("xdp", size, 16384, False)


if __name__ == "__main__":
    report.run(main)
