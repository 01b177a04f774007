/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where live records go: through the filter to the output, or into a picture of what is open. Apart from harvest.c
 * because libpcap's headers and libbpf's do not go together. */
#ifndef TCPSCOPE_USER_SINK_H
#define TCPSCOPE_USER_SINK_H

#include "output.h"
#include "statistics.h"

struct sink;

/* Prints what is wrong with the filter (NULL: none). Returns NULL then, or if there is no memory. */
struct sink *sink_open(const struct output *output, const char *filter, struct statistics *statistics);
/* NULL is legal. */
void sink_close(struct sink *sink);

/* A flow that ended, and the report its record was made of: to the output and the statistics. Returns 0, or the output's
 * error, also an earlier one. */
int sink_flow(struct sink *sink, const struct record *record, const struct report *report);
/* A flow that is still open, for the picture of the statistics. Returns 0. */
int sink_open_flow(struct sink *sink, const struct record *record, const struct report *report);

/* A picture: begun, one call for each open flow, shown. Each returns 0 or -errno. */
void sink_picture_begin(struct sink *sink);
int sink_picture_flow(struct sink *sink, const struct record *record);
int sink_picture_show(struct sink *sink, const struct ledger_record *ledgers, size_t count);

#endif
