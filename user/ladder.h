/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packet ladders of chosen connections, as Wireshark's flow graph in text: each segment with what the analysis found in it,
 * which is told by the counters of its flow before and after. Called by replay round the engine; knows no libpcap. */
#ifndef TCPSCOPE_USER_LADDER_H
#define TCPSCOPE_USER_LADDER_H

#include <stdio.h>

#include "body.h"

enum { LADDER_STEPS = 1 << 20 }; /* kept at most, of all connections; more are counted */

/* One segment. */
struct ladder_step {
	__u64 now_ns;
	__u32 seq, ack; /* relative, as Wireshark shows them */
	__u32 len, window;
	__u32 tsval, tsecr;
	__u16 flags, marks; /* marks: bit n is enum analysis_counter n */
	__u16 mss, segments;
	__u8 options, window_scale, direction;
	bool scaled; /* the window is in octets */
	__u32 next;  /* of the connection; LADDER_STEPS: none */
};

struct ladder_connection {
	__u64 hash, start_ns; /* which flow it is */
	__u64 ip[2][2];	      /* by endpoint */
	__u16 port[2];
	__u8 ip_version;
	__u8 client; /* endpoint */
	__u32 first, last;
};

/* All zeros: empty. */
struct ladder {
	struct ladder_step *steps;
	__u32 step_count;
	__u64 dropped;
	struct ladder_connection *connections; /* in the order in which they were chosen */
	__u32 connection_count, connection_room;
	__u32 *index; /* by hash, of connection number + 1; 0: empty. Twice connection_room, a power of two */
	__u32 before[ANALYSIS_COUNT];
	__u64 flow_ns; /* start of the flow that `before` is of; 0: there was none */
	bool failed;   /* no memory */
};

/* Legal on one that is zeroed. */
void ladder_close(struct ladder *ladder);
/* Before the engine sees a segment. */
void ladder_before(struct ladder *ladder, struct table *table, const struct segment *seg);
/* After it; `chosen`: the segment is one that was asked for, and from it on all of its connection are shown. */
void ladder_after(struct ladder *ladder, struct table *table, const struct segment *seg, bool chosen);
/* Prints all ladders. `epoch_ns`: Unix time minus the segments' clock. Returns 0, or -EIO, or -ENOMEM if steps were lost. */
int ladder_print(const struct ladder *ladder, FILE *to, __s64 epoch_ns);

#endif
