/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "view.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "view_rank.h"

enum { HUGE_PAGE = 1 << 21 };

/* A scan touches every row: of a large table that is faster on huge pages, if the kernel has them to give. */
static void prefer_huge_pages(void *memory, size_t size)
{
	uintptr_t begin = ((uintptr_t)memory + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1),
		  end = ((uintptr_t)memory + size) & ~(uintptr_t)(HUGE_PAGE - 1);

	if (memory && begin < end)
		madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

int view_open(struct view *view, __u32 slots)
{
	size_t rows = (size_t)slots + VIEW_ENDED;

	*view = (struct view){ .slots = slots, .picked = VIEW_NONE };
	view->rows = calloc(rows, sizeof(*view->rows));
	view->occupied = calloc(slots / 8 + 1, 1);
	view->ended = calloc(VIEW_ENDED, sizeof(*view->ended));
	view->later = calloc(VIEW_ENDED, sizeof(*view->later));
	view->keys = calloc(rows, sizeof(*view->keys));
	view->ranked = malloc(rows * sizeof(*view->ranked));
	prefer_huge_pages(view->rows, rows * sizeof(*view->rows));
	if (view->rows && view->keys && view->occupied && view->ended && view->later && view->ranked)
		return 0;
	view_close(view);
	return -ENOMEM;
}

void view_close(struct view *view)
{
	free(view->rows);
	free(view->occupied);
	free(view->ended);
	free(view->later);
	free(view->keys);
	free(view->ranked);
	*view = (struct view){ 0 };
}

/* ---- ended flows ---- */

static __u32 resent(__u64 segments) { return segments < VIEW_RESENT_MAX ? (__u32)segments : VIEW_RESENT_MAX; }

static void take_record(struct view *view, __u32 number, const struct record *record)
{
	struct view_row *row = &view->rows[number];

	row->stale = false;
	row->matches = !view->match || view->match(view->match_context, record);
	if (view->order.key && !view->order.of_row)
		view->order.key(&view->keys[number], row, record);
}

static void take_ended(struct view *view, const struct record *record)
{
	__u32 at = (__u32)(view->ended_count % VIEW_ENDED);
	struct view_row *row = &view->rows[view->slots + at];

	view->ended[at] = *record;
	*row = (struct view_row){
		.identity = (__u32)++view->ended_count,
		.live = true,
		.packets = record->client.packets + record->server.packets,
		.payload_bytes = record->client.payload_bytes + record->server.payload_bytes,
		.last_ns = (__u64)record->end_ns,
	};
	row->resent = resent(ANALYSIS_RESENT(record->client.analysis) + ANALYSIS_RESENT(record->server.analysis));
	take_record(view, view->slots + at, record);
}

/* As if they ended now: their rows of the table are about to leave the picture. */
static void take_all_ended(struct view *view)
{
	__u64 first = view->later_count > VIEW_ENDED ? view->later_count - VIEW_ENDED : 0;

	for (__u64 i = first; i < view->later_count; i++)
		take_ended(view, &view->later[i % VIEW_ENDED]);
	view->later_count = 0;
}

void view_end(struct view *view, const struct record *record)
{
	view->later[view->later_count++ % VIEW_ENDED] = *record;
}

const struct record *view_ended(const struct view *view, __u32 row)
{
	return row != VIEW_NONE && row >= view->slots ? &view->ended[row - view->slots] : NULL;
}

/* ---- scan ---- */

bool view_wants_records(const struct view *view) { return view->match || (view->order.key && !view->order.of_row); }

void view_scan_begin(struct view *view, __u64 now_ns)
{
	view->interval_ns = view->now_ns && now_ns > view->now_ns ? now_ns - view->now_ns : 0;
	view->now_ns = now_ns;
	view->live = 0;
	if (!view->records_left) /* else all of them, as was asked */
		view->records_left = VIEW_RECORDS_A_SCAN;
	take_all_ended(view);
}

void view_present(struct view *view, __u32 first, __u8 ways)
{
	__u32 gone = view->occupied[first / 8] & ~ways;

	view->occupied[first / 8] = ways;
	view->live += (__u32)__builtin_popcount(ways);
	for (; gone; gone &= gone - 1) {
		struct view_row *row = &view->rows[first + (__u32)__builtin_ctz(gone)];

		view->over -= row->over;
		*row = (struct view_row){ 0 };
	}
}

bool view_moved(struct view *view, __u32 slot, __u32 identity, __u64 last_ns)
{
	struct view_row *row = &view->rows[slot];

	if (!row->live || row->identity != identity || row->last_ns != last_ns)
		return true;
	row->packet_rate = row->byte_rate = 0;
	return false;
}

static __u32 rate(const struct view *view, __u64 before, __u64 now)
{
	double a_second = view->interval_ns ? (double)(now - before) * NS_PER_SEC / (double)view->interval_ns : 0;

	return a_second < (double)~0U ? (__u32)a_second : ~0U;
}

void view_glance(struct view *view, __u32 slot, __u32 identity, __u64 last_ns, const struct glance *glance)
{
	struct view_row *row = &view->rows[slot];
	__u32 was_over = row->over;

	/* Fewer packets than before: its key was used anew, in the slot that its predecessor left. */
	if (!row->live || row->identity != identity || glance->packets < row->packets)
		*row = (struct view_row){ .identity = identity, .live = true };
	if (was_over | glance->over) { /* of few */
		view->over += glance->over - was_over;
		row->over = glance->over;
	}
	row->packet_rate = rate(view, row->packets, glance->packets);
	row->byte_rate = rate(view, row->payload_bytes, glance->payload_bytes);
	row->last_ns = last_ns;
	row->packets = glance->packets;
	row->payload_bytes = glance->payload_bytes;
	row->resent = resent(glance->resent);
	row->stale = view_wants_records(view);
	row->matches |= !view->match;
}

bool view_wants(struct view *view, __u32 slot)
{
	if (!view->rows[slot].live || !view->rows[slot].stale)
		return false;
	if (view->records_left) {
		view->resume = slot + 1 < view->slots ? slot + 1 : 0;
		return true;
	}
	return false;
}

void view_record(struct view *view, __u32 slot, const struct record *record)
{
	if (view->records_left != ~0U)
		view->records_left--;
	take_record(view, slot, record);
}

void view_scan_end(struct view *view) { view->records_left = 0; }

/* ---- what the user does ---- */

/* Keys and matches of all rows are to be made anew. */
static void restale(struct view *view)
{
	bool wants = view_wants_records(view);

	for (__u32 i = 0; i < view->slots; i++)
		view->rows[i].stale = wants && view->rows[i].live;
	for (__u32 i = 0; i < VIEW_ENDED; i++)
		if (view->rows[view->slots + i].live)
			take_record(view, view->slots + i, &view->ended[i]);
	view->records_left = ~0U;
}

void view_order_by(struct view *view, const struct view_order *order)
{
	bool anew = order->key != view->order.key && !order->of_row;

	view->order = *order;
	if (!anew)
		return;
	/* What is gone, and so has no record, has no key of another order either. */
	for (__u32 i = 0; i < view->slots; i++)
		if (view->rows[i].live)
			view->keys[i] = (struct view_key){ 0 };
	restale(view);
}

void view_match_by(struct view *view, bool (*match)(void *context, const struct record *record), void *context)
{
	view->match = match;
	view->match_context = context;
	/* What is gone, and so cannot be judged, does not match for having matched another filter. */
	for (__u32 i = 0; i < view->slots; i++)
		view->rows[i].matches = !match;
	restale(view);
}

static void pick(struct view *view, __u32 place)
{
	view->cursor = place;
	view->follows = true;
	view->picked = VIEW_NONE;
	if (place >= view->matching)
		return;
	view->picked = view_rank_nth(view, place);
	view->picked_identity = view->rows[view->picked].identity;
}

void view_move(struct view *view, int rows)
{
	__s64 place = (__s64)view->cursor + rows, last = (__s64)view->matching - 1;

	place = place > last ? last : place;
	if (view->matching)
		pick(view, place < 0 ? 0 : (__u32)place);
}

void view_move_to_end(struct view *view)
{
	if (view->matching)
		pick(view, view->matching - 1);
}

void view_move_home(struct view *view)
{
	view->cursor = view->first = 0;
	view->follows = false;
}

/* Where the picked flow stands now; if it has left, the cursor stays where it is, on another. */
static void find_picked(struct view *view)
{
	const struct view_row *row = view->picked == VIEW_NONE ? NULL : &view->rows[view->picked];

	if (view->follows && row && row->live && row->identity == view->picked_identity &&
	    view_rank_includes(view, view->picked))
		view->cursor = view_rank_of(view, view->picked);
	else if (!view->follows)
		view->cursor = 0;
	if (view->cursor >= view->matching)
		view->cursor = view->matching ? view->matching - 1 : 0;
}

void view_settle(struct view *view, __u32 height)
{
	__u32 last;

	height = height < VIEW_SIGHT ? height : VIEW_SIGHT;
	view->height = height;
	view_rank(view);
	find_picked(view);
	last = view->matching > height ? view->matching - height : 0;
	if (view->cursor < view->first)
		view->first = view->cursor;
	if (height && view->cursor >= view->first + height)
		view->first = view->cursor - height + 1;
	if (view->first > last)
		view->first = last;
	view->shown = view_rank_window(view, view->first, height, view->sight);
	view->picked = view->cursor - view->first < view->shown ? view->sight[view->cursor - view->first] : VIEW_NONE;
	if (view->picked != VIEW_NONE)
		view->picked_identity = view->rows[view->picked].identity;
}
