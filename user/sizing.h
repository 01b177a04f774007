/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How large a flow table is: from the flows a user wants room for to the shape that both bodies take. */
#ifndef TCPSCOPE_SIZING_H
#define TCPSCOPE_SIZING_H

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "../include/config.h"
#include "../include/shape.h"

static inline __u32 shape_buckets(const struct table_shape *shape) { return shape->buckets; }

/* The shape of a table for `flows`. Leaves the seed alone. */
static inline void shape_for_flows(struct table_shape *shape, __u32 flows) { shape->buckets = table_buckets(flows); }

/* The seed that a number stands for, by SplitMix64 (Steele, Lea, Flood): for tests. */
static inline void seed_from(struct key_seed *seed, __u64 number)
{
	__u64 *words = (__u64 *)seed;

	for (size_t i = 0; i < sizeof(*seed) / sizeof(*words); i++) {
		__u64 x = number += 0x9e3779b97f4a7c15ULL;

		x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
		x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
		words[i] = (x ^ x >> 31) | 1;
	}
}

/* TCPSCOPE_SEED, a number in the environment, replaces chance: for tests alone, since whoever knows the seed can choose
 * keys that meet in one bucket. Returns 0 or -errno. */
static inline int shape_seed(struct table_shape *shape)
{
	const char *number = getenv("TCPSCOPE_SEED");

	if (number) {
		seed_from(&shape->seed, strtoull(number, NULL, 10));
		return 0;
	}
	if (getrandom(&shape->seed, sizeof(shape->seed), 0) != sizeof(shape->seed))
		return -EIO;
	for (size_t i = 0; i < sizeof(shape->seed.multiplier) / sizeof(*shape->seed.multiplier); i++)
		shape->seed.multiplier[i] |= 1; /* odd: then multiplying loses nothing */
	return 0;
}

#endif
