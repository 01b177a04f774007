/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last packets of one flow, for its ladder on the screen: so many rungs (include/rung.h) in the order of their
 * times. Filled by the live source as long as the flow is picked, shown by screen_ladder.c. */
#ifndef TCPSCOPE_USER_RUNGS_H
#define TCPSCOPE_USER_RUNGS_H

#include "../../include/rung.h"

enum { RUNGS_KEPT = 4096 };

/* All zeros: of no flow. */
struct rungs {
	struct flow_key key; /* key and start say which flow it is */
	__u64 start_ns;
	struct rung_segment *kept; /* RUNGS_KEPT of them, used in turn */
	__u64 count;		   /* since rungs_begin: the newest is number count - 1, the oldest kept rungs_first */
	__u64 dropped;		   /* beside them, for which the kernel had no room */
	__u64 first_ns;		   /* time of the first that came, of the segments' clock */
	__u32 client;		   /* endpoint, as far as known by now */
};

/* Forgets what there is; from now on they are of this flow. Returns 0 or -ENOMEM. */
int rungs_begin(struct rungs *rungs, const struct flow_key *key, __u64 start_ns);
/* Legal on one that is zeroed. */
void rungs_close(struct rungs *rungs);
/* Keeps a rung if it is of this flow; for the oldest there may be no room any more. */
void rungs_add(struct rungs *rungs, const struct rung *rung);
/* Number of the oldest that is kept. */
__u64 rungs_first(const struct rungs *rungs);
/* Of a number from rungs_first to before `count`. */
const struct rung_segment *rungs_at(const struct rungs *rungs, __u64 number);

#endif
