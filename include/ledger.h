/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ledger: every packet that a hook or a capture delivers ends in exactly one of these counters.
 * seen = the sum of all others; what is left over is a residue, and a bug. */
#ifndef TCPSCOPE_LEDGER_H
#define TCPSCOPE_LEDGER_H

#include "types.h"

/* name, what it means. IN_FLOWS is first: it is also the parser's "go on". */
#define LEDGER_COUNTERS(X) \
	X(IN_FLOWS, in_flows, "segments counted in a flow record") \
	X(NOT_IP, not_ip, "frames that carry neither IPv4 nor IPv6") \
	X(NOT_TCP, not_tcp, "IP packets of another protocol") \
	X(ICMP_ERRORS, icmp_errors, "ICMP errors that quote a TCP segment") \
	X(FRAGMENTS, fragments, "IP fragments after the first: no TCP header") \
	X(TRUNCATED, truncated, "cut before the 16th octet of the TCP header") \
	X(MALFORMED_LINK, malformed_link, "link header ends early") \
	X(MALFORMED_IP, malformed_ip, "IP or tunnel header contradicts itself or the frame") \
	X(MALFORMED_TCP, malformed_tcp, "data offset below 5 or beyond the IP payload") \
	X(TOO_DEEP, too_deep, "more VLAN tags, IPv6 extension headers or tunnels than are followed") \
	X(FILTERED, filtered, "left out by the filter expression") \
	X(TABLE_FULL, table_full, "no slot in the flow table, none that may be evicted, or its flow left it just then")

enum ledger_counter {
#define LEDGER_ENUM(NAME, name, meaning) LEDGER_##NAME,
	LEDGER_COUNTERS(LEDGER_ENUM)
#undef LEDGER_ENUM
		LEDGER_COUNT,
	LEDGER_ROOM = 16 /* a power of two, for an index that the verifier can bound by a mask */
};

_Static_assert((int)LEDGER_COUNT <= (int)LEDGER_ROOM, "room for all");

/* The account of one direction of one interface (per CPU in the kernel), or of one capture. Units: segments, so
 * that a super-packet (GSO, GRO) counts as the segments it stands for, as a NIC counts them. */
struct ledger {
	__u64 seen;
	__u64 counter[LEDGER_ROOM]; /* by enum ledger_counter */
	__u64 frames;		    /* what the hook was handed: a super-packet is one */
	__u64 births;		    /* flows that took a slot */
	__u64 evicted;		    /* flows whose slot another took: reported, summarised or lost */
	__u64 summarised;	    /* of these, unanswered SYNs, which are summed per service (summary.h) */
	__u64 lost_records;	    /* flows that left and could not be reported */
	__u64 collisions;	    /* lookups that met another key under the same 32 bits of hash */
	__u64 brief;		    /* segments that were plain on the short way, until ledger_add: one addition each */
};

/* Accounts for a frame of `segments`, in one counter. */
INLINE void ledger_count(struct ledger *ledger, enum ledger_counter counter, __u32 segments)
{
	ledger->frames++;
	ledger->seen += segments;
	ledger->counter[counter & (LEDGER_ROOM - 1)] += segments;
}

/* Adds an account to a sum, in which `brief` has gone to the counters that it stands for: the way to read one. */
INLINE void ledger_add(struct ledger *sum, const struct ledger *account)
{
	for (__u32 i = 0; i < sizeof(*sum) / sizeof(__u64); i++)
		((__u64 *)sum)[i] += ((const __u64 *)account)[i];
	sum->seen += sum->brief;
	sum->frames += sum->brief;
	sum->counter[LEDGER_IN_FLOWS] += sum->brief;
	sum->brief = 0;
}

#endif
