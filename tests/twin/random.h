/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames that no network would send: segments of a few hosts with fields at random from values that mean something, so
 * that keys are reused, rules meet and a small table overflows. */
#ifndef TCPSCOPE_TESTS_RANDOM_H
#define TCPSCOPE_TESTS_RANDOM_H

#include "frame.h"

/* Of what there is to choose. */
struct random_range {
	__u64 seed;    /* the same gives the same frames */
	size_t frames; /* at least */
	__u32 clients; /* few: long flows; many: more than a small table takes */
};

/* Adds frames. Returns 0 or -ENOMEM. */
int random_frames(struct frames *frames, const struct random_range *range);

#endif
