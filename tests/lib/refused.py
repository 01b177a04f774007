#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One connection after the other that is refused at once: refused.py ADDRESS PORT. Prints `ready` first, and runs until it
is killed."""

import socket
import sys

print("ready", flush=True)
while True:
    with socket.socket() as client:
        try:
            client.connect((sys.argv[1], int(sys.argv[2])))
        except ConnectionRefusedError:
            pass
