# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Network namespaces and the interfaces in them; processes in a namespace; waiting for events. Names are plain because
the sandbox (sandbox.sh) hides them from everybody else, and removes them."""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import time

EVENT_SECONDS = 60  # far more than any event takes, but on a machine that stands still for a while
PAGE = 4096  # a pipe's least size
PYTHON = "/usr/bin/python3"
LIB = os.path.dirname(os.path.abspath(__file__))
CLONE_NEWNET = 0x40000000

# A shell that starts a test in the background has it ignore SIGINT, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """The test's own set-up did not work."""


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def enter(namespace, *command):
    return ["nsenter", f"--net=/run/netns/{namespace}", *map(str, command)]


def inside(namespace, *command, **options):
    return run(*enter(namespace, *command), **options)


def start(namespace, *command, **options):
    """nsenter becomes the command, so that the process id is the command's."""
    return subprocess.Popen(enter(namespace, *command), **options)


def start_ready(namespace, *command):
    """Starts it, and waits until it prints `ready`."""
    process = start(namespace, *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if line != "ready\n":
        raise Failed(f"{command}: said {line!r}")
    return process


def stop(process):
    process.kill()
    process.wait()


def await_true(condition, what, seconds=EVENT_SECONDS):
    """For events that can only be asked for. Returns how long it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise Failed(f"not in {seconds} s: {what}")
        time.sleep(0.005)
    return time.monotonic() - began


def pipe_full():
    """A pipe of a page, full: who writes to it waits. Returns both ends."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PAGE)
    os.write(writing, b"x" * PAGE)
    return reading, writing


def set_value(namespace, path, value):
    inside(namespace, "sh", "-c", f"echo {value} > /proc/sys/net/{path}")


def namespace_make(name):
    run("ip", "netns", "add", name)
    # No reports, solicitations or tests of addresses: the tests count every frame. (veth reports its multicast groups
    # anew when an XDP program comes.)
    table_make(name, "silence", "output", ["icmpv6 type mld2-listener-report drop"])
    for path, value in (("accept_ra", 0), ("router_solicitations", 0), ("accept_dad", 0), ("dad_transmits", 0),
                        ("addr_gen_mode", 1)):
        set_value(name, f"ipv6/conf/default/{path}", value)
    inside(name, "ip", "link", "set", "lo", "up")


def veth_make(one, other, name="veth0", other_name=None):
    run("ip", "link", "add", name, "netns", one, "type", "veth", "peer", "name", other_name or name, "netns", other)


def addresses_set(namespace, interface, *addresses):
    for address in addresses:
        nodad = ["nodad"] if ":" in address else []
        inside(namespace, "ip", "address", "add", address, "dev", interface, *nodad)
    inside(namespace, "ip", "link", "set", interface, "up")


def mac(namespace, interface):
    return link(namespace, interface)["address"]


def link(namespace, interface):
    return json.loads(inside(namespace, "ip", "-s", "-j", "-d", "link", "show", "dev", interface))[0]


def neighbour_set(namespace, interface, address, lladdr):
    inside(namespace, "ip", "neighbour", "replace", address, "lladdr", lladdr, "dev", interface, "nud", "permanent")


def counters(namespace, interface):
    """Frames that the interface was given, by direction; a queue that was full drops after the hook."""
    stats = link(namespace, interface)["stats64"]
    return {"ingress": stats["rx"]["packets"], "egress": stats["tx"]["packets"] + stats["tx"]["dropped"]}


def quiet(namespace, interface):
    """Waits until multicast reports and the like are over: no frame for 0.2 s."""
    state = {"counters": None, "since": 0.0}

    def still():
        now = counters(namespace, interface)
        if now != state["counters"]:
            state["counters"], state["since"] = now, time.monotonic()
        return time.monotonic() - state["since"] > 0.2

    await_true(still, f"{interface} quiet")
    return state["counters"]


def pair_make():
    """client (192.0.2.1, 2001:db8::1) veth0 <-> veth0 (192.0.2.2, 2001:db8::2) server, neighbours known; no .99."""
    namespace_make("client")
    namespace_make("server")
    veth_make("client", "server")
    addresses_set("client", "veth0", "192.0.2.1/24", "2001:db8::1/64")
    addresses_set("server", "veth0", "192.0.2.2/24", "2001:db8::2/64")
    for address in ("192.0.2.2", "2001:db8::2"):
        neighbour_set("client", "veth0", address, mac("server", "veth0"))
    for address in ("192.0.2.1", "2001:db8::1"):
        neighbour_set("server", "veth0", address, mac("client", "veth0"))
    for address in ("192.0.2.99", "2001:db8::99"):
        neighbour_set("client", "veth0", address, "02:00:00:00:00:99")


def one_cpu_per_flow(namespace, interface):
    """As the queues of a NIC do. veth leaves a frame to whichever CPU sent it, so two may handle one flow at once."""
    inside(namespace, "unshare", "--mount", "sh", "-c",
           f"mount -t sysfs sysfs /sys && echo 1 > /sys/class/net/{interface}/queues/rx-0/rps_cpus")


def table_make(namespace, name, hook, rules):
    lines = (f"table inet {name} {{", f"chain {hook} {{", f"type filter hook {hook} priority 0;", *rules, "}", "}", "")
    inside(namespace, "nft", "-f", "-", input="\n".join(lines))


def firewall_make(namespace, *rules):
    """A table `test` whose chain sees what arrives for the namespace itself."""
    table_make(namespace, "test", "input", rules)


def namespace_enter(name):
    """Moves this thread."""
    with open(f"/run/netns/{name}", "rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise Failed(f"setns {name}: {os.strerror(ctypes.get_errno())}")


def attached(namespace, interface):
    """What of BPF is attached to an interface: a list of words, empty if nothing is."""
    shown = link(namespace, interface)
    found = ["xdp"] if "xdp" in shown else []
    words = run(*enter(namespace, PYTHON, os.path.join(LIB, "tcx_count.py"), shown["ifindex"])).split()
    found += [word for word in words if not word.endswith("=0")]
    for direction in ("ingress", "egress"):
        if inside(namespace, "tc", "filter", "show", "dev", interface, direction).strip():
            found.append(f"clsact {direction}")
    return found
