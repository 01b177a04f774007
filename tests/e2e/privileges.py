#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the program holds once it is attached, or reads a capture: nothing. And what it needs before: three capabilities.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24       a listener on port 7000
      ^ tcpscope
"""

import os
import pwd
import shutil
import signal
import socket

import net
import report
import scope as scope_module
from scope import BINARY, Scope
from sniff import socket_inside

PORT = 7000
PROGRAM = "/run/scratch/tcpscope"
NOBODY = pwd.getpwnam("nobody")
CAPABILITIES = "-all,+bpf,+net_admin,+perfmon"
SET = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups",
       f"--inh-caps={CAPABILITIES}", f"--ambient-caps={CAPABILITIES}", f"--bounding-set={CAPABILITIES}"]


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def shut_in(pid):
    return status_of(pid).get("Seccomp") == "2"


def check_holds_nothing(name, pid, user=NOBODY.pw_uid):
    net.await_true(lambda: shut_in(pid), f"{name}: seccomp")
    # A replay is shut in first, and gives up root when it has opened the file.
    net.await_true(lambda: not int(status_of(pid)["CapPrm"], 16), f"{name}: no capability")
    status = status_of(pid)
    held = {key: status[key] for key in ("CapInh", "CapPrm", "CapEff", "CapAmb") if int(status[key], 16)}
    report.equal(f"{name}: no capability", held, {})
    report.equal(f"{name}: no new privileges", status["NoNewPrivs"], "1")
    report.equal(f"{name}: user", status["Uid"].split(), [str(user)] * 4)
    report.equal(f"{name}: groups", status["Groups"].split(), [])


def connection():
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(net.EVENT_SECONDS)
    client.connect(("192.0.2.2", PORT))
    port = client.getsockname()[1]
    client.close()
    return port


def check_live(name, *arguments, user=NOBODY.pw_uid):
    scope = Scope("client", ["veth0"], *arguments)
    check_holds_nothing(name, scope.process.pid, user)
    port = connection()
    report.equal(f"{name}: exit status", scope.stop(), 0)
    report.equal(f"{name}: the flow is recorded", scope.flow(client_port=port)["interface"], "veth0")
    report.equal(f"{name}: nothing stays attached", net.attached("client", "veth0"), [])


def check_killed(name, *arguments):
    scope = Scope("client", ["veth0"], *arguments)
    net.await_true(lambda: shut_in(scope.process.pid), f"{name}: seccomp")
    scope.process.send_signal(signal.SIGKILL)
    scope.process.wait()
    net.await_true(lambda: not net.attached("client", "veth0"), f"{name}: killed, nothing stays attached")
    report.check(f"{name}: killed, nothing stays attached", True)


def check_capabilities():
    """Not root at all: the program is started with three capabilities, by a wrapper in its place."""
    wrapper = "/run/scratch/with-capabilities"
    shutil.copy(BINARY, PROGRAM)
    with open(wrapper, "w", encoding="utf-8") as script:
        script.write(f"#!/bin/sh\nexec {' '.join(SET)} {PROGRAM} \"$@\"\n")
    os.chmod(wrapper, 0o755)
    scope_module.BINARY = wrapper
    for hook in ("tc", "xdp"):
        check_live(f"privileges three capabilities, {hook}", "--hook", hook)
        check_killed(f"privileges three capabilities, {hook}", "--hook", hook)
    os.environ["TCPSCOPE_CLSACT"] = "1"
    check_live("privileges three capabilities, clsact", "--hook", "tc")
    check_killed("privileges three capabilities, clsact", "--hook", "tc")
    del os.environ["TCPSCOPE_CLSACT"]
    scope_module.BINARY = BINARY


def check_replay(name, *command):
    """A capture that comes slowly, so that there is time to look."""
    process = net.subprocess.Popen([*command, "-r", "-"], stdin=net.subprocess.PIPE, stdout=net.subprocess.PIPE,
                                   stderr=net.subprocess.PIPE)
    process.stdin.write(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    process.stdin.flush()
    check_holds_nothing(name, process.pid)
    _, said = process.communicate()
    report.equal(f"{name}: exit status", (process.returncode, said), (0, b""))


def check_user_namespace():
    """Root of a namespace that has no other user, as in a container without root: what it is outside is what it stays."""
    name = "privileges replay in a user namespace"
    ordinary = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups"]
    inside = [*ordinary, "unshare", "--user", "--map-root-user"]
    if net.subprocess.run([*inside, "true"], check=False, capture_output=True).returncode:
        report.skip(name, "ordinary users may make none here")
        return
    check_replay(name, *inside, PROGRAM)


def main():
    net.namespace_make("client")
    net.namespace_make("server")
    net.veth_make("client", "server")
    net.addresses_set("client", "veth0", "192.0.2.1/24")
    net.addresses_set("server", "veth0", "192.0.2.2/24")
    listener = socket_inside("server", socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("192.0.2.2", PORT))
    listener.listen()
    for hook in ("tc", "xdp"):
        check_live(f"privileges {hook}", "--hook", hook)
    daemon = pwd.getpwnam("daemon")
    check_live("privileges --user", "--user", daemon.pw_name, user=daemon.pw_uid)
    check_capabilities()
    check_replay("privileges replay", BINARY)
    check_user_namespace()


if __name__ == "__main__":
    report.run(main)
