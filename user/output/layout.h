/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which columns a table of a given width shows, and how a row is set in them. */
#ifndef TCPSCOPE_LAYOUT_H
#define TCPSCOPE_LAYOUT_H

#include <stdio.h>

#include "column.h"

enum part { PART_FIRST, PART_SECOND, PART_BOTH };

struct field {
	const struct column *column;
	int priority;
	int width;
	enum part part; /* PART_BOTH: on one line joined, on two the one below the other */
};

struct layout {
	int lines; /* of one record: 1, or 2 with the server's below the client's */
	bool several, named;
	size_t count;
	struct field field[2 * COLUMN_COUNT];
};

struct paper {
	FILE *to;
	int limit; /* columns at which a line is cut; 0: never */
	bool colour;
	struct names *names; /* as in struct cell */
	bool whole;	     /* endpoints too wide for their columns take a line of their own */
};

/* `several`: rows may be of several interfaces, so that rather MSS and window scale go than the place.
 * `named`: names of hosts take more room than addresses. */
void layout_choose(struct layout *layout, int columns, bool several, bool named);
void layout_head(const struct layout *layout, const struct paper *paper);
void layout_row(const struct layout *layout, const struct paper *paper, const struct record *record);

#endif
