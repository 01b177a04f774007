/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames that no network would send: segments of a few hosts with fields at random from values that mean something, so
 * that keys are reused, rules meet and a small table overflows. */
#ifndef TCPSCOPE_TESTS_RANDOM_H
#define TCPSCOPE_TESTS_RANDOM_H

#include "frame.h"

/* Adds `count` frames; the same `seed` gives the same. Returns 0 or -ENOMEM. */
int random_frames(struct frames *frames, __u64 seed, size_t count);

#endif
