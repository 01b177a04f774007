/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How large a flow table is: from the flows a user wants room for to the shape that both bodies take. */
#ifndef TCPSCOPE_SIZING_H
#define TCPSCOPE_SIZING_H

#include <errno.h>
#include <sys/random.h>

#include "../include/config.h"
#include "../include/shape.h"

static inline __u32 shape_buckets(const struct table_shape *shape) { return shape->buckets; }

/* The shape of a table for `flows`. Leaves the seed alone. */
static inline void shape_for_flows(struct table_shape *shape, __u32 flows) { shape->buckets = table_buckets(flows); }

/* Returns 0 or -errno. */
static inline int shape_seed(struct table_shape *shape)
{
	if (getrandom(&shape->seed, sizeof(shape->seed), 0) != sizeof(shape->seed))
		return -EIO;
	for (size_t i = 0; i < sizeof(shape->seed.multiplier) / sizeof(*shape->seed.multiplier); i++)
		shape->seed.multiplier[i] |= 1; /* odd: then multiplying loses nothing */
	return 0;
}

#endif
