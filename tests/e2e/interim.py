#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--active on an interface: a connection that goes on has a record each second, and counts once in the end. --idle: one
that is silent has its record then, and what follows another.

    client                              server
    veth0 192.0.2.1  <------------->    veth0 192.0.2.2     a listener on port 7000
      ^ tcpscope --active 1
"""

import os
import socket

import net
import report
from scope import Scope
from sniff import socket_inside

PORT, ACTIVE_NS, SWEEP_NS, WANTED = 7000, 10**9, 250_000_000, 3


def interim_so_far(scope, port):
    """Of a client's port."""
    return [record for record in scope.so_far() if record["end_reason"] == "active" and record["client"]["port"] == port]


def talk(client, server, scope):
    """An octet to and fro until there are interim records; returns how many went each way."""
    sent = 0

    def enough():
        nonlocal sent
        client.sendall(b"x")
        server.sendall(server.recv(1))
        client.recv(1)
        sent += 1
        return len(interim_so_far(scope, client.getsockname()[1])) >= WANTED

    net.await_true(enough, f"{WANTED} interim records")
    return sent


def connection(listener):
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("192.0.2.2", PORT))
    return client, listener.accept()[0]


def check_interims(name, interims, last):
    since = [record["end_ns"] - record["start_ns"] for record in interims]
    report.check(f"{name}: one an interval, by the first sweep after it", len(interims) == WANTED and
                 all(number * ACTIVE_NS <= span + SWEEP_NS and span < number * ACTIVE_NS + 4 * SWEEP_NS
                     for number, span in enumerate(since, 1)), since)
    counts = [record["client"]["packets"] for record in (*interims, last)]
    report.check(f"{name}: each counts from the beginning", counts == sorted(set(counts)), counts)
    report.equal(f"{name}: of one flow", {(record["community_id"], record["start_ns"]) for record in interims},
                 {(last["community_id"], last["start_ns"])})
    report.equal(f"{name}: not yet closed", {record["state"] for record in interims}, {"established"})


def check(hook, listener):
    name = f"interim {hook}"
    scope = Scope("client", ("veth0",), "--hook", hook, "--active", "1", "--strict", "--assert", "attempts == 2")
    silent = connection(listener)
    talking = connection(listener)
    port, quiet_port = talking[0].getsockname()[1], silent[0].getsockname()[1]
    sent = talk(*talking, scope)
    for end in (*talking, *silent):
        end.close()
    report.equal(f"{name}: exit status, nothing lost and each attempt once", scope.stop(), 0)
    ended = [flow for flow in scope.flows if flow["end_reason"] != "active" and flow["client"]["port"] == port]
    report.equal(f"{name}: one record at the end", len(ended), 1)
    report.equal(f"{name}: with all that was sent", [flow["client"]["payload_bytes"] for flow in ended], [sent])
    interims = [flow for flow in scope.flows if flow["end_reason"] == "active"]
    check_interims(name, [flow for flow in interims if flow["client"]["port"] == port][:WANTED], ended[0])
    report.equal(f"{name}: a silent one has one, of its handshake",
                 [flow["client"]["packets"] for flow in interims if flow["client"]["port"] == quiet_port], [2])


def records_so_far(scope):
    return [record for record in scope.so_far() if record["type"] == "flow"]


def falls_silent(listener):
    """And says one thing more: two records, of which the first is there while it is still open."""
    name = "idle"
    scope = Scope("client", ("veth0",), "--idle", "2", "--strict")
    client, server = connection(listener)
    net.await_true(lambda: records_so_far(scope), "the record of a connection that is silent")
    first = records_so_far(scope)
    report.equal(f"{name}: its record", [(flow["state"], flow["end_reason"], flow["client"]["packets"]) for flow in first],
                 [("established", "idle", 2)])
    client.sendall(b"x")
    server.recv(1)
    report.equal(f"{name}: exit status, nothing lost", scope.stop(), 0)
    report.equal(f"{name}: what followed", [(flow["outcome"], flow["end_reason"], flow["client"]["payload_bytes"])
                                            for flow in scope.flows[1:]], [("midstream", "end", 1)])
    for end in (client, server):
        end.close()


def reader_goes(listener):
    """As `| head` does it: the next record that is written ends it, and nobody complains."""
    name = "interim: a reader that has gone"
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as out:
        scope = Scope("client", ("veth0",), "--active", "0.2", out=out)
    announced = len(scope.lines)
    os.close(read_end)
    ends = connection(listener)
    report.equal(f"{name}: exit status", scope.process.wait(net.EVENT_SECONDS), 0)
    scope.reader.join()
    report.equal(f"{name}: no complaint", scope.lines[announced:], [])
    report.equal(f"{name}: nothing stays", net.attached("client", "veth0"), [])
    for end in ends:
        end.close()


def main():
    net.pair_make()
    net.one_cpu_per_flow("client", "veth0")
    listener = socket_inside("server", socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("", PORT))
    listener.listen(8)
    for hook in ("tc", "xdp"):
        check(hook, listener)
    falls_silent(listener)
    reader_goes(listener)


report.run(main)
