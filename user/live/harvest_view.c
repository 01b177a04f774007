/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Open flows for the screen: a glance at each that moved, whole records only where the view wants them. */
#include "../../include/glance.h"
#include "clocks.h"
#include "harvest.h"

/* Never 0. */
static __u32 identity_of(const struct flow *flow) { return glance_identity(flow) + 1; }

/* Which of the eight octets are not 0. */
static __u8 occupied(__u64 tags)
{
	__u8 ways = 0;

	for (int way = 0; way < WAYS; way++, tags >>= 8)
		ways |= (__u8)((tags & 0xff ? 1 : 0) << way);
	return ways;
}

static void glance_at_flow(const struct mapping *mapping, struct view *view, __u32 bucket, __u32 way)
{
	const struct flow *flow = &mapping->flows[bucket].way[way];
	__u32 slot = bucket * WAYS + way, identity = identity_of(flow);
	__u64 last_ns = glance_last_ns(flow);
	struct glance glance;

	if (!view_moved(view, slot, identity, last_ns))
		return;
	glance_take(&glance, flow, &mapping->facts[bucket].way[way]);
	view_glance(view, slot, identity, last_ns, &glance);
}

static void glance_at_all(const struct mapping *mapping, struct view *view)
{
	for (__u32 bucket = 0; bucket < mapping->buckets; bucket++) {
		__u32 ways = occupied(mapping->tags[bucket]);

		view_present(view, bucket * WAYS, (__u8)ways);
		for (; ways; ways &= ways - 1)
			glance_at_flow(mapping, view, bucket, (__u32)__builtin_ctz(ways));
	}
}

/* A copy, good until the next call; NULL: it is not there any more. */
static const struct report *report_of(const struct harvest *harvest, __u32 row, __u32 identity)
{
	const struct mapping *mapping = &harvest->mapping;
	__u32 bucket = row / WAYS, way = row % WAYS;
	static struct report report; /* too large for a stack */

	if (bucket >= mapping->buckets || !(mapping->tags[bucket] >> (way * 8) & 0xff))
		return NULL;
	report.flow = mapping->flows[bucket].way[way];
	report.facts = mapping->facts[bucket].way[way];
	report.reason = END_OPEN;
	return identity_of(&report.flow) == identity ? &report : NULL;
}

bool harvest_view_record(const struct harvest *harvest, __u32 row, __u32 identity, struct record *record)
{
	const struct report *report = report_of(harvest, row, identity);

	if (report)
		harvest_record(harvest, record, report);
	return report;
}

bool harvest_view_key(const struct harvest *harvest, __u32 row, __u32 identity, struct flow_key *key, __u64 *start_ns)
{
	const struct report *report = report_of(harvest, row, identity);

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

	for (__u32 i = 0; i < view->slots; i++, slot = slot + 1 < view->slots ? slot + 1 : 0)
		if (view_wants(view, slot) && harvest_view_record(harvest, slot, view->rows[slot].identity, &record))
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
