/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The model behind the screen: of every flow what it takes to rank and filter it, the order of those that match, which
 * one is picked and which are in sight. Knows records and glances only, neither terminals nor maps. A scan of the
 * source (harvest_view.c) feeds it, screen.c asks it. Not for several threads. */
#ifndef TCPSCOPE_USER_VIEW_H
#define TCPSCOPE_USER_VIEW_H

#include "../../include/glance.h"
#include "../../include/record.h"

enum {
	VIEW_ENDED = 512,	    /* flows that have ended: the last so many are kept, as records */
	VIEW_SIGHT = 512,	    /* rows in sight, at most */
	VIEW_RECORDS_A_SCAN = 4096, /* of flows that moved: bounds what a scan costs; the others take their turn */
};

#define VIEW_NONE 0xffffffffu /* as a row number */

/* By which rows are ordered: word[0] first, least first. 20 octets: there is one for each row. */
struct view_key {
	__u64 word[2];
	__u32 third;
} __attribute__((packed, aligned(4)));

enum { VIEW_RESENT_MAX = (1 << 28) - 1 };

/* One flow; its number is that of its slot in the source's table, or above all of them if it has ended. Small, since a
 * million flows have a million and a half of them. */
struct view_row {
	__u32 identity;	   /* with the number, the flow's name: glance_identity, or which of the ended it is */
	__u32 resent : 28; /* saturating at VIEW_RESENT_MAX */
	__u32 over : 1;	   /* of those in the table: closed or reset */
	__u32 live : 1;	   /* there is a flow */
	__u32 matches : 1; /* the filter's word, as of its last record */
	__u32 stale : 1;   /* moved since, and is judged or ranked by its record */
	__u64 last_ns;	   /* 0: never looked at */
	__u64 packets, payload_bytes;
	__u32 packet_rate, byte_rate; /* a second, over the last scan's interval; saturating */
};

_Static_assert(sizeof(struct view_row) == 40 && sizeof(struct view_key) == 20, "what a flow costs the screen");

/* Makes the key of a row from its record, or, where `record` is NULL, from the row alone. */
struct view_order {
	void (*key)(struct view_key *key, const struct view_row *row, const struct record *record);
	bool of_row; /* needs no record, and so is exact for every row at every scan */
	bool descending;
};

struct view {
	struct view_row *rows;
	struct view_key *keys;	      /* of rows, where the order takes records: touched only then */
	__u8 *occupied;		      /* of eight slots each: where a flow was at the last scan */
	__u32 slots;		      /* rows of the source's table, a multiple of 8; behind them VIEW_ENDED */
	struct record *ended, *later; /* later: ended since the last scan, and not in the picture before the next */
	__u64 ended_count;	      /* since the start: the newest is at ended_count - 1 modulo VIEW_ENDED */
	__u64 later_count;	      /* since the last scan; the newest are kept, in the same way */
	struct view_order order;
	bool (*match)(void *context, const struct record *record); /* NULL: all */
	void *match_context;
	bool hide_ended;

	__u64 now_ns, interval_ns; /* of the present scan, and since the one before; 0: there was none */
	__u32 records_left;	   /* of this scan */
	__u32 resume;		   /* the slot at which the next scan begins */
	__u32 live, over;	   /* flows in the table, and of these that only wait to be reported */

	__u32 *ranked; /* numbers of the rows that match; sorted as far as was asked */
	__u32 matching;
	/* What is in sight: `height` rows from `first` on, in order. */
	__u32 first, height, shown;
	__u32 sight[VIEW_SIGHT]; /* row numbers, `shown` of them */
	__u32 cursor;		 /* place in the order */
	__u32 picked;		 /* its row, or VIEW_NONE */
	__u32 picked_identity;
	bool follows; /* the cursor was moved: it stays with its flow; else at the top */
};

/* Room for a table of `slots`. Returns 0 or -ENOMEM. */
int view_open(struct view *view, __u32 slots);
/* Legal on one that is zeroed. */
void view_close(struct view *view);

/* ---- the scan: begin; for each eight slots present, for each of those moved, and if that says so glance; for each slot,
 * beginning at `resume`, record where it is wanted; end. A picture that stands still leaves the first loop out. ---- */
void view_scan_begin(struct view *view, __u64 now_ns);
/* Which of the slots `first` to `first + 7` have a flow. */
void view_present(struct view *view, __u32 first, __u8 ways);
/* Is a glance wanted: another flow, or one that moved since the last scan? */
bool view_moved(struct view *view, __u32 slot, __u32 identity, __u64 last_ns);
void view_glance(struct view *view, __u32 slot, __u32 identity, __u64 last_ns, const struct glance *glance);
/* Is any record wanted, or that of this slot? Then the caller must bring it. */
bool view_wants_records(const struct view *view);
bool view_wants(struct view *view, __u32 slot);
void view_record(struct view *view, __u32 slot, const struct record *record);
void view_scan_end(struct view *view);

/* A flow that ended, at any time between scans. The next one takes it into the picture, as it takes its row of the
 * table out: no flow is shown twice, and a picture that stands still stays as it is. */
void view_end(struct view *view, const struct record *record);
/* The record of a row of an ended flow; NULL: it is open, and the source's to tell. */
const struct record *view_ended(const struct view *view, __u32 row);

/* ---- what the user does; each takes effect with view_settle ---- */
void view_order_by(struct view *view, const struct view_order *order);
/* All rows are to be matched anew: by the next round of records, however long that takes. One that is gone by then, and
 * has no record, does not match. */
void view_match_by(struct view *view, bool (*match)(void *context, const struct record *record), void *context);
void view_move(struct view *view, int rows);
void view_move_to_end(struct view *view);
/* To the top, and there it stays, whatever comes up. */
void view_move_home(struct view *view);
/* Ranks, and fills `sight` with up to `height` rows, at most VIEW_SIGHT. */
void view_settle(struct view *view, __u32 height);

#endif
