#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The servers of the stories, on all addresses, IPv4 and IPv6. Prints `ready` once all of them listen; runs until
killed. Knows nothing of tcpscope."""

import socket
import sys
import threading
import time

import story_ports as ports

RECEIVE_BUFFER = 16384  # of the server that never reads: small, so that it is soon full


def serve_hello(connection):
    connection.sendall(b"hello")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"world")
    time.sleep(1)  # the story's own second, not a wait for something


def serve_echo(connection):
    while data := connection.recv(4096):
        connection.sendall(data)


def serve_sink(connection):
    while connection.recv(4096):
        pass


def serve_one(connection, story):
    with connection:
        try:
            story(connection)
        except ConnectionError:
            pass  # the client of one story resets


def accept_all(listener, story):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=(connection, story), daemon=True).start()


def listen(port):
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if port == ports.LAZY:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    listener.bind(("::", port))
    listener.listen(16)
    return listener


def main():
    stories = {ports.HELLO: serve_hello, ports.ECHO: serve_echo, ports.RESET: serve_sink,
               ports.SCAN_OPEN: serve_sink}
    listeners = {port: listen(port) for port in ports.LISTENING}
    for port, story in stories.items():
        threading.Thread(target=accept_all, args=(listeners[port], story), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
