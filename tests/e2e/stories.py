#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The stories of tests/lib/story_*.py and nmap -sS, IPv4 and IPv6 at once, watched from both ends.

    client                                   server
    veth0 192.0.2.1, 2001:db8::1  <------->  veth0 192.0.2.2, 2001:db8::2   nftables: two ports dropped, one rejected
      ^ tcpscope                               ^ tcpscope                   192.0.2.99, 2001:db8::99: nobody
      ^ witness (packet socket)                ^ witness
"""

import copy
import json
import os

import net
import report
import sniff
import story_ports as ports
from scope import Scope

SERVERS = {4: ("192.0.2.2", "192.0.2.99"), 6: ("2001:db8::2", "2001:db8::99")}
SCANNED = f"{ports.SCAN_OPEN},{ports.SCAN_CLOSED},{ports.SCAN_DROPPED}"

# What a record must hold: by story, its port, and fields (or, with a dot, fields of a part).
ACCEPTED = {"outcome": "accepted", "reason": "syn-ack", "handshake.answered_by": "only", "handshake.syns": 1,
            "handshake.synacks": 1, "handshake.answered_syn": 1, "handshake.lost_ns": 0}
WANTED = {
    "hello": (ports.HELLO, {**ACCEPTED, "state": "closed", "closed_by": "server", "end_reason": "closed",
                            "client.payload_bytes": 0, "server.payload_bytes": 10, "server.payload_max": 5,
                            "client.stream_bytes": 0, "server.stream_bytes": 10}),
    "echo": (ports.ECHO, {**ACCEPTED, "state": "closed", "closed_by": "client", "end_reason": "closed",
                          "client.payload_bytes": 2, "server.payload_bytes": 2,
                          "client.stream_bytes": 2, "server.stream_bytes": 2}),
    "closed": (ports.CLOSED, {"outcome": "refused", "reason": "reset", "state": "reset", "closed_by": "server",
                              "handshake.synacks": 0, "server.flags.rst": 1, "handshake.connect_ns": None,
                              "handshake.answered_by": None, "server.mss": None}),
    "down": (ports.DOWN, {"outcome": "unanswered", "reason": "no-response", "state": "syn_sent", "server.packets": 0,
                          "closed_by": None, "handshake.synacks": 0, "handshake.server_ns": None}),
    "dropped": (ports.DROPPED, {"outcome": "unanswered", "reason": "no-response", "state": "syn_sent",
                                "server.packets": 0, "closed_by": None, "handshake.synacks": 0}),
    "rejected": (ports.REJECTED, {"outcome": "filtered", "reason": "admin-prohibited", "state": "syn_sent",
                                  "server.packets": 0, "handshake.synacks": 0}),
    "lazy": (ports.LAZY, {**ACCEPTED, "state": "established", "closed_by": None, "end_reason": "end",
                          "server.payload_bytes": 0, "server.window_min": 0, "server.window_scale": 0}),
    "reset": (ports.RESET, {**ACCEPTED, "state": "reset", "closed_by": "client", "client.payload_bytes": 3,
                            "server.payload_bytes": 0, "client.flags.rst": 1}),
}
SCAN_WANTED = {
    "scan open": (ports.SCAN_OPEN, {"outcome": "aborted", "reason": "syn-ack", "state": "reset", "closed_by": "client",
                                    "handshake.client_ns": None, "client.flags.rst": 1, "client.mss": 1460}),
    "scan closed": (ports.SCAN_CLOSED, {"outcome": "refused", "reason": "reset", "state": "reset",
                                        "closed_by": "server"}),
    "scan filtered": (ports.SCAN_DROPPED, {"outcome": "unanswered", "reason": "no-response", "state": "syn_sent"}),
}
ERRORS = {"hello": None, "echo": None, "closed": "ECONNREFUSED", "down": "ETIMEDOUT", "dropped": "ETIMEDOUT",
          "lazy": None, "reset": None}


def part(flow, name):
    for word in name.split("."):
        flow = flow[word] if flow is not None else None
    return flow


def play(clients):
    """Returns what the clients say, by IP version and story. nmap plays beside them."""
    facts = {}
    scans = [net.start("client", "nmap", *flags, "-sS", "-Pn", "-n", "--disable-arp-ping", "-p", SCANNED,
                       SERVERS[version][0], stdout=net.subprocess.DEVNULL)
             for version, flags in ((4, ()), (6, ("-6",)))]
    for version, (server, down) in SERVERS.items():
        clients[version] = net.start("client", net.PYTHON, os.path.join(net.LIB, "story_client.py"), server, down,
                                     stdout=net.subprocess.PIPE, text=True)
    for version, client in clients.items():
        for line in client.stdout:
            if line == "done\n":
                break
            fact = json.loads(line)
            facts[version, fact["story"]] = fact
    for scan in scans:
        if scan.wait():
            raise net.Failed(f"nmap: status {scan.returncode}")
    return facts


def story_flows(scope, version, port, fact):
    """The records of a story: of the client's port, where the client knows it."""
    server = SERVERS[version][1 if port == ports.DOWN else 0]
    client_port = fact.get("client_port")
    return [flow for flow in scope.flows if flow["server"]["ip"] == server and flow["server"]["port"] == port
            and client_port in (None, flow["client"]["port"])]


def flow_wrong(flow, version, wanted):
    """What the record holds otherwise than wanted, as text."""
    common = {"type": "flow", "version": 1, "interface": "veth0", "vlan": [], "ip_version": version,
              "client_known_by": "syn", "client.ip": {4: "192.0.2.1", 6: "2001:db8::1"}[version]}
    wanted = {**common, **wanted}
    return report.differences({name: part(flow, name) for name in wanted}, wanted)


def check_story(name, flows, wrong, fact):
    """`wrong`: a list of texts, empty where nothing is."""
    if not flows or fact and len(flows) > 1:
        wrong = [f"{len(flows)} records"]
    text = "; ".join(filter(None, wrong))
    report.check(name, not text, text)


def check_end(hook, end, scope, sniffer, before, facts):
    for version in SERVERS:
        for story, (port, wanted) in {**WANTED, **SCAN_WANTED}.items():
            fact = facts.get((version, story), {})
            flows = story_flows(scope, version, port, fact)
            wrong = [text for flow in flows
                     for text in (flow_wrong(flow, version, wanted), sniff.check_flow(sniffer, flow, before))]
            check_story(f"stories {hook} {end} IPv{version} {story}", flows, wrong, fact)


def check_errors(facts):
    for (version, story), fact in facts.items():
        if story in ERRORS:
            report.equal(f"stories IPv{version} {story}: what the client was told", fact["error"], ERRORS[story])


def run(hook):
    sniffers = {end: sniff.Sniffer(end, "veth0") for end in ("client", "server")}
    scopes = {end: Scope(end, ["veth0"], "--hook", hook) for end in ("client", "server")}
    clients = {}
    facts = play(clients)
    before = {end: copy.deepcopy(sniffer.sides) for end, sniffer in sniffers.items()}
    for end, scope in scopes.items():
        status = scope.stop()
        report.equal(f"stories {hook} {end} exit status", status, 0)
    for end, sniffer in sniffers.items():
        sniffer.stop()
        check_end(hook, end, scopes[end], sniffer, before[end], facts)
    check_errors(facts)
    for client in clients.values():
        net.stop(client)


def main():
    net.pair_make()
    net.firewall_make("server", f"tcp dport {{ {ports.DROPPED}, {ports.SCAN_DROPPED} }} drop",
                      f"tcp dport {ports.REJECTED} reject with icmpx type admin-prohibited")
    server = net.start_ready("server", net.PYTHON, os.path.join(net.LIB, "story_server.py"))
    for hook in ("tc", "xdp"):
        run(hook)
    net.stop(server)


if __name__ == "__main__":
    report.run(main)
