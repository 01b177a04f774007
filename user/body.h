/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The plain-memory body of the flow table, for replay and tests: the engine in one thread of a program. Including this
 * file includes the engine. The body has no clock: whoever feeds it sets seg->now_ns. */
#ifndef TCPSCOPE_BODY_H
#define TCPSCOPE_BODY_H

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "../include/summary.h"
#include "sizing.h"

struct table;

/* A report on its way out of the engine: there is one at a time. */
struct table_report {
	struct report report;
	struct table *table;
};

struct table {
	struct table_shape shape;
	__u64 *tags;
	__u64 *looks; /* the caller's; NULL: none are kept */
	struct flow_bucket *flows;
	struct facts_bucket *facts;
	struct service_set *services; /* SERVICE_SETS */
	struct table_report out;
	/* Takes each report of the engine; what it points to is valid during the call. NULL: there is never room. */
	void (*submit)(void *context, const struct report *report);
	void *context;
	struct summaries *summaries; /* NULL: unanswered SYNs that are evicted are reported like other flows */
};

#include "../include/engine.h"

struct table_lock {
	char nothing;
};

INLINE __u64 *table_tags(struct table *table, __u32 bucket) { return &table->tags[bucket]; }
INLINE struct flow_bucket *table_flows(struct table *table, __u32 bucket) { return &table->flows[bucket]; }
INLINE struct facts_bucket *table_facts(struct table *table, __u32 bucket) { return &table->facts[bucket]; }

INLINE __u64 *table_next_look(struct table *table, __u32 bucket) { return table->looks ? &table->looks[bucket] : NULL; }

INLINE struct table_lock *table_lock_of(struct table *table, __u32 place)
{
	static struct table_lock lock;

	(void)table;
	(void)place;
	return &lock;
}

INLINE void table_lock(struct table_lock *lock) { (void)lock; }
INLINE void table_unlock(struct table_lock *lock) { (void)lock; }

INLINE struct service_set *table_services(struct table *table, __u32 set)
{
	return table->services ? &table->services[set] : NULL;
}

INLINE struct table_lock *table_services_lock(struct table *table, __u32 set) { return table_lock_of(table, set); }

INLINE struct departure *table_departure(struct table *table)
{
	static struct departure departure; /* one thread */

	(void)table;
	return &departure;
}

INLINE struct report *report_reserve(struct table *table) { return table->submit ? &table->out.report : NULL; }

INLINE void report_submit(struct report *report)
{
	const struct table *table = ((struct table_report *)report)->table; /* its first member */

	table->submit(table->context, report);
}

INLINE void report_discard(struct report *report) { (void)report; }

INLINE struct summary *table_summary(struct table *table, const struct summary_key *key)
{
	return table->summaries ? summaries_at(table->summaries, key) : NULL;
}

INLINE void clock_exact(struct segment *seg) { (void)seg; }

/* ------------------------------------------------------------------------------------------------------------- */

enum { HUGE_MAX = 256 << 20 };

static inline void *table_map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	/* Fewer page misses. In a large table, whose facts SYNs without answer never touch, they would be memory for
	 * nothing. */
	if (size <= HUGE_MAX)
		madvise(at, size, MADV_HUGEPAGE);
	return at;
}

/* Releases what was opened; legal on a zeroed or half-open table. */
static inline void table_close(struct table *table)
{
	size_t buckets = shape_buckets(&table->shape);

	if (table->tags)
		munmap(table->tags, buckets * sizeof(*table->tags));
	if (table->flows)
		munmap(table->flows, buckets * sizeof(*table->flows));
	if (table->facts)
		munmap(table->facts, buckets * sizeof(*table->facts));
	if (table->services)
		munmap(table->services, SERVICE_SETS * sizeof(*table->services));
	table->tags = NULL;
	table->flows = NULL;
	table->facts = NULL;
	table->services = NULL;
}

/* Memory for table->shape, which the caller has set (sizing.h). Returns 0 or -errno. */
static inline int table_open(struct table *table)
{
	size_t buckets = shape_buckets(&table->shape);

	table->out.table = table;
	table->tags = table_map(buckets * sizeof(*table->tags));
	table->flows = table_map(buckets * sizeof(*table->flows));
	table->facts = table_map(buckets * sizeof(*table->facts));
	table->services = table_map(SERVICE_SETS * sizeof(*table->services));
	if (table->tags && table->flows && table->facts && table->services)
		return 0;
	table_close(table);
	return -ENOMEM;
}

#endif
