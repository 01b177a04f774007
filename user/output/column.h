/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The columns of the table as data: what each says of a record. layout.h decides which are shown, and where. */
#ifndef TCPSCOPE_COLUMN_H
#define TCPSCOPE_COLUMN_H

#include "record.h"

enum { CELL_TEXT = 272 }; /* "-> ", the longest name of a host, a port and the end */

struct names;

enum {
	COLUMN_NAMED = 10,	 /* so much wider is a column of endpoints where they have names */
	COLUMN_NAMED_FROM = 100, /* in a table at least so wide */
};

enum tone { TONE_PLAIN, TONE_ODD, TONE_BAD };

struct cell {
	char text[CELL_TEXT]; /* printable ASCII; empty: nothing to say */
	enum tone tone;
	struct names *names; /* given: of hosts, in place of addresses; NULL: none */
};

enum column_kind {
	COLUMN_LEFT = 1 << 0,	 /* flush left, else right */
	COLUMN_SHORTEN = 1 << 1, /* loses its middle where it is too wide */
	COLUMN_WHOLE = 1 << 2,	 /* but not on paper that keeps texts whole */
	COLUMN_GROW = 1 << 3,	 /* takes the room that is left, up to `grown` */
};

/* A column has two parts: of the client and the server, or a fact and its supplement. A narrow table puts the second
 * below the first; a wide one puts it behind the first, `joint` between them, or in a column of its own (NULL). */
struct column {
	const char *head[2];
	int width[2]; /* narrow: both parts have the first's */
	int grown;
	int priority[2]; /* the greatest leaves first where room is short; 0 never. The second's only if on its own */
	int wide[2];	 /* the same where a record has one line: rather what was negotiated goes than time and RTT */
	unsigned int kind;
	const char *joint;
	void (*fill)(struct cell *cell, const struct record *record, bool second);
};

/* In the order of display. */
enum column_name {
	COLUMN_START,
	COLUMN_ENDPOINT,
	COLUMN_STATE,
	COLUMN_OUTCOME,
	COLUMN_CONNECT,
	COLUMN_HANDSHAKE,
	COLUMN_RTT,
	COLUMN_MSS,
	COLUMN_WINDOW_SCALE,
	COLUMN_FLAGS,
	COLUMN_PACKETS,
	COLUMN_BYTES,
	COLUMN_RESENT,
	COLUMN_COUNT
};

extern const struct column columns[COLUMN_COUNT];

#endif
