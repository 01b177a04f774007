/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A rung of a packet ladder: one segment of a connection, and what the analysis found in it. What the kernel sends to
 * user space, and replay keeps; rung_take.h fills it. */
#ifndef TCPSCOPE_RUNG_H
#define TCPSCOPE_RUNG_H

#include "classic.h"
#include "flow.h"

/* What the ladder shows of a segment. */
struct rung_segment {
	__u64 now_ns;
	__u32 seq, ack; /* relative, as Wireshark shows them */
	__u32 len, window;
	__u32 tsval, tsecr;
	__u16 flags, marks; /* marks: bit n is enum analysis_counter n */
	__u16 mss, segments;
	__u8 options, window_scale, direction;
	__u8 scaled; /* the window is in octets */
};

struct rung {
	struct flow_key key; /* key and start say which connection it is */
	__u64 start_ns;
	struct rung_segment segment;
	__u32 client;	/* the endpoint, as far as known by now */
	__u32 reserved; /* 0 */
};

/* A side's counters as they were before a segment. */
struct rung_before {
	__u64 start_ns; /* of the flow there was; 0: none */
	__u32 counter[ANALYSIS_COUNT];
};

enum { LADDER_LINKS = 2 }; /* LINK_ETHERNET and LINK_IP: as devices have them */

/* What the kernel keeps, per CPU, while it draws a ladder. */
struct ladder_state {
	struct rung_before before;
	struct classic_run run;
	__u64 dropped; /* rungs that found no room in the ring buffer */
};

#endif
