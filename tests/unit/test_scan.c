/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The screen's scan of a table, over plain memory: every flow is seen, wherever it lies; one that stands still is not
 * looked at again; records come for those that moved, in turn. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../user/live/harvest.h"
#include "../../user/screen/view_column.h"
#include "random.h"

enum { BUCKETS = 2048, SLOTS = BUCKETS * WAYS };

struct plain {
	struct sweep_call sweep;
	__u64 tags[BUCKETS];
	struct flow_bucket flows[BUCKETS];
	struct facts_bucket facts[BUCKETS];
};

/* What the scan, and the sweep (test_sweep.c), ask of the rest of the live source: nothing, but that records can be told
 * apart. */
int loader_map(const struct loader *loader, const char *name)
{
	(void)loader;
	(void)name;
	abort();
}

void harvest_record(const struct harvest *harvest, struct record *record, const struct report *report)
{
	(void)harvest;
	*record = (struct record){ .start_ns = (__s64)report->facts.start_ns,
				   .end_reason = (enum end_reason)report->reason };
}

static struct flow *flow_at(struct plain *plain, __u32 slot) { return &plain->flows[slot / WAYS].way[slot % WAYS]; }

static struct facts *facts_at(struct plain *plain, __u32 slot) { return &plain->facts[slot / WAYS].way[slot % WAYS]; }

static void put(struct plain *plain, __u32 slot, __u64 at_ns)
{
	struct facts *facts = facts_at(plain, slot);
	struct flow *flow = flow_at(plain, slot);

	plain->tags[slot / WAYS] |= (__u64)(1 + slot % 255) << slot % WAYS * 8;
	flow->hash = slot * 3;
	flow->standing = SLOT_OPEN;
	flow->tally[slot % 2].time_ns = at_ns;
	flow->tally[0].totals = 2;
	flow->tally[0].payload_bytes = 100;
	flow->tally[1].totals = 1;
	flow->tally[1].payload_bytes = slot;
	facts->start_ns = slot;
	facts->half[0].packets = slot;
	facts->half[1].payload_bytes = 7;
	facts->half[0].analysis[ANALYSIS_RETRANSMITS] = 1;
	facts->half[1].analysis[ANALYSIS_SPURIOUS_RETRANSMITS] = slot % 4;
}

static struct harvest open(struct plain **plain, struct view *view)
{
	*plain = calloc(1, sizeof(**plain));
	cr_assert(*plain);
	cr_assert_eq(view_open(view, SLOTS), 0);
	return (struct harvest){ .mapping = { .tags = (*plain)->tags,
					      .sweep = &(*plain)->sweep,
					      .flows = (*plain)->flows,
					      .facts = (*plain)->facts,
					      .buckets = BUCKETS } };
}

static void expect_row(const struct view *view, __u32 slot)
{
	const struct view_row *row = &view->rows[slot];

	cr_assert(row->live, "slot %u", slot);
	cr_assert_eq(row->packets, slot + 3);
	cr_assert_eq(row->payload_bytes, slot + 107);
	cr_assert_eq(row->resent, 1 + slot % 4);
}

Test(scan, sees_every_flow_and_nothing_else)
{
	struct random random = { 11 };
	bool there[SLOTS] = { [0] = true, [SLOTS - 1] = true };
	struct harvest harvest;
	struct plain *plain;
	struct view view;
	__u32 live = 0;

	harvest = open(&plain, &view);
	for (__u32 slot = 0; slot < SLOTS; slot++) {
		there[slot] |= random_below(&random, SLOTS) < slot; /* few in a bucket, then many */
		live += there[slot];
		if (there[slot])
			put(plain, slot, 5);
	}
	harvest_view(&harvest, &view, false);
	cr_expect_eq(view.live, live);
	for (__u32 slot = 0; slot < SLOTS; slot++) {
		if (there[slot])
			expect_row(&view, slot);
		else
			cr_assert(!view.rows[slot].live);
	}
	view_close(&view);
	free(plain);
}

Test(scan, looks_again_at_what_moved)
{
	const __u32 still = 12, moved = 13, gone = SLOTS - 1, closed = SLOTS - 8;
	struct harvest harvest;
	struct plain *plain;
	struct view view;

	harvest = open(&plain, &view);
	put(plain, still, 5);
	put(plain, moved, 5);
	put(plain, gone, 5);
	put(plain, closed, 5);
	harvest_view(&harvest, &view, false);
	flow_at(plain, still)->tally[0].totals += 1; /* which the time would have told */
	flow_at(plain, moved)->tally[0].totals += 1;
	flow_at(plain, moved)->tally[1].time_ns = 6;
	flow_at(plain, closed)->half[1].bits |= HALF_RST;
	flow_at(plain, closed)->tally[1].time_ns = 6;
	plain->tags[gone / WAYS] &= ~0ULL >> 8;
	harvest_view(&harvest, &view, false);
	cr_expect_eq(view.live, 3);
	cr_expect_eq(view.over, 1);
	expect_row(&view, still);
	cr_expect_eq(view.rows[moved].packets, moved + 4);
	cr_expect_gt(view.rows[moved].packet_rate, 0);
	cr_expect_eq(view.rows[gone].live, 0);
	view_close(&view);
	free(plain);
}

static void key_of_start(struct view_key *key, const struct view_row *row, const struct record *record)
{
	(void)row;
	cr_assert_eq(record->end_reason, END_OPEN);
	*key = (struct view_key){ { (__u64)record->start_ns + 1 } };
}

Test(scan, brings_records_in_turn)
{
	const struct view_order order = { .key = key_of_start };
	struct harvest harvest;
	struct plain *plain;
	struct view view;
	__u32 known = 0;

	harvest = open(&plain, &view);
	view_order_by(&view, &order); /* a whole round is due, of none as yet */
	harvest_view(&harvest, &view, false);
	for (__u32 slot = 0; slot < SLOTS; slot += 2)
		put(plain, slot, 5);
	for (int scan = 1; scan * VIEW_RECORDS_A_SCAN <= SLOTS / 2; scan++) {
		harvest_view(&harvest, &view, false);
		known = 0;
		for (__u32 slot = 0; slot < SLOTS; slot++)
			known += view.keys[slot].word[0] == slot + 1 && !view.rows[slot].stale;
		cr_assert_eq(known, (__u32)scan * VIEW_RECORDS_A_SCAN);
	}
	cr_expect_eq(known, SLOTS / 2);
	view_close(&view);
	free(plain);
}

static bool is_even(void *context, const struct record *record)
{
	(void)context;
	return record->start_ns % 2 == 0;
}

static bool is_odd(void *context, const struct record *record) { return !is_even(context, record); }

/* While the picture stands still: of those in it one stays, one goes, one has its key used anew, one is handed over. */
Test(scan, what_has_gone_matches_no_other_filter)
{
	const __u32 stays = 13, gone = 21, anew = 31, handed = 41;
	struct harvest harvest;
	struct record record;
	struct plain *plain;
	struct view view;

	harvest = open(&plain, &view);
	put(plain, stays, 5);
	put(plain, gone, 5);
	put(plain, anew, 5);
	put(plain, handed, 5);
	view_match_by(&view, is_odd, NULL);
	harvest_view(&harvest, &view, false);
	view_settle(&view, 10);
	cr_assert_eq(view.matching, 4);
	plain->tags[gone / WAYS] = 0;
	facts_at(plain, anew)->start_ns = NS_PER_SEC;
	flow_at(plain, anew)->tally[0].time_ns = NS_PER_SEC;
	flow_at(plain, handed)->standing = SLOT_HANDED;
	cr_expect(harvest_view_record(&harvest, &view, stays, view.rows[stays].identity, &record));
	cr_expect_not(harvest_view_record(&harvest, &view, anew, view.rows[anew].identity, &record));
	view_order_by(&view, &(struct view_order){ .key = key_of_start });
	harvest_view(&harvest, &view, true);
	view_settle(&view, 10);
	cr_expect_eq(view.matching, 4, "%u rows match as before in another order", view.matching);
	view_match_by(&view, is_even, NULL);
	harvest_view(&harvest, &view, true);
	view_settle(&view, 10);
	cr_expect_eq(view.matching, 0, "%u rows match that nobody can judge", view.matching);
	view_match_by(&view, is_odd, NULL);
	harvest_view(&harvest, &view, true);
	view_settle(&view, 10);
	cr_expect_eq(view.matching, 1);
	cr_expect_eq(view.sight[0], stays);
	view_match_by(&view, NULL, NULL);
	harvest_view(&harvest, &view, true);
	view_settle(&view, 10);
	cr_expect_eq(view.matching, 4, "without a filter all of the picture is there");
	view_close(&view);
	free(plain);
}
