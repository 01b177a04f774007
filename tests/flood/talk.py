#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Connections that talk. talk.py listen PORT: answers each octet with an octet. talk.py talk ADDRESS PORT COUNT: makes
so many connections, and has each say an octet and hear one, by turns, for as long as it is let. Both print `ready`; on a
line on standard input the talker ends its last round, and both print what the kernel counted, by the client's port:
{"40001": [segments sent, segments received, rounds], ...}. Runs until killed."""

import json
import resource
import select
import socket
import struct
import sys

TCP_INFO_SEGMENTS = struct.Struct("=136xII")  # struct tcp_info: segs_out, segs_in
BATCH = 200  # connections made at once: the listener's queue takes them


def segments(connection):
    return list(TCP_INFO_SEGMENTS.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 144)))


def say(counted):
    print(json.dumps(counted), flush=True)


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(4096)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN)
    open_ones = {}
    print("ready", flush=True)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                connection, _ = listener.accept()
                open_ones[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
            elif number == sys.stdin.fileno():
                sys.stdin.readline()
                say({connection.getpeername()[1]: segments(connection) for connection in open_ones.values()})
            else:
                octet = open_ones[number].recv(64)
                if octet:
                    open_ones[number].send(octet)
                else:
                    poll.unregister(number)
                    open_ones.pop(number).close()


def connect(address, port, count):
    made = {}
    while len(made) < count:
        for _ in range(min(BATCH, count - len(made))):
            connection = socket.create_connection((address, port))
            made[connection.fileno()] = connection
    return made


def talk(address, port, count):
    made = connect(address, port, count)
    poll = select.epoll()
    for number in made:
        poll.register(number, select.EPOLLIN)
    ending = select.poll()
    ending.register(sys.stdin, select.POLLIN)
    print("ready", flush=True)
    rounds = 0
    while True:
        for connection in made.values():
            connection.send(b"x")
        rounds += 1
        waiting = count
        while waiting:
            for number, _ in poll.poll(maxevents=count):
                waiting -= len(made[number].recv(64))
        if ending.poll(0):
            break
    while sys.stdin.readline():
        say({connection.getsockname()[1]: [*segments(connection), rounds] for connection in made.values()})


if __name__ == "__main__":
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    if sys.argv[1] == "listen":
        listen(int(sys.argv[2]))
    else:
        talk(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
