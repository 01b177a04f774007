/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Headers as lists of octets, for initialisers: ETH(0x0800), IP4(PROTO_TCP, 20), TCP(TCP_SYN). Checksums are 0: nobody
 * here looks at them. */
#ifndef TCPSCOPE_TESTS_PACKET_BYTES_H
#define TCPSCOPE_TESTS_PACKET_BYTES_H

#include "packets.h"

/* clang-format off */
#define U16(x) (unsigned char)((x) >> 8 & 0xff), (unsigned char)((x) & 0xff)
#define U32(x) U16((__u32)(x) >> 16), U16((__u32)(x) & 0xffff)
#define ZERO4 0, 0, 0, 0
#define ZERO8 ZERO4, ZERO4

/* A row's bytes, len and wire_len. FRAME: captured whole; WIRE: `wire` octets long, of which only these were
 * captured. */
#define OCTETS(...) ((const unsigned char[]){ __VA_ARGS__ })
#define FRAME(...) OCTETS(__VA_ARGS__), sizeof(OCTETS(__VA_ARGS__)), sizeof(OCTETS(__VA_ARGS__))
#define WIRE_LEN(wire, ...) OCTETS(__VA_ARGS__), sizeof(OCTETS(__VA_ARGS__)), (wire)

#define ETH(type) 0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01, U16(type)
#define TAG(id, type) U16(0xe000 | (id)), U16(type)
#define SNAP(type) 0xaa, 0xaa, 0x03, 0, 0, 0, U16(type)
#define SLL(type) U16(0), U16(1), U16(6), 0x02, 0, 0, 0, 0, 0x01, 0, 0, U16(type)
#define SLL2(type) U16(type), U16(0), U32(3), U16(1), 0, 6, 0x02, 0, 0, 0, 0, 0x01, 0, 0

#define CLIENT4 192, 0, 2, 1
#define SERVER4 198, 51, 100, 2
#define ROUTER4 203, 0, 113, 7
#define CLIENT6 0x20, 0x01, 0x0d, 0xb8, ZERO8, 0, 0, 0, 1
#define SERVER6 0x20, 0x01, 0x0d, 0xb8, ZERO8, 0, 0, 0, 2
#define ROUTER6 0x20, 0x01, 0x0d, 0xb8, ZERO8, 0, 0, 0, 7

#define IP4_HEADER(ihl, tos, total, fragment, protocol, ...) \
	0x40 | (ihl), (tos), U16(total), U16(0x1234), U16(fragment), PACKET_TTL, (protocol), U16(0), __VA_ARGS__
#define IP4_FULL(ihl, tos, total, fragment, protocol) \
	IP4_HEADER(ihl, tos, total, fragment, protocol, CLIENT4, SERVER4)
#define IP4(protocol, payload) IP4_FULL(5, 0, 20 + (payload), 0x4000, protocol)
#define IP4_ROUTER(protocol, payload) IP4_HEADER(5, 0xc0, 20 + (payload), 0, protocol, ROUTER4, CLIENT4)

#define IP6_FULL(class, next, payload, ...) \
	0x60 | (class) >> 4, ((class) & 0xf) << 4, U16(0), U16(payload), (next), PACKET_TTL, __VA_ARGS__
#define IP6(next, payload) IP6_FULL(0, next, payload, CLIENT6, SERVER6)
#define IP6_ROUTER(next, payload) IP6_FULL(0, next, payload, ROUTER6, CLIENT6)
#define EXT8(next) (next), 0, 1, 4, ZERO4
#define FRAGMENT6(next, offset_more) (next), 0, U16(offset_more), U32(0x7777)

#define TCP_FULL(words, flags, window) \
	U16(PACKET_CLIENT_PORT), U16(PACKET_SERVER_PORT), U32(PACKET_SEQUENCE), \
	U32((flags) & TCP_ACK ? PACKET_ACK : 0), (words) << 4 | ((flags) & TCP_AE ? 1 : 0), \
	(flags) & 0xff, U16(window), U16(0), U16(0)
#define TCP(flags) TCP_FULL(5, flags, PACKET_WINDOW)
/* With `words` times 4 octets of options, which follow. */
#define TCP_WITH(words, flags) TCP_FULL(5 + (words), flags, PACKET_WINDOW)
/* What an ICMP error quotes at least: ports and sequence. */
#define TCP_QUOTED U16(PACKET_CLIENT_PORT), U16(PACKET_SERVER_PORT), U32(PACKET_SEQUENCE)
#define ICMP(type, code) (type), (code), U16(0), U32(0)

/* Tunnels, from other addresses; `payload`: octets after the header named. */
#define OUTER4(protocol, payload) IP4_HEADER(5, 0, 20 + (payload), 0x4000, protocol, 10, 0, 0, 1, 10, 0, 0, 2)
#define OUTER6(next, payload) IP6_FULL(0, next, payload, ROUTER6, ROUTER6)
#define UDP(port, payload) U16(49152), U16(port), U16(8 + (payload)), U16(0)
#define VXLAN_HEADER(flags, vni) (flags), 0, 0, 0, U32((vni) << 8)
#define VXLAN4(vni, payload) OUTER4(PROTO_UDP, 16 + (payload)), UDP(PORT_VXLAN, 8 + (payload)), VXLAN_HEADER(8, vni)
#define GENEVE_HEADER(words, flags, type, vni) (words), (flags), U16(type), U32((vni) << 8)
#define GENEVE4(words, type, vni, payload) OUTER4(PROTO_UDP, 16 + 4 * (words) + (payload)), \
	UDP(PORT_GENEVE, 8 + 4 * (words) + (payload)), GENEVE_HEADER(words, 0, type, vni)
#define GRE(flags, type) U16(flags), U16(type)
#define LABEL(label, last) U32((__u32)(label) << 12 | (last) << 8 | 64)
#define PPPOE(session, protocol, payload) 0x11, 0, U16(session), U16(2 + (payload)), U16(protocol)

#define TIMESTAMPS(value, echo) TCPOPT_TIMESTAMPS, 10, U32(value), U32(echo)

#define WANT4(...) { .ip_version = 4, __VA_ARGS__ }
#define WANT6(...) { .ip_version = 6, __VA_ARGS__ }
/* clang-format on */

#endif
