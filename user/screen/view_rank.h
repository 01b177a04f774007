/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The order of a view's rows, as far as it is needed: a window of it is selected, never the whole sorted. Linear in the
 * rows. Called by view.c. */
#ifndef TCPSCOPE_USER_VIEW_RANK_H
#define TCPSCOPE_USER_VIEW_RANK_H

#include "view.h"

/* Collects the rows that match; sets `matching`. */
void view_rank(struct view *view);
/* Is the row among those that match? */
bool view_rank_includes(const struct view *view, __u32 row);
/* The place of a row that is among them. */
__u32 view_rank_of(const struct view *view, __u32 row);
/* The row at a place below `matching`. */
__u32 view_rank_nth(struct view *view, __u32 place);
/* Writes the rows at `count` places from `first` on, as far as there are so many; returns how many. */
__u32 view_rank_window(struct view *view, __u32 first, __u32 count, __u32 *rows);

#endif
