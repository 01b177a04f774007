#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real connections in tunnels of every kind. The inner interface tells what the flow is: the record of the outer one, where
only tunnelled packets pass, must say the same and name the tunnel; so must a replay of tcpdump's capture beside it.

    client                                                server
    tun0 198.51.100.1    <~~ encapsulate.py: ~~>          tun0 198.51.100.2
         2001:db8:1::1       all kinds                         2001:db8:1::2
    red, green: vxlan0 192.0.2.65  (the kernel's own)     red, green: vxlan0 192.0.2.66
    veth0 203.0.113.65  <------------------------->       veth0 203.0.113.66
      ^ tcpscope, on the inner interfaces, too
"""

import os
import queue
import socket
import struct
import threading

import net
import report
import tunnel
from scope import Scope
from sniff import socket_inside
from witness import Capture, flatten

HOSTS = ("client", "server")
INNER = {4: ("198.51.100.1", "198.51.100.2"), 6: ("2001:db8:1::1", "2001:db8:1::2")}
OUTER = ("203.0.113.65", "203.0.113.66")
TENANT = ("192.0.2.65", "192.0.2.66")
TENANTS = {"red": 42, "green": 43}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
PORTS = {kind: 7000 + number for number, kind in enumerate(tunnel.KINDS)}
TENANT_PORT, TENANT_CLIENT_PORT, DEVICE_PORT = 7500, 50000, 7600
TURNS, OCTETS, BULK = 5, 1000, 200_000
# Of a connection whose sides take turns both interfaces see the same; but for times, and what is of the place.
OF_THE_PLACE = ("interface", "vlan", "tunnel", "rtt", "cpu_handovers")
# Devices that a kernel may have: what `ip link` wants to know, how the record calls it.
DEVICES = {
    "vxlan": (("id", 44, "dstport", 4789), "vxlan", 44),
    "geneve": (("id", 45), "geneve", 45),
    "gre": (("key", 46), "gre", 46),
    "gretap": ((), "gre", None),
    "ipip": ((), "ipip", None),
    "sit": ((), "6in4", None),
}


def take(connection, octets):
    while octets:
        some = connection.recv(min(octets, 65536))
        if not some:
            raise net.Failed(f"the connection ended {octets} octets early")
        octets -= len(some)


over = queue.SimpleQueue()  # of ports: a server's connection is closed, its FIN acknowledged


def serve(namespace, port, address, octets=OCTETS, turns=TURNS):
    """One connection after the other."""
    listener = socket_inside(namespace, socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(4)

    def answer():
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, net.EVENT_SECONDS))
            with connection:
                for _ in range(turns):
                    take(connection, octets)
                    connection.sendall(bytes(octets))
                connection.recv(1)  # the client's FIN comes first
            over.put(port)

    threading.Thread(target=answer, daemon=True).start()


def talk(namespace, address, port, octets=OCTETS, turns=TURNS, own_port=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket_inside(namespace, family, socket.SOCK_STREAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.settimeout(net.EVENT_SECONDS)
        client.bind(("", own_port))
        client.connect((address, port))
        for _ in range(turns):
            client.sendall(bytes(octets))
            take(client, octets)
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
        over.get(timeout=net.EVENT_SECONDS)


def comparable(flow):
    """What does not depend on clock and place."""
    return {field: value for field, value in flatten(flow).items()
            if not field.endswith("_ns") and not any(name in field.split(".") for name in OF_THE_PLACE)}


def key(flow):
    return tuple((flow[side]["ip"], flow[side]["port"]) for side in HOSTS)


def flows_on(records, interface):
    return {key(flow): flow for flow in records if flow["interface"] == interface}


def check_pair(name, got, want, tunnel_wanted):
    report.equal(f"{name}: tunnel", got["tunnel"], tunnel_wanted)
    report.same(f"{name}: as on the inner interface", comparable(got), comparable(want))


def check_kinds(name, records):
    inner, outer = (flows_on(records, interface) for interface in ("tun0", "veth0"))
    report.equal(f"{name}: a flow for each connection", sorted(outer), sorted(inner))
    report.equal(f"{name}: of each kind by IPv4 and IPv6", len(inner), 2 * len(PORTS))
    kinds = {port: kind for kind, port in PORTS.items()}
    for ends in inner.keys() & outer.keys():
        kind, flow = kinds[ends[1][1]], outer[ends]
        check_pair(f"{name} {kind} IPv{flow['ip_version']}", flow, inner[ends], tunnel.recorded(kind, flow["ip_version"]))


def play_kinds(wire):
    for kind, port in PORTS.items():
        print(kind, file=wire.stdin, flush=True)
        if wire.stdout.readline() != "ready\n":
            raise net.Failed(f"no tunnel of kind {kind}")
        for version in INNER:
            talk("client", INNER[version][1], port)


def run_kinds(wire, hook):
    """At both hosts: one sees the client's segments leave, the other sees them arrive."""
    scopes = {host: Scope(host, ["tun0", "veth0"], "--hook", hook) for host in HOSTS}
    chosen = Scope("client", ["veth0"], f"host {INNER[4][1]} and tcp port {PORTS['Geneve']}")
    outside = Scope("client", ["veth0"], "udp")
    capture = Capture("client", "veth0")
    play_kinds(wire)
    net.quiet("client", "veth0")
    name = f"tunnels {hook}"
    for host, scope in scopes.items():
        report.equal(f"{name} {host}: exit status", scope.stop(), 0)
        check_kinds(f"{name} {host}", scope.flows)
        for direction, opposite in (("ingress", "ingress"), ("egress", "egress")):
            ledger, inner = scope.ledger("veth0", direction), scope.ledger("tun0", opposite)
            report.same(f"{name} {host} {direction}: ledger", ledger,
                        {"in_flows": inner["in_flows"], "seen": inner["seen"], "unaccounted": 0})
    for scope in (chosen, outside):
        scope.stop()
    report.equal(f"{name}: filter, of inner flows", [(flow["tunnel"], key(flow)[1]) for flow in chosen.flows],
                 [({"kind": "geneve", "id": 8}, (INNER[4][1], PORTS["Geneve"]))])
    report.equal(f"{name}: filter, not of outer packets", outside.flows, [])
    capture.stop()
    live, replayed = flows_on(scopes["client"].flows, "veth0"), flows_on(capture.flows, capture.flows[0]["interface"])
    report.equal(f"{name}: live and replay, the same flows", sorted(live), sorted(replayed))
    for ends in live.keys() & replayed.keys():
        both = [{**comparable(flow), "tunnel": flow["tunnel"]} for flow in (live[ends], replayed[ends])]
        report.same(f"{name} {ends[1]}: live as replayed", *both)


def tenants_make():
    """Two networks with the same addresses, each in namespaces of its own, over one pair of hosts."""
    for tenant, vni in TENANTS.items():
        for host, own, other in (("client", 0, 1), ("server", 1, 0)):
            inside = f"{tenant}-{host}"
            net.namespace_make(inside)
            net.inside(host, "ip", "link", "add", "vxlan0", "type", "vxlan", "id", vni, "dstport", 4789, "local", OUTER[own],
                       "remote", OUTER[other], "dev", "veth0")
            net.inside(host, "ip", "link", "set", "vxlan0", "netns", inside)
            net.addresses_set(inside, "vxlan0", f"{TENANT[own]}/26")
        for one, other, address in (("client", "server", TENANT[1]), ("server", "client", TENANT[0])):
            net.neighbour_set(f"{tenant}-{one}", "vxlan0", address, net.mac(f"{tenant}-{other}", "vxlan0"))
        serve(f"{tenant}-server", TENANT_PORT, TENANT[1], BULK, 1)


def run_tenants(offloads):
    """The same pair of endpoints in two networks, at the same time."""
    for host in HOSTS:
        net.inside(host, "ethtool", "-K", "veth0", "tso", offloads, "gso", offloads)
    scope = Scope("client", ["veth0"], "--hook", "tc")
    inner = {tenant: Scope(f"{tenant}-client", ["vxlan0"], "--hook", "tc") for tenant in TENANTS}
    threads = [threading.Thread(target=talk, args=(f"{tenant}-client", TENANT[1], TENANT_PORT, BULK, 1, TENANT_CLIENT_PORT))
               for tenant in TENANTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    net.quiet("client", "veth0")
    name = f"tunnels tenants, offloads {offloads}"
    report.equal(f"{name}: exit status", scope.stop(), 0)
    report.equal(f"{name}: two flows of one pair", [key(flow) for flow in scope.flows],
                 2 * [((TENANT[0], TENANT_CLIENT_PORT), (TENANT[1], TENANT_PORT))])
    for tenant, vni in TENANTS.items():
        inner[tenant].stop()
        flow = next((flow for flow in scope.flows if flow["tunnel"] == {"kind": "vxlan", "id": vni}), None)
        want = inner[tenant].flow(server_port=TENANT_PORT)
        if report.check(f"{name} {tenant}: has its flow", flow, scope.flows):
            for side in HOSTS:
                fields = ("packets", "ip_bytes", "payload_bytes", "stream_bytes", "mss", "isn")
                report.same(f"{name} {tenant} {side}", flow[side], {field: want[side][field] for field in fields})
            report.same(f"{name} {tenant}", flow, {"outcome": "accepted", "state": "closed", "tunnel":
                                                   {"kind": "vxlan", "id": vni}})
            report.equal(f"{name} {tenant}: octets", flow["client"]["stream_bytes"], BULK)


def run_device(kind):
    """The kernel's own device of this kind between the hosts."""
    options, called, number = DEVICES[kind]
    version = 6 if kind == "sit" else 4
    addresses = ("2001:db8:2::1", "2001:db8:2::2") if version == 6 else ("192.0.2.129", "192.0.2.130")
    for host, own, other in (("client", 0, 1), ("server", 1, 0)):
        near = () if kind == "geneve" else ("local", OUTER[own])
        try:
            net.inside(host, "ip", "link", "add", "device0", "type", kind, *options, *near, "remote", OUTER[other])
        except net.Failed as error:
            report.skip(f"tunnels: the kernel's {kind}", f"this kernel has no such device ({error})")
            return
        net.addresses_set(host, "device0", f"{addresses[own]}/{64 if version == 6 else 26}")
    serve("server", DEVICE_PORT, addresses[1])
    scope = Scope("client", ["device0", "veth0"], "--hook", "tc")
    talk("client", addresses[1], DEVICE_PORT)
    net.quiet("client", "veth0")
    report.equal(f"tunnels: the kernel's {kind}, exit status", scope.stop(), 0)
    inner, outer = (flows_on(scope.flows, interface) for interface in ("device0", "veth0"))
    for ends in inner:
        if report.check(f"tunnels: the kernel's {kind} has its flow", ends in outer, outer):
            check_pair(f"tunnels: the kernel's {kind}", outer[ends], inner[ends], {"kind": called, "id": number})
    for host in HOSTS:
        net.inside(host, "ip", "link", "del", "device0")


def network_make():
    for host in HOSTS:
        net.namespace_make(host)
    net.veth_make(*HOSTS)
    for host, address in zip(HOSTS, OUTER):
        net.addresses_set(host, "veth0", f"{address}/26")
    wire = net.start_ready("client", net.PYTHON, os.path.join(net.LIB, "encapsulate.py"), *HOSTS)
    for host, own in zip(HOSTS, (0, 1)):
        net.inside(host, "ip", "link", "set", "tun0", "mtu", 1280)
        net.addresses_set(host, "tun0", f"{INNER[4][own]}/24", f"{INNER[6][own]}/64")
    for host, other, address in (("client", "server", OUTER[1]), ("server", "client", OUTER[0])):
        net.neighbour_set(host, "veth0", address, net.mac(other, "veth0"))
    return wire


def main():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # packets pass one hook after the other in their order
    wire = network_make()
    for port in PORTS.values():
        for version in INNER:
            serve("server", port, INNER[version][1])
    for hook in ("tc", "xdp"):
        run_kinds(wire, hook)
    net.stop(wire)
    tenants_make()
    for offloads in ("off", "on"):
        run_tenants(offloads)
    for kind in DEVICES:
        run_device(kind)


if __name__ == "__main__":
    report.run(main)
