/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "view_rank.h"

#include <stdlib.h>

static void entry_make(struct view_entry *entry, const struct view *view, __u32 number)
{
	const struct view_row *row = &view->rows[number];

	entry->row = number;
	entry->key = row->key;
	if (view->order.key && view->order.of_row)
		view->order.key(&entry->key, row, NULL);
	if (view->order.descending) {
		entry->key.word[0] = ~entry->key.word[0];
		entry->key.word[1] = ~entry->key.word[1];
		entry->key.third = ~entry->key.third;
	}
}

/* Rows with one key stand by their numbers, so that the order is total and nothing dances. */
static bool entry_less(const struct view_entry *x, const struct view_entry *y)
{
	if (x->key.word[0] != y->key.word[0])
		return x->key.word[0] < y->key.word[0];
	if (x->key.word[1] != y->key.word[1])
		return x->key.word[1] < y->key.word[1];
	if (x->key.third != y->key.third)
		return x->key.third < y->key.third;
	return x->row < y->row;
}

static int entry_compare(const void *x, const void *y) { return entry_less(x, y) ? -1 : entry_less(y, x); }

bool view_rank_includes(const struct view *view, __u32 row)
{
	return view->rows[row].live && view->rows[row].matches && !(view->hide_ended && row >= view->slots);
}

void view_rank(struct view *view)
{
	__u32 rows = view->slots + VIEW_ENDED;

	view->matching = 0;
	for (__u32 row = 0; row < rows; row++)
		if (view_rank_includes(view, row))
			entry_make(&view->entries[view->matching++], view, row);
}

__u32 view_rank_of(const struct view *view, __u32 row)
{
	struct view_entry self;
	__u32 before = 0;

	entry_make(&self, view, row);
	for (__u32 i = 0; i < view->matching; i++)
		before += entry_less(&view->entries[i], &self);
	return before;
}

static void swap(struct view_entry *x, struct view_entry *y)
{
	struct view_entry z = *x;

	*x = *y;
	*y = z;
}

/* The median of three, to begin with: rows often come in order. */
static struct view_entry pivot(const struct view_entry *entries, __u32 low, __u32 high)
{
	const struct view_entry *a = &entries[low], *b = &entries[low + (high - low) / 2], *c = &entries[high];

	if (entry_less(a, b))
		return *(entry_less(b, c) ? b : entry_less(a, c) ? c : a);
	return *(entry_less(a, c) ? a : entry_less(b, c) ? c : b);
}

/* Moves the entry that belongs at `place` there, lesser ones before it and greater ones behind (Hoare's selection). */
static void select_place(struct view_entry *entries, __u32 count, __u32 place)
{
	__u32 low = 0, high = count - 1;

	while (low < high) {
		struct view_entry middle = pivot(entries, low, high);
		__u32 up = low, down = high;

		for (;;) {
			while (entry_less(&entries[up], &middle))
				up++;
			while (entry_less(&middle, &entries[down]))
				down--;
			if (up >= down)
				break;
			swap(&entries[up++], &entries[down--]);
		}
		if (place <= down)
			high = down;
		else
			low = down + 1;
	}
}

__u32 view_rank_nth(struct view *view, __u32 place)
{
	select_place(view->entries, view->matching, place);
	return view->entries[place].row;
}

__u32 view_rank_window(struct view *view, __u32 first, __u32 count, __u32 *rows)
{
	struct view_entry *window = view->entries + first;
	__u32 left = first < view->matching ? view->matching - first : 0;

	if (count > left)
		count = left;
	if (!count)
		return 0;
	if (first)
		select_place(view->entries, view->matching, first);
	if (count < left)
		select_place(window, left, count);
	qsort(window, count, sizeof(*window), entry_compare);
	for (__u32 i = 0; i < count; i++)
		rows[i] = window[i].row;
	return count;
}
