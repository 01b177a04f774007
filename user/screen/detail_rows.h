/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A record's fields as rows of text for the page of details, the sides' beside each other: from the walk that JSON is
 * made of. Knows records only, no terminal. */
#ifndef TCPSCOPE_USER_DETAIL_ROWS_H
#define TCPSCOPE_USER_DETAIL_ROWS_H

#include <stdbool.h>

#include "../../include/record.h"

enum { DETAIL_NAME = 32, DETAIL_VALUE = 64, DETAIL_PATH = 32, DETAIL_ROWS = 128 };

/* A field of both sides, or of the flow itself (client only). Printable ASCII. */
struct detail_row {
	char name[DETAIL_NAME]; /* without the unit: the value has it */
	char value[2][DETAIL_VALUE];
	bool both;
};

struct detail_rows {
	struct detail_row row[DETAIL_ROWS];
	int count;
	/* ---- of the walk ---- */
	int side;		/* being walked: 0 client, 1 server, -1 neither */
	int base;		/* row of a side's first field */
	int at;			/* the next of the second side */
	char path[DETAIL_PATH]; /* of the object being walked, below the side */
	bool in_list;
};

void detail_rows_fill(struct detail_rows *rows, const struct record *record);
/* First (0) what the sides have to tell, then what is the flow's own, last (2) what neither side has. */
int detail_row_rank(const struct detail_row *row);

#endif
