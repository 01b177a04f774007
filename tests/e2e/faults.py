#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What goes wrong round a monitor, and what it must do then: the right words, the right exit status, nothing left
attached, nothing lost that was counted. (lifecycle.py has the crashes and the second run.)

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24       a listener on port 7000
    veth1 198.51.100.1/24  <--------------->  veth1 198.51.100.2/24
      ^ tcpscope
"""

import ctypes
import errno
import os
import signal
import socket
import struct
import subprocess
import time

import foreign
import net
import report
import sink
from process import signals_caught
from scope import BINARY, Scope, processes
from sniff import socket_inside

PORT = 7000
ADDRESS = {"veth0": "192.0.2.2", "veth1": "198.51.100.2"}
HOOKS = {"tc": {}, "xdp": {}, "clsact": {"TCPSCOPE_CLSACT": "1"}}  # by environment
OCTETS = 200_000
BPF_OBJ_GET_INFO_BY_FD, BPF_LINK_GET_FD_BY_ID, BPF_LINK_GET_NEXT_ID, BPF_LINK_DETACH = 15, 30, 31, 34
LINK_IFINDEX_OFFSET = 16  # of tcx.ifindex and xdp.ifindex in struct bpf_link_info
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
CAPABILITIES = ("bpf", "perfmon", "net_admin")


def scope_start(hook, *interfaces, more=()):
    return Scope("client", interfaces, "--hook", "tc" if hook == "clsact" else hook, *more, environment=HOOKS[hook])


class Connection:
    def __init__(self, interface):
        self.socket = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(net.EVENT_SECONDS)
        self.socket.connect((ADDRESS[interface], PORT))
        self.port = self.socket.getsockname()[1]
        self.sent = 0

    def send(self, octets=OCTETS):
        self.socket.sendall(b"x" * octets)
        self.sent += octets

    def close(self):
        """Waits for the server's FIN, so that all was acknowledged."""
        self.socket.shutdown(socket.SHUT_WR)
        self.socket.recv(1)
        self.socket.close()


def check_whole(name, scope, connection, interface="veth0"):
    flow = scope.flow(client_port=connection.port)
    report.same(f"{name}: the connection is whole", {**flow, "octets": flow["client"]["stream_bytes"]},
                {"interface": interface, "outcome": "accepted", "state": "closed", "octets": connection.sent})
    report.equal(f"{name}: unaccounted and lost", [(ledger["unaccounted"], ledger["lost_records"])
                                                   for ledger in scope.ledgers], [(0, 0)] * len(scope.ledgers))


def check_detached(name, interface="veth0", namespace="client"):
    report.equal(f"{name}: nothing stays attached", net.attached(namespace, interface), [])


def refused(name, status, words, *arguments, prefix=(), environment=None):
    """Does not start: one line that has the words, and the exit status; nothing on stdout, nothing attached."""
    done = subprocess.run(net.enter("client", *prefix, BINARY, *arguments), capture_output=True, text=True,
                          timeout=net.EVENT_SECONDS, env={**os.environ, **(environment or {})})
    lines = [line for line in done.stderr.splitlines()
             if not any(word in line for word in ("ingress by", "egress by", "making a flow table"))]
    report.equal(f"{name}: exit status", done.returncode, status)
    report.check(f"{name}: one line says why", len(lines) == 1 and all(word in lines[0] for word in words), lines)
    report.equal(f"{name}: stdout", done.stdout, "")
    check_detached(name)


def hangup(hook):
    name = f"faults {hook} SIGHUP"
    scope = scope_start(hook, "veth0")
    connection = Connection("veth0")
    connection.send()
    connection.close()
    report.equal(f"{name}: exit status", scope.stop(signal.SIGHUP), 0)
    check_whole(name, scope, connection)
    check_detached(name)


def hangup_ignored():
    """As nohup starts it."""
    name = "faults SIGHUP ignored"
    scope = Scope("client", ["veth0"], prefix=("nohup",))
    scope.process.send_signal(signal.SIGHUP)
    connection = Connection("veth0")
    connection.close()
    report.equal(f"{name}: it goes on until SIGTERM", (scope.process.poll(), scope.stop()), (None, 0))
    check_whole(name, scope, connection)


def waits_to_write(pid):
    with open(f"/proc/{pid}/stack", encoding="ascii") as lines:
        return "pipe_write" in lines.read()


def unread(*more):
    """Its reader reads no more: the first signal finds it waiting, the second ends it."""
    name = " ".join(("faults a reader that has stopped", *more))
    reading, writing = net.pipe_full()
    scope = Scope("client", ["veth0"], *more, out=writing)
    os.close(writing)
    connection = Connection("veth0")
    connection.close()
    net.await_true(lambda: waits_to_write(scope.process.pid), "it waits for its reader")
    for _ in range(2):  # timeout(1) sends each twice at once
        scope.process.send_signal(signal.SIGTERM)
    time.sleep(1.1)
    report.equal(f"{name}: the first signal waits for the reader", scope.process.poll(), None)
    scope.process.send_signal(signal.SIGTERM)
    report.equal(f"{name}: the second ends it", scope.process.wait(net.EVENT_SECONDS), -signal.SIGTERM)
    scope.wait_line("second signal", "lost")
    os.close(reading)
    if not more:
        net.await_true(lambda: not net.attached("client", "veth0"), "nothing stays attached")
        net.await_true(lambda: not processes(), "nothing goes on running")
        return
    again = Scope("client", ["veth0"], *more)
    report.equal(f"{name}: the next one takes the watch over", again.stop(), 0)
    unpinned = net.inside("client", BINARY, "--unpin", more[1], "--output", "json")
    report.equal(f"{name}: which has counted on", '"unaccounted":0' in unpinned, True)
    check_detached(name)


def down_and_up(hook):
    """Addresses and routes come back, the connection goes on, and so does the watch."""
    name = f"faults {hook} interface down and up"
    scope = scope_start(hook, "veth0")
    connection = Connection("veth0")
    connection.send()
    net.inside("client", "ip", "link", "set", "veth0", "down")
    net.inside("client", "ip", "link", "set", "veth0", "up")
    net.neighbour_set("client", "veth0", ADDRESS["veth0"], net.mac("server", "veth0"))
    connection.send()
    connection.close()
    report.equal(f"{name}: exit status", scope.stop(), 0)
    check_whole(name, scope, connection)
    check_detached(name)


def renamed(hook):
    """The watch goes on; records keep the name that was asked for."""
    name = f"faults {hook} interface renamed"
    scope = scope_start(hook, "veth0")
    connection = Connection("veth0")
    connection.send()
    net.inside("client", "ip", "link", "set", "veth0", "name", "other0")
    connection.send()
    connection.close()
    report.equal(f"{name}: exit status", scope.stop(), 0)
    check_whole(name, scope, connection)
    check_detached(name, "other0")
    net.inside("client", "ip", "link", "set", "other0", "name", "veth0")


def moved(hook):
    """Gone from here: said, its flows written. Nothing of ours goes along."""
    name = f"faults {hook} interface moved to another namespace"
    net.veth_make("client", "server", "veth1")
    net.addresses_set("client", "veth1", "198.51.100.1/24")
    net.addresses_set("server", "veth1", "198.51.100.2/24")
    scope = scope_start(hook, "veth0", "veth1")
    announced = len(scope.lines)
    connection, kept = Connection("veth1"), Connection("veth0")
    connection.send()
    connection.close()
    net.inside("client", "ip", "link", "set", "veth1", "netns", "aside")
    report.check(f"{name}: a line says so", scope.wait_line("veth1", "gone", after=announced), "no line")
    net.await_true(lambda: not net.attached("aside", "veth1"), f"{name}: detached there at once")
    kept.send()
    kept.close()
    report.equal(f"{name}: exit status", scope.stop(), 0)
    check_whole(name, scope, connection, "veth1")
    check_whole(f"{name}, the other", scope, kept)
    check_detached(name, "veth1", "aside")
    check_detached(f"{name}, the other")
    net.inside("aside", "ip", "link", "delete", "veth1")


def large_frames(hook):
    """MTU 9000 while it runs."""
    name = f"faults {hook} MTU 9000"
    scope = scope_start(hook, "veth0")
    for namespace in ("client", "server"):
        net.inside(namespace, "ip", "link", "set", "veth0", "mtu", 9000)
    connection = Connection("veth0")
    connection.send()
    connection.close()
    report.equal(f"{name}: exit status", scope.stop(), 0)
    check_whole(name, scope, connection)
    client = scope.flow(client_port=connection.port)["client"]
    report.equal(f"{name}: MSS and largest segment", (client["mss"], client["payload_max"]), (8960, 8948))
    check_detached(name)
    for namespace in ("client", "server"):
        net.inside(namespace, "ip", "link", "set", "veth0", "mtu", 1500)


def offloads(hook):
    """Switched while a connection sends."""
    name = f"faults {hook} offloads switched"
    scope = scope_start(hook, "veth0")
    connection = Connection("veth0")
    for switch in ("off", "on", "off", "on"):
        for namespace in ("client", "server"):
            net.inside(namespace, "ethtool", "-K", "veth0", "tso", switch, "gso", switch, "gro", switch)
        connection.send()
    connection.close()
    report.equal(f"{name}: exit status", scope.stop(), 0)
    check_whole(name, scope, connection)
    check_detached(name)


def without_bpffs(hook):
    for name, command in (("read-only", "mount -o remount,ro /sys/fs/bpf"), ("absent", "umount /sys/fs/bpf")):
        name = f"faults {hook} bpffs {name}"
        net.run("sh", "-c", command)
        scope = scope_start(hook, "veth0")
        connection = Connection("veth0")
        connection.close()
        report.equal(f"{name}: exit status", scope.stop(), 0)
        check_whole(name, scope, connection)
        check_detached(name)
    net.run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")


def foreign_program():
    """Without a dispatcher to share, XDP is refused; what is there stays."""
    name = "faults foreign XDP program"
    ifindex = net.link("client", "veth0")["ifindex"]
    foreign = net.start_ready("client", net.PYTHON, os.path.join(net.LIB, "foreign.py"), ifindex)
    done = subprocess.run(net.enter("client", BINARY, "-i", "veth0", "--hook", "xdp"), capture_output=True, text=True,
                          timeout=net.EVENT_SECONDS)
    report.equal(f"{name}: exit status", done.returncode, 1)
    report.check(f"{name}: a line says whose", "veth0" in done.stderr and "another program" in done.stderr and
                 "--hook tc" in done.stderr, done.stderr)
    report.equal(f"{name}: it stays", net.attached("client", "veth0"), ["xdp"])
    scope = scope_start("tc", "veth0")
    connection = Connection("veth0")
    connection.close()
    report.equal(f"{name}: beside it by tc: exit status", scope.stop(), 0)
    check_whole(f"{name}: beside it by tc", scope, connection)
    report.equal(f"{name}: it still stays", net.attached("client", "veth0"), ["xdp"])
    net.stop(foreign)
    net.await_true(lambda: not net.attached("client", "veth0"), "the foreign program gone")


def generic():
    """A bridge has no native XDP."""
    name = "faults no native XDP"
    for words in (("link", "add", "br0", "type", "bridge"), ("link", "set", "veth0", "master", "br0"),
                  ("address", "flush", "dev", "veth0")):
        net.inside("client", "ip", *words)
    net.addresses_set("client", "br0", "192.0.2.1/24")
    net.neighbour_set("server", "veth0", "192.0.2.1", net.mac("client", "br0"))
    scope = scope_start("xdp", "br0")
    report.check(f"{name}: said", scope.wait_line("br0", "generic", "no native XDP"), "no line")
    connection = Connection("veth0")
    connection.send()
    connection.close()
    report.equal(f"{name}: exit status", scope.stop(), 0)
    check_whole(name, scope, connection, "br0")
    check_detached(name, "br0")
    net.inside("client", "ip", "link", "delete", "br0")
    net.addresses_set("client", "veth0", "192.0.2.1/24")
    net.neighbour_set("client", "veth0", ADDRESS["veth0"], net.mac("server", "veth0"))
    net.neighbour_set("server", "veth0", "192.0.2.1", net.mac("client", "veth0"))


def privileges():
    for hook in ("tc", "xdp"):
        refused(f"faults {hook} nobody's", 1, ("not permitted", "root", "BPF", "NET_ADMIN"), "-i", "veth0", "--hook",
                hook, prefix=NOBODY)
        for missing in CAPABILITIES:
            rest = ",".join(f"+{name}" for name in CAPABILITIES if name != missing)
            refused(f"faults {hook} without {missing}", 1, ("not permitted", "root", missing.upper()), "-i", "veth0",
                    "--hook", hook, prefix=(*NOBODY, "--inh-caps", rest, "--ambient-caps", rest))


def old_kernel():
    """Not really one: it says that it is. Its programs are refused because nobody may load any."""
    refused("faults old kernel", 1, ("kernel 2.6.", "too old", "5.18"), "-i", "veth0",
            prefix=("setarch", "--uname-2.6", *NOBODY))


def little_memory():
    """The kernel has room for the table, the process has none to look at it."""
    for hook in ("tc", "xdp"):
        refused(f"faults {hook} memory of the process", 1, ("memory", "--flows", "smaller"), "-i", "veth0", "--hook",
                hook, prefix=("prlimit", f"--as={100 << 20}"))


def too_large():
    """A flow table of tens of gigabytes: refused by the kernel, in the user's words."""
    for hook, environment in HOOKS.items():
        refused(f"faults {hook} out of memory", 1, ("--flows", "smaller"), "-i", "veth0", "--hook",
                "tc" if hook == "clsact" else hook, "--flows", str(1 << 26), environment=environment)


def next_link(number):
    """0: there is none."""
    attributes = ctypes.create_string_buffer(struct.pack("=II", number, 0), 128)
    if foreign.libc.syscall(foreign.SYS_BPF, BPF_LINK_GET_NEXT_ID, attributes, len(attributes)) < 0:
        if ctypes.get_errno() != errno.ENOENT:
            raise OSError(ctypes.get_errno(), "BPF_LINK_GET_NEXT_ID")
        return 0
    return struct.unpack_from("=I", attributes.raw, 4)[0]


def links():
    """The numbers of all that there are, of any network namespace."""
    number = 0
    while number := next_link(number):
        yield number


def links_detach(ifindex, spared):
    """All that hang on an interface, as `bpftool link detach` does, but for those `spared`: in another namespace an interface
    may have the same number."""
    found = 0
    for number in set(links()) - spared:
        link = foreign.bpf(BPF_LINK_GET_FD_BY_ID, struct.pack("=I", number))
        info = ctypes.create_string_buffer(64)
        foreign.bpf(BPF_OBJ_GET_INFO_BY_FD, struct.pack("=IIQ", link, len(info), ctypes.addressof(info)))
        if struct.unpack_from("=I", info.raw, LINK_IFINDEX_OFFSET)[0] == ifindex:
            foreign.bpf(BPF_LINK_DETACH, struct.pack("=I", link))
            found += 1
        os.close(link)
    return found


def taken_off(hook):
    """By somebody else: a line for each direction, and then there is nothing left to watch. Some of it: the rest is watched
    on, and the exit status tells."""
    name = f"faults {hook} all taken off"
    ifindex = net.link("client", "veth0")["ifindex"]
    before = set(links())
    scope = scope_start(hook, "veth0")
    connection = Connection("veth0")
    connection.send()
    if hook == "clsact":
        net.inside("client", "tc", "qdisc", "del", "dev", "veth0", "clsact")
    else:
        report.equal(f"{name}: links", links_detach(ifindex, before), 2)
    report.equal(f"{name}: it ends, exit status", scope.wait(), 1)
    report.equal(f"{name}: said once of each", [sum(f"taken its {way} program off" in line for line in scope.lines)
                                                for way in ("ingress", "egress")], [1, 1])
    report.equal(f"{name}: what was seen is reported", [flow["client"]["port"] for flow in scope.flows], [connection.port])
    check_detached(name)
    connection.close()
    if hook != "clsact":
        return
    for direction in ("ingress", "egress"):
        name = f"faults {hook} {direction} taken off"
        scope = scope_start(hook, "veth0", more=("--assert", "refused == 0"))
        net.inside("client", "tc", "filter", "del", "dev", "veth0", direction)
        scope.wait_line(f"taken its {direction} program off")
        report.equal(f"{name}: exit status", scope.stop(), 1)
        report.check(f"{name}: nothing is judged", any("nothing is judged" in line for line in scope.lines), scope.lines)
        check_detached(name)
    replaced()


def filters(direction):
    """Their texts in short: of each the words that name it."""
    return [line.split() for line in net.inside("client", "tc", "filter", "show", "dev", "veth0", direction).splitlines()
            if "handle" in line]


def replaced():
    """Another filter in the place of ours: said; it is not ours to take off."""
    name = "faults clsact filter replaced"
    scope = scope_start("clsact", "veth0")
    words = filters("ingress")[0]
    where = ("dev", "veth0", "ingress", "pref", words[words.index("pref") + 1],
             "handle", words[words.index("handle") + 1])
    net.inside("client", "tc", "filter", "replace", *where, "protocol", "all", "bpf", "bytecode", "1,6 0 0 0,")
    scope.wait_line("taken its ingress program off")
    report.equal(f"{name}: exit status", scope.stop(), 1)
    report.equal(f"{name}: the other's stays", [("tcpscope" in words, "bytecode" in words) for words in filters("ingress")],
                 [(False, True)])
    net.inside("client", "tc", "qdisc", "del", "dev", "veth0", "clsact")


def has_qdisc():
    return "clsact" in net.inside("client", "tc", "qdisc", "show", "dev", "veth0")


def after_a_crash():
    """Program and guardian were killed: what the next run removes of theirs is not somebody else's doing."""
    name = "faults clsact after program and guardian were killed"
    first = scope_start("clsact", "veth0")
    for pid in processes():
        os.kill(pid, signal.SIGKILL)
    first.process.wait()
    report.equal(f"{name}: left", net.attached("client", "veth0"), ["clsact ingress", "clsact egress"])
    scope = scope_start("clsact", "veth0", more=("--strict",))
    report.check(f"{name}: replaced", any("replaced 2 programs" in line for line in scope.lines), scope.lines)
    connection = Connection("veth0")
    connection.send()
    connection.close()
    net.await_true(lambda: os.fstat(scope.out.fileno()).st_size, "a record: it has begun to watch")
    report.equal(f"{name}: nothing is amiss", (scope.stop(), [line for line in scope.lines if "somebody" in line]), (0, []))
    check_detached(name)
    report.equal(f"{name}: the qdisc goes", has_qdisc(), False)


def qdisc_of_others():
    """Somebody had made it: it stays. What tcpscope made goes, whoever of two runs goes last."""
    net.inside("client", "tc", "qdisc", "add", "dev", "veth0", "clsact")
    for name, number in (("stopped", signal.SIGTERM), ("killed", signal.SIGKILL)):
        scope = scope_start("clsact", "veth0")
        if number == signal.SIGKILL:
            scope.process.kill()
            scope.process.wait()
            net.await_true(lambda: not net.attached("client", "veth0"), "the guardian's work")
        else:
            scope.stop()
        report.check(f"faults clsact of somebody else, {name}: it stays", has_qdisc(), None)
    net.inside("client", "tc", "qdisc", "del", "dev", "veth0", "clsact")
    first = scope_start("clsact", "veth0")
    second = scope_start("clsact", "veth0")
    first.stop()
    report.check("faults clsact of two runs: it stays for the second", has_qdisc(), None)
    report.equal("faults clsact of two runs: the second notices nothing", second.stop(), 0)
    report.check("faults clsact of two runs: it goes with the second", not has_qdisc(), None)


def cut_short():
    """A verdict is about the watch that was asked for: none is given on another."""
    assertion = ("--assert", "refused == 0", "--duration", "60")
    net.veth_make("client", "server", "veth1")
    net.inside("client", "ip", "link", "set", "veth1", "up")
    scope = Scope("client", ["veth1"], *assertion)
    net.inside("client", "ip", "link", "delete", "veth1")
    name = "faults the last interface deleted before --duration is over"
    report.equal(f"{name}: exit status", scope.wait(), 1)
    report.check(f"{name}: nothing is judged", any("no interface was left" in line for line in scope.lines), scope.lines)
    name = "faults SIGTERM while it starts"
    reading, writing = net.pipe_full()  # it waits in its first word
    started = net.start("client", BINARY, "-i", "veth0", *assertion, stdout=writing, stderr=writing)
    os.close(writing)
    net.await_true(lambda: net.attached("client", "veth0"), "it is attached")
    started.send_signal(signal.SIGTERM)
    with open(reading, encoding="utf-8") as file:
        said = file.read()
    report.equal(f"{name}: exit status", started.wait(), 1)
    report.check(f"{name}: nothing is judged", "before anything was watched" in said and "holds" not in said, said)
    check_detached(name)


def unwanted(*more):
    """Ended while it makes a table that takes long: it attaches nothing."""
    name = " ".join(("faults SIGTERM before it attaches", *more))
    started = net.start("client", BINARY, "-i", "veth0", "--hook", "tc", "--flows", 500_000, *more,
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    net.await_true(lambda: signals_caught(started.pid), "it takes signals")
    started.send_signal(signal.SIGTERM)
    said = started.stdout.read()
    report.equal(f"{name}: exit status", started.wait(), 1 if "--strict" in more else 0)
    report.check(f"{name}: a line", said.count("\n") == 1 and "before anything was watched" in said, said)
    report.equal(f"{name}: nothing pinned", os.path.exists("/sys/fs/bpf/tcpscope"), False)
    check_detached(name)


def main():
    net.pair_make()
    net.namespace_make("aside")
    sink.serve("server", PORT)
    for hook in HOOKS:
        for fault in (hangup, moved, taken_off):
            fault(hook)
    hangup_ignored()
    for more in ((), ("--pin", "unread")):
        unread(*more)
    after_a_crash()
    qdisc_of_others()
    for hook in ("tc", "xdp"):
        for fault in (down_and_up, renamed, large_frames, offloads, without_bpffs):
            fault(hook)
    foreign_program()
    generic()
    privileges()
    cut_short()
    for more in ((), ("--strict",), ("--pin", "unwanted")):
        unwanted(*more)
    old_kernel()
    too_large()
    little_memory()


if __name__ == "__main__":
    report.run(main)
