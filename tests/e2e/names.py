#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--resolve: names where people read, from a name server of our own that counts who asks; none without it. A server that
is silent or says what no name is, and what the process that asks is left with.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24       a listener on port 7000
    lo: the name server
      ^ tcpscope
"""

import fcntl
import os
import pwd
import shutil
import signal
import socket
import struct
import termios
import time

import hand
import net
import replay
import report
from name_server import network_make
from privileges import shut_in, status_of
from scope import BINARY, processes
from sniff import socket_inside

PORT = 7000
NOBODY = pwd.getpwnam("nobody")
# What is said to be waited at the end; what a busy machine may take besides; and when a look-up itself would give up.
WAIT_SECONDS, MARGIN_SECONDS, GIVE_UP_SECONDS = 2, 8, 20
CLIENT, SERVER = "client.example.org", "server.example.org"
SILENT = "198.51.100.0/24"
HOSTILE = {  # by address: labels; the address must be shown
    "192.0.2.10": (b"\x1b]2;owned\x07\x1b[2J", b"org"), "192.0.2.11": (b"a\nb", b"org"), "192.0.2.12": (),
    "192.0.2.13": (b"10", b"0", b"0", b"1"), "192.0.2.14": (b"x" * 63,) * 4,
    "192.0.2.15": ("schön".encode(), b"org"), "192.0.2.16": (b"www.example.org:80 -> evil", b"org")}
LONG = "a-machine-with-a-rather-long-name.in-a-rack-somewhere.at-a-site-far-away.example.org"
CAPTURE = "/run/scratch/names.pcap"
PROGRAM = "/run/scratch/tcpscope"


def frames(clients, server="192.0.2.2"):
    """Each of them greets the server: SYN, SYN/ACK, ACK."""
    made = []
    for number, client in enumerate(clients):
        frame, ports = (replay.frame6 if ":" in client else replay.frame4), (4000, PORT)
        made += [(number * 100, frame(client, server, hand.tcp(ports, hand.SYN, 1, 0))),
                 (number * 100 + 30, frame(server, client, hand.tcp(ports[::-1], hand.SYN | hand.ACK, 9, 2))),
                 (number * 100 + 50, frame(client, server, hand.tcp(ports, hand.ACK, 2, 10)))]
    return made


def replayed(clients, *arguments, server="192.0.2.2", prefix=()):
    """What it says of a capture, within the namespace; also the seconds it took."""
    with open(CAPTURE, "wb") as file:
        file.write(replay.pcap(frames(clients, server)))
    began = time.monotonic()
    done = net.subprocess.run(net.enter("client", *prefix, BINARY if not prefix else PROGRAM, "-r", CAPTURE, *arguments),
                              capture_output=True, text=True, check=False)
    return done, time.monotonic() - began


def check_replay(server):
    for name, arguments, words in (
            ("table", (), (f"{CLIENT}:4000 ", f"-> {SERVER}:{PORT} ")),
            ("report", ("--report",), (f"{SERVER}:{PORT}  1 attempt", f"    {CLIENT}:4000 connect ")),
            ("ladder", ("--ladder", "tcp"), (f"{CLIENT}:4000 -> {SERVER}:{PORT}, from ",))):
        server.asked.clear()
        plain, _ = replayed(["192.0.2.1"], *arguments)
        report.equal(f"names {name} without --resolve: exit status, questions",
                     (plain.returncode, server.asked), (0, []))
        report.check(f"names {name} without --resolve: addresses", "192.0.2.1:4000" in plain.stdout and
                     "example" not in plain.stdout, plain.stdout)
        done, _ = replayed(["192.0.2.1"], *arguments, "--resolve")
        report.equal(f"names {name}: exit status, complaints", (done.returncode, done.stderr), (0, ""))
        report.check(f"names {name}", all(word in done.stdout for word in words) and "192.0.2" not in done.stdout,
                     done.stdout)
        report.equal(f"names {name}: each address is asked for once", sorted(server.asked),
                     ["1.2.0.192.in-addr.arpa", "2.2.0.192.in-addr.arpa"])
    done, _ = replayed(["2001:db8::1"], "--resolve", server="2001:db8::2")
    report.check("names of IPv6", f"six.example.org:4000 " in done.stdout and f"[2001:db8::2]:{PORT}" in done.stdout,
                 done.stdout)
    for form in ("json", "csv", "zeek"):
        done, _ = replayed(["192.0.2.1"], "--resolve", "--output", form)
        report.check(f"names --output {form}: refused", done.returncode == 2 and "--resolve" in done.stderr, done)
    done, _ = replayed(["192.0.2.1"], "--resolve", "--assert", f"service 192.0.2.2:{PORT} attempts == 1")
    report.check("names: an assertion keeps its address", done.returncode == 0 and
                 f"holds  service 192.0.2.2:{PORT} attempts == 1" in done.stdout and f"{SERVER}:" in done.stdout, done)


def check_silent(server):
    """Of one zone nobody answers; of another one does. At the end there is a limit to waiting."""
    silent = [f"198.51.100.{number}" for number in range(1, 41)]
    done, seconds = replayed(silent + ["192.0.2.1"], "--resolve")
    report.check("names silent server: the end waits no longer than it says", seconds < WAIT_SECONDS + MARGIN_SECONDS,
                 f"{seconds} s")
    report.equal("names silent server: exit status, complaints", (done.returncode, done.stderr), (0, ""))
    report.check("names silent server: addresses are shown", all(f"{address}:4000 " in done.stdout for address in silent),
                 done.stdout)
    report.check("names silent server: other zones have their names",
                 f"{CLIENT}:4000 " in done.stdout and done.stdout.count(f"-> {SERVER}:") == 41, done.stdout)
    server.silence("0.0.0.0/0")
    done, seconds = replayed(["192.0.2.1"], "--resolve", "--report")
    report.check("names no server: the report comes, with addresses", WAIT_SECONDS <= seconds < WAIT_SECONDS + MARGIN_SECONDS
                 and f"192.0.2.2:{PORT}  1 attempt" in done.stdout and done.returncode == 0, (seconds, done))
    server.silent.pop()


def check_hostile(server):
    for address, labels in HOSTILE.items():
        server.name(address, *labels)
    server.asked.clear()
    done, _ = replayed(list(HOSTILE), "--resolve")
    report.equal("names hostile: each was asked for", len(set(server.asked)), len(HOSTILE) + 1)
    for address in HOSTILE:
        report.check(f"names hostile {address}: the address is shown", f"{address}:4000 " in done.stdout, done.stdout)
    report.check("names hostile: nothing a terminal could obey", done.stdout.replace("\n", "").isprintable() and
                 done.stdout.isascii(), ascii(done.stdout))


def on_terminal(columns, *arguments):
    """The lines that it prints to a terminal so wide."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("=HHHH", 24, columns, 0, 0))
    process = net.start("client", BINARY, "-r", CAPTURE, *arguments, stdin=net.subprocess.DEVNULL, stdout=slave)
    os.close(slave)
    text = b""
    try:
        while part := os.read(master, 65536):
            text += part
    except OSError:  # the other end is closed
        pass
    os.close(master)
    process.wait()
    return text.decode().replace("\r", "").split("\n")


def check_widths(server):
    server.name("192.0.2.20", *(label.encode() for label in LONG.split(".")))
    done, _ = replayed(["192.0.2.20"], "--resolve")
    report.check("names long: whole in a pipe", f"{LONG}:4000 " in done.stdout, done.stdout)
    for columns in (80, 100, 200):
        lines = on_terminal(columns, "--resolve", "--color", "never")
        rows = [line for line in lines if "a-mach" in line or SERVER[:4] in line]
        report.check(f"names long: cut in the middle at {columns} columns, its port stays",
                     rows and all(len(line) <= columns for line in rows) and any(
                         "a-mach" in line and ".." in line and ":4000 " in line for line in rows), lines)


def check_hosts():
    """/etc/hosts alone, no name server; and an ordinary user."""
    with open("/run/scratch/hosts", "w", encoding="ascii") as file:
        file.write("127.0.0.1 localhost\n192.0.2.1 from-hosts\n192.0.2.2 to-hosts\n")
    net.run("mount", "--bind", "/run/scratch/hosts", "/etc/hosts")
    shutil.copy(BINARY, PROGRAM)
    user = ("setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups")
    for name, prefix in (("root", ()), ("an ordinary user", user)):
        done, seconds = replayed(["192.0.2.1"], "--resolve", prefix=prefix)
        report.check(f"names /etc/hosts, {name}", "from-hosts:4000 " in done.stdout and f"-> to-hosts:{PORT} " in done.stdout
                     and done.returncode == 0 and not done.stderr and seconds < WAIT_SECONDS + MARGIN_SECONDS, (seconds, done))
    net.run("umount", "/etc/hosts")


# ---- live ----

def connect(address="192.0.2.2"):
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(net.EVENT_SECONDS)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))  # reset: nobody accepts
    client.connect((address, PORT))
    port = client.getsockname()[1]
    client.close()
    return port


class Watch:
    """The table of an interface, line by line."""

    def __init__(self, *arguments):
        self.process = net.start("client", BINARY, "-i", "veth0", "--output", "table", *arguments, text=True,
                                 stdout=net.subprocess.PIPE, stderr=net.subprocess.PIPE)
        while "egress" not in self.process.stderr.readline():
            pass

    def line_with(self, *words):
        for line in self.process.stdout:
            if all(word in line for word in words):
                return line
        raise net.Failed(f"no line with {words}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=net.EVENT_SECONDS)
        return out


def resolver_of(pid):
    """The process that looks up names."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = [int(word) for word in file.read().split()]
    found = [child for child in children if open(f"/proc/{child}/comm", encoding="ascii").read() == "scope-names\n"]
    if len(found) != 1:
        raise net.Failed(f"of {children} {found} look up names")
    return found[0]


def check_holds_nothing(pid):
    status = status_of(pid)
    held = {key: status[key] for key in ("CapInh", "CapPrm", "CapEff", "CapAmb") if int(status[key], 16)}
    report.equal("names process: no capability", held, {})
    report.equal("names process: shut in", (status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
    report.equal("names process: user, groups", (status["Uid"].split(), status["Groups"].split()),
                 ([str(NOBODY.pw_uid)] * 4, []))
    files = sorted(os.readlink(f"/proc/{pid}/fd/{name}").split(":")[0] for name in os.listdir(f"/proc/{pid}/fd"))
    report.equal("names process: open files", files, ["/dev/null"] * 3 + ["socket"])


def check_live(server):
    server.asked.clear()
    plain = Watch()
    port = connect()
    plain.line_with(f"192.0.2.1:{port} ")
    report.equal("names live without --resolve: exit status, questions",
                 (plain.end() and plain.process.returncode, server.asked), (0, []))
    watch = Watch("--resolve")
    check_holds_nothing(resolver_of(watch.process.pid))
    port = connect()
    line = watch.line_with(f"{CLIENT}:{port} ")
    report.check("names live: the first line of an address has its name", f"-> {SERVER}:{PORT} " in line, line)
    kept = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    kept.connect(("192.0.2.3", PORT))  # another, which is still open in the end
    out = watch.end()
    kept.close()
    report.check("names live: a flow that is open in the end has its names",
                 f"{CLIENT}:" in out and f"-> third.example.org:{PORT} " in out, out)
    report.equal("names live: exit status, processes left", (watch.process.returncode, processes()), (0, []))


def check_live_silent(server):
    """Neither rows nor the end wait for a server that does not answer."""
    server.silence("192.0.2.0/24")
    watch = Watch("--resolve")
    began = time.monotonic()
    port = connect()
    watch.line_with(f"192.0.2.1:{port} ", f"-> 192.0.2.2:{PORT} ")
    seconds = time.monotonic() - began
    report.check("names live, silent server: the row comes, with addresses", seconds < MARGIN_SECONDS, f"{seconds} s")
    began = time.monotonic()
    watch.end()
    seconds = time.monotonic() - began
    report.check("names live, silent server: the end waits no longer than it says",
                 seconds < WAIT_SECONDS + MARGIN_SECONDS, f"{seconds} s")
    server.silent.pop()


def check_interval():
    """The first report that comes has names already."""
    process = net.start("client", BINARY, "-i", "veth0", "--report", "--interval", "1.5", "--resolve", text=True,
                        stdout=net.subprocess.PIPE, stderr=net.subprocess.PIPE)
    while "egress" not in process.stderr.readline():
        pass
    connect()
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "---\n":
            break
    report.check("names report at an interval", f"{SERVER}:{PORT}  1 attempt\n" in lines and
                 any(line.startswith(f"    {CLIENT}:") for line in lines), lines)
    process.terminate()
    out, _ = process.communicate(timeout=net.EVENT_SECONDS)
    report.check("names report at the end", f"{SERVER}:{PORT}  1 attempt" in out and process.returncode == 0, out)


def check_pinned():
    """What outlives the program does so without the one that looks names up."""
    watch = Watch("--resolve", "--pin", "names")
    net.await_true(lambda: shut_in(watch.process.pid), "pinned, and shut in")
    kept = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    kept.connect(("192.0.2.3", PORT))
    watch.process.kill()
    watch.process.wait()
    net.await_true(lambda: not processes(), "a pinned watch is killed, no process left")
    report.check("names pinned: it stays attached", net.attached("client", "veth0"))
    done = net.subprocess.run(net.enter("client", BINARY, "--unpin", "names", "--resolve"), capture_output=True, text=True,
                              check=False)
    kept.close()
    report.check("names pinned: --unpin prints names", f"-> third.example.org:{PORT} " in done.stdout and
                 done.returncode == 0, done)
    report.equal("names pinned: nothing stays", (net.attached("client", "veth0"), processes()), ([], []))


def check_killed():
    """Whoever is killed, nothing is left; and without its process the program goes on."""
    for hook in ("tc", "xdp"):
        watch = Watch("--resolve", "--hook", hook)
        connect()
        watch.process.kill()
        watch.process.wait()
        net.await_true(lambda: not processes(), f"{hook}: killed, no process left")
        report.equal(f"names {hook}: killed, nothing stays attached", net.attached("client", "veth0"), [])
    watch = Watch("--resolve")
    os.kill(resolver_of(watch.process.pid), signal.SIGSTOP)
    began = time.monotonic()
    watch.end()
    seconds = time.monotonic() - began
    report.check("names: its process is stopped, the program ends all the same",
                 watch.process.returncode == 0 and seconds < WAIT_SECONDS + MARGIN_SECONDS, (watch.process.returncode, seconds))
    net.await_true(lambda: not processes(), "stopped, it is killed in the end")
    watch = Watch("--resolve")
    os.kill(resolver_of(watch.process.pid), signal.SIGKILL)
    line = watch.process.stderr.readline()
    report.check("names: its process is killed, it says so", "looks up names has ended" in line, line)
    port = connect()
    watch.line_with(f"192.0.2.1:{port} ")
    report.equal("names: its process is killed, it goes on: exit status", watch.end() and watch.process.returncode, 0)


def main():
    os.environ["RES_OPTIONS"] = f"timeout:{GIVE_UP_SECONDS} attempts:1"
    server, listener = network_make(PORT)
    server.name("192.0.2.1", b"client", b"example", b"org")
    server.name("192.0.2.2", b"server", b"example", b"org")
    server.name("192.0.2.3", b"third", b"example", b"org")
    server.name("2001:db8::1", b"six", b"example", b"org")
    server.silence(SILENT)
    check_replay(server)
    check_silent(server)
    check_hostile(server)
    check_widths(server)
    check_hosts()
    check_live(server)
    check_live_silent(server)
    check_interval()
    check_pinned()
    check_killed()


if __name__ == "__main__":
    report.run(main)
