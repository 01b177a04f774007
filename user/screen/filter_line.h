/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A filter as it is typed on a page: keys into its text, and how it stands. Called by the pages that have one. */
#ifndef TCPSCOPE_USER_FILTER_LINE_H
#define TCPSCOPE_USER_FILTER_LINE_H

#include "screen_filter.h"

/* Behind what is at `at` of the row; nothing if there is no filter. Returns the column behind. */
int filter_line_draw(const struct screen_filter *filter, int row, int at);
/* A key while it is typed, or Escape at any time. What the filter chooses may be other from then on. */
void filter_line_key(struct screen_filter *filter, int key);

/* Behind it the command line's, under which it works; NULL: none. */
void filter_line_base(const char *base, int row, int at);

#endif
