/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a watch is made of, and how it is put together and taken apart; live.c has what goes on between. */
#ifndef TCPSCOPE_USER_LIVE_PARTS_H
#define TCPSCOPE_USER_LIVE_PARTS_H

#include "attach.h"
#include "guardian.h"
#include "harvest.h"
#include "interfaces.h"
#include "live_ladder.h"
#include "live_screen.h"
#include "loader.h"
#include "pin.h"
#include "programs.h"
#include "sandbox/sandbox.h"
#include "service/news.h"

struct live {
	const struct options *options;
	const struct output *output;
	struct statistics *statistics;
	struct news news;
	struct interfaces interfaces;
	struct guardian guardian;
	struct loader loader;
	struct attach attach;
	struct sink *sink;
	struct harvest harvest;
	struct live_screen screen;
	struct classic_code ladder_code[LADDER_LINKS];
	struct live_ladder ladder;
	struct pin pin;
	struct programs programs;
	struct sandbox_user user;
	const char *cut_short;	   /* why it did not watch for as long as was asked; NULL: it did */
	bool unprivileged;	   /* what is attached now only the guardian can take off */
	int instance, told, watch; /* descriptors; negative: not open */
};

/* From options to attached programs, or to those of a run that was pinned. Prints what is wrong. Returns 0; 1 if there
 * is nothing to report; or -errno, and the sink is NULL if a filter was wrong. */
int live_start(struct live *live);
/* Does the watch outlive this process? */
bool live_stays(const struct live *live);
/* Gives up what it needs no longer: all privileges. Nothing is opened or attached after this. Of --unpin, after
 * live_detach. Prints what is wrong; 0 or -errno. */
int live_give_up(struct live *live);
/* Are flows printed one by one, as the table does? */
bool live_prints_flows(const struct options *options);
/* Ends the counting, unless it stays. */
void live_detach(struct live *live);
/* Closes all, whatever has been opened. */
void live_stop(struct live *live);

/* ---- names of hosts (live_names.c); nothing without --resolve ---- */
/* Asks for those that the next report will show. Returns 0 or -errno. */
int live_names_ask_report(struct live *live);
/* At the end: asks for those that are still to be printed, and waits a moment for the answers. */
void live_names_finish(struct live *live);

#endif
