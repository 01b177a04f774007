# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Captures made by hand, and what tcpscope says of them."""

import json
import os
import struct
import subprocess
import tempfile

import hand

LIB = os.path.dirname(os.path.abspath(__file__))
BINARY = os.environ.get("TCPSCOPE", os.path.join(LIB, "../../build/tcpscope"))
CAPTURES = os.environ.get("TCPSCOPE_CAPTURES", os.path.join(LIB, "../../../shared/pcaps"))
PCAP_HEADER = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
START = 1_700_000_000


def pcap(frames):
    """`frames`: of (microseconds since START, frame), or of (microseconds, frame, octets captured)."""
    records = [PCAP_HEADER]
    for at, frame, *captured in frames:
        held = frame[:captured[0]] if captured else frame
        seconds, micros = divmod(at, 1_000_000)
        records.append(struct.pack("=IIII", START + seconds, micros, len(held), len(frame)) + held)
    return b"".join(records)


def pcapng_block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("=II", kind, len(body) + 12) + body + struct.pack("=I", len(body) + 12)


def pcapng(link_types, packets):
    """An interface for each of the link types; `packets`: of (microseconds since START, interface, octets)."""
    blocks = [pcapng_block(0x0A0D0D0A, struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1))]
    blocks += [pcapng_block(1, struct.pack("=HHI", link_type, 0, 65535)) for link_type in link_types]
    for at, interface, octets in packets:
        stamp = START * 1_000_000 + at
        fixed = struct.pack("=IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(octets), len(octets))
        blocks.append(pcapng_block(6, fixed + octets))
    return b"".join(blocks)


def frame4(*arguments, **named):
    return hand.ethernet(hand.ipv4(*arguments, **named), hand.ETHER_IPV4)


def frame6(*arguments, **named):
    return hand.ethernet(hand.ipv6(*arguments, **named), hand.ETHER_IPV6)


def tcpscope(*arguments):
    return subprocess.run((BINARY, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def tcpscope_exact(*arguments):
    """Standard output as it is, line ends too."""
    return subprocess.run((BINARY, *arguments), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()


def output(frames, *arguments, suffix=".pcap"):
    """What the program does with a capture of these, in a file whose name ends so."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(pcap(frames))
        file.flush()
        return tcpscope("-r", file.name, *arguments)


def flows_of(text):
    records = (json.loads(line) for line in text.splitlines())
    return [record for record in records if record["type"] == "flow"]


def flows(frames):
    return flows_of(output(frames, "--output", "json").stdout)


def rows_of(text):
    """The lines of a conn.log as dictionaries, read as its header says."""
    lines = text.split("\n")
    header = dict(line[1:].split("\t", 1) for line in lines if line.startswith("#") and "\t" in line)
    names = header["fields"].split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines if line and not line.startswith("#")]
