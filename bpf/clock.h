/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lazy clock. Reading the fine clock costs 25 ns, and is a fence: at scale it also waits for the cache misses of
 * the packets before. So a CPU reads it for each of the first CLOCK_EXACT frames of a jiffy; beyond, a few frames in a
 * row share one reading, and carry twice the span for which it is good as their clock error: as the last span promises,
 * at first the jiffy so far. Who pauses breaks the promise: the first frames after that carry a reading from before,
 * but never one of an earlier jiffy. What is news to a flow asks for its exact time (clock_exact). */
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

/* Reads the fine clock; how many frames are to share it depends on how often that was done in this jiffy, and on how
 * fast they come. */
INLINE void clock_read(struct hook_state *hook)
{
	__u32 reading = hook->readings++, shared_log2 = hook->shared_log2;
	__u64 now = bpf_ktime_get_ns(), span = now - hook->stamp.now_ns;
	bool rush = reading >= CLOCK_RUSH && span >> shared_log2 < CLOCK_RUSH_NS;

	if (reading == 0)
		hook->tick_ns = now;
	else if (reading == CLOCK_EXACT)
		span = (now - hook->tick_ns) >> CLOCK_EXACT_LOG2;
	hook->sharing = 1;
	hook->shared_log2 = 0;
	hook->stamp.clock_error = 0;
	if (reading >= CLOCK_EXACT) {
		hook->shared_log2 = rush ? CLOCK_RUSH_LOG2 : CLOCK_SHARED_LOG2;
		hook->sharing = 1 << hook->shared_log2;
		hook->stamp.clock_error = clock_log2(span >> shared_log2 << hook->shared_log2) + 1;
		table_forgive_strays(&hook->strays, hook->sharing);
	}
	hook->stamp.now_ns = now;
}

/* Sets the time of a frame on an ordinary day: exact, or shared when this CPU is busy. */
INLINE void clock_lazy(struct hook_state *hook)
{
	if (unlikely(--hook->sharing == 0))
		clock_read(hook);
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
