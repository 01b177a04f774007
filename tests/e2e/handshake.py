#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Handshake halves against delays that the test imposes, from a monitor in the middle that watches two interfaces:

    client                     monitor (forwards)                    server
    tun0 198.51.100.1  <~~~>   tun0 198.51.100.254
         2001:db8:1::1  5 ms        veth0 192.0.2.254  <--------->   veth0 192.0.2.2, 2001:db8::2
                      each way    ^ tcpscope on both

A connection from client to server waits 10 ms on its client's side, one from server to client on its server's side.
"""

import signal
import socket
import statistics
import threading

import net
import report
from middle import ADDRESSES, INTERFACES, network_make
from scope import Scope
from sniff import socket_inside
from stamps import Stamps

DELAY_MS = 5
ROUND_TRIP_NS = 2 * DELAY_MS * 1_000_000
TOLERANCE_NS = 1_000_000
CONNECTIONS = 8
STAMP_TOLERANCE_NS = 100_000
SYN_TIMEOUT_NS = 1_000_000_000
SYN_TOLERANCE_NS = 60_000_000
PORT = 7000
LOSSY_PORT = 7001


def connect(source, version, address, port):
    """Connects from a namespace, says a word, closes; returns the client's port."""
    client = socket_inside(source, socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(net.EVENT_SECONDS)
    client.connect((address, port))
    client.sendall(b"x")
    client.recv(1)
    port = client.getsockname()[1]
    client.close()
    return port


def listen(namespace, port):
    listener = socket_inside(namespace, socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", port))
    listener.listen(64)

    def serve():
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(1))
                connection.recv(1)

    threading.Thread(target=serve, daemon=True).start()


def least(flows, name):
    return min(flow["handshake"][name] for flow in flows)


def check_halves(title, scope, stamps, played, client_ports):
    """The least of several: the machine may add to a delay, never take away."""
    source, version = played
    target = "server" if source == "client" else "client"
    slow, fast = ("client_ns", "server_ns") if source == "client" else ("server_ns", "client_ns")
    for interface in INTERFACES:
        flows = [scope.flow(interface=interface, ip_version=version, client_port=port, server_port=PORT,
                            server_ip=ADDRESSES[version][target]) for port in client_ports]
        name = f"{title} {interface} IPv{version} from {source}"
        got = least(flows, slow)
        report.check(f"{name}: {slow} 10 ms within 1 ms", 0 <= got - ROUND_TRIP_NS < TOLERANCE_NS, got)
        got = least(flows, fast)
        report.check(f"{name}: {fast} below 1 ms", 0 < got < TOLERANCE_NS, got)
        wrong = [flow["handshake"] for flow in flows
                 if flow["handshake"]["connect_ns"] != flow["handshake"]["server_ns"] + flow["handshake"]["client_ns"]]
        report.check(f"{name}: connect_ns is the sum of the halves", not wrong, wrong)
        check_stamps(f"{name}: each half as the kernel stamps it", stamps[interface], flows)


def check_stamps(name, stamps, flows):
    """The median: a busy machine may let a frame wait between its stamp and the hook."""
    for half in ("server_ns", "client_ns"):
        off = [abs(flow["handshake"][half] - stamps.spans(flow["client"]["port"])[half]) for flow in flows]
        report.check(f"{name}: {half}", statistics.median(off) < STAMP_TOLERANCE_NS, f"off by {sorted(off)}")


def lose_first_syn(version):
    """The server's firewall drops the first SYN; the second is answered. Returns the client's port."""
    net.firewall_make("server", f"tcp dport {LOSSY_PORT} tcp flags & (syn|ack) == syn counter drop")
    ports = []
    thread = threading.Thread(
        target=lambda: ports.append(connect("client", version, ADDRESSES[version]["server"], LOSSY_PORT)))
    thread.start()
    net.await_true(lambda: "packets 1 " in net.inside("server", "nft", "list", "ruleset"), "the first SYN dropped")
    net.inside("server", "nft", "delete", "table", "inet", "test")
    thread.join()
    return ports[0]


def check_lost(scope, hook, version, client_port):
    for interface in INTERFACES:
        handshake = scope.flow(interface=interface, ip_version=version, client_port=client_port,
                               server_port=LOSSY_PORT)["handshake"]
        name = f"handshake {hook} {interface} IPv{version} first SYN lost"
        report.same(name, handshake, {"syns": 2, "synacks": 1, "answered_syn": 2, "answered_by": "timestamp"})
        lost, connect_ns = handshake["lost_ns"], handshake["connect_ns"]
        report.check(f"{name}: lost_ns is the SYN timeout", abs(lost - SYN_TIMEOUT_NS) < SYN_TOLERANCE_NS, lost)
        parts = lost + handshake["server_ns"] + handshake["client_ns"]
        report.equal(f"{name}: connect_ns is lost_ns and the halves", connect_ns, parts)
        report.check(f"{name}: server_ns is that of the second SYN", handshake["server_ns"] < TOLERANCE_NS, handshake)


def run(hook):
    stamps = {interface: Stamps("monitor", interface, (PORT, LOSSY_PORT)) for interface in INTERFACES}
    scope = Scope("monitor", INTERFACES, "--hook", hook)
    connections = {(source, version): [connect(source, version, ADDRESSES[version][target], PORT)
                                       for _ in range(CONNECTIONS)]
                   for source, target in (("client", "server"), ("server", "client")) for version in (4, 6)}
    lost = {version: lose_first_syn(version) for version in (4, 6)}
    report.equal(f"handshake {hook} exit status after Ctrl-C", scope.stop(signal.SIGINT), 0)
    for witness in stamps.values():
        witness.stop()
    for (source, version), ports in connections.items():
        check_halves(f"handshake {hook}", scope, stamps, (source, version), ports)
    for version, port in lost.items():
        check_lost(scope, hook, version, port)


def main():
    delay = network_make("delay.py", DELAY_MS)
    listen("server", PORT)
    listen("client", PORT)
    listen("server", LOSSY_PORT)
    for hook in ("tc", "xdp"):
        run(hook)
    net.stop(delay)


if __name__ == "__main__":
    report.run(main)
