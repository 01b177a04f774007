#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The reason in the record is the word that nmap says, for each way in which a firewall can reject.

    client                                   server
    veth0 192.0.2.1, 2001:db8::1  <------->  veth0 192.0.2.2, 2001:db8::2   nftables: a way of rejecting per port
      ^ tcpscope, nmap -sS --reason
"""

import xml.etree.ElementTree

import net
import report
from scope import Scope

FIRST_PORT = 8000
# By IP version, what nft calls each.
REJECTS = {
    4: ["icmp type " + name for name in ("net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable",
                                         "net-prohibited", "host-prohibited", "admin-prohibited")] + ["tcp reset"],
    6: ["icmpv6 type " + name for name in ("no-route", "admin-prohibited", "addr-unreachable", "port-unreachable",
                                           "policy-fail", "reject-route")] + ["tcp reset"],
}
ADDRESS = {4: "192.0.2.2", 6: "2001:db8::2"}


def rules():
    return [f"meta nfproto ipv{version} tcp dport {FIRST_PORT + number} reject with {reject}"
            for version, rejects in REJECTS.items() for number, reject in enumerate(rejects)]


def nmap(version):
    """The reason of each port, in nmap's words."""
    last = FIRST_PORT + len(REJECTS[version]) - 1
    flags = ["-6"] if version == 6 else []
    text = net.inside("client", "nmap", *flags, "-sS", "-Pn", "-n", "--disable-arp-ping", "--reason", "-oX", "-", "-p",
                      f"{FIRST_PORT}-{last}", ADDRESS[version])
    ports = xml.etree.ElementTree.fromstring(text).iter("port")
    return {int(port.get("portid")): port.find("state").get("reason") for port in ports}


def check(scope, version, said):
    for number, reject in enumerate(REJECTS[version]):
        port = FIRST_PORT + number
        flows = [flow for flow in scope.flows if flow["server"]["port"] == port and flow["ip_version"] == version]
        got = sorted({(flow["outcome"], flow["reason"]) for flow in flows})
        outcome = "refused" if reject == "tcp reset" else "filtered"
        report.equal(f"reasons IPv{version} {reject}", got, [(outcome, said[port])])


def main():
    net.pair_make()
    net.firewall_make("server", *rules())
    # Else the kernel sends only one error a second.
    for path in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
        net.set_value("server", path, 0)
    scope = Scope("client", ["veth0"])
    said = {version: nmap(version) for version in REJECTS}
    scope.stop()
    for version, reasons in said.items():
        check(scope, version, reasons)


if __name__ == "__main__":
    report.run(main)
