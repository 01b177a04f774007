# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A name server on 127.0.0.1 of a namespace, for names of addresses (PTR) only: it says what it is told to, however wrong,
or nothing, and counts who asks what. Shares nothing with tcpscope."""

import ipaddress
import socket
import struct
import threading

import net
from sniff import socket_inside

PTR, IN, NO_SUCH_NAME = 12, 1, 3
ANSWER, AUTHORITATIVE = 0x8000, 0x0400
POINTER_TO_QUESTION = b"\xc0\x0c"
CONFIGURATION = "/run/scratch/resolv.conf"


def name_of(question):
    """The labels of the name at its begin, and the octets it takes."""
    labels, at = [], 0
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]])
        at += 1 + question[at]
    return labels, at + 1


def wire(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class NameServer:
    """Everybody in the sandbox asks it from now on."""

    def __init__(self, namespace):
        self.names = {}  # labels by address, as text
        self.silent = []  # networks of which nothing is said
        self.asked = []  # names in questions, in the order in which they came
        with open(CONFIGURATION, "w", encoding="ascii") as file:
            file.write("nameserver 127.0.0.1\n")
        net.run("mount", "--bind", CONFIGURATION, "/etc/resolv.conf")
        self.socket = socket_inside(namespace, socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def name(self, address, *labels):
        self.names[ipaddress.ip_address(address).reverse_pointer] = labels

    def silence(self, network):
        self.silent.append(ipaddress.ip_network(network))

    def is_silent(self, name):
        return any(ipaddress.ip_address(".".join(name.split(".")[3::-1])) in network
                   for network in self.silent if name.endswith(".in-addr.arpa"))

    def serve(self):
        while True:
            packet, asker = self.socket.recvfrom(4096)
            labels, length = name_of(packet[12:])
            name = b".".join(labels).decode("ascii")
            self.asked.append(name)
            if not self.is_silent(name):
                self.socket.sendto(self.answer(packet, packet[12:16 + length], name), asker)

    def answer(self, packet, question, name):
        number, = struct.unpack_from("!H", packet)
        found = self.names.get(name)
        flags = ANSWER | AUTHORITATIVE | (0 if found is not None else NO_SUCH_NAME)
        reply = struct.pack("!HHHHHH", number, flags, 1, int(found is not None), 0, 0) + question
        if found is None:
            return reply
        data = wire(found)
        return reply + POINTER_TO_QUESTION + struct.pack("!HHIH", PTR, IN, 60, len(data)) + data


def network_make(port):
    """Two hosts, the second with another address, 192.0.2.3, too. Returns the name server that the first asks, which knows no
    name yet, and a listener on `port` of the second."""
    net.pair_make()
    net.addresses_set("server", "veth0", "192.0.2.3/24")
    net.neighbour_set("client", "veth0", "192.0.2.3", net.mac("server", "veth0"))
    listener = socket_inside("server", socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("", port))
    listener.listen()
    return NameServer("client"), listener
