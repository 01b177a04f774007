#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Manners on the command line: colour, pipes that close early, progress, completion, installing."""

import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import time

import hand
import replay
import report
from process import signals_caught, status, unread, until

ROOT = os.path.join(replay.LIB, "../..")
COLOUR = "\x1b["
LARGE = 96 << 20  # more than what shows progress


def syn(number):
    client = f"192.0.{number >> 8}.{number & 255}"
    return number, replay.frame4(client, "198.51.100.1", hand.tcp((4000, 80), hand.SYN, 1, 0))


def environment(**more):
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    return plain | {"TERM": "xterm"} | more


def on_terminal(command, stream, **more):
    """What it prints with standard output or standard error on a terminal."""
    master, slave = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL) | {stream: slave}
    process = subprocess.Popen(command, env=environment(**more), **streams)
    os.close(slave)
    text = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not part:
            break
        text += part
    os.close(master)
    report.equal(f"manners: {' '.join(command[3:]) or 'plain'} on a terminal: exit status", process.wait(), 0)
    return text.decode()


def colours(path):
    command = [replay.BINARY, "-r", path]
    piped = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False).stdout
    report.check("manners: no colour in a pipe", COLOUR not in piped, piped)
    always = subprocess.run([*command, "--color", "always"], env=environment(NO_COLOR="1"), capture_output=True,
                            text=True, check=False).stdout
    report.check("manners: --color always, in a pipe and whatever NO_COLOR says", COLOUR in always, always)
    report.equal("manners: colour changes nothing else", re.sub(r"\x1b\[[0-9;]*m", "", always), piped)
    for name, more, variables, want in (("on a terminal", (), {}, True), ("NO_COLOR", (), {"NO_COLOR": "1"}, False),
                                        ("an empty NO_COLOR", (), {"NO_COLOR": ""}, True),
                                        ("a dumb terminal", (), {"TERM": "dumb"}, False),
                                        ("--color never", ("--color", "never"), {}, False),
                                        ("--color auto", ("--color=auto",), {}, True)):
        text = on_terminal([*command, *more], "stdout", **variables)
        report.equal(f"manners: {name}: colour", COLOUR in text, want)
    wrong = replay.tcpscope("-r", path, "--color", "red")
    report.check("manners: --color red is refused", wrong.returncode == 2 and "'red'" in wrong.stderr, wrong)


def early_end(path):
    """Of many flows the first line: as `| head -1` does it."""
    for form in ("table", "json", "csv", "zeek"):
        process = subprocess.Popen([replay.BINARY, "-r", path, "--output", form], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
        process.stderr.close()
        report.equal(f"manners: {form} into a pipe that closes: a line, no complaint, exit status 0",
                     (bool(line), complaint, process.wait()), (True, "", 0))


    judged = subprocess.Popen([replay.BINARY, "-r", path, "--assert", "attempts == 20000"],
                              stdout=subprocess.PIPE)
    judged.stdout.readline()
    judged.stdout.close()
    report.equal("manners: an assertion that was not judged is not fine", judged.wait(), 1)


def waiting(path):
    """Told to end while its reader lets it wait, it prints what it has read; told again, it leaves that."""
    for again in (False, True):
        name = f"manners: told to end{' twice' if again else ''} while its reader lets it wait"
        process = subprocess.Popen([replay.BINARY, "-r", path, "--output", "json", "--active", "1"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
        first = process.stdout.readline()
        time.sleep(0.2)  # until the pipe is full
        process.terminate()
        if again:
            time.sleep(1.1)
            process.terminate()
        rest, complaint = process.communicate()
        last = (first + rest).splitlines()[-1]
        report.equal(f"{name}: exit status", process.returncode, -signal.SIGTERM if again else 0)
        report.equal(f"{name}: the ledger comes last", '"type":"ledger"' in last, not again)
        report.check(f"{name}: complaint", "second signal" in complaint if again else not complaint, complaint)


def reading(*words):
    return subprocess.Popen([replay.BINARY, "-r", "-", "--output", "json", *words], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)


def idle():
    """Told to end while it waits for more of the capture: it prints what it has read."""
    with reading() as started:
        started.stdin.write(replay.pcap([syn(1)]))
        started.stdin.flush()
        until(lambda: signals_caught(started.pid) and not unread(started.stdin), "it waits for more")
        started.terminate()
        records = started.stdout.read().decode().splitlines()
        report.equal("manners: told to end while it waits for packets: records, exit status",
                     (len(records), started.wait()), (2, 0))


def shut_in():
    """Before it reads packets it gives up what names in a filter needed: two sandboxes, one in the other."""
    with reading("port", "http") as started:
        started.stdin.write(replay.pcap([syn(1)]))
        started.stdin.flush()
        until(lambda: not unread(started.stdin) and signals_caught(started.pid), "it waits for more")
        report.equal("manners: shut in twice before the first packet", status(started.pid, "Seccomp_filters"), "2")
        started.stdin.close()
        records = started.stdout.read().decode().splitlines()
        report.equal("manners: a service by its name: records, exit status", (len(records), started.wait()), (2, 0))


def verdicts(path):
    """After what --output prints; with `none` they are all that is printed."""
    words = ("--assert", "attempts == 1", "--assert", "refused > 0")
    lines = ["holds  attempts == 1: measured 1", "FAILS  refused > 0: measured 0"]
    beside, alone = (replay.tcpscope("-r", path, *words, *more) for more in ((), ("--output", "none")))
    report.check("manners: verdicts come after the table", beside.stdout.splitlines()[-2:] == lines and
                 beside.stdout.startswith("START "), beside.stdout)
    report.equal("manners: --output none: verdicts alone", (alone.stdout.splitlines(), alone.stderr, alone.returncode),
                 (lines, "", 3))


def progress():
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        frames = replay.pcap([syn(number) for number in range(256)])
        file.write(frames)
        for _ in range(LARGE // len(frames)):
            file.write(frames[len(replay.PCAP_HEADER):])
        file.flush()
        shown = on_terminal([replay.BINARY, "-r", file.name], "stderr")
        quiet = replay.tcpscope("-r", file.name).stderr
    lines = [line for line in shown.split("\r") if "%" in line]
    form = re.compile(r"\S+\.pcap: +\d+ % of \d+ MB(, [\d.]+ MB/s, [\d:]+ left)?\x1b\[K$")
    report.check("manners: a large capture shows how far it is", lines and all(map(form.match, lines)), shown)
    report.check("manners: and how fast, and how long to go", any("left" in line for line in lines), shown)
    report.check("manners: and takes that away in the end", shown.endswith("\r\x1b[K"), shown)
    report.equal("manners: no progress where no terminal is", quiet, "")


def options_of_help():
    """Each long option, with the words of its value if these are listed."""
    found = {}
    for line in replay.tcpscope("--help").stdout.splitlines():
        option = re.match(r" {2,6}(?:-\w, +)?(--[a-z-]+)(?:=(\S+))?", line)
        if option:
            words = option[2].split("|") if option[2] and "|" in option[2] else []
            found[option[1]] = words
    return found


def completed(*words):
    """What bash offers for the last word, of the words that it makes of the line."""
    script = f"source {ROOT}/completion/tcpscope.bash; COMP_WORDS=(tcpscope \"$@\"); COMP_CWORD=$#; _tcpscope; " \
             "printf '%s\\n' \"${COMPREPLY[@]}\""
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=False)
    return sorted(done.stdout.split())


def completion():
    options = options_of_help()
    report.check("manners: --help lists options",
                 len(options) > 15 and options["--hook"] == ["auto", "xdp", "tc"], options)
    report.equal("manners: bash completes every option, and no other", completed("--"), sorted(options))
    report.equal("manners: bash completes part of one", completed("--ver"), ["--version"])
    for option, words in options.items():
        if words:
            report.equal(f"manners: bash completes {option}", completed(option, ""), sorted(words))
            report.equal(f"manners: bash completes {option}=", completed(option, "=", words[0][:2]),
                         [word for word in words if word.startswith(words[0][:2])])
    report.equal("manners: bash completes interfaces", completed("-i", "l"),
                 sorted(name for name in os.listdir("/sys/class/net") if name.startswith("l")))
    with open(f"{ROOT}/completion/_tcpscope", encoding="ascii") as file:
        text = file.read()
    report.equal("manners: zsh knows every option, and no other", sorted(set(re.findall(r"--[a-z-]+(?=[=\[}])", text))),
                 sorted(options))
    for option, words in options.items():
        if words:
            report.check(f"manners: zsh knows the words of {option}",
                         re.search(rf"'{option}=\[[^\]]*\]:\w+:\({' '.join(words)}\)'", text), text)
    if not shutil.which("zsh"):
        report.skip("manners: zsh reads its completion", "zsh is not installed")
        return
    done = subprocess.run(["zsh", "-n", f"{ROOT}/completion/_tcpscope"], capture_output=True, text=True, check=False)
    report.equal("manners: zsh reads its completion", (done.returncode, done.stderr), (0, ""))


def files_below(directory):
    return sorted(os.path.relpath(os.path.join(path, name), directory)
                  for path, _, names in os.walk(directory) for name in names)


def install():
    with tempfile.TemporaryDirectory() as directory:
        target = os.path.join(directory, "a place")
        where = (f"DESTDIR={target}", "PREFIX=/opt/scope", f"BUILD={os.path.dirname(os.path.abspath(replay.BINARY))}")
        made = subprocess.run(["make", "-s", "-C", ROOT, "install", *where], capture_output=True, text=True,
                              check=False)
        report.equal("manners: make install", (made.returncode, made.stderr), (0, ""))
        share = "opt/scope/share"
        report.equal("manners: what it installs", files_below(target), sorted((
            "opt/scope/bin/tcpscope", f"{share}/man/man1/tcpscope.1", f"{share}/doc/tcpscope/README.md",
            f"{share}/doc/tcpscope/record.md", f"{share}/doc/tcpscope/counters.md",
            f"{share}/bash-completion/completions/tcpscope", f"{share}/zsh/site-functions/_tcpscope")))
        ran = subprocess.run([f"{target}/opt/scope/bin/tcpscope", "-V"], capture_output=True, text=True, check=False)
        report.equal("manners: what is installed runs", (ran.returncode, ran.stdout.split()[0]), (0, "tcpscope"))
        gone = subprocess.run(["make", "-s", "-C", ROOT, "uninstall", *where], capture_output=True, text=True,
                              check=False)
        report.equal("manners: make uninstall", (gone.returncode, gone.stderr, files_below(target)), (0, "", []))


def main():
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap([syn(number) for number in range(20000)]))
        file.flush()
        early_end(file.name)
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap([(2_000_000 * again + at, frame) for again in range(4) for at, frame in map(syn, range(20000))]))
        file.flush()
        waiting(file.name)
    idle()
    shut_in()
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(replay.pcap([syn(1)]))
        file.flush()
        colours(file.name)
        verdicts(file.name)
    progress()
    completion()
    install()


report.run(main)
