/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a table in plain memory can do beyond the kernel's: keep all flows of a capture, and hand them out in order. It
 * grows when it fills. What is retired, because its key was used again, is put aside before that: all flows of a key
 * meet in the same two buckets, however large the table is. */
#ifndef TCPSCOPE_REPLAY_TABLE_H
#define TCPSCOPE_REPLAY_TABLE_H

#include "body.h"

struct names;

/* A retired flow: no segment finds it any more. */
struct retired {
	struct flow flow;
	struct facts facts;
};

struct replay_table {
	struct table table;
	struct retired *retired; /* those put aside */
	size_t retired_count, retired_room;
	bool looks; /* something is due before the end: each bucket's next look is kept, memory permitting */
};

/* Would a flow with this hash find no slot? `opens`: its segment may begin another on the key of one that has a
 * slot. */
bool replay_table_lacks_room(struct replay_table *replay, __u64 hash, bool opens);
/* Makes room for it, at least in part: puts retired flows aside, or, if it may `grow`, moves all to a larger table.
 * -ENOMEM: it stays as it is. */
int replay_table_make_room(struct replay_table *replay, struct ledger *ledger, __u64 hash, bool grow);
void replay_table_close(struct replay_table *replay);
/* Hints to the processor, one after the other: the tags of a segment's flow, and what there is of the flow itself. */
void replay_table_fetch_tags(const struct table *table, __u64 hash);
void replay_table_fetch_flow(const struct table *table, __u64 hash, bool facts);
/* Submits a report of every flow that is due, by time of the first segment, then by address; waits before that for the
 * `names` of their hosts (names.h). A flow that ended leaves the table, unless everything does: it is not used after
 * that. False: there was no memory to sort them all. */
bool replay_table_report(struct replay_table *replay, const struct sweep_policy *policy, struct names *names);
/* Shows each flow as it is `now_ns` (END_OPEN), those that ended and wait for their report, too. */
void replay_table_each(const struct replay_table *replay, __u64 now_ns,
		       void (*see)(void *context, const struct report *report), void *context);
/* The capture's clock was set back: no flow has had an interim record later than now, and each bucket is looked at. */
void replay_table_set_back(struct replay_table *replay, __u64 now_ns);

#endif
