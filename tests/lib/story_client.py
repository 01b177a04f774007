#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The clients of the stories, all at once: story_client.py SERVER DOWN_HOST. Prints one JSON object per story, what the
application saw, as it ends, then `done`; and lives on until killed, so that the connection which is full stays open."""

import errno
import fcntl
import json
import select
import socket
import struct
import sys
import termios
import threading
import time

import story_ports as ports

CONNECT_SECONDS = 2.5  # at least two SYNs; kernels differ in when they send the third
STALLED_SECONDS = 1.0  # no room for so long: the window is shut
SEND_BUFFER = 32768

keep = []  # sockets that stay open
print_lock = threading.Lock()


def connect(address, port):
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    if port == ports.LAZY:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    connection.settimeout(CONNECT_SECONDS)
    connection.connect((address, port))
    connection.settimeout(None)
    return connection


def read_all(connection):
    received = b""
    while data := connection.recv(4096):
        received += data
    return received


def play_hello(connection):
    received = read_all(connection)
    connection.close()
    return {"sent": 0, "received": len(received), "text": received.decode()}


def play_echo(connection):
    connection.sendall(b"AB")
    received = connection.recv(2)
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()
    return {"sent": 2, "received": len(received), "text": received.decode()}


def play_lazy(connection):
    connection.setblocking(False)
    sent = 0
    while select.select([], [connection], [], STALLED_SECONDS)[1]:
        try:
            sent += connection.send(bytes(4096))
        except BlockingIOError:
            continue
    keep.append(connection)
    return {"queued": sent, "received": 0}


def wait_acknowledged(connection):
    """Until the peer has acknowledged all that was sent: tcp(7), SIOCOUTQ."""
    while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]:
        time.sleep(0.001)


def play_reset(connection):
    connection.sendall(b"bye")
    wait_acknowledged(connection)  # an ACK of a connection that is gone would be answered with a second RST
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return {"sent": 3, "received": 0}


def play_nothing(connection):
    connection.close()
    return {"sent": 0, "received": 0}


def play(name, address, port, story):
    fact = {"story": name, "server": address, "port": port, "error": None}
    try:
        connection = connect(address, port)
        fact["client_port"] = connection.getsockname()[1]
        fact.update(story(connection))
    except TimeoutError:
        fact["error"] = "ETIMEDOUT"
    except OSError as error:
        fact["error"] = errno.errorcode[error.errno]
    with print_lock:
        print(json.dumps(fact), flush=True)


def main():
    server, down = sys.argv[1:3]
    stories = [
        ("hello", server, ports.HELLO, play_hello),
        ("echo", server, ports.ECHO, play_echo),
        ("closed", server, ports.CLOSED, play_nothing),
        ("down", down, ports.DOWN, play_nothing),
        ("dropped", server, ports.DROPPED, play_nothing),
        ("rejected", server, ports.REJECTED, play_nothing),
        ("lazy", server, ports.LAZY, play_lazy),
        ("reset", server, ports.RESET, play_reset),
    ]
    threads = [threading.Thread(target=play, args=story) for story in stories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("done", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
