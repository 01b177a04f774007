/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shows frames to a loaded program by test runs, and collects what it reports. */
#ifndef TCPSCOPE_TESTS_PLAY_H
#define TCPSCOPE_TESTS_PLAY_H

#include "frame.h"
#include "kernel.h"
#include "reports.h"

struct player {
	struct kernel *kernel;
	struct ring_buffer *ring;
	struct reports reports;
};

/* All return 0 or -errno. */
int player_open(struct player *player, struct kernel *kernel);
void player_close(struct player *player);
/* What the program takes the test run's interface to be; `draws`: packets take the way with rungs of a ladder, where
 * the programs were loaded with LADDER_PICKED. */
int player_link(struct player *player, enum link_type link, bool draws);
/* *passed: did the program let the frame pass? */
int player_frame(struct player *player, enum hook hook, const struct frame *frame, bool *passed);
/* Sweeps buckets[0, buckets). */
int player_sweep(struct player *player, const struct sweep_policy *policy, __u32 buckets);

#endif
