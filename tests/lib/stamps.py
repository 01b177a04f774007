# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A witness of handshakes: the kernel's own time stamps of SYN, SYN/ACK and ACK on an interface, of any link type."""

import socket
import struct
import threading

import net
from sniff import socket_inside

ETH_P_ALL = 3
SO_TIMESTAMPNS = 35
SYN, ACK = 2, 16
NS_PER_SECOND = 1_000_000_000


def tcp_of(packet):
    """Source port, target port and flags; None if it is not TCP."""
    version = packet[0] >> 4
    header, protocol = ((packet[0] & 15) * 4, packet[9]) if version == 4 else (40, packet[6])
    if protocol != socket.IPPROTO_TCP:
        return None
    source, target = struct.unpack_from("!HH", packet, header)
    return source, target, packet[header + 13]


class Stamps:
    """`spans(client_port)` returns what server_ns and client_ns should be, once stopped."""

    def __init__(self, namespace, interface, server_ports):
        self.times = {}
        self.server_ports = server_ports
        self.ending = threading.Event()
        self.socket = socket_inside(namespace, socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind((interface, ETH_P_ALL))
        self.socket.settimeout(0.05)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while True:
            try:
                packet, ancillary, _, _ = self.socket.recvmsg(2048, 64)
            except TimeoutError:
                if self.ending.is_set():
                    return
                continue
            seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2])
            self.note(packet, seconds * NS_PER_SECOND + nanoseconds)

    def note(self, packet, now_ns):
        segment = tcp_of(packet)
        if not segment:
            return
        source, target, flags = segment
        from_client = target in self.server_ports
        times = self.times.setdefault(source if from_client else target, {})
        if from_client and flags & (SYN | ACK) == SYN:
            times["syn"] = now_ns  # the last is the one that is answered
        elif not from_client and flags & (SYN | ACK) == SYN | ACK:
            times["synack"] = now_ns
        elif from_client and flags & ACK:
            times.setdefault("ack", now_ns)

    def stop(self):
        self.ending.set()
        self.thread.join()
        self.socket.close()

    def spans(self, client_port):
        times = self.times.get(client_port, {})
        if len(times) != 3:
            raise net.Failed(f"the witness saw {times} of port {client_port}")
        return {"server_ns": times["synack"] - times["syn"], "client_ns": times["ack"] - times["synack"]}
