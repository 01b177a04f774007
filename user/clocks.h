/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system's clocks. */
#ifndef TCPSCOPE_USER_CLOCKS_H
#define TCPSCOPE_USER_CLOCKS_H

#include <linux/types.h>
#include <time.h>

static inline __u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

/* For spans: it does not run back. */
static inline __u64 clock_ms(void) { return clock_ns(CLOCK_MONOTONIC) / 1000000; }

#endif
