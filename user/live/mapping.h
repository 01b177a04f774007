/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's flow table, mapped: user space reads it without a call, while the kernel writes it. */
#ifndef TCPSCOPE_USER_MAPPING_H
#define TCPSCOPE_USER_MAPPING_H

#include "loader.h"

struct mapping {
	const volatile __u64 *tags, *looks;
	const struct service_set *services; /* SERVICE_SETS, of flows that were evicted */
	/* What is written: of the table, slots that were handed over. */
	struct flow_bucket *flows;
	struct facts_bucket *facts;
	struct service_set *ended; /* SERVICE_SETS, of flows that were handed over */
	struct sweep_call *sweep;
	__u32 buckets;
};

/* Returns 0 or -errno. */
int mapping_open(struct mapping *mapping, const struct loader *loader);
/* Legal on one that is not open, or zeroed. */
void mapping_close(struct mapping *mapping);

/* Copies the flow in a slot, as a report that says END_OPEN. One that a CPU is writing may show one segment's counters
 * with its predecessor's times. False: it was born, or grew, during each of a hundred tries; one that was handed over
 * never does. */
bool mapping_copy(const struct mapping *mapping, __u32 bucket, __u32 way, struct report *report);
/* Shows a copy of every flow, but for what has been handed over, to `see`, until that returns non-zero; returns the
 * last. */
int mapping_each(const struct mapping *mapping, int (*see)(void *context, const struct report *report), void *context);

#endif
