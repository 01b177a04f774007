#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the two sides negotiated, compared with what their kernels say of it (ss -ti).

    client                                   server
    veth0 192.0.2.1, 2001:db8::1  <------->  veth0 192.0.2.2, 2001:db8::2   a server that answers with as much
      ^ tcpscope                               ^ tcpscope
"""

import re
import socket
import threading
import time

import net
import report
import sniff
from scope import Scope

PORT = 7000
OCTETS = 100_000
TIMESTAMPS = 12
SECOND_TIME = 0.4  # seconds
IPPROTO_MPTCP, TCP_FASTOPEN, MSG_FASTOPEN = 262, 23, 0x20000000
SIDES = ("client", "server")
ADDRESS = {4: "192.0.2.2", 6: "2001:db8::2"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
DEFAULTS = {"tcp_timestamps": 1, "tcp_sack": 1, "tcp_window_scaling": 1, "tcp_ecn": 2}

# name: sysctls of both, MTU of both, advertised MSS of the client's route, connections are MPTCP
CASES = {
    "plain": ({}, 1500, None, 0),
    "asymmetric MSS": ({}, 1500, 1200, 0),
    "no timestamps": ({"tcp_timestamps": 0}, 1500, None, 0),
    "no SACK": ({"tcp_sack": 0}, 1500, None, 0),
    "no window scale": ({"tcp_window_scaling": 0}, 1500, None, 0),
    "ECN": ({"tcp_ecn": 1}, 1500, None, 0),
    "jumbo": ({}, 9000, None, 0),
    "MPTCP": ({}, 1500, None, IPPROTO_MPTCP),
}


def serve(listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            left = OCTETS
            while left:
                left -= len(connection.recv(left))
            connection.sendall(bytes(OCTETS))
            connection.recv(1)


def listen(family, protocol, port):
    listener = sniff.socket_inside("server", family, socket.SOCK_STREAM, protocol)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if not protocol:
        listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    listener.bind(("", port))
    listener.listen(16)
    threading.Thread(target=serve, args=(listener,), daemon=True).start()


def exchange(client, already=0):
    """Sends and receives OCTETS."""
    client.sendall(bytes(OCTETS - already))
    left = OCTETS
    while left:
        left -= len(client.recv(left))


def sockets(namespace, client_port):
    """What ss says of one end of the connection."""
    port = "sport" if namespace == "client" else "dport"
    text = net.inside(namespace, "ss", "-tinoH", "state", "established", f"{port} = :{client_port}")
    words = text.split()
    scale = re.search(r"wscale:(\d+),(\d+)", text)
    number = {name: int(value) for name, value in re.findall(r"\b(mss|advmss|bytes_sent|bytes_retrans):(\d+)", text)}
    return {"timestamps": "ts" in words, "sack": "sack" in words, "ecn": "ecn" in words, **number,
            "own_scale": int(scale[2]) if scale else None, "peer_scale": int(scale[1]) if scale else None}


def case_set(name):
    sysctls, mtu, advmss, _ = CASES[name]
    for side in SIDES:
        net.inside(side, "ip", "link", "set", "veth0", "mtu", mtu)
        for path, value in {**DEFAULTS, **sysctls}.items():
            net.set_value(side, f"ipv4/{path}", value)
    for version, prefix in ((4, "192.0.2.0/24"), (6, "2001:db8::/64")):
        net.inside("client", "ip", f"-{version}", "route", "change", prefix, "dev", "veth0",
                   *(["proto", "kernel", "metric", "256"] if version == 6 else ["src", "192.0.2.1"]),
                   *(["advmss", advmss] if advmss else []))


def server_port(protocol):
    return PORT + (1 if protocol else 0)


def play(version, protocol):
    """Returns the client's port, and what ss said at both ends while the connection was open."""
    client = sniff.socket_inside("client", FAMILY[version], socket.SOCK_STREAM, protocol)
    client.connect((ADDRESS[version], server_port(protocol)))
    exchange(client)
    port = client.getsockname()[1]
    said, before = {side: sockets(side, port) for side in SIDES}, None
    while protocol and said != before:  # what MPTCP sends a second time comes a while after
        before = said
        time.sleep(SECOND_TIME)
        said = {side: sockets(side, port) for side in SIDES}
    client.close()
    return port, said


def check(name, flow, said, mtu, protocol):
    for side, peer in (SIDES, SIDES[::-1]):
        own, kernel = flow[side], said[side]
        options = TIMESTAMPS if kernel["timestamps"] else 0
        wanted = {"mss": kernel["advmss"] + options, "window_scale": kernel["own_scale"],
                  "timestamps": kernel["timestamps"], "sack_permitted": kernel["sack"], "ecn": kernel["ecn"],
                  "mptcp": bool(protocol), "payload_bytes": kernel["bytes_sent"],
                  "stream_bytes": kernel["bytes_sent"] - kernel.get("bytes_retrans", 0)}
        report.same(f"{name} {side}: as ss -ti says", own, wanted)
        report.equal(f"{name} {side}: window scale as its peer sees it", own["window_scale"], said[peer]["peer_scale"])
        headers = 40 if flow["ip_version"] == 4 else 60
        most = min(flow[peer]["mss"], mtu - headers) - options
        if not protocol:  # MPTCP adds options of its own, and may send data a second time, as new data of the subflow
            report.equal(f"{name} {side}: octets that the application sent", own["stream_bytes"], OCTETS)
            report.equal(f"{name} {side}: segments as large as agreed", own["payload_max"], most)
            report.equal(f"{name} {side}: which ss calls mss", kernel["mss"], most)


def fast_open(version):
    """Twice: the first fetches a cookie, the second sends data with its SYN. Returns the client's ports."""
    net.inside("client", "ip", "tcp_metrics", "flush")  # forget cookies
    ports = []
    for _ in range(2):
        client = sniff.socket_inside("client", FAMILY[version], socket.SOCK_STREAM)
        client.sendto(b"early", MSG_FASTOPEN, (ADDRESS[version], PORT))
        exchange(client, 5)
        ports.append(client.getsockname()[1])
        client.close()
    return ports


def check_fast_open(name, first, second):
    report.same(f"{name}: cookie asked for", first["client"], {"fast_open": True})
    report.same(f"{name}: cookie given", first["server"], {"fast_open": True})
    report.same(f"{name}: data with the SYN", second["client"], {"fast_open": True, "stream_bytes": OCTETS})
    report.equal(f"{name}: first data at the start", second["client"]["first_data_ns"], 0)
    report.equal(f"{name}: not so without a cookie", first["client"]["first_data_ns"] > 0, True)
    for flow in (first, second):
        report.same(f"{name}: outcome", flow, {"outcome": "accepted", "client_known_by": "syn"})


def run(hook):
    played, opened = {}, {}
    scopes = {side: Scope(side, ["veth0"], "--hook", hook) for side in SIDES}
    for version in ADDRESS:
        for name, (_, mtu, _, protocol) in CASES.items():
            case_set(name)
            played[version, name] = (*play(version, protocol), mtu, protocol)
        case_set("plain")
        opened[version] = fast_open(version)
    for side, scope in scopes.items():
        report.equal(f"negotiated {hook} {side} exit status", scope.stop(), 0)
        for (version, name), (port, said, mtu, protocol) in played.items():
            flow = scope.flow(client_port=port, server_port=server_port(protocol), ip_version=version)
            check(f"negotiated {hook} at {side} IPv{version} {name},", flow, said, mtu, protocol)
        for version, ports in opened.items():
            flows = [scope.flow(client_port=port, server_port=PORT, ip_version=version) for port in ports]
            check_fast_open(f"negotiated {hook} at {side} IPv{version} TFO", *flows)


def main():
    net.pair_make()
    for side in SIDES:
        net.set_value(side, "ipv4/tcp_fastopen", 3)
        net.inside(side, "ethtool", "-K", "veth0", "tso", "off", "gso", "off")
    for family in FAMILY.values():
        listen(family, 0, PORT)
        listen(family, IPPROTO_MPTCP, PORT + 1)
    for hook in ("tc", "xdp"):
        run(hook)


if __name__ == "__main__":
    report.run(main)
