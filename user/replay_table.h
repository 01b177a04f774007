/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a table in plain memory can do beyond the kernel's: grow when it fills, and hand out its flows in order. */
#ifndef TCPSCOPE_REPLAY_TABLE_H
#define TCPSCOPE_REPLAY_TABLE_H

#include "body.h"

/* How many flows may be in the table before it should grow. */
__u64 replay_table_limit(const struct table *table);
/* Moves all flows to a table twice as large. -ENOMEM: it stays as it is. */
int replay_table_grow(struct table *table, struct ledger *ledger);
/* Submits a report of every flow that is due, by time of the first segment, then by address. The table keeps them.
 * Returns 0 or -ENOMEM. */
int replay_table_report(struct table *table, const struct sweep_policy *policy);

#endif
