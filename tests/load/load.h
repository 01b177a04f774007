/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A load of TCP connections over a veth pair: one end opens and closes them and measures connect(), the other answers
 * SYNs after delays that are known. Nothing else of the connection is played: the client resets what it opened. */
#ifndef TCPSCOPE_TESTS_LOAD_H
#define TCPSCOPE_TESTS_LOAD_H

#include <linux/types.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <time.h>

enum { MODES = 16 };

/* One delay in parts of 100. */
struct mode {
	__u32 percent;
	__u64 delay_ns; /* 0: the SYN is not answered */
};

static inline __u64 load_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

/* Goes before what else runs, and wakes when it is due: else a span would measure the machine's other work. Where that
 * is not allowed it only measures worse. */
static inline void load_first(void)
{
	const struct sched_param first = { .sched_priority = 1 };

	prctl(PR_SET_TIMERSLACK, 1);
	sched_setscheduler(0, SCHED_FIFO, &first);
}

/* Opens `count` connections to an IPv4 address and port: `rate` a second or, if that is 0, as fast as `outstanding` at
 * once allow. Prints one JSON object: how many, how fast, and quantiles of connect(). Returns an exit status. */
int load_connect(const char *address, __u16 port, __u32 rate, __u32 count, __u32 outstanding);
/* Answers SYNs that arrive on an interface until it is killed. Prints a line when it is ready. Returns an exit
 * status. */
int load_answer(const char *interface, const struct mode *modes, size_t count);

#endif
