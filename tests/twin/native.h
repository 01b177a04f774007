/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The native body under test: the engine in plain memory, shown the frames that the kernel's programs are shown. */
#ifndef TCPSCOPE_TESTS_NATIVE_H
#define TCPSCOPE_TESTS_NATIVE_H

#include "frame.h"
#include "reports.h"
#include "service.h"
#include "shape.h"
#include "summary.h"

struct table;

struct native {
	struct table *table;
	__u32 buckets; /* room */
	__u8 cpu;      /* to note in segments */
	struct ledger ledger;
	struct reports reports;
	struct summaries *summaries;
	struct sweep_call *call;
	struct service_set *ended; /* SERVICE_SETS, of flows that were handed over */
};

/* Room for as many buckets as `shape` has. Returns 0 or -ENOMEM. */
int native_open(struct native *native, const struct table_shape *shape);
void native_close(struct native *native);
/* Another shape, of no more buckets; forgets all flows, reports, services and the ledger. */
void native_reshape(struct native *native, const struct table_shape *shape);
void native_frame(struct native *native, enum link_type link, const struct frame *frame);
void native_sweep(struct native *native, const struct sweep_policy *policy);
/* Of the present shape. */
__u32 native_buckets(const struct native *native);
const __u64 *native_tags(const struct native *native);
/* SERVICE_SETS, of flows that were evicted. */
const struct service_set *native_services(const struct native *native);
/* Slots in use. */
__u32 native_used(const struct native *native);

#endif
