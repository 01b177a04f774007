#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Comes and goes cleanly: stopped, killed, killed with its guardian, started twice, under load, an interface that
disappears.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24       a listener on port 7000
    veth1 198.51.100.1/24  <--------------->  veth1 198.51.100.2/24
      ^ tcpscope
"""

import os
import signal
import socket
import time

import net
import report
from scope import Scope, processes
from sniff import socket_inside

PORT = 7000
HOOKS = {"tc": {}, "xdp": {}, "clsact": {"TCPSCOPE_CLSACT": "1"}}  # by environment
KILLED_SECONDS = 1
ADDRESS = {"veth0": "192.0.2.2", "veth1": "198.51.100.2"}


def start(hook, *more, interfaces=("veth0",)):
    return Scope("client", interfaces, "--hook", "tc" if hook == "clsact" else hook, *more, environment=HOOKS[hook])


def connect(interface):
    """A connection over an interface; returns the client's port. The kernel alone answers: nobody accepts."""
    client = socket_inside("client", socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(net.EVENT_SECONDS)
    client.connect((ADDRESS[interface], PORT))
    port = client.getsockname()[1]
    client.close()
    return port


def nothing_left():
    return not net.attached("client", "veth0") and not processes()


def check_gone(name):
    """Within KILLED_SECONDS nothing is attached, and no process is left."""
    try:
        took = net.await_true(nothing_left, name, KILLED_SECONDS)
    except net.Failed:
        took = None
    report.check(name, took is not None, f"attached: {net.attached('client', 'veth0')}, processes: {processes()}")


def stop_kinds(hook):
    for name, number in (("Ctrl-C", signal.SIGINT), ("SIGTERM", signal.SIGTERM)):
        scope = start(hook)
        report.check(f"lifecycle {hook} attached, seen from outside", net.attached("client", "veth0"), "nothing is")
        port = connect("veth0")
        report.equal(f"lifecycle {hook} {name}: exit status", scope.stop(number), 0)
        report.equal(f"lifecycle {hook} {name}: the open flow is written", scope.flow(client_port=port)["interface"],
                     "veth0")
        check_gone(f"lifecycle {hook} {name}: nothing stays")
    began = time.monotonic()
    scope = start(hook, "--duration", "0.5")
    announced = time.monotonic()
    report.equal(f"lifecycle {hook} --duration: exit status", scope.wait(), 0)
    ended = time.monotonic()
    report.check(f"lifecycle {hook} --duration 0.5 ends in time", ended - began >= 0.5 and ended - announced < 3,
                 (announced - began, ended - began))


def killed(hook):
    scope = start(hook)
    connect("veth0")
    scope.stop(signal.SIGKILL)
    check_gone(f"lifecycle {hook} kill -9: nothing stays attached within {KILLED_SECONDS} s")


def killed_with_guardian(hook):
    """Nobody could clean up then; but the next run must not mind."""
    scope = start(hook)
    for pid in processes():
        os.kill(pid, signal.SIGSTOP)  # so that none sees another die
    for pid in processes():
        os.kill(pid, signal.SIGKILL)
    scope.wait()
    again = start(hook)
    port = connect("veth0")
    report.equal(f"lifecycle {hook} after kill -9 of all of it, a new run: exit status", again.stop(), 0)
    flow = again.flow(client_port=port)
    report.check(f"lifecycle {hook} after kill -9 of all of it, a new run sees each packet once",
                 flow["client"]["flags"]["syn"] == 1 and flow["server"]["flags"]["syn"] == 1, flow)
    check_gone(f"lifecycle {hook} after kill -9 of all of it and a new run: nothing stays")


def twice(hook):
    """The second works, beside the first, or says why it does not; the first never notices."""
    name = f"lifecycle {hook} started twice"
    first = start(hook)
    second, why = None, ""
    try:
        second = start(hook)
    except net.Failed as failed:
        why = str(failed)
    port = connect("veth0")
    if second:
        report.equal(f"{name}: the second's exit status", second.stop(), 0)
        report.equal(f"{name}: the second sees", second.flow(client_port=port)["outcome"], "accepted")
    else:  # XDP cannot be shared here
        report.check(f"{name}: the second says why not", hook == "xdp" and "another tcpscope holds" in why, why)
    later = connect("veth0")
    report.equal(f"{name}: the first's exit status", first.stop(), 0)
    for when, client_port in (("before", port), ("after", later)):
        report.equal(f"{name}: the first sees, {when} the second stops",
                     first.flow(client_port=client_port)["outcome"], "accepted")
    check_gone(f"{name}: nothing stays")


def deleted(hook):
    name = f"lifecycle {hook} interface deleted"
    scope = start(hook, interfaces=("veth0", "veth1"))
    announced = len(scope.lines)
    lost = connect("veth1")
    net.inside("client", "ip", "link", "delete", "veth1")
    line = scope.wait_line("veth1", after=announced)
    report.check(f"{name}: a line says so", line, "no line")
    kept = connect("veth0")
    report.equal(f"{name}: exit status", scope.stop(), 0)
    report.equal(f"{name}: the rest goes on", scope.flow(client_port=kept)["interface"], "veth0")
    report.equal(f"{name}: its flows are not lost", scope.flow(client_port=lost)["interface"], "veth1")
    check_gone(f"{name}: nothing stays")


def one_instant(hook):
    """Under thousands of connections a second: at most the one under way is seen from one side only, at either end."""
    name = f"lifecycle {hook}: all hooks begin and end at one instant"
    load = net.start_ready("client", net.PYTHON, os.path.join(net.LIB, "refused.py"), ADDRESS["veth0"], PORT + 1)
    scope = start(hook, "--duration", "0.5")
    report.equal(f"{name}: exit status", scope.wait(), 0)
    net.stop(load)
    halves = [flow for flow in scope.flows if flow["outcome"] != "refused"]
    report.check(name, len(scope.flows) > 100 and len(halves) <= 2, f"{len(halves)} of {len(scope.flows)}")


def veth_extra():
    net.veth_make("client", "server", "veth1")
    net.addresses_set("client", "veth1", "198.51.100.1/24")
    net.addresses_set("server", "veth1", "198.51.100.2/24")


def main():
    net.pair_make()
    listener = socket_inside("server", socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("", PORT))
    listener.listen(128)
    for hook in HOOKS:
        killed(hook)
        killed_with_guardian(hook)
        twice(hook)
    for hook in ("tc", "xdp"):  # clsact: faults.py
        stop_kinds(hook)
        one_instant(hook)
        veth_extra()
        deleted(hook)


if __name__ == "__main__":
    report.run(main)
