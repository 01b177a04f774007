/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packets of one open flow, picked and dropped while watching: tells the programs whose, and takes the rungs that
 * they send. Works without privileges, by maps that are held. Called by live_screen.c. */
#ifndef TCPSCOPE_USER_LIVE_PICK_H
#define TCPSCOPE_USER_LIVE_PICK_H

#include "interfaces.h"
#include "screen/rungs.h"

struct loader;
struct ring_buffer;

/* All zeros: not open. */
struct live_pick {
	struct ring_buffer *ring; /* NULL: the programs draw nothing (LADDER_NONE) */
	const struct interfaces *interfaces;
	int picks, entries, state; /* the kernel's maps of the flow, of interfaces, and of struct ladder_state */
	struct rungs *rungs;	   /* NULL: of no flow */
	__u64 dropped;		   /* of flows before */
	__u64 taken;		   /* rungs since the start */
};

/* Of programs that were loaded with LADDER_PICKED. Returns 0 or -errno. */
int live_pick_open(struct live_pick *pick, const struct loader *loader, const struct interfaces *interfaces);
/* Legal on one that is zeroed. */
void live_pick_close(struct live_pick *pick);
/* From now on the packets of this flow go to `rungs`, those of another no longer. Returns 0 or -errno. */
int live_pick_begin(struct live_pick *pick, const struct flow_key *key, __u64 start_ns, struct rungs *rungs);
/* No packet takes the way with rungs any more. Returns 0 or -errno. */
int live_pick_end(struct live_pick *pick);
/* Takes what waits in the ring buffer. Returns 0 or -errno. */
int live_pick_drain(struct live_pick *pick);
/* Renews `dropped` of the rungs. Returns 0 or -errno. */
int live_pick_count(struct live_pick *pick);

#endif
