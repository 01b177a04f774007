#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What becomes of a terminal that the live screen had: given back as it was, whatever ends the program; nothing from an
interface's name gets through; no screen where there is none to be.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24
                                                ^ tcpscope, in tmux
"""

import os
import re
import shutil
import signal
import subprocess

import net
import report
from scope import BINARY
from terminal import Terminal

HOSTILE = "v\x1b]2;owned\x07"
SHOWN = r"v\x1b]2;owned\x07"


def process():
    """Of tcpscope in this sandbox: not its guardian, which has another name."""
    found = net.run("pgrep", "-x", "tcpscope").split()
    if len(found) != 1:
        raise net.Failed(f"{len(found)} processes of tcpscope")
    return int(found[0])


def modes(terminal, mark):
    """As stty -g says them; `mark` tells this answer from others."""
    terminal.command(f"echo {mark}$(stty -g)")
    text = terminal.wait(lambda text: re.search(rf"^{mark}[0-9a-f:]+$", text, re.M), "stty's answer")
    return re.search(rf"^{mark}([0-9a-f:]+)$", text, re.M)[1]


def screen(terminal, *words):
    terminal.command(" ".join(("clear;", os.path.abspath(BINARY), "-i", "veth0", *words)))
    terminal.wait_for("0 unaccounted", "q quit")
    report.equal("tty: the screen is on the alternate one", terminal.ask("alternate_on"), "1")


def ends(terminal, before):
    """Each way to end it, and what it leaves."""
    kinds = {"q": None, "Ctrl-C": None, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP, "SIGSEGV": signal.SIGSEGV,
             "SIGABRT": signal.SIGABRT, "Ctrl-\\": None, "SIGKILL": signal.SIGKILL}
    for number, (name, with_signal) in enumerate(kinds.items()):
        screen(terminal)
        if with_signal:
            os.kill(process(), with_signal)
        else:
            terminal.keys({"Ctrl-C": "C-c", "Ctrl-\\": "C-\\"}.get(name, name))
        if name == "SIGKILL":  # the shell may have been first, its prompt is gone with the alternate screen
            net.await_true(lambda: terminal.ask("alternate_on") == "0", "the guardian")
            terminal.keys("Enter")
        terminal.wait_prompt()
        report.equal(f"tty ended by {name}: modes as before", modes(terminal, f"m{number}="), before)
        report.equal(f"tty ended by {name}: cursor, alternate screen, keypad",
                     [terminal.ask(what) for what in ("cursor_flag", "alternate_on", "keypad_flag")], ["1", "0", "0"])
        net.await_true(lambda: not net.attached("server", "veth0"), f"detached after {name}")


def stopped(terminal, before):
    """Ctrl-Z, and on."""
    screen(terminal)
    terminal.keys("C-z")
    terminal.wait_for("Stopped")
    report.equal("tty stopped: modes as before", modes(terminal, "z="), before)
    terminal.command("fg")
    terminal.wait_for("0 unaccounted", "q quit")
    terminal.keys("q")
    terminal.wait_prompt()
    report.equal("tty stopped and gone on: modes as before", modes(terminal, "y="), before)


def held_messages(terminal):
    """What is said while the screen is up comes when it is down."""
    net.veth_make("client", "server", "veth9")
    for namespace in ("client", "server"):
        net.inside(namespace, "ip", "link", "set", "veth9", "up")
    screen(terminal, "-i", "veth9")
    net.inside("client", "ip", "link", "delete", "veth9")
    terminal.keys("p")
    terminal.wait_for("PAUSED")
    report.check("tty: no message upon the screen", "is gone" not in terminal.text(), terminal.text())
    terminal.keys("q")
    text = terminal.wait_for("veth9: the interface is gone")
    report.check("tty: messages come at the end", text.index("is gone") > 0, text)


def hostile(terminal):
    """An interface may be called almost anything; this one would name the terminal."""
    net.veth_make("client", "server", "veth8", HOSTILE)
    for namespace, name in (("client", "veth8"), ("server", HOSTILE)):
        net.inside(namespace, "ip", "link", "set", name, "up")
    os.truncate("/run/scratch/terminal.raw", 0)
    screen(terminal, "-i", r"$'v\x1b]2;owned\x07'")
    text = terminal.wait_for(SHOWN)
    report.check("tty: a hostile name is shown in escapes", f"veth0 in tcx out tcx, {SHOWN} in tcx" in text, text)
    terminal.keys("q")
    terminal.wait_prompt()
    report.check("tty: and does not reach the terminal", b"]2;owned\x07" not in terminal.raw() and
                 terminal.ask("pane_title") != "owned", terminal.raw())
    net.inside("client", "ip", "link", "delete", "veth8")


def no_screen(terminal):
    """Where there is no terminal, or another output was chosen, records are printed as they come."""
    cases = {"--output table": "--output table", "--output json": "--output json", "TERM=dumb": "",
             "standard input is none": "< /dev/null", "standard output is none": "| cat"}
    for name, words in cases.items():
        before = "TERM=dumb " if name == "TERM=dumb" else ""
        os.truncate("/run/scratch/terminal.raw", 0)
        terminal.command(f"clear; {before}{os.path.abspath(BINARY)} -i veth0 --duration 0.3 {words}; echo done=$?")
        terminal.wait_for("done=0")
        report.check(f"tty: no screen with {name}", b"\x1b[?1049h" not in terminal.raw() and
                     b"unaccounted" not in terminal.raw().replace(b'"unaccounted"', b""), terminal.raw())


def colours(terminal):
    for name, setting, want in (("colour", "", True), ("NO_COLOR", "NO_COLOR=1 ", False)):
        os.truncate("/run/scratch/terminal.raw", 0)
        terminal.command(f"clear; {setting}{os.path.abspath(BINARY)} -i veth0")
        terminal.wait_for("q quit")
        report.equal(f"tty: {name}", terminal.colours(), want)
        terminal.keys("q")
        terminal.wait_prompt()


def hung_up(terminal):
    """The terminal goes: so does the program, and what it attached."""
    screen(terminal)
    terminal.close()
    net.await_true(lambda: not net.attached("server", "veth0"), "detached after the terminal went")
    net.await_true(lambda: subprocess.run(["pgrep", "-x", "tcpscope"], stdout=subprocess.DEVNULL).returncode == 1,
                   "gone after the terminal went")
    report.check("tty: gone with its terminal", True)


def main():
    if not shutil.which("tmux"):
        report.skip("tty", "tmux is not installed")
        return
    net.pair_make()
    terminal = Terminal("server", 132)  # a line has room for what stty says
    before = modes(terminal, "b=")
    ends(terminal, before)
    stopped(terminal, before)
    held_messages(terminal)
    hostile(terminal)
    no_screen(terminal)
    colours(terminal)
    hung_up(terminal)


report.run(main)
