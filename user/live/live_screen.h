/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Brings the live source and the screen together: when to look at what, and where it goes. Called by live.c. */
#ifndef TCPSCOPE_USER_LIVE_SCREEN_H
#define TCPSCOPE_USER_LIVE_SCREEN_H

#include "attach.h"
#include "harvest.h"
#include "live_pick.h"
#include "screen/screen.h"

enum { SCREEN_FRAME_MS = 500, SCREEN_NAMES = 1024 };

/* All zeros: not open. */
struct live_screen {
	struct harvest *harvest;
	struct statistics *statistics;
	const struct attach *attach;
	char names[SCREEN_NAMES]; /* of interfaces and hooks */
	struct view view;
	struct live_pick pick;
	struct screen *screen;
	struct ledger_record ledgers[OPTIONS_INTERFACES * DIRECTIONS];
	size_t ledger_count;
	__u64 pictured_ns, picture_due_ns;
	int messages, standard_error; /* what is said meanwhile, and where it belongs; negative: goes there */
	bool open;
	bool names_came; /* of hosts, since the last picture */
};

/* Takes the terminal. Prints what is wrong; returns 0 or -errno. */
int live_screen_open(struct live_screen *screen, struct harvest *harvest, struct statistics *statistics,
		     const struct options *options, const struct attach *attach);
/* Gives it back, and prints what was said meanwhile. Legal on one that is zeroed. */
void live_screen_close(struct live_screen *screen);
/* A look at all, and a picture of it. Returns 0 or -errno. */
int live_screen_frame(struct live_screen *screen);
/* Names of hosts are known that were not: what is chosen by them may be others. */
void live_screen_names_came(struct live_screen *screen);
/* Keys that wait. Returns true if one ends the program. */
bool live_screen_keys(struct live_screen *screen);

#endif
