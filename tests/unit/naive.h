/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow table's naive twin: a linear array of what each flow saw, and the policy of design and header in plain
 * branches. It knows nothing of tags, hashes or buckets. */
#ifndef TCPSCOPE_TESTS_NAIVE_H
#define TCPSCOPE_TESTS_NAIVE_H

#include <stdbool.h>

#include "flow.h"
#include "shape.h"

enum { NAIVE_ROOM = 1024, NAIVE_NONE = -1 };
enum naive_class { NAIVE_OVER, NAIVE_UNANSWERED, NAIVE_ANSWERED }; /* who goes first */

struct naive_side {
	bool seen, syn, synack, acked, fin, fin_acked, rst;
};

struct naive_flow {
	__u16 port; /* the client's: which flow it is */
	__u32 isn;  /* the client's */
	bool retired;
	__u64 start_ns, last_ns, packets;
	__u64 interim_ns; /* last interim report; 0: none */
	struct naive_side side[2];
};

struct naive {
	struct naive_flow flow[NAIVE_ROOM];
	int count;
};

/* The flow on these ports that is not retired, or NAIVE_NONE. */
int naive_find(const struct naive *naive, __u16 port);
/* The one that began then, retired or not. */
int naive_find_begun(const struct naive *naive, __u16 port, __u64 start_ns);
int naive_add(struct naive *naive, __u16 port, __u32 isn, __u64 start_ns);
void naive_remove(struct naive *naive, int which);
/* Enters a segment of `side`; ack: relative to the other side's ISN. */
void naive_segment(struct naive_flow *flow, int side, __u16 flags, __u32 ack, __u64 now_ns);
enum naive_class naive_class(const struct naive_flow *flow);
/* If it is evicted: an unanswered SYN, also of a key that was used anew since. */
bool naive_is_summed(const struct naive_flow *flow);
/* Why the sweep would report it, or -1. */
int naive_due(const struct naive_flow *flow, const struct sweep_policy *policy);

#endif
