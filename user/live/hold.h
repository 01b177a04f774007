/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records that wait, in their order, until the names of both their ends are known: else the first row of each address
 * would not have its name. Bounded in time and number; then they go out as they are. Knows records and names only; the
 * time is an argument. Called by sink.c. */
#ifndef TCPSCOPE_USER_HOLD_H
#define TCPSCOPE_USER_HOLD_H

#include "../../include/record.h"

enum {
	HOLD_ROOM = 4096, /* records, 2^n: 5 MB if all are held */
	HOLD_MS = 1000,
};

struct hold;
struct names;

/* `put` takes a record; it returns 0 or -errno. NULL: no memory. */
struct hold *hold_open(struct names *names, int (*put)(void *context, const struct record *record), void *context);
/* Forgets what is held. NULL is legal. */
void hold_close(struct hold *hold);

/* Takes a record; puts out the oldest if there is no room. Returns 0, or the first error of `put`. `now_ms`: of any
 * clock that does not run back. */
int hold_add(struct hold *hold, const struct record *record, __u64 now_ms);
/* Puts out those of which no name is awaited any more, or that were held for HOLD_MS. As hold_add. */
int hold_tick(struct hold *hold, __u64 now_ms);
/* Puts out everything. As hold_add. */
int hold_flush(struct hold *hold);

#endif
