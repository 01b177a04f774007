# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A monitor in the middle: three namespaces, a forwarding process between two of them.

    client                     monitor (forwards)                    server
    tun0 198.51.100.1  <~~~>   tun0 198.51.100.254
         2001:db8:1::1              veth0 192.0.2.254  <--------->   veth0 192.0.2.2, 2001:db8::2
"""

import os

import net

ADDRESSES = {4: {"client": "198.51.100.1", "server": "192.0.2.2"},
             6: {"client": "2001:db8:1::1", "server": "2001:db8::2"}}
INTERFACES = ("tun0", "veth0")


def network_make(forwarder, *arguments):
    """`forwarder`: which of this folder joins the two tun0. Returns its process."""
    for name in ("client", "monitor", "server"):
        net.namespace_make(name)
    wire = net.start_ready("monitor", net.PYTHON, os.path.join(net.LIB, forwarder), "client", "monitor", *arguments)
    net.veth_make("monitor", "server")
    net.addresses_set("client", "tun0", "198.51.100.1/24", "2001:db8:1::1/64")
    net.addresses_set("monitor", "tun0", "198.51.100.254/24", "2001:db8:1::254/64")
    net.addresses_set("monitor", "veth0", "192.0.2.254/24", "2001:db8::254/64")
    net.addresses_set("server", "veth0", "192.0.2.2/24", "2001:db8::2/64")
    net.set_value("monitor", "ipv4/ip_forward", 1)
    net.set_value("monitor", "ipv6/conf/all/forwarding", 1)
    for name, interface, four, six in (("client", "tun0", "198.51.100.254", "2001:db8:1::254"),
                                       ("server", "veth0", "192.0.2.254", "2001:db8::254")):
        for gateway in (four, six):
            net.inside(name, "ip", "route", "add", "default", "via", gateway, "dev", interface)
    for address in ("192.0.2.2", "2001:db8::2"):
        net.neighbour_set("monitor", "veth0", address, net.mac("server", "veth0"))
    for address in ("192.0.2.254", "2001:db8::254"):
        net.neighbour_set("server", "veth0", address, net.mac("monitor", "veth0"))
    return wire
