/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The live screen: pages over the terminal, and what its keys do. Sees the view (rows, records), the statistics of
 * services and the ledgers; where they come from is live_screen.c's business. One is open at a time. */
#ifndef TCPSCOPE_USER_SCREEN_H
#define TCPSCOPE_USER_SCREEN_H

#include "service/statistics.h"
#include "view.h"

struct names;
struct rungs;
struct screen;

/* What the screen is shown of; all of it outlives the screen. */
struct screen_source {
	struct view *view;
	const struct statistics *statistics;
	const char *filter;  /* the command line's, under which the typed one works; NULL: none */
	struct names *names; /* of hosts, in place of addresses; NULL: none */
	bool several;	     /* interfaces */
	/* The record of an open flow, now. False: its slot is empty, or another's. */
	bool (*record)(void *context, __u32 row, __u32 identity, struct record *record);
	/* Puts the packets of an open flow into `rungs` from now on, those of the flow before no longer; row VIEW_NONE:
	 * of none any more. Returns 0, -ENOENT if the flow is gone, or another -errno. NULL: the source cannot. */
	int (*draw)(void *context, __u32 row, __u32 identity, struct rungs *rungs);
	void *context;
};

/* What is new with each picture. */
struct screen_news {
	const struct ledger_record *ledgers; /* of each interface and direction */
	size_t ledger_count;
	const char *interfaces; /* what is watched, and by which hooks, as text */
	__u64 now_ns;		/* of a clock that only runs */
	__u64 pictured_ns;	/* when the statistics were renewed */
};

/* Takes the terminal. Returns 0 or -errno. */
int screen_open(struct screen **screen, const struct screen_source *source, bool colour);
/* Gives it back. NULL is legal. */
void screen_close(struct screen *screen);
/* What the source has to bring before each picture. */
bool screen_is_paused(const struct screen *screen);
/* Does what the keys say that wait, up to one that changes what others are about: call it anew after a picture, as long
 * as something is stale. Returns true if one of them ends the program. */
bool screen_keys(struct screen *screen);
/* Was something done since the last picture that it should show? */
bool screen_is_stale(const struct screen *screen);
/* Before a picture: there are names of hosts that there were not. */
void screen_names_came(struct screen *screen);
/* A picture of what is new; another of the same. */
void screen_show(struct screen *screen, const struct screen_news *news);
void screen_redraw(struct screen *screen);

#endif
