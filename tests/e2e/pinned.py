#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A watch that outlives its process (--pin): ended or killed under traffic and taken over, not a packet goes uncounted,
and each connection has one record, whichever process wrote it. What does not fit is refused. --unpin leaves nothing.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24       a listener on port 7000
    veth1 198.51.100.1/24  <--------------->  veth1 198.51.100.2/24
      ^ tcpscope --pin watch
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import threading
import time

import foreign
import net
import report
import sink
from scope import BINARY, Scope, processes
from sniff import socket_inside

PORT = 7000
NAME = "watch"
PINS = "/sys/fs/bpf/tcpscope"
HOOKS = {"tc": {}, "xdp": {}, "clsact": {"TCPSCOPE_CLSACT": "1"}}  # by environment
LINES = {"SIGTERM": signal.SIGTERM, "kill -9": signal.SIGKILL}
OCTETS = 1000
BPF_MAP_LOOKUP, BPF_MAP_UPDATE, BPF_OBJ_GET = 1, 2, 7
STATE_SIZE = 8192  # more than the state has


def hook_words(hook):
    return ("--hook", "tc" if hook == "clsact" else hook)


def start(hook, *more, interfaces=("veth0",), pinned=True):
    """Taken over, too, it names each interface and `egress`."""
    return Scope("client", interfaces, *hook_words(hook), *(("--pin", NAME) if pinned else ()), *more,
                 environment=HOOKS[hook])


def command(*words, environment=None, namespace="client", to=subprocess.PIPE):
    return subprocess.run(net.enter(namespace, BINARY, *words), stdout=to, stderr=subprocess.PIPE, text=True,
                          timeout=net.EVENT_SECONDS, env={**os.environ, **(environment or {})})


def unpin():
    """Returns what it did, its flows, its ledgers, its services."""
    done = command("--unpin", NAME, "--output", "json", "--report")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return done, *([record for record in records if record["type"] == kind] for kind in ("flow", "ledger", "service"))


def check_gone(name, interface="veth0"):
    report.equal(f"{name}: nothing stays", (net.attached("client", interface), os.path.exists(PINS), processes()),
                 ([], False, []))


def refused(name, words, *arguments, status=1):
    done = command(*arguments)
    lines = done.stderr.splitlines()
    report.equal(f"{name}: exit status", done.returncode, status)
    report.check(f"{name}: one line says why", len(lines) == 1 and all(word in lines[0] for word in words), lines)


class Traffic(threading.Thread):
    """One connection that sends all the time, others that come and go, until it is ended."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ending = threading.Event()
        self.octets = {}  # sent, by the client's port
        self.failed = None
        self.start()

    def connect(self):
        client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
        client.settimeout(net.EVENT_SECONDS)
        client.connect(("192.0.2.2", PORT))
        self.octets[client.getsockname()[1]] = 0
        return client

    def send(self, client):
        client.sendall(b"x" * OCTETS)
        self.octets[client.getsockname()[1]] += OCTETS

    def close(self, client):
        """Waits for the server's FIN, so that all was acknowledged."""
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
        client.close()

    def run(self):
        try:
            steady = self.connect()
            self.steady = steady.getsockname()[1]
            while not self.ending.is_set():
                other = self.connect()
                for client in (steady, other, steady):
                    self.send(client)
                self.close(other)
                time.sleep(0.002)  # paces it: two CPUs are enough
            self.close(steady)
        except OSError as error:
            self.failed = error

    def end(self):
        self.ending.set()
        self.join(net.EVENT_SECONDS)
        if self.failed:
            raise net.Failed(f"traffic: {self.failed}")

    def count(self):
        return len(self.octets)


def await_more(traffic):
    """Until it has made some more connections."""
    had = traffic.count()
    net.await_true(lambda: traffic.count() >= had + 20 or traffic.failed, "more connections")


def check_records(name, traffic, flows):
    """Of all lives together."""
    by_port = {}
    for flow in flows:
        by_port.setdefault(flow["client"]["port"], []).append(flow)
    report.equal(f"{name}: each connection has one record", {port: len(by_port.get(port, [])) for port in traffic.octets
                                                             if len(by_port.get(port, [])) != 1}, {})
    wrong = [(port, flow["state"], flow["client"]["stream_bytes"], octets) for port, octets in traffic.octets.items()
             for flow in by_port.get(port, []) if (flow["state"], flow["outcome"], flow["client"]["stream_bytes"]) !=
             ("closed", "accepted", octets)]
    report.check(f"{name}: and all of it is in there", not wrong, wrong[:4])
    report.equal(f"{name}: no others", sorted(set(by_port) - set(traffic.octets)), [])


def check_ledgers(name, ledgers, flows, before, after):
    got = {ledger["direction"]: ledger["detail"]["frames"] for ledger in ledgers}
    report.equal(f"{name}: the ledger of all lives is what the interface counted", got,
                 {direction: after[direction] - before[direction] for direction in got})
    report.equal(f"{name}: unaccounted, lost", [(ledger["unaccounted"], ledger["lost_records"]) for ledger in ledgers],
                 [(0, 0)] * 2)
    report.equal(f"{name}: each packet of in_flows is in a record",
                 sum(flow[side]["packets"] for flow in flows for side in ("client", "server")),
                 sum(ledger["in_flows"] for ledger in ledgers))


def restarted(hook, how):
    """Two ends under traffic, three lives, then --unpin."""
    name = f"pinned {hook} {how}"
    before = net.quiet("client", "veth0")
    flows = []
    scope = start(hook)
    report.equal(f"{name}: directory is root's alone", os.stat(f"{PINS}/{NAME}").st_mode & 0o7777, 0o700)
    traffic = Traffic()
    for _ in range(2):
        await_more(traffic)
        scope.stop(LINES[how])
        net.await_true(lambda: not processes(), "no process of it left, the guardian included")
        report.check(f"{name}: attached all the same", net.attached("client", "veth0"), "nothing is")
        await_more(traffic)
        flows += scope.flows
        scope = start(hook)
        report.check(f"{name}: it says that it took over", scope.wait_line("taken over", NAME), scope.lines)
    await_more(traffic)
    traffic.end()
    after = net.quiet("client", "veth0")
    report.equal(f"{name}: the last one's exit status", scope.stop(), 0)
    flows += scope.flows
    done, left, ledgers, services = unpin()
    flows += left
    report.equal(f"{name}: the services of all lives count each connection once",
                 [(service["server"]["port"], service["attempts"]) for service in services],
                 [(PORT, traffic.count())])
    report.equal(f"{name}: --unpin: exit status, stderr", (done.returncode, done.stderr.count("tcpscope: cannot")), (0, 0))
    check_records(name, traffic, flows)
    check_ledgers(name, ledgers, flows, before, after)
    check_gone(f"{name}: --unpin")


def beside(hook):
    """Another run, not pinned, is no reason to remove what is pinned; nor is the end of that run."""
    name = f"pinned {hook} and another run"
    start(hook).stop()
    before = net.attached("client", "veth0")
    try:
        other = start(hook, pinned=False)
        report.equal(f"{name}: that one's exit status", other.stop(), 0)
    except net.Failed as failed:  # XDP cannot be shared here
        report.check(f"{name}: that one says why not", "another tcpscope holds" in str(failed), failed)
    report.equal(f"{name}: what is pinned stays", net.attached("client", "veth0"), before)
    report.equal(f"{name}: and can be taken over", start(hook).stop(), 0)
    unpin()
    check_gone(name)


def bpf_object(path):
    text = ctypes.create_string_buffer(path.encode())
    return foreign.bpf(BPF_OBJ_GET, foreign.struct.pack("=QII", ctypes.addressof(text), 0, 0))


def state_change(at):
    """Another octet at an offset of what is said of the watch."""
    state = bpf_object(f"{PINS}/{NAME}/state")
    key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(STATE_SIZE)
    words = foreign.struct.pack("=IIQQQ", state, 0, ctypes.addressof(key), ctypes.addressof(value), 0)
    foreign.bpf(BPF_MAP_LOOKUP, words)
    value[at] = value.raw[at] ^ 1
    foreign.bpf(BPF_MAP_UPDATE, words)
    os.close(state)


def misfits():
    scope = start("tc")
    again = ("-i", "veth0", "--hook", "tc", "--pin", NAME)
    refused("pinned, and running", ("running", NAME), *again)
    refused("pinned, running, and unpinned", ("running", NAME), "--unpin", NAME)
    report.equal("pinned: the one that runs never notices", scope.stop(), 0)
    end = f"--unpin {NAME}"
    refused("pinned, other table", ("room for 131072", "--flows 131072", end), *again, "--flows", 1000)
    refused("pinned, other hook", ("--hook tc", end), "-i", "veth0", "--hook", "xdp", "--pin", NAME)
    refused("pinned, other interfaces", ("-i veth0", end), *again, "-i", "lo")
    done = command(*again, namespace="server")
    report.check("pinned, other namespace: refused", done.returncode == 1 and "another network namespace" in
                 done.stderr, done)
    for what, at, words in (("version", 0, "by version"), ("build", 32, "another build")):
        state_change(at)
        refused(f"pinned, other {what}", (words, end), *again)
        state_change(at)
    report.equal("pinned, after all refusals: taken over", start("tc").stop(), 0)
    state_change(32)
    done = command("--unpin", NAME)
    report.check("pinned, other build: --unpin removes it, and says what is lost", done.returncode == 0 and
                 "lost" in done.stderr, done)
    check_gone("pinned, other build: --unpin")


def words():
    for bad in ("", "a/b", "..", "x" * 33):
        refused(f"pinned: as {bad!r}", ("--pin", "letters"), "-i", "veth0", "--pin", bad, status=2)
    refused("pinned: a capture", ("--pin", "capture"), "-r", "-", "--pin", NAME, status=2)
    refused("pinned: a ladder", ("--pin", "--ladder"), "-i", "veth0", "--pin", NAME, "--ladder", "tcp", status=2)
    refused("pinned: nothing", ("nothing is pinned", NAME), "--unpin", NAME)
    for what, before, after in (("read-only", "mount -o remount,ro /sys/fs/bpf", "mount -o remount,rw /sys/fs/bpf"),
                                ("absent", "umount /sys/fs/bpf", "mount -t bpf bpf /sys/fs/bpf")):
        net.run("sh", "-c", before)
        refused(f"pinned: BPF file system {what}", ("/sys/fs/bpf", "mount"), "-i", "veth0", "--pin", NAME)
        report.equal(f"pinned: BPF file system {what}: nothing attached", net.attached("client", "veth0"), [])
        net.run("sh", "-c", after)


def announced(hook):
    """Who has read that it is attached may kill it: the names are there before a word of that is said."""
    name = f"pinned {hook}, announced"
    reading, writing = net.pipe_full()  # it waits in its first word
    process = net.start("client", BINARY, "-i", "veth0", *hook_words(hook), "--pin", NAME, "--output", "json",
                        stdout=subprocess.DEVNULL, stderr=writing, env={**os.environ, **HOOKS[hook]})
    os.close(writing)
    try:
        net.await_true(lambda: os.path.exists(f"{PINS}/{NAME}/state"), "names before words")
    finally:
        process.kill()
        process.wait()
    report.equal(f"{name}: it was there before a word of it", os.read(reading, 2 * net.PAGE), b"x" * net.PAGE)
    os.close(reading)
    net.await_true(lambda: not processes(), "no process of it left, the guardian included")
    scope = start(hook)
    report.check(f"{name}: killed then, and taken over", scope.wait_line("taken over", NAME), scope.lines)
    report.equal(f"{name}: exit status", scope.stop(), 0)
    unpin()
    check_gone(name)


def unfinished(hook):
    """Killed while it started: without a state it is nobody's. What it had attached goes with its names."""
    name = f"pinned {hook}, unfinished"
    start(hook).stop()
    os.unlink(f"{PINS}/{NAME}/state")
    scope = start(hook)
    report.check(f"{name}: said", scope.wait_line("did not finish", NAME, "nothing to take over"),
                 scope.lines)
    report.check(f"{name}: begun anew", not any("taken over" in line for line in scope.lines), scope.lines)
    report.equal(f"{name}: exit status", scope.stop(), 0)
    os.unlink(f"{PINS}/{NAME}/state")
    report.equal(f"{name}: --unpin: exit status", command("--unpin", NAME).returncode, 0)
    check_gone(f"{name}: --unpin")


def detached(hook):
    """What it had attached was taken off while nobody watched."""
    name = f"pinned {hook}, taken off"
    start(hook).stop()
    if hook == "clsact":
        net.inside("client", "tc", "qdisc", "del", "dev", "veth0", "clsact")
    else:
        for link in os.listdir(f"{PINS}/{NAME}"):
            if link.startswith("link_") and link.endswith("egress"):
                os.unlink(f"{PINS}/{NAME}/{link}")
    refused(name, ("no longer attached to veth0", f"--unpin {NAME}"), "-i", "veth0", *hook_words(hook), "--pin", NAME)
    done = unpin()[0]
    report.check(f"{name}: --unpin says what was", done.returncode == 0 and "egress no longer attached" in done.stderr and
                 ("ingress no longer" in done.stderr) == (hook == "clsact"), done)
    check_gone(f"{name}: --unpin")


def strangers():
    """In a BPF file system where all may write somebody has put a directory, or a link to one of files that are dear."""
    dear = "/run/scratch/dear"
    os.makedirs(dear)
    with open(f"{dear}/file", "w", encoding="ascii") as file:
        file.write("dear")

    def check_refused(name, word, path=f"{PINS}/{NAME}"):
        for how in ("--pin", "--unpin"):
            refused(f"pinned, {name}: {how}", (f"will not touch '{NAME}': {path} is", word), *(("-i", "veth0") if how == "--pin" else ()),
                    how, NAME)
        report.equal(f"pinned, {name}: the file is there", os.listdir(dear), ["file"])
        report.equal(f"pinned, {name}: nothing attached", net.attached("client", "veth0"), [])

    os.makedirs(PINS, mode=0o700)
    os.symlink(dear, f"{PINS}/{NAME}")
    check_refused("a link to a directory", "no directory of the BPF file system")
    os.unlink(f"{PINS}/{NAME}")
    for name, owner, mode in (("another user's directory", 65534, 0o700), ("a directory that all may write to", 0, 0o777)):
        os.makedirs(f"{PINS}/{NAME}")
        os.chmod(f"{PINS}/{NAME}", mode)
        os.chown(f"{PINS}/{NAME}", owner, owner)
        check_refused(name, "another user's, or others may write")
        os.rmdir(f"{PINS}/{NAME}")
    os.chown(PINS, 65534, 65534)
    check_refused("another user's directory of all", "another user's, or others may write", PINS)
    os.rmdir(PINS)
    os.symlink(dear, PINS)
    check_refused("a link in place of all", "no directory of the BPF file system", PINS)
    os.unlink(PINS)
    mode = os.stat("/sys/fs/bpf").st_mode
    os.chmod("/sys/fs/bpf", 0o777)
    check_refused("a file system where all may remove all", "chmod +t", "/sys/fs/bpf")
    os.chmod("/sys/fs/bpf", mode & 0o7777)


def empty():
    os.makedirs(f"{PINS}/{NAME}")
    scope = start("tc")
    said = [line for line in scope.lines if "nothing to take over" in line]
    report.check("pinned, an empty directory: said in a line, and begun anew", len(said) == 1 and NAME in said[0] and
                 "empty" in said[0], scope.lines)
    report.equal("pinned, an empty directory: exit status", scope.stop(), 0)
    scope = start("tc")
    report.check("pinned, an empty directory: what was begun there can be taken over", scope.wait_line("taken over", NAME),
                 scope.lines)
    scope.stop()
    unpin()
    os.makedirs(f"{PINS}/{NAME}")
    done = command("--unpin", NAME)
    report.check("pinned, an empty directory: --unpin says in a line what it did", done.returncode == 0 and
                 done.stderr.count("\n") == 1 and NAME in done.stderr and "empty" in done.stderr, done)
    check_gone("pinned, an empty directory: --unpin")
    os.makedirs(f"{PINS}/{NAME}/other")
    refused("pinned, a directory of others'", (f"{PINS}/{NAME}", "not tcpscope's"), "--unpin", NAME)
    os.removedirs(f"{PINS}/{NAME}/other")


def not_all_ours():
    """What else is in the directory is left, with a line and exit status 1; the flows are told all the same."""
    name = "pinned, and something else beside"
    start("tc").stop()
    os.mkdir(f"{PINS}/{NAME}/other")
    done = command("--unpin", NAME, "--output", "json")
    report.check(f"{name}: --unpin fails in a line that says why", done.returncode == 1 and
                 [NAME in line and "not tcpscope's" in line for line in done.stderr.splitlines() if "cannot" in line] ==
                 [True], done)
    report.check(f"{name}: and has told its ledgers", done.stdout.count('"type":"ledger"') == 2, done.stdout)
    os.removedirs(f"{PINS}/{NAME}/other")
    check_gone(name)


def full(hook):
    """The disk is full, for one that watches and for --unpin: whoever comes next has all the records."""
    name = f"{hook}, pinned, a full disk"
    start(hook).stop()
    ports = set()
    for _ in range(300):
        with socket_inside("client", socket.AF_INET, socket.SOCK_STREAM) as client:
            client.connect(("192.0.2.2", PORT))
            ports.add(client.getsockname()[1])
    with open("/dev/full", "w", encoding="ascii") as disk:
        for words in (("-i", "veth0", *hook_words(hook), "--pin", NAME, "--duration", "4"), ("--unpin", NAME)):
            done = command(*words, "--output", "json", environment=HOOKS[hook], to=disk)
            lines = [line for line in done.stderr.splitlines() if "No space left on device" in line]
            report.check(f"{name}: {words[-2]} fails and says why", (done.returncode, len(lines)) == (1, 1), done)
    done, flows, ledgers, _ = unpin()
    report.equal(f"{name}: then all is told", (done.returncode, len(ledgers)), (0, 2))
    report.equal(f"{name}: each flow once", sorted(flow["client"]["port"] for flow in flows), sorted(ports))
    check_gone(name)


def full_of_evicted(hook):
    """Likewise of flows that the table had no room for, which wait in the ring buffer: each packet is in one record."""
    name = f"{hook}, pinned, a full disk, flows evicted"
    start(hook, "--flows", "1").stop()
    clients = []
    for _ in range(800):
        clients.append(socket_inside("client", socket.AF_INET, socket.SOCK_STREAM))
        clients[-1].connect(("192.0.2.2", PORT))
    for client in clients:
        client.close()
    with open("/dev/full", "w", encoding="ascii") as disk:
        for words in (("-i", "veth0", *hook_words(hook), "--pin", NAME, "--flows", "1", "--duration", "4"), ("--unpin", NAME)):
            done = command(*words, "--output", "json", environment=HOOKS[hook], to=disk)
            report.equal(f"{name}: {words[-2]} fails", done.returncode, 1)
    _, flows, ledgers, _ = unpin()
    report.check(f"{name}: there are some", sum(ledger["detail"]["evicted"] for ledger in ledgers) > 200, ledgers)
    report.equal(f"{name}: all packets are in records",
                 sum(flow[side]["packets"] for flow in flows for side in ("client", "server")),
                 sum(ledger["in_flows"] for ledger in ledgers))
    check_gone(name)


def filtered():
    """The counts of a filter are the process's own: that is said."""
    start("tc").stop()
    for arguments, lines in ((("tcp", "--assert", "attempts == 0"), 1), (("--assert", "attempts == 0"), 0)):
        done = command("-i", "veth0", *hook_words("tc"), "--pin", NAME, "--duration", "0.1", *arguments)
        report.equal(f"pinned, taken over with {' '.join(arguments)}: lines about what counts",
                     (done.returncode, done.stderr.count("count what this process prints")), (0, lines))
    unpin()


def replaced():
    """The interface is deleted while nobody watches, and another has its name."""
    name = "pinned, another interface of that name"

    def veth_extra():
        net.veth_make("client", "server", "veth1")
        net.addresses_set("client", "veth1", "198.51.100.1/24")
        net.addresses_set("server", "veth1", "198.51.100.2/24")

    veth_extra()
    scope = start("tc", interfaces=("veth0", "veth1"))
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("198.51.100.2", PORT))
    report.equal(f"{name}: exit status", scope.stop(), 0)
    net.inside("client", "ip", "link", "delete", "veth1")
    veth_extra()
    refused(name, ("other interfaces", "-i veth0 -i veth1", f"--unpin {NAME}"), "-i", "veth0", "-i", "veth1", "--hook",
            "tc", "--pin", NAME)
    _, flows, ledgers, _ = unpin()
    report.equal(f"{name}: --unpin reports the flow and every ledger", ([flow["interface"] for flow in flows],
                                                                        len(ledgers)), (["veth1"], 4))
    check_gone(f"{name}: --unpin")
    net.inside("client", "ip", "link", "delete", "veth1")
    client.close()


def tapped():
    """Of a mirror port nothing that leaves is watched, nor said to be."""
    name = "pinned, --tap"
    scope = Scope("client", ("veth0",), "--tap", "--pin", NAME)
    report.equal(f"{name}: exit status", scope.stop(), 0)
    scope = Scope("client", ("veth0",), "--tap", "--pin", NAME)
    report.check(f"{name}: taken over, and what leaves is not watched",
                 scope.wait_line("taken over", "ingress by XDP, egress not watched"), scope.lines)
    report.equal(f"{name}: its exit status", scope.stop(), 0)
    unpin()
    check_gone(f"{name}: --unpin")


def main():
    net.pair_make()
    sink.serve("server", PORT)
    for hook in HOOKS:
        for how in LINES:
            restarted(hook, how)
        beside(hook)
        announced(hook)
    misfits()
    tapped()
    words()
    for hook in HOOKS:
        unfinished(hook)
        detached(hook)
        full(hook)
        full_of_evicted(hook)
    strangers()
    empty()
    not_all_ours()
    filtered()
    replaced()


if __name__ == "__main__":
    report.run(main)
