#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One connection on two interfaces: two records, or with --merge one with both observations. And as many interfaces at
once as may be.

    client                     router                       server
    veth0 192.0.2.1  <---->  inside 192.0.2.254
                             outside 198.51.100.254  <---->  veth0 198.51.100.1     listeners on ports 7000, 7001
                               ^ tcpscope, on both; the first SYN to port 7001 and all to 7002 are lost between them

    many                       server
    many0..many63    <---->    peer0..peer63      198.18.N.1 and .2, a listener on port 7000
      ^ tcpscope
"""

import signal
import socket
import tempfile

import net
import report
from scope import Scope
from sniff import socket_inside

OPEN, LOSSY, LOST = 7000, 7001, 7002
MANY = 64
SYN_TIMEOUT_NS = 10**9


def router_make():
    for name in ("client", "router", "server"):
        net.namespace_make(name)
    net.veth_make("client", "router", "veth0", "inside")
    net.veth_make("server", "router", "veth0", "outside")
    net.addresses_set("client", "veth0", "192.0.2.1/24")
    net.addresses_set("router", "inside", "192.0.2.254/24")
    net.addresses_set("router", "outside", "198.51.100.254/24")
    net.addresses_set("server", "veth0", "198.51.100.1/24")
    net.inside("client", "ip", "route", "add", "default", "via", "192.0.2.254")
    net.inside("server", "ip", "route", "add", "default", "via", "198.51.100.254")
    net.set_value("router", "ipv4/ip_forward", 1)
    for namespace, interface in (("client", "veth0"), ("router", "inside"), ("router", "outside"), ("server", "veth0")):
        net.one_cpu_per_flow(namespace, interface)


def lose_between():
    """Anew for each run: the limit has its first packet to give again."""
    net.inside("router", "nft", "add table inet test; delete table inet test")
    net.table_make("router", "test", "forward", [
        f"tcp dport {LOSSY} tcp flags syn limit rate 1/hour burst 1 packets drop", f"tcp dport {LOST} drop"])


def listen(namespace, *ports):
    listeners = []
    for port in ports:
        listener = socket_inside(namespace, socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("", port))
        listener.listen(MANY)
        listeners.append(listener)
    return listeners


def exchange(address, port, listener):
    """Connects, sends an octet to and fro, closes."""
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(net.EVENT_SECONDS)
    client.connect((address, port))
    server, _ = listener.accept()
    client.sendall(b"x")
    server.sendall(server.recv(1))
    client.recv(1)
    client.close()
    server.recv(1)
    server.close()


def unanswered(address, port):
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(0.1)
    try:
        client.connect((address, port))
    except TimeoutError:
        pass
    client.close()


def stories(listeners):
    exchange("198.51.100.1", OPEN, listeners[0])
    exchange("198.51.100.1", LOSSY, listeners[1])
    unanswered("198.51.100.1", LOST)
    refused = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    report.check("several: the router refuses", refused.connect_ex(("192.0.2.254", OPEN)) != 0)


def seen(flow):
    return [observation["interface"] for observation in flow["observations"]]


def check_merged(hook, listeners):
    name = f"several {hook} merged"
    lose_between()
    scope = Scope("router", ("outside", "inside"), "--hook", hook, "--merge", "--strict")
    stories(listeners)
    report.equal(f"{name}: exit status", scope.stop(), 0)
    report.equal(f"{name}: a record each", sorted(flow["server"]["port"] for flow in scope.flows),
                 [OPEN, OPEN, LOSSY, LOST])
    flow = scope.flow(server_ip="198.51.100.1", server_port=OPEN)
    report.equal(f"{name}: both, in the order that they saw it", seen(flow), ["inside", "outside"])
    first, second = flow["observations"]
    report.same(f"{name}: the record is the first's", flow, {"interface": "inside", "start_ns": first["start_ns"]})
    report.equal(f"{name}: the same packets on both", [first[side]["packets"] for side in ("client", "server")],
                 [second[side]["packets"] for side in ("client", "server")])
    report.equal(f"{name}: a hop between them", first["client"]["ttl"] - second["client"]["ttl"], 1)
    lossy = scope.flow(server_port=LOSSY)
    waited, straight = (observation["connect_ns"] for observation in lossy["observations"])
    report.check(f"{name}: a SYN lost between them shows", seen(lossy) == ["inside", "outside"] and
                 waited > SYN_TIMEOUT_NS > 10 * straight, lossy["observations"])
    report.equal(f"{name}: what stays on one has one", [seen(scope.flow(server_port=LOST)),
                                                       seen(scope.flow(server_ip="192.0.2.254"))], [["inside"]] * 2)


def check_apart(listeners):
    lose_between()
    scope = Scope("router", ("outside", "inside"))
    stories(listeners)
    report.equal("several apart: exit status", scope.stop(), 0)
    report.equal("several apart: a record of each interface",
                 sorted(flow["interface"] for flow in scope.flows if flow["server"]["ip"] == "198.51.100.1" and
                        flow["server"]["port"] == OPEN), ["inside", "outside"])
    report.equal("several apart: nothing merged", {flow["observations"] for flow in scope.flows}, {None})


def end(scope):
    """Of one that writes no JSON: its exit status."""
    scope.process.send_signal(signal.SIGTERM)
    status = scope.process.wait(net.EVENT_SECONDS)
    scope.reader.join()
    return status


def check_table(listeners, columns):
    """Each row says on which interface it was, from 100 columns on."""
    lose_between()
    with tempfile.TemporaryFile(dir="/run/scratch") as out:
        scope = Scope("router", ("outside", "inside"), "--output", "table", out=out, environment={"COLUMNS": str(columns)})
        exchange("198.51.100.1", OPEN, listeners[0])
        report.equal(f"several, table of {columns} columns: exit status", end(scope), 0)
        out.seek(0)
        lines = out.read().decode().split("total ", maxsplit=1)[0].splitlines()
    seen_on = sorted(name for line in lines for name in ("inside", "outside") if name in line.split())
    report.equal(f"several, table of {columns} columns: the interface of each row", seen_on, ["inside", "outside"])
    report.check(f"several, table of {columns} columns: no line is wider", max(map(len, lines)) <= columns, lines)


def many_make():
    net.namespace_make("many")
    script = []
    for number in range(MANY):
        script.append(f"link add many{number} netns many type veth peer name peer{number} netns server")
    net.run("ip", "-batch", "-", input="\n".join(script))
    for namespace, end, last in (("many", "many", 1), ("server", "peer", 2)):
        lines = [f"{what} {end}{number} {more}" for number in range(MANY)
                 for what, more in ((f"address add 198.18.{number}.{last}/24 dev", ""), ("link set", "up"))]
        net.inside(namespace, "ip", "-batch", "-", input="\n".join(lines))


def check_many(hook, listener):
    name = f"several {hook} {MANY} interfaces"
    interfaces = tuple(f"many{number}" for number in range(MANY))
    scope = Scope("many", interfaces, "--hook", hook, "--strict")
    report.check(f"{name}: attached to each", all(net.attached("many", interface) for interface in interfaces))
    ports = {}
    for number in range(MANY):
        client = socket_inside("many", socket.AF_INET, socket.SOCK_STREAM)
        client.settimeout(net.EVENT_SECONDS)
        client.connect((f"198.18.{number}.2", OPEN))
        listener.accept()[0].close()
        ports[interfaces[number]] = client.getsockname()[1]
        client.close()
    report.equal(f"{name}: exit status, nothing lost", scope.stop(), 0)
    report.equal(f"{name}: each its own connection",
                 {flow["interface"]: flow["client"]["port"] for flow in scope.flows}, ports)
    report.equal(f"{name}: all accepted", {flow["outcome"] for flow in scope.flows}, {"accepted"})
    report.equal(f"{name}: two accounts each", len(scope.ledgers), 2 * MANY)
    report.equal(f"{name}: nothing stays",
                 [interface for interface in interfaces if net.attached("many", interface)], [])


def main():
    router_make()
    listeners = listen("server", OPEN, LOSSY)
    for hook in ("tc", "xdp"):
        check_merged(hook, listeners)
    check_apart(listeners)
    for columns in (100, 159, 160, 200, 240):
        check_table(listeners, columns)
    many_make()
    for hook in ("tc", "xdp"):
        check_many(hook, listeners[0])


report.run(main)
