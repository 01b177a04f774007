/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lazy clock. Reading the fine clock costs 25 ns, and is a fence: at scale it also waits for the cache misses of the
 * packets before. So a CPU reads it for each of the first CLOCK_EXACT frames of a jiffy; beyond, CLOCK_SHARED frames in a
 * row share one reading, and carry twice the span between the last two readings as their clock error. A frame never
 * carries a reading of an earlier jiffy. What is news to a flow asks for its exact time (clock_exact). */
#ifndef TCPSCOPE_CLOCK_H
#define TCPSCOPE_CLOCK_H

#include "maps.h"

/* Upper bound of log2(ns). */
INLINE __u8 clock_log2(__u64 ns)
{
	__u8 log = 1;

	for (int step = 32; step; step /= 2) {
		if (ns >> step) {
			ns >>= step;
			log += step;
		}
	}
	return log;
}

/* Sets the time of a frame on an ordinary day: exact, or shared when this CPU is busy. */
INLINE void clock_lazy(struct hook_state *hook, struct segment *seg)
{
	__u64 tick = bpf_jiffies64(), now;

	if (tick != hook->tick) {
		hook->tick = tick;
		hook->in_tick = 0;
	}
	if (hook->in_tick++ < CLOCK_EXACT) {
		seg->now_ns = hook->now_ns = bpf_ktime_get_ns();
		return;
	}
	if (hook->in_tick % CLOCK_SHARED == 0) {
		now = bpf_ktime_get_ns();
		hook->clock_error = clock_log2(now - hook->now_ns) + 1;
		hook->now_ns = now;
	}
	seg->now_ns = hook->now_ns;
	seg->clock_error = hook->clock_error;
}

/* The engine's part: the exact time of a segment that is news. */
INLINE void clock_exact(struct segment *seg)
{
	if (seg->clock_error) {
		seg->now_ns = bpf_ktime_get_ns();
		seg->clock_error = 0;
	}
}

#endif
