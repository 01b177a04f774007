/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Random numbers that are the same in every run: xorshift64* (Vigna). */
#ifndef TCPSCOPE_TESTS_RANDOM_H
#define TCPSCOPE_TESTS_RANDOM_H

#include <linux/types.h>

struct random {
	__u64 state; /* not 0 */
};

static inline __u64 random_next(struct random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * 0x2545f4914f6cdd1dULL;
}

/* 0 to below - 1. */
static inline __u32 random_below(struct random *random, __u32 below)
{
	return (__u32)((random_next(random) >> 32) * below >> 32);
}

#endif
