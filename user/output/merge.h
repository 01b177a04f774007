/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --merge: one connection that several interfaces saw becomes one record. Each interface's record is held for a
 * moment, in bounded memory, until the others' have come. Knows records only; the time is an argument. */
#ifndef TCPSCOPE_USER_MERGE_H
#define TCPSCOPE_USER_MERGE_H

#include "record.h"

enum {
	MERGE_ROOM = 32768, /* records held, 2^n: 40 MB if all are */
	MERGE_HOLD_MS = 3000,
};

struct merge;

/* `expected`: of so many interfaces, more cannot come. `put` takes a record whose observations are those that were
 * merged, itself among them, by start; it returns 0 or -errno. NULL: no memory. */
struct merge *merge_open(unsigned int expected, int (*put)(void *context, const struct record *record), void *context);
/* Forgets what is held. NULL is legal. */
void merge_close(struct merge *merge);

/* Takes a record of one interface; puts out its connection if that is now complete, and the oldest if there is no room.
 * Returns 0, or the first error of `put`. `now_ms`: of any clock that does not run back. */
int merge_add(struct merge *merge, const struct record *record, __u64 now_ms);
/* Puts out what has been held for MERGE_HOLD_MS. As merge_add. */
int merge_tick(struct merge *merge, __u64 now_ms);
/* Puts out everything. As merge_add. */
int merge_flush(struct merge *merge);
/* How many records were put out before their time. */
__u64 merge_hurried(const struct merge *merge);

#endif
