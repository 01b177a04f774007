# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An independent witness: counts what each side of each TCP connection sends on an interface, from a packet socket.
Deliberately simple (no options, no fragments, no VLAN), and shares nothing with tcpscope. Super-packets count as the
segments that they stand for, which the kernel tells (PACKET_VNET_HDR)."""

import ipaddress
import socket
import struct
import threading

import net

ETH_P_ALL = 3
SOL_PACKET, PACKET_VNET_HDR, PACKET_STATISTICS = 263, 15, 6
SO_RCVBUFFORCE = 33
VNET_HDR = struct.Struct("<BBHHHH")
FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")


class Side:
    def __init__(self):
        self.packets = self.payload_bytes = self.ip_bytes = self.supers = 0
        self.flags = dict.fromkeys(FLAGS, 0)


def socket_inside(namespace, *arguments):
    """A socket of another namespace: made by a thread that moves there."""
    made = []

    def make():
        net.namespace_enter(namespace)
        made.append(socket.socket(*arguments))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


class Sniffer:
    def __init__(self, namespace, interface):
        self.namespace = namespace
        self.sides = {}
        self.frames = {"ingress": 0, "egress": 0}
        self.ending = threading.Event()
        self.socket = socket_inside(namespace, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 28)
        self.socket.bind((interface, ETH_P_ALL))
        self.socket.settimeout(0.05)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while True:
            try:
                frame, address = self.socket.recvfrom(1 << 17)
            except TimeoutError:
                if self.ending.is_set():
                    return
                continue
            self.frames["egress" if address[2] == socket.PACKET_OUTGOING else "ingress"] += 1
            self.count(frame)

    def stop(self):
        """Reads on until nothing is left, then lets `side` be asked."""
        self.ending.set()
        self.thread.join()
        _, dropped = struct.unpack("=II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.socket.close()
        if dropped:
            raise net.Failed(f"the packet socket lost {dropped} frames")

    def count(self, frame):
        gso_size = VNET_HDR.unpack_from(frame)[3]
        packet = frame[VNET_HDR.size + 14:]
        version = packet[0] >> 4 if packet else 0
        if version == 4 and packet[9] == 6:
            header, length = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
            source, target = packet[12:16], packet[16:20]
        elif version == 6 and packet[6] == 6:
            header, length = 40, struct.unpack_from("!H", packet, 4)[0] + 40
            source, target = packet[8:24], packet[24:40]
        else:
            return
        self.enter(packet[header:length], source, target, length, gso_size)

    def enter(self, segment, source, target, length, gso_size):
        source_port, target_port, _, _, offset, flags = struct.unpack_from("!HHIIBB", segment)
        payload = len(segment) - (offset >> 4) * 4
        segments = -(-payload // gso_size) if gso_size and payload else 1
        key = (str(ipaddress.ip_address(source)), source_port, str(ipaddress.ip_address(target)), target_port)
        side = self.sides.setdefault(key, Side())
        side.packets += segments
        side.supers += segments > 1
        side.payload_bytes += payload
        side.ip_bytes += length
        for bit, name in enumerate(FLAGS):
            if flags >> bit & 1:
                side.flags[name] += segments if name == "ack" else 1

    def side(self, source, source_port, target, target_port):
        return self.sides.get((source, source_port, target, target_port), Side())


def differs(value, seen, later):
    """A flow that is still sending when the monitor stops has between what was seen before that and after."""
    return not min(seen, later) <= value <= max(seen, later)


def check_flow(sniffer, flow, before=None):
    """What the witness saw otherwise than the record says, as text; empty if nothing. `before`: its sides (a copy) from
    before the monitor stopped, where traffic goes on."""
    wrong = []
    client, server = flow["client"], flow["server"]
    for name, sender, receiver in (("client", client, server), ("server", server, client)):
        ends = (sender["ip"], sender["port"], receiver["ip"], receiver["port"])
        later = sniffer.side(*ends)
        seen = (before or {}).get(ends, Side()) if before is not None else later
        fields = ["packets", "payload_bytes"] + ([] if later.supers else ["ip_bytes"])
        wrong += [f"{name}.{field} {sender[field]}, on the wire {getattr(later, field)}"
                  for field in fields if differs(sender[field], getattr(seen, field), getattr(later, field))]
        wrong += [f"{name}.flags.{flag} {sender['flags'][flag]}, on the wire {count}"
                  for flag, count in later.flags.items() if differs(sender["flags"][flag], seen.flags[flag], count)]
    return "; ".join(wrong)
