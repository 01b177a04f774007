# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A terminal with a shell in a namespace: tmux draws what programs send to it, takes keys, and tells its text."""

import os
import re
import shlex

import net

SOCKET = "/run/scratch/tmux"
SHELL = "/run/scratch/shell"
RAW = "/run/scratch/terminal.raw"


def tmux(*words):
    return net.run("tmux", "-S", SOCKET, "-f", "/dev/null", *words)


class Terminal:
    def __init__(self, namespace, columns=80, rows=24):
        os.environ["LC_ALL"] = "C.UTF-8"
        with open(SHELL, "w") as file:
            file.write("PS1='$ '; unset HISTFILE\n")
        tmux("new-session", "-d", "-s", "test", "-x", columns, "-y", rows,
             shlex.join(net.enter(namespace, "bash", "--rcfile", SHELL)))
        with open(RAW, "wb"):
            pass
        tmux("pipe-pane", "-t", "test", f"cat >> {RAW}")
        self.wait_prompt()

    def close(self):
        tmux("kill-server")

    def text(self):
        """Its lines, without blanks at their ends."""
        return "\n".join(line.rstrip() for line in tmux("capture-pane", "-p", "-t", "test").split("\n")).rstrip("\n")

    def lines(self):
        return self.text().split("\n")

    def wait(self, condition, what, seconds=net.EVENT_SECONDS):
        """Until its text meets the condition; returns the text."""
        found = []

        def met():
            found[:] = [self.text()]
            return condition(found[0])

        try:
            net.await_true(met, what, seconds)
        except net.Failed as error:
            raise net.Failed(f"{error}; the terminal shows:\n{found[0]}\nlast sent: {self.raw()[-300:]}") from None
        return found[0]

    def wait_for(self, *words):
        return self.wait(lambda text: all(word in text for word in words), words)

    def wait_prompt(self):
        """Until the shell has the terminal."""
        return self.wait(lambda text: text.split("\n")[-1] == "$" and self.ask("alternate_on") == "0", "a prompt")

    def keys(self, *names):
        """By tmux's names: Enter, Escape, Up, C-c; or a character."""
        tmux("send-keys", "-t", "test", *names)

    def type(self, text):
        tmux("send-keys", "-t", "test", "-l", text)

    def command(self, text):
        self.type(text)
        self.keys("Enter")

    def resize(self, columns, rows):
        tmux("resize-window", "-t", "test", "-x", columns, "-y", rows)

    def ask(self, variable):
        return tmux("display-message", "-p", "-t", "test", f"#{{{variable}}}").strip()

    def raw(self):
        """All that was sent to it."""
        with open(RAW, "rb") as file:
            return file.read()

    def colours(self):
        """Did what was sent choose any?"""
        return bool(re.search(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d)(?:;\d+)*m", self.raw()))
