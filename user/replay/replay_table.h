/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a table in plain memory can do beyond the kernel's: grow when it fills, and hand out its flows in order. */
#ifndef TCPSCOPE_REPLAY_TABLE_H
#define TCPSCOPE_REPLAY_TABLE_H

#include "body.h"

struct names;

/* Would a flow with this hash find no slot? */
bool replay_table_lacks_room(struct table *table, __u64 hash);
/* Moves all flows to a table twice as large. -ENOMEM: it stays as it is. */
int replay_table_grow(struct table *table, struct ledger *ledger);
/* Hints to the processor, one after the other: the tags of a segment's flow, and what there is of the flow itself. */
void replay_table_fetch_tags(const struct table *table, __u64 hash);
void replay_table_fetch_flow(const struct table *table, __u64 hash, bool facts);
/* Submits a report of every flow that is due, by time of the first segment, then by address. The table keeps them.
 * Returns 0 or -ENOMEM. */
int replay_table_report(struct table *table, const struct sweep_policy *policy);

/* Asks for the names of those whose flows it has (names.h). */
void replay_table_ask(const struct table *table, struct names *names);

#endif
