/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The columns of the screen's flow table as data: each can be ordered by. Texts are those of the printed table
 * (column.h); what lives, as rates do, is the view's row to tell. */
#ifndef TCPSCOPE_USER_VIEW_COLUMN_H
#define TCPSCOPE_USER_VIEW_COLUMN_H

#include "output/column.h"
#include "view.h"

struct view_column {
	const char *head;
	const char *help;
	int width;
	int grown;    /* the most that it makes use of */
	int priority; /* the greatest leaves first where room is short; 0 never */
	bool left;    /* flush left, else right */
	bool falls;   /* ordered by it, greatest first is what one wants */
	void (*fill)(struct cell *cell, const struct view_row *row, const struct record *record);
	void (*key)(struct view_key *key, const struct view_row *row, const struct record *record);
	bool of_row; /* as in struct view_order */
};

enum {
	VIEW_COLUMNS = 22,
	VIEW_COLUMN_RATE = 5,
	VIEW_COLUMN_INTERFACE = 21,
	VIEW_COLUMN_ENDPOINTS = 2 /* the first so many */
};

extern const struct view_column view_columns[VIEW_COLUMNS];

/* The columns that `width` has room for, `ordered` among them whatever its priority; their widths beside them. `named`:
 * endpoints have names; `several`: interfaces are watched, so one flow may have several rows. Returns how many. */
int view_columns_choose(int column[VIEW_COLUMNS], int widths[VIEW_COLUMNS], int width, int ordered, bool named,
			bool several);

#endif
