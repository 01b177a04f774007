/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A page of the screen: one file each exporting one `const struct page`, listed in screen.c. Between the screen's files
 * only. */
#ifndef TCPSCOPE_USER_SCREEN_PAGE_H
#define TCPSCOPE_USER_SCREEN_PAGE_H

#include <time.h>

#include "names/names.h"
#include "paint.h"
#include "rungs.h"
#include "screen.h"
#include "screen_filter.h"
#include "view_column.h"

enum { SPARKS = 256, SEEN = 512, RECENT_S = 10, RECENT = 5 };

/* A record as it was shown, so that a picture that stands still does. */
struct seen {
	__u32 row;
	__u32 identity; /* 0: none */
	struct record record;
	bool known;
};

/* Round trips of the flow that was picked, one for each picture; 0: none was measured. */
struct sparks {
	__u64 samples;
	double sum_ns;
	__s64 ns[SPARKS];
};

/* The flow of the page of details. */
struct detail {
	struct record record;
	__u32 row;
	__u32 identity;
	bool ended;
	int scroll;
	unsigned int sparks;
	struct sparks client, server;
	__u64 at_ns;
};

/* The page of that flow's packets. */
struct packets {
	struct rungs rungs;
	__u64 shown;  /* of rungs.count, in the last picture */
	__u64 first;  /* number of the first in sight */
	int sideways; /* columns that are passed over */
	int error;    /* why there is none; 0: there is */
	bool follows; /* the newest is in sight */
	bool drawn;   /* packets come */
	bool ending;  /* until the next picture: the flow has ended */
};

/* What the page of services needs of the picture before, for rates; and of this one. */
struct service_rate {
	struct service_key key;
	__u64 attempts;
	double rate;
	double value; /* by which it is ordered */
};

struct services {
	struct statistics_service *list;
	size_t count;
	struct screen_filter filter; /* over the list */
	size_t *sight, sighted;	     /* places in the list of those that it chooses, in order */
	int column;		     /* of service_columns, that they are ordered by */
	bool reversed;
	struct service other, sum;
	/* Connect time of the last RECENT_S or so: what was there then is taken off. */
	struct histogram recent;
	struct {
		__u64 at_ns;
		struct histogram connect;
	} past[RECENT];
	struct service_rate *rates; /* as in the list */
	__u64 at_ns;		    /* when that picture was taken */
	size_t cursor, first;	    /* among those in sight */
	bool picked;		    /* the cursor was moved: it is about that service, not all */
	struct service_key key;
	int span; /* enum service_span of the histogram */
};

struct totals {
	__u64 seen, births, in_flows, unaccounted, lost, full, evicted;
};

struct page;

struct screen {
	struct screen_source source;
	struct screen_news news;
	struct totals totals;
	double packet_rate, birth_rate;
	__u64 at_ns;
	time_t taken;			  /* Unix time of what is shown */
	const struct page *page, *before; /* before: from where help was asked */
	int column;			  /* that flows are ordered by */
	bool reversed, paused, stale;
	bool unsettled;	   /* other rows, or in another order: moves and picks wait until they are in sight */
	bool opening;	   /* a flow was to be opened where none was in sight: the next picture may bring it */
	int rows, columns; /* of the terminal */
	int help_scroll;   /* lines of the help that are passed over */
	struct screen_filter filter;
	struct seen *seen; /* SEEN */
	struct detail detail;
	struct packets packets;
	struct services services;
};

struct page {
	const char *name;
	int key;	  /* that leads to it; 0: none */
	const char *keys; /* its own, for the last line */
	/* Into the rows from `top` to before `bottom`. */
	void (*draw)(struct screen *screen, int top, int bottom);
	/* Returns false if the key means nothing here. */
	bool (*key_pressed)(struct screen *screen, int key);
};

extern const struct page page_flows, page_detail, page_ladder, page_services, page_histogram, page_help;

void screen_turn_to(struct screen *screen, const struct page *page);
/* Keys that scroll lines: how many are passed over, and at most, once it is known what is shown. False: another key. */
bool screen_scroll(int *scroll, int key, int page);
void screen_scroll_within(int *scroll, int most);
/* Of a row in sight, as is; while paused, as it was first shown. NULL: it is gone. */
const struct record *screen_record(struct screen *screen, __u32 row);
/* As names_endpoint has it, no wider than `width`; its middle is left out, not the port, from 14 on. */
void screen_endpoint(const struct screen *screen, char text[NAMES_ENDPOINT], const __u8 ip[16], __u8 ip_version,
		     __u16 port, int width);
/* ---- header (screen_header.c) ---- */
enum { HEADER_ROWS = 3 };
void header_renew(struct screen *screen);
void header_draw(const struct screen *screen);
/* ---- flows ---- */
/* Turns to the details of the one that is picked; false: there is none. */
bool flows_open(struct screen *screen);
/* ---- details ---- */
/* Begins with this row of the view; false: it is gone. */
bool detail_open(struct screen *screen, __u32 row);
/* Once for each picture, on whatever page. */
void detail_renew(struct screen *screen);
/* Its first line: who talks to whom, and how that stands. */
void detail_title(const struct screen *screen, int row);
/* ---- ladder ---- */
/* Begins with the packets of the flow of the details; the page says it if that cannot be. */
void packets_begin(struct screen *screen);
/* After each key: ends it if its page was left. */
void packets_settle(struct screen *screen);
/* Once for each picture, after detail_renew. */
void packets_renew(struct screen *screen);
void packets_end(struct screen *screen);
void packets_close(struct screen *screen);
/* ---- services ---- */
/* Lists the services anew, if there is a new picture of them. */
void services_renew(struct screen *screen);
void services_close(struct services *services);
/* There are names of hosts that there were not. */
void services_names_came(struct services *services);
/* That the histogram is of, and its name. */
const struct service *services_picked(const struct screen *screen, char name[NAMES_ENDPOINT]);
/* That of a place in sight. */
const struct statistics_service *services_seen(const struct services *services, size_t place);
/* The filter is another: which of the list are in sight. */
void services_sift(struct services *services);
enum { SERVICES_ORDER = 32 };
void services_order_by(struct services *services, int column, bool reversed);
/* "by ATTEMPTS falling" */
void services_order_text(const struct services *services, char text[SERVICES_ORDER]);
/* Its name, or "others"; as screen_endpoint has it. */
void services_name(const struct screen *screen, char name[NAMES_ENDPOINT], const struct service_key *key, int width);
/* Moves the cursor; false: the key does not. */
bool services_move(struct screen *screen, int key);

#endif
