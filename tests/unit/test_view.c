/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The model behind the screen: ranking against a plain sort, rates, the cursor, the filter, flows that end. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../user/screen/view.h"
#include "../../user/screen/view_column.h"
#include "random.h"

enum { SLOTS = 4096, HEIGHT = 20, SECOND = 1000000000 };

static struct view_order by_bytes(bool descending)
{
	for (int i = 0; i < VIEW_COLUMNS; i++)
		if (!strcmp(view_columns[i].head, "BYTES"))
			return (struct view_order){ .key = view_columns[i].key,
						    .of_row = view_columns[i].of_row,
						    .descending = descending };
	abort();
}

static struct record record_of(__u32 number)
{
	struct record record = { .start_ns = number, .ip_version = 4 };

	record.client.port = (__u16)number;
	record.client.payload_bytes = number;
	return record;
}

static void glance(struct view *view, __u32 slot, __u64 at_ns, __u64 packets, __u64 bytes)
{
	const struct glance glance = { .packets = packets, .payload_bytes = bytes };

	view_present(view, slot / 8 * 8, (__u8)(view->occupied[slot / 8] | 1 << slot % 8));
	if (view_moved(view, slot, slot + 1, at_ns))
		view_glance(view, slot, slot + 1, at_ns, &glance);
}

static void bring_records(struct view *view)
{
	for (__u32 slot = 0; slot < view->slots; slot++) {
		struct record record = record_of(slot);

		if (view_wants_records(view) && view_wants(view, slot))
			view_record(view, slot, &record);
	}
	view_scan_end(view);
}

static int compare(const void *one, const void *other)
{
	const __u64 *x = one, *y = other;

	return *x < *y ? -1 : *x > *y;
}

/* The number of bytes and the slot in one word: what the order must be, least first. */
static void fill(struct view *view, __u64 *expected, struct random *random)
{
	view_scan_begin(view, SECOND);
	for (__u32 slot = 0; slot < SLOTS; slot++) {
		__u64 bytes = random_below(random, 100); /* many are equal */

		expected[slot] = bytes << 32 | slot;
		glance(view, slot, 1, 1, bytes);
	}
	view_scan_end(view);
	qsort(expected, SLOTS, sizeof(*expected), compare);
}

Test(view, every_window_is_that_of_a_sort)
{
	static __u64 expected[SLOTS];
	struct random random = { 7 };
	struct view view;

	cr_assert_eq(view_open(&view, SLOTS), 0);
	view_order_by(&view, &(struct view_order){ by_bytes(false).key, true, false });
	fill(&view, expected, &random);
	view_settle(&view, HEIGHT);
	cr_expect_eq(view.matching, SLOTS);
	for (int round = 0; round < 400; round++) {
		const int reach = round % 2 ? SLOTS
					    : 2 * VIEW_SIGHT; /* anywhere, or about where windows are gathered */

		if (reach < SLOTS)
			view_move_home(&view);
		view_move(&view, (int)random_below(&random, (__u32)reach) - (reach < SLOTS ? 0 : SLOTS / 2));
		view_settle(&view, HEIGHT);
		cr_assert(view.cursor >= view.first && view.cursor < view.first + HEIGHT);
		cr_assert_eq(view.shown, HEIGHT);
		for (__u32 i = 0; i < view.shown; i++)
			cr_assert_eq(view.sight[i], (__u32)expected[view.first + i]);
		cr_assert_eq(view.picked, view.sight[view.cursor - view.first]);
	}
	view_move_to_end(&view);
	view_settle(&view, HEIGHT);
	cr_expect_eq(view.rows[view.picked].payload_bytes, expected[SLOTS - 1] >> 32);
	view_close(&view);
}

Test(view, descending_turns_the_order_round)
{
	struct view view;

	cr_assert_eq(view_open(&view, 8), 0);
	view_order_by(&view, &(struct view_order){ by_bytes(true).key, true, true });
	view_scan_begin(&view, SECOND);
	for (__u32 slot = 0; slot < 8; slot++)
		glance(&view, slot, 1, 1, slot * 10);
	view_scan_end(&view);
	view_settle(&view, 3);
	cr_expect_eq(view.sight[0], 7);
	cr_expect_eq(view.sight[2], 5);
	view_close(&view);
}

Test(view, rates_are_of_the_interval_and_fall_to_zero)
{
	struct view view;

	cr_assert_eq(view_open(&view, 8), 0);
	view_scan_begin(&view, 10ULL * SECOND);
	glance(&view, 3, 1, 100, 5000);
	view_scan_end(&view);
	cr_expect_eq(view.rows[3].packet_rate, 0); /* there was nothing to compare with */
	view_scan_begin(&view, 10ULL * SECOND + SECOND / 2);
	glance(&view, 3, 2, 150, 6000);
	cr_expect_eq(view.rows[3].packet_rate, 100);
	cr_expect_eq(view.rows[3].byte_rate, 2000);
	view_scan_begin(&view, 11ULL * SECOND);
	glance(&view, 3, 2, 150, 6000);
	cr_expect_eq(view.rows[3].packet_rate, 0);
	cr_expect_eq(view.live, 1);
	/* Another flow in the same slot under the same name: its counts begin anew. */
	view_scan_begin(&view, 12ULL * SECOND);
	glance(&view, 3, 3, 7, 70);
	cr_expect_eq(view.rows[3].packet_rate, 7);
	view_scan_begin(&view, 13ULL * SECOND);
	view_present(&view, 0, 0);
	view_scan_end(&view);
	view_settle(&view, 5);
	cr_expect_eq(view.live + view.matching, 0);
	cr_expect_eq(view.picked, VIEW_NONE);
	view_close(&view);
}

Test(view, the_cursor_stays_with_its_flow)
{
	struct view view;

	cr_assert_eq(view_open(&view, 64), 0);
	view_order_by(&view, &(struct view_order){ by_bytes(true).key, true, true });
	view_scan_begin(&view, SECOND);
	for (__u32 slot = 0; slot < 64; slot++)
		glance(&view, slot, 1, 1, slot);
	view_settle(&view, 10);
	view_move(&view, 3); /* 60 bytes */
	view_settle(&view, 10);
	cr_expect_eq(view.picked, 60);
	view_scan_begin(&view, 2ULL * SECOND);
	glance(&view, 60, 2, 2, 5); /* counted down only here: it is overtaken */
	glance(&view, 1, 2, 2, 1000);
	view_settle(&view, 10);
	cr_expect_eq(view.picked, 60);
	view_move_home(&view);
	view_settle(&view, 10);
	cr_expect_eq(view.picked, 1);
	view_close(&view);
}

static bool is_odd(void *context, const struct record *record)
{
	(void)context;
	return record->client.port % 2;
}

Test(view, a_filter_and_a_record_column_are_taken_up_at_once_however_many)
{
	struct view view;
	const struct view_column *client = &view_columns[0];

	cr_assert_eq(view_open(&view, 3 * VIEW_RECORDS_A_SCAN), 0);
	view_scan_begin(&view, SECOND);
	for (__u32 slot = 0; slot < view.slots; slot++)
		glance(&view, slot, 1, 1, slot);
	view_scan_end(&view);
	cr_expect_not(view_wants_records(&view));
	view_match_by(&view, is_odd, NULL);
	bring_records(&view);
	view_settle(&view, 4);
	cr_expect_eq(view.matching, view.slots / 2);
	view_order_by(&view, &(struct view_order){ .key = client->key, .descending = true });
	bring_records(&view);
	view_settle(&view, 4);
	cr_expect_eq(view.sight[0], view.slots - 1);
	view_match_by(&view, NULL, NULL);
	bring_records(&view);
	view_settle(&view, 4);
	cr_expect_eq(view.matching, view.slots);
	view_close(&view);
}

Test(view, records_of_flows_that_move_are_rationed_and_all_get_their_turn)
{
	static __u8 brought[3 * VIEW_RECORDS_A_SCAN];
	struct view view;
	__u32 in_all = 0;

	cr_assert_eq(view_open(&view, 3 * VIEW_RECORDS_A_SCAN), 0);
	view_match_by(&view, is_odd, NULL);
	view_scan_end(&view);
	for (int scan = 0; scan < 3; scan++) {
		__u32 count = 0, slot = view.resume;

		view_scan_begin(&view, (__u64)(scan + 1) * SECOND);
		for (__u32 i = 0; i < view.slots; i++)
			glance(&view, i, (__u64)scan + 1, (__u64)scan + 1, i);
		slot = view.resume;
		for (__u32 i = 0; i < view.slots; i++, slot = slot + 1 < view.slots ? slot + 1 : 0) {
			struct record record = record_of(slot);

			if (!view_wants(&view, slot))
				continue;
			view_record(&view, slot, &record);
			in_all += !brought[slot];
			brought[slot] = 1;
			count++;
		}
		view_scan_end(&view);
		cr_assert_eq(count, VIEW_RECORDS_A_SCAN);
	}
	cr_expect_eq(in_all, view.slots);
	view_close(&view);
}

Test(view, the_last_that_ended_are_kept_and_can_be_hidden)
{
	struct view view;

	cr_assert_eq(view_open(&view, 8), 0);
	view_order_by(&view, &(struct view_order){ by_bytes(true).key, true, true });
	for (__u32 i = 0; i < VIEW_ENDED + 10; i++) {
		struct record record = record_of(i);

		view_end(&view, &record);
	}
	view_scan_begin(&view, SECOND);
	view_settle(&view, 4);
	cr_expect_eq(view.matching, VIEW_ENDED);
	cr_assert_not_null(view_ended(&view, view.sight[0]));
	cr_expect_eq(view_ended(&view, view.sight[0])->client.port, VIEW_ENDED + 9);
	cr_expect_null(view_ended(&view, 3));
	view.hide_ended = true;
	view_settle(&view, 4);
	cr_expect_eq(view.matching, 0);
	view_close(&view);
}

Test(view, what_ends_replaces_its_open_row_at_the_next_scan_and_not_before)
{
	struct record record = record_of(3);
	struct view view;

	cr_assert_eq(view_open(&view, 8), 0);
	view_order_by(&view, &(struct view_order){ by_bytes(true).key, true, true });
	view_scan_begin(&view, SECOND);
	glance(&view, 3, 1, 1, 3);
	view_scan_end(&view);
	view_end(&view, &record);
	view_settle(&view, 4);
	cr_expect_eq(view.matching, 1, "one flow, %u rows", view.matching);
	cr_expect_eq(view.sight[0], 3);
	view_scan_begin(&view, 2ULL * SECOND);
	view_present(&view, 0, 0);
	view_scan_end(&view);
	view_settle(&view, 4);
	cr_expect_eq(view.matching, 1);
	cr_assert_not_null(view_ended(&view, view.sight[0]));
	cr_expect_eq(view_ended(&view, view.sight[0])->client.port, 3);
	view_close(&view);
}

Test(view, columns_fit_every_width_and_the_ordered_one_stays)
{
	int column[VIEW_COLUMNS], widths[VIEW_COLUMNS];

	for (int width = 40; width <= 250; width++) {
		for (int i = 0; i < 4 * VIEW_COLUMNS; i++) {
			int ordered = i / 4;
			int count = view_columns_choose(column, widths, width, ordered, i % 2, i & 2),
			    total = count - 1;
			bool there = false, interface = false;

			for (int place = 0; place < count; place++) {
				total += widths[place];
				there |= column[place] == ordered;
				interface |= column[place] == VIEW_COLUMN_INTERFACE;
			}
			cr_assert(!(i & 2) || width < 120 || interface, "no interface at %d", width);
			cr_assert(there, "%s at %d", view_columns[ordered].head, width);
			cr_assert(width < 49 || total <= width, "%d columns at %d by %s", total, width,
				  view_columns[ordered].head);
		}
	}
}

static void glance_over(struct view *view, __u32 slot, __u64 at_ns, bool over)
{
	const struct glance glance = { .packets = at_ns, .over = over };

	view_present(view, 0, (__u8)(view->occupied[0] | 1 << slot));
	if (view_moved(view, slot, slot + 1, at_ns))
		view_glance(view, slot, slot + 1, at_ns, &glance);
}

Test(view, counts_those_that_only_wait_to_be_reported)
{
	struct view view;

	cr_assert_eq(view_open(&view, 8), 0);
	for (__u32 slot = 0; slot < 3; slot++)
		glance_over(&view, slot, 1, false);
	cr_expect_eq(view.over, 0);
	glance_over(&view, 1, 2, true);
	glance_over(&view, 1, 3, true);
	glance_over(&view, 2, 2, true);
	cr_expect_eq(view.over, 2);
	view_present(&view, 0, 5); /* the second is swept */
	cr_expect_eq(view.over, 1);
	glance_over(&view, 2, 1, false); /* another flow in its slot */
	cr_expect_eq(view.over, 0);
	view_close(&view);
}
