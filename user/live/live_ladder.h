/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ladders while watching: hands the expression to the kernel, takes the rungs that it sends, prints a connection's
 * ladder when it has ended. Called by live.c, and by the sink for each flow that ends. */
#ifndef TCPSCOPE_USER_LIVE_LADDER_H
#define TCPSCOPE_USER_LIVE_LADDER_H

#include "ladder/ladder.h"

struct interfaces;
struct loader;
struct ring_buffer;

struct live_ladder {
	struct ladder ladder;
	struct ring_buffer *rungs; /* NULL: no ladder is wanted */
	__s64 epoch_ns;		   /* Unix time minus the kernel's monotonic clock */
	int state;		   /* the kernel's map of struct ladder_state */
	__u64 taken;		   /* rungs since the start */
};

/* Gives the code to the programs of a loaded object and opens the way back. Prints what is wrong; returns 0 or
 * -errno. */
int live_ladder_open(struct live_ladder *ladder, const struct loader *loader,
		     const struct classic_code code[LADDER_LINKS], __s64 epoch_ns, const struct interfaces *interfaces);
/* Legal on one that is zeroed. */
void live_ladder_close(struct live_ladder *ladder);

/* How many rungs the kernel had no room for since it was loaded, from its map of struct ladder_state. 0 or -errno. */
int live_ladder_dropped(int state, __u64 *dropped);

/* Takes what waits in the ring buffer. Returns 0 or -errno. */
int live_ladder_drain(struct live_ladder *ladder);
/* A flow has ended: its ladder is printed, or, unless `wanted`, forgotten. Returns 0 or -errno. */
int live_ladder_end(struct live_ladder *ladder, const struct report *report, bool wanted);
/* The last: what is left, and what the kernel had no room for. Returns 0 or -errno. */
int live_ladder_finish(struct live_ladder *ladder);

#endif
