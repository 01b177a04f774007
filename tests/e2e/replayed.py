#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Live records against those of replaying what tcpdump captured beside the monitor, field for field, over a wire that
drops, repeats, delays and reorders segments of real connections:

    client                            monitor (forwards)               server
    tun0 198.51.100.1  <~ impair ~>   tun0 198.51.100.254
         2001:db8:1::1                     veth0 192.0.2.254  <----->  veth0 192.0.2.2, 2001:db8::2
                                      ^ tcpscope and tcpdump on both

All of it is on one CPU, so that packets pass the hook and the witness in one order.
"""

import json
import os
import socket
import threading

import net
import report
from middle import ADDRESSES, INTERFACES, network_make
from scope import Scope
from sniff import socket_inside
from witness import Capture, flatten

SPAN_TOLERANCE_NS = 50_000
SPANS_NEAR = 0.99  # of them; the machine may take its CPU away between the hook and the witness
INSTANT_TOLERANCE_NS = 5_000_000  # the monitor's clock has its own zero, asked for once
OFFLOADS = ("off", "on")
HOOKS = ("tc", "xdp")


def rule(side, kind, first, last, action, much=0):
    return [side, kind, first, last, action, much]


# What is sent to the server and back, in octets, and what befalls it.
STORIES = {
    "nothing": (60000, 60000, []),
    "data dropped": (60000, 60000, [rule(side, "data", 4, 4, "drop") for side in ("server", "client")]),
    "several dropped": (90000, 90000, [rule(side, "data", 9, 13, "drop") for side in ("server", "client")]),
    "data repeated": (60000, 60000, [rule(side, "data", 4, 6, "repeat", 2) for side in ("server", "client")]),
    "data reordered": (60000, 60000, [rule(side, "data", 5, 5, "delay", 3) for side in ("server", "client")]),
    "data late": (60000, 60000, [rule(side, "data", 5, 5, "delay", 30) for side in ("server", "client")]),
    "ACKs dropped": (60000, 60000, [rule(side, "ack", 3, 9, "drop") for side in ("server", "client")]),
    "ACKs reordered": (60000, 60000, [rule(side, "ack", 3, 3, "delay", 4) for side in ("server", "client")]),
    "ACKs repeated": (60000, 60000, [rule(side, "ack", 3, 5, "repeat", 1) for side in ("server", "client")]),
    "SYN dropped": (100, 100, [rule("server", "syn", 1, 1, "drop")]),
    "SYN/ACK dropped": (100, 100, [rule("client", "synack", 1, 1, "drop")]),
    "SYN repeated": (100, 100, [rule("server", "syn", 1, 1, "repeat", 2)]),
    "SYN/ACK repeated": (100, 100, [rule("client", "synack", 1, 1, "repeat", 2)]),
    # after the second SYN was answered, before the data
    "SYN late": (100, 100, [rule("server", "syn", 1, 1, "delay", 1050), rule("server", "data", 1, 9, "delay", 150)]),
    "handshake's ACK dropped": (100, 100, [rule("server", "ack", 1, 1, "drop")]),
    "handshake's ACK late": (3000, 3000, [rule("server", "ack", 1, 1, "delay", 5)]),
    "FINs dropped": (3000, 3000, [rule(side, "fin", 1, 1, "drop") for side in ("server", "client")]),
    "FINs repeated": (3000, 3000, [rule(side, "fin", 1, 1, "repeat", 1) for side in ("server", "client")]),
    "last octets dropped": (1000, 1000, [rule(side, "data", 1, 1, "drop") for side in ("server", "client")]),
    **{f"random {seed}": (150000, 150000, [["server", "any", seed, 4], ["client", "any", seed, 4]])
       for seed in range(4)},
}
PORTS = {name: 7100 + number for number, name in enumerate(STORIES)}

# With offloads, what the server sends passes veth0 as super-packets, and is cut where tun0 sends it.
# On veth0 only the hook is told how many segments one stands for: that must be as tcpdump counts them on tun0.
COUNTED_ELSEWHERE = {f"server.{field}" for field in ("packets", "ip_bytes", "flags.ack", "payload_max")}
# On tun0 the hook judges the super-packet once, and tcpdump sees its segments: each is judged, and may be a sample's end.
JUDGED_ONCE = {f"server.{field}" for field in (
    "retransmits", "fast_retransmits", "spurious_retransmits", "out_of_order", "lost_segments", "acked_unseen",
    "zero_windows", "window_full", "duplicate_acks", "window_updates")} | {"zeek.missed_bytes"}
JUDGED_ONCE_LETTERS = str.maketrans("", "", "tgw")  # of the history: the server's resent segments, gaps, windows of 0
# Of the monitor's machine and clock: a capture cannot know.
NOT_IN_FRAMES = ("interface", "client.cpu_handovers", "server.cpu_handovers")
# Which of the two a segment is depends on whether it came within the initial RTT of the one before, and a segment sent
# again for duplicate ACKs comes just one RTT later: where the clocks of hook and witness differ it may trade places.
TRADED = ("out_of_order", "retransmits")
TRADES = 0.02  # of the segments that are one or the other
LEDGER_SUMS = ("seen", "in_flows", "not_ip", "not_tcp", "icmp_errors", "fragments", "unaccounted", "table_full")


def exchange(connection, sends, takes):
    """Sends so many octets and takes so many, at the same time."""
    sender = threading.Thread(target=connection.sendall, args=(b"x" * sends,))
    sender.start()
    while takes:
        some = connection.recv(min(takes, 65536))
        if not some:
            raise net.Failed(f"the connection ended {takes} octets early")
        takes -= len(some)
    sender.join()


def serve(port, up, down):
    listener = socket_inside("server", socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", port))
    listener.listen(8)

    def answer(connection):
        with connection:
            exchange(connection, down, up)
            connection.recv(1)  # the client's FIN comes first

    def accept():
        while True:
            threading.Thread(target=answer, args=(listener.accept()[0],)).start()

    threading.Thread(target=accept, daemon=True).start()


def talk(version, name, wrong):
    up, down, _ = STORIES[name]
    with socket_inside("client", socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(net.EVENT_SECONDS)
        try:
            client.connect((ADDRESSES[version]["server"], PORTS[name]))
            exchange(client, up, down)
            client.shutdown(socket.SHUT_WR)
            client.recv(1)  # the server's FIN
        except OSError as error:
            ends = net.inside("client", "ss", "-tinoHO", "dport", "=", f":{PORTS[name]}") + net.inside(
                "server", "ss", "-tinoHO", "sport", "=", f":{PORTS[name]}")
            wrong.append(f"{name} IPv{version}: {error}; {' | '.join(ends.splitlines())}")


def play(wire):
    """All stories at once, by both versions of IP; until nothing is under way."""
    wrong = []
    threads = [threading.Thread(target=talk, args=(version, name, wrong)) for version in (4, 6) for name in STORIES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise net.Failed("; ".join(wrong))
    for _ in range(2):  # what comes late may be answered
        net.quiet("server", "veth0")
        print(file=wire.stdin, flush=True)
        wire.stdout.readline()
    net.quiet("client", "tun0")


def key(flow):
    return tuple((flow[side]["ip"], flow[side]["port"]) for side in ("client", "server"))


class Comparison:
    """Live records of one interface against those of its capture. `spans`: by how much each span differs."""

    def __init__(self, cut, elsewhere):
        self.cut = cut  # are there super-packets?
        self.elsewhere = {key(flow): flatten(flow) for flow in elsewhere}
        self.spans = []
        self.trades = self.tradeable = 0

    def trade(self, got, want, sides, wrong):
        for side in sides:
            names = [f"{side}.{name}" for name in TRADED]
            sums = [sum(flat[name] for name in names) for flat in (got, want)]
            self.trades += abs(got[names[0]] - want[names[0]])
            for name in names:
                del got[name], want[name]
            self.tradeable += sums[1]
            if sums[0] != sums[1]:
                wrong.append(f"{names}: {sums[0]}, replayed {sums[1]}")

    def samples(self, got, want):
        """A TSecr is a sample unless its sender was silent for half of it: by whose clock? Others are equal."""
        for side in ("client", "server"):
            names = [f"rtt.{side}.{name}" for name in ("samples", "by_timestamp")]
            counts = [[flat.get(name) for name in names] for flat in (got, want)]
            if None in counts[0] + counts[1]:
                continue
            more = [one - other for one, other in zip(*counts)]
            if more[0] == more[1]:
                self.trades += abs(more[0])
                self.tradeable += counts[1][1]
                for flat, name in ((flat, name) for flat in (got, want) for name in names):
                    del flat[name]

    def excused(self, interface, field):
        if field in NOT_IN_FRAMES or field.endswith("resolution_ns"):
            return True
        return self.cut and interface == "tun0" and (field in JUDGED_ONCE or field.startswith("rtt.client"))

    def unequal(self, interface, flow, replayed):
        """As text; empty if nothing."""
        got, want = flatten(flow), flatten(replayed)
        if self.cut and interface == "veth0":
            want.update({field: self.elsewhere[key(flow)][field] for field in COUNTED_ELSEWHERE})
        wrong = []
        self.samples(got, want)
        if self.cut and interface == "tun0":
            for flat in (got, want):
                flat["zeek.history"] = flat["zeek.history"].translate(JUDGED_ONCE_LETTERS)
            self.trade(got, want, ("client",), wrong)  # the server's are judged once
        else:
            self.trade(got, want, ("client", "server"), wrong)
        for field in sorted(got.keys() | want.keys()):
            one, other = got.get(field, "absent"), want.get(field, "absent")
            if self.excused(interface, field):
                continue
            if field.endswith("_ns") and isinstance(one, int) and isinstance(other, int):
                self.differ(field, one - other, wrong)
            elif one != other:
                wrong.append(f"{field}: {one}, replayed {other}")
        return "; ".join(wrong)

    def differ(self, field, difference, wrong):
        if field in ("start_ns", "end_ns") or field.endswith("at_ns"):
            if abs(difference) > INSTANT_TOLERANCE_NS:
                wrong.append(f"{field}: off by {difference}")
        else:
            self.spans.append(abs(difference))


def compare_flows(name, scope, capture, interface, comparison):
    flows = {key(flow): flow for flow in scope.flows if flow["interface"] == interface}
    replayed = {key(flow): flow for flow in capture.flows}
    stories = {port: story for story, port in PORTS.items()}
    report.equal(f"{name}: the same flows", sorted(flows), sorted(replayed))
    for ends in sorted(flows.keys() & replayed.keys()):
        wrong = comparison.unequal(interface, flows[ends], replayed[ends])
        report.check(f"{name} IPv{flows[ends]['ip_version']} {stories[ends[1][1]]}", not wrong, wrong)


def compare_ledgers(name, scope, capture, interface):
    both = [scope.ledger(interface, direction) for direction in ("ingress", "egress")]
    for field in LEDGER_SUMS:
        report.equal(f"{name}: ledger {field}", sum(ledger[field] for ledger in both), capture.ledger[field])


def offloads_set(hook, offloads):
    """XDP sees segments that GRO joins before tcpdump does: so there none is done."""
    for side in ("monitor", "server"):
        net.inside(side, "ethtool", "-K", "veth0", "tso", offloads, "gso", offloads, "gro",
                   offloads if hook == "tc" else "off")


def check_whole(name, captures):
    """The stories are what they are called: every counter of resent, lost and repeated segments has counted."""
    for field in ("retransmits", "fast_retransmits", "spurious_retransmits", "out_of_order", "duplicate_acks",
                  "lost_segments"):
        count = sum(flow[side][field] for capture in captures.values() for flow in capture.flows
                    for side in ("client", "server"))
        report.check(f"{name}: {field} was played", count > 0, count)


def run(wire, hook, offloads):
    offloads_set(hook, offloads)
    captures = {interface: Capture("monitor", interface) for interface in INTERFACES}
    scope = Scope("monitor", INTERFACES, "--hook", hook)
    play(wire)
    name = f"replayed {hook} offloads {offloads}"
    report.equal(f"{name}: exit status", scope.stop(), 0)
    for capture in captures.values():
        capture.stop()
    comparison = Comparison(hook == "tc" and offloads == "on", captures["tun0"].flows)
    for interface, capture in captures.items():
        compare_flows(f"{name} {interface}", scope, capture, interface, comparison)
        if not comparison.cut:
            compare_ledgers(f"{name} {interface}", scope, capture, interface)
    near = sum(span < SPAN_TOLERANCE_NS for span in comparison.spans)
    report.check(f"{name}: spans of handshakes and round trips within 50 us", near >= SPANS_NEAR * len(comparison.spans),
                 f"{near} of {len(comparison.spans)}, {sorted(comparison.spans)[-9:]}")
    report.check(f"{name}: reordered or resent, a sample or not, by clock", comparison.trades <= max(2, TRADES * comparison.tradeable),
                 f"{comparison.trades} of {comparison.tradeable} traded")
    check_whole(name, captures)


def main():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rules = {"delay_ms": 2, "ports": {PORTS[name]: story[2] for name, story in STORIES.items()}}
    wire = network_make("impair.py", json.dumps(rules))
    for name, (up, down, _) in STORIES.items():
        serve(PORTS[name], up, down)
    for hook in HOOKS:
        for offloads in OFFLOADS:
            run(wire, hook, offloads)
    net.stop(wire)


if __name__ == "__main__":
    report.run(main)
