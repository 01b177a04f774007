/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a hostile or broken sender could make of real traffic: a stretch of a capture with some of its octets, lengths,
 * times and the order of its frames changed. */
#ifndef TCPSCOPE_TESTS_MUTATE_H
#define TCPSCOPE_TESTS_MUTATE_H

#include "frame.h"

enum { MUTANT_FRAMES = 256 }; /* at most, before some are doubled */

/* Adds to `mutant` a changed stretch of `original`, which has a frame at least. The same seed gives the same mutant.
 * Returns 0 or -ENOMEM. */
int mutate(struct frames *mutant, const struct frames *original, __u64 seed);

#endif
