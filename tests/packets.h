/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames and what the parser must make of them: the table that the unit tests, the fuzzer's corpus and the comparison
 * with the loaded programs share. Every TCP segment, and every segment quoted by an ICMP error, goes from
 * 192.0.2.1 (2001:db8::1) port 40000 to 198.51.100.2 (2001:db8::2) port 443, with sequence number 0x01020304. */
#ifndef TCPSCOPE_TESTS_PACKETS_H
#define TCPSCOPE_TESTS_PACKETS_H

#include <stddef.h>

#include "link.h"

enum {
	PACKET_CLIENT_PORT = 40000,
	PACKET_SERVER_PORT = 443,
	PACKET_SEQUENCE = 0x01020304,
	PACKET_ACK = 0x0a0b0c0d, /* of the segments that carry ACK; 0 otherwise */
	PACKET_WINDOW = 0x7210,
	PACKET_TTL = 61,
	PACKET_BYTES_MAX = 512, /* no frame of the table is longer */
};

/* Checked where the verdict is LEDGER_IN_FLOWS; of an ICMP error ip_version, icmp_type and icmp_code. */
struct packet_want {
	__u8 ip_version, vlans;
	__u8 options; /* enum segment_option */
	__u16 flags;  /* TCP_FIN ... TCP_AE, SEGMENT_* */
	__u32 ip_len, payload_len;
	__u16 mss, mptcp_subtypes;
	__u8 window_scale;
	__u32 tsval, tsecr;
	__u16 vlan[SEGMENT_VLANS];
	__u8 icmp_type, icmp_code;
	__u8 tunnel_kind; /* enum tunnel_kind of the innermost */
	__u32 tunnel;
	bool nested; /* there is a digest of others round it */
};

struct packet_case {
	const char *name;
	enum link_type link;
	const unsigned char *bytes;
	size_t len;	 /* octets captured */
	size_t wire_len; /* octets on the wire, len or more */
	int verdict;	 /* enum ledger_counter, from segment_parse */
	struct packet_want want;
};

extern const struct packet_case packet_cases[];
extern const size_t packet_case_count;

#endif
