# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A server that reads what its clients say until they close."""

import socket
import threading

from sniff import socket_inside


def serve(namespace, port):
    """Until the test ends."""
    listener = socket_inside(namespace, socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("", port))
    listener.listen(128)

    def answer(connection):
        with connection:
            while connection.recv(65536):
                pass

    def accept():
        while True:
            threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
