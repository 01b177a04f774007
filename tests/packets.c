/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of packets. A row: name, link type, frame, verdict, what the segment must say. */
#include "packet_bytes.h"
#include "ledger.h"
#include "segment.h"

/* clang-format off */
#define IN_FLOWS LEDGER_IN_FLOWS
#define ETH4 ETH(ETHERTYPE_IPV4)
#define ETH6 ETH(ETHERTYPE_IPV6)
#define SYN4 IP4(PROTO_TCP, 20), TCP(TCP_SYN)
#define SYN6 IP6(PROTO_TCP, 20), TCP(TCP_SYN)
#define WANT_SYN4 WANT4(.ip_len = 40, .flags = TCP_SYN)
#define WANT_SYN6 WANT6(.ip_len = 60, .flags = TCP_SYN)
#define HELLO 'h', 'e', 'l', 'l', 'o'
#define PAD6 0, 0, 0, 0, 0, 0
/* A SYN with `words` * 4 octets of options, in IPv4. */
#define OPTIONS4(words, ...) FRAME(ETH4, IP4(PROTO_TCP, 20 + 4 * (words)), TCP_WITH(words, TCP_SYN), __VA_ARGS__), IN_FLOWS
#define WANT_OPTIONS(words, ...) WANT4(.ip_len = 40 + 4 * (words), .flags = TCP_SYN, __VA_ARGS__)
#define QUOTE4 IP4_HEADER(5, 0, 60, 0x4000, PROTO_TCP, CLIENT4, SERVER4), TCP_QUOTED
#define QUOTE6 IP6(PROTO_TCP, 40), TCP_QUOTED
#define ERROR4(type, code) FRAME(ETH4, IP4_ROUTER(PROTO_ICMP, 36), ICMP(type, code), QUOTE4), LEDGER_ICMP_ERRORS, \
	WANT4(.icmp_type = (type), .icmp_code = (code))
#define ERROR6(type, code) FRAME(ETH6, IP6_ROUTER(PROTO_ICMPV6, 56), ICMP(type, code), QUOTE6), LEDGER_ICMP_ERRORS, \
	WANT6(.icmp_type = (type), .icmp_code = (code))
#define INNER4 ETH4, SYN4 /* a frame of 54 octets */
#define INNER6 ETH6, SYN6 /* of 74 */
#define WANT_TUNNEL4(kind, id) WANT4(.ip_len = 40, .flags = TCP_SYN, .tunnel_kind = (kind), .tunnel = (id))
#define WANT_TUNNEL6(kind, id) WANT6(.ip_len = 60, .flags = TCP_SYN, .tunnel_kind = (kind), .tunnel = (id))
#define WANT_NESTED4(kind, id) \
	WANT4(.ip_len = 40, .flags = TCP_SYN, .tunnel_kind = (kind), .tunnel = (id), .nested = true)
#define FLAG4(name, bits) { name, LINK_ETHERNET, FRAME(ETH4, IP4(PROTO_TCP, 20), TCP(bits)), IN_FLOWS, \
	WANT4(.ip_len = 40, .flags = (bits)) }
#define EXTENSION6(name, kind) { name, LINK_ETHERNET, FRAME(ETH6, IP6(kind, 28), EXT8(PROTO_TCP), TCP(TCP_SYN)), \
	IN_FLOWS, WANT6(.ip_len = 68, .flags = TCP_SYN) }

const struct packet_case packet_cases[] = {
#include "packets_link.h"
#include "packets_ip.h"
#include "packets_tcp.h"
#include "packets_tunnel.h"
};
/* clang-format on */

const size_t packet_case_count = sizeof(packet_cases) / sizeof(packet_cases[0]);
