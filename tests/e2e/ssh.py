#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The live screen over ssh: keys, the terminal's size and its change, quit; a line that breaks ends the watch, and nothing
stays attached.

    client                                    server
    veth0 192.0.2.1/24     <--------------->  veth0 192.0.2.2/24
      ssh, in tmux                              sshd on 2222, tcpscope
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

PORT = 2222
HOME = "/run/scratch/ssh"
CONFIG = f"""\
Port {PORT}
ListenAddress 192.0.2.2
HostKey {HOME}/host
AuthorizedKeysFile {HOME}/user.pub
PidFile none
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
AcceptEnv LC_ALL
"""


def keys_make():
    os.makedirs(HOME)
    os.makedirs("/run/sshd", exist_ok=True)
    for name in ("host", "user"):
        net.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{HOME}/{name}")
    with open(f"{HOME}/config", "w", encoding="ascii") as file:
        file.write(CONFIG)


def serve():
    """Returns once it listens."""
    server = net.start("server", "/usr/sbin/sshd", "-D", "-e", "-f", f"{HOME}/config", stderr=subprocess.PIPE, text=True)
    said = []
    for line in server.stderr:
        said.append(line)
        if "Server listening" in line:
            return server
    raise net.Failed(f"sshd: {''.join(said)}")


def command():
    return (f"ssh -tt -F none -i {HOME}/user -p {PORT} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
            f"-o LogLevel=ERROR -o SendEnv=LC_ALL root@192.0.2.2 {os.path.abspath(BINARY)} -i veth0")


def is_drawn(text, columns, height):
    lines = text.split("\n")
    return len(lines) == height and len(lines[0]) == columns and "q quit" in lines[-1] and "192.0.2.2:2222" in text


def check_screen(terminal):
    terminal.command(f"clear; {command()}")
    # The ssh connection is older than the watch.
    terminal.wait(lambda text: is_drawn(text, 80, 24), "the screen, with the ssh connection in it")
    for columns, height in ((132, 43), (60, 12), (80, 24)):
        terminal.resize(columns, height)
        terminal.wait(lambda text, size=(columns, height): is_drawn(text, *size), f"{columns} x {height}")
        report.check(f"ssh: screen of {columns} x {height}", True)
    terminal.keys("Down", "Enter")
    terminal.wait_for("CLIENT", "SERVER", "payload_bytes")
    terminal.keys("Escape")
    terminal.wait_for(" shown, by ")
    report.check("ssh: keys, arrows and escape among them", True)
    terminal.keys("q")
    terminal.wait_for("total 1 flow: 1 midstream", "veth0 egress: ")
    terminal.wait_prompt()
    report.check("ssh: quit, and the terminal is the shell's", True)


def attached():
    """What of ours is at the interface."""
    links = net.inside("server", "bpftool", "net", "-j") if shutil.which("bpftool") else ""
    return re.findall(r"tc_(?:in|e)gress", links)


def check_break(terminal):
    terminal.command(f"clear; {command()}")
    terminal.wait(lambda text: is_drawn(text, 80, 24), "the screen")
    process = int(net.run("pgrep", "-o", "-x", "tcpscope"))
    before = attached()
    os.kill(int(net.run("pgrep", "-o", "-x", "ssh")), signal.SIGKILL)
    net.await_true(lambda: not os.path.exists(f"/proc/{process}"), "the watch ends when its line breaks")
    if before:
        net.await_true(lambda: not attached(), "nothing stays attached")
    report.check("ssh: a line that breaks ends the watch", True)


def main():
    missing = [name for name in ("tmux", "ssh", "sshd", "ssh-keygen") if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing:
        report.skip("ssh", f"{', '.join(missing)} not installed")
        return
    net.pair_make()
    keys_make()
    server = serve()
    terminal = Terminal("client")
    check_screen(terminal)
    check_break(terminal)
    terminal.close()
    net.stop(server)


report.run(main)
