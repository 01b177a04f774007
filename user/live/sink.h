/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where live records go: through the filter to the output, the statistics and the view. Apart from harvest.c
 * because libpcap's headers and libbpf's do not go together. */
#ifndef TCPSCOPE_USER_SINK_H
#define TCPSCOPE_USER_SINK_H

#include "output/output.h"
#include "service/statistics.h"
#include "screen/view.h"

struct live_ladder;
struct names;
struct sink;

/* Prints what is wrong. Returns 0, -EINVAL (the filter; NULL: none) or -ENOMEM. */
int sink_open(struct sink **sink, const struct output *output, const char *filter, struct statistics *statistics);
/* NULL is legal. */
void sink_close(struct sink *sink);

/* A flow that ended, and the report its record was made of: to the output and the statistics. Returns 0, or the
 * output's error, also an earlier one. */
int sink_flow(struct sink *sink, const struct record *record, const struct report *report);
/* Flows that end are the view's, too, from now on. */
void sink_show(struct sink *sink, struct view *view);
/* So are their ladders, now. */
void sink_draw(struct sink *sink, struct live_ladder *ladder);
/* A record is written, not left in a buffer, when it is put out, from now on: what was handed to sink_flow without an
 * error, and does not wait for another or for names, is not lost. */
void sink_write_through(struct sink *sink);
/* One connection on several of so many interfaces is one record from now on (merge.h). Returns 0 or -ENOMEM. */
int sink_merge(struct sink *sink, unsigned int interfaces);
/* Flows wait a moment for the names of their ends from now on (hold.h). Returns 0 or -ENOMEM. */
int sink_hold(struct sink *sink, struct names *names);
/* Puts out what has waited long enough, and, at the end, all that waits. As sink_flow. */
int sink_tick(struct sink *sink);
int sink_flush(struct sink *sink);
/* A flow that is still open, for the picture of the statistics: counted, and is its record wanted, too? */
bool sink_wants_open_flow(struct sink *sink, const struct report *report);
/* Returns 0. */
int sink_open_flow(struct sink *sink, const struct record *record, const struct report *report);

#endif
