/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow table's layout and parameters: what the bodies and user space need to know of it. */
#ifndef TCPSCOPE_SHAPE_H
#define TCPSCOPE_SHAPE_H

#include "flow.h"

enum { WAYS = 8 };

struct flow_bucket {
	struct flow way[WAYS];
};

struct facts_bucket {
	struct facts way[WAYS];
};

#define SLOT_NONE 0xffffffffu /* as a slot number: bucket * WAYS + way */

enum { REGION = 64 }; /* buckets; a key's two lie in one region, and the region has one lock */

/* How large a table is: buckets, a multiple of REGION. */
struct table_shape {
	__u32 buckets;
	__u32 kept; /* user space's: the table outlives the process that made it */
	/* 1: nothing is looked at. So that all hooks begin and end at one instant: they are attached one after the
	 * other. */
	__u32 off;
	__u32 reserved;
	struct key_seed seed;
};

/* Buckets for `flows` flows at once, two thirds full: then a pair of buckets hardly ever overflows. */
INLINE __u32 table_buckets(__u32 flows)
{
	__u64 buckets = ((__u64)flows * 3 / 2 + WAYS - 1) / WAYS;

	return (__u32)((buckets + REGION - 1) / REGION * REGION);
}

/* When the sweep ends a flow: spans in ns since its last segment. An interim report ends nothing. */
struct sweep_policy {
	__u64 now_ns;
	__u64 linger_ns;  /* closed, reset or filtered: late segments still find it */
	__u64 attempt_ns; /* a handshake that was not completed */
	__u64 idle_ns;
	__u64 active_ns;  /* each so many since its start an interim report is due, if it moved; 0: never */
	__u32 everything; /* the monitor ends: all that is left */
	__u32 reserved;
};

#endif
