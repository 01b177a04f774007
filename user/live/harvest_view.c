/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Open flows for the screen: a glance at each that moved, whole records only where the view wants them. */
#include "../../include/glance.h"
#include "../../include/tags.h"
#include "clocks.h"
#include "harvest.h"

enum {
	AHEAD = 3,	      /* buckets: so long it takes a line to come */
	COARSE_NS = 10000000, /* so far the clock of most segments may be behind that of a first one: a tick */
};

/* Never 0. */
static __u32 identity_of(const struct flow *flow) { return glance_identity(flow) + 1; }

/* ---- a glance at every flow. Each reads cache lines that are far from the next flow's, so what a bucket needs is made
 * to come while those before it are looked at: first what tells whether a flow moved, then the rest of those that did. ---- */

static void expect_flows(const struct mapping *mapping, __u32 bucket)
{
	__u32 ways = bucket < mapping->buckets ? tags_taken(mapping->tags[bucket]) : 0;

	for (; ways; ways &= ways - 1) {
		const struct flow *flow = &mapping->flows[bucket].way[__builtin_ctz(ways)];

		__builtin_prefetch(flow);
		__builtin_prefetch(&flow->tally[0]);
		__builtin_prefetch(&flow->tally[1]);
	}
}

static void expect_rest(const struct facts *facts)
{
	for (int i = 0; i < 2; i++)
		__builtin_prefetch(&facts->half[i]);
}

/* Which ways have a flow that was not handed over. */
static __u32 still_open(const struct mapping *mapping, __u32 bucket)
{
	const __u64 tags = mapping->tags[bucket];
	__u32 open = 0;

	for (__u32 ways = tags_taken(tags); ways; ways &= ways - 1) {
		__u32 way = (__u32)__builtin_ctz(ways);

		open |= (__u32)handover_is_open(tags, &mapping->flows[bucket].way[way], way) << way;
	}
	return open;
}

/* Which ways of a bucket have a flow that moved. */
static __u32 find_moved(const struct mapping *mapping, struct view *view, __u32 bucket)
{
	__u32 ways = still_open(mapping, bucket), moved = 0;

	view_present(view, bucket * WAYS, (__u8)ways);
	for (; ways; ways &= ways - 1) {
		__u32 way = (__u32)__builtin_ctz(ways);
		const struct flow *flow = &mapping->flows[bucket].way[way];

		if (!view_moved(view, bucket * WAYS + way, identity_of(flow), flow_last_ns(flow)))
			continue;
		expect_rest(&mapping->facts[bucket].way[way]);
		moved |= 1U << way;
	}
	return moved;
}

static void glance_at(const struct mapping *mapping, struct view *view, __u32 bucket, __u32 ways)
{
	for (; ways; ways &= ways - 1) {
		__u32 way = (__u32)__builtin_ctz(ways);
		const struct flow *flow = &mapping->flows[bucket].way[way];
		__u64 last_ns = flow_last_ns(flow);
		__u32 identity = identity_of(flow);
		struct glance glance;

		__atomic_thread_fence(__ATOMIC_ACQUIRE); /* what counts after that time shows at the next scan */
		glance_take(&glance, flow, &mapping->facts[bucket].way[way]);
		view_glance(view, bucket * WAYS + way, identity, last_ns, &glance);
	}
}

static void glance_at_all(const struct mapping *mapping, struct view *view)
{
	__u32 moved = 0;

	for (__u32 bucket = 0; bucket < mapping->buckets; bucket++) {
		__u32 before = moved;

		expect_flows(mapping, bucket + AHEAD);
		moved = find_moved(mapping, view, bucket);
		if (bucket)
			glance_at(mapping, view, bucket - 1, before);
	}
	glance_at(mapping, view, mapping->buckets - 1, moved);
}

/* ---- records ---- */

/* Did it begin behind the last segment of the row's flow? Then it is the next connection of the same key. */
static bool is_later(const struct view_row *row, const struct facts *facts)
{
	return facts->start_ns > row->last_ns + COARSE_NS;
}

/* A copy, good until the next call; NULL: it is not there any more. */
static const struct report *report_of(const struct harvest *harvest, const struct view *view, __u32 row, __u32 identity)
{
	const struct mapping *mapping = &harvest->mapping;
	__u32 bucket = row / WAYS, way = row % WAYS;
	static struct report report; /* too large for a stack */

	if (bucket >= mapping->buckets ||
	    !handover_is_open(mapping->tags[bucket], &mapping->flows[bucket].way[way], way))
		return NULL;
	return mapping_copy(mapping, bucket, way, &report) && identity_of(&report.flow) == identity &&
			       !is_later(&view->rows[row], &report.facts)
		       ? &report
		       : NULL;
}

bool harvest_view_record(const struct harvest *harvest, const struct view *view, __u32 row, __u32 identity,
			 struct record *record)
{
	const struct report *report = report_of(harvest, view, row, identity);

	if (report)
		harvest_record(harvest, record, report);
	return report;
}

bool harvest_view_key(const struct harvest *harvest, const struct view *view, __u32 row, __u32 identity,
		      struct flow_key *key, __u64 *start_ns)
{
	const struct report *report = report_of(harvest, view, row, identity);

	if (report) {
		*key = report->facts.key;
		*start_ns = report->facts.start_ns;
	}
	return report;
}

static void bring_records(const struct harvest *harvest, struct view *view)
{
	__u32 slot = view->resume;
	struct record record;

	for (__u32 i = 0; i < view->slots && view->records_left; i++, slot = slot + 1 < view->slots ? slot + 1 : 0)
		if (view_wants(view, slot) &&
		    harvest_view_record(harvest, view, slot, view->rows[slot].identity, &record))
			view_record(view, slot, &record);
}

void harvest_view(const struct harvest *harvest, struct view *view, bool paused)
{
	if (!paused) {
		view_scan_begin(view, clock_ns(CLOCK_MONOTONIC));
		glance_at_all(&harvest->mapping, view);
	}
	if (view_wants_records(view))
		bring_records(harvest, view);
	view_scan_end(view);
}
