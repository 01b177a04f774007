/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "view_rank.h"

enum { GATHERED = VIEW_SIGHT }; /* rows up to the end of a window: of more, a selection takes less time */

/* A row as it is compared. */
struct place {
	struct view_key key;
	__u32 row;
};

static struct place place_of(const struct view *view, __u32 number)
{
	struct place place = { .row = number };

	if (view->order.key && view->order.of_row)
		view->order.key(&place.key, &view->rows[number], NULL);
	else
		place.key = view->keys[number];
	return place;
}

/* Rows with one key stand by their numbers, whichever way the order goes, so that it is total and nothing dances. */
static bool is_less(const struct view *view, const struct place *x, const struct place *y)
{
	bool descending = view->order.descending;

	if (x->key.word[0] != y->key.word[0])
		return (x->key.word[0] < y->key.word[0]) != descending;
	if (x->key.word[1] != y->key.word[1])
		return (x->key.word[1] < y->key.word[1]) != descending;
	if (x->key.third != y->key.third)
		return (x->key.third < y->key.third) != descending;
	return x->row < y->row;
}

static bool row_is_less(const struct view *view, __u32 row, const struct place *than)
{
	const struct place place = place_of(view, row);

	return is_less(view, &place, than);
}

static bool row_is_greater(const struct view *view, __u32 row, const struct place *than)
{
	const struct place place = place_of(view, row);

	return is_less(view, than, &place);
}

bool view_rank_includes(const struct view *view, __u32 row)
{
	return view->rows[row].live && view->rows[row].matches && !(view->hide_ended && row >= view->slots);
}

static void rank(struct view *view, __u32 row)
{
	if (view_rank_includes(view, row))
		view->ranked[view->matching++] = row;
}

void view_rank(struct view *view)
{
	view->matching = 0;
	for (__u32 first = 0; first < view->slots; first += 8)
		for (__u32 ways = view->occupied[first / 8]; ways; ways &= ways - 1)
			rank(view, first + (__u32)__builtin_ctz(ways));
	for (__u32 row = view->slots; row < view->slots + VIEW_ENDED; row++)
		rank(view, row);
}

__u32 view_rank_of(const struct view *view, __u32 row)
{
	const struct place self = place_of(view, row);
	__u32 before = 0;

	for (__u32 i = 0; i < view->matching; i++)
		before += row_is_less(view, view->ranked[i], &self);
	return before;
}

static void swap(__u32 *x, __u32 *y)
{
	__u32 z = *x;

	*x = *y;
	*y = z;
}

/* The median of three, to begin with: rows often come in order. */
static struct place pivot(const struct view *view, __u32 low, __u32 high)
{
	const struct place a = place_of(view, view->ranked[low]), c = place_of(view, view->ranked[high]),
			   b = place_of(view, view->ranked[low + (high - low) / 2]);

	if (is_less(view, &a, &b))
		return is_less(view, &b, &c) ? b : is_less(view, &a, &c) ? c : a;
	return is_less(view, &a, &c) ? a : is_less(view, &b, &c) ? c : b;
}

/* Parts the rows at places `low` to `high` by one of them; returns the last place of the lesser part (Hoare). */
static __u32 part(struct view *view, __u32 low, __u32 high)
{
	const struct place middle = pivot(view, low, high);
	__u32 *ranked = view->ranked;

	for (;;) {
		while (row_is_less(view, ranked[low], &middle))
			low++;
		while (row_is_greater(view, ranked[high], &middle))
			high--;
		if (low >= high)
			return high;
		swap(&ranked[low++], &ranked[high--]);
	}
}

/* Moves the row that belongs at `place` there, lesser ones before it and greater ones behind (Hoare's selection), among
 * those at places `low` to `high`, which belong there in some order. */
static void select_place(struct view *view, __u32 low, __u32 high, __u32 place)
{
	while (low < high) {
		__u32 last = part(view, low, high);

		if (place <= last)
			high = last;
		else
			low = last + 1;
	}
}

/* ---- the least of many, in one pass: a heap of them, the greatest at its root, which hardly any other comes below ---- */

static void sift_down(struct view *view, __u32 at, __u32 count)
{
	const struct place self = place_of(view, view->ranked[at]);
	__u32 *ranked = view->ranked, child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count) {
			const struct place right = place_of(view, ranked[child + 1]);

			child += row_is_less(view, ranked[child], &right);
		}
		if (!row_is_greater(view, ranked[child], &self))
			return;
		swap(&ranked[at], &ranked[child]);
		at = child;
	}
}

/* Moves the `count` least rows, of more, to the places before `count`, in no order. */
static void gather_least(struct view *view, __u32 count)
{
	__u32 *ranked = view->ranked;
	struct place greatest;

	for (__u32 i = count / 2; i-- > 0;)
		sift_down(view, i, count);
	greatest = place_of(view, ranked[0]);
	for (__u32 i = count; i < view->matching; i++) {
		if (!row_is_less(view, ranked[i], &greatest))
			continue;
		swap(&ranked[0], &ranked[i]);
		sift_down(view, 0, count);
		greatest = place_of(view, ranked[0]);
	}
}

__u32 view_rank_nth(struct view *view, __u32 place)
{
	select_place(view, 0, view->matching - 1, place);
	return view->ranked[place];
}

/* A window is short, and each is put where it belongs among those before it. */
static void sort_window(struct view *view, __u32 first, __u32 count)
{
	for (__u32 i = first + 1; i < first + count; i++) {
		const struct place self = place_of(view, view->ranked[i]);
		__u32 at = i;

		for (; at > first && row_is_greater(view, view->ranked[at - 1], &self); at--)
			view->ranked[at] = view->ranked[at - 1];
		view->ranked[at] = self.row;
	}
}

__u32 view_rank_window(struct view *view, __u32 first, __u32 count, __u32 *rows)
{
	__u32 left = first < view->matching ? view->matching - first : 0, end;

	if (count > left)
		count = left;
	if (!count)
		return 0;
	end = first + count;
	if (end < view->matching && end <= GATHERED)
		gather_least(view, end);
	else if (end < view->matching)
		select_place(view, 0, view->matching - 1, end);
	if (first)
		select_place(view, 0, end - 1, first);
	sort_window(view, first, count);
	for (__u32 i = 0; i < count; i++)
		rows[i] = view->ranked[first + i];
	return count;
}
