/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rungs.h"

#include <errno.h>
#include <stdlib.h>

int rungs_begin(struct rungs *rungs, const struct flow_key *key, __u64 start_ns)
{
	struct rung_segment *kept = rungs->kept ? rungs->kept : malloc(RUNGS_KEPT * sizeof(*kept));

	*rungs = (struct rungs){ .key = *key, .start_ns = start_ns, .kept = kept };
	return kept ? 0 : -ENOMEM;
}

void rungs_close(struct rungs *rungs)
{
	free(rungs->kept);
	*rungs = (struct rungs){ .kept = NULL };
}

__u64 rungs_first(const struct rungs *rungs) { return rungs->count > RUNGS_KEPT ? rungs->count - RUNGS_KEPT : 0; }

static struct rung_segment *place_of(const struct rungs *rungs, __u64 number)
{
	return &rungs->kept[number % RUNGS_KEPT];
}

const struct rung_segment *rungs_at(const struct rungs *rungs, __u64 number) { return place_of(rungs, number); }

/* They come from several CPUs, so the newest is not always the last. */
void rungs_add(struct rungs *rungs, const struct rung *rung)
{
	__u64 at = rungs->count, first;

	if (!rungs->kept || rung->start_ns != rungs->start_ns || !key_equal(&rung->key, &rungs->key))
		return;
	if (!rungs->count++)
		rungs->first_ns = rung->segment.now_ns;
	rungs->client = rung->client;
	first = rungs_first(rungs);
	for (; at > first && place_of(rungs, at - 1)->now_ns > rung->segment.now_ns; at--)
		*place_of(rungs, at) = *place_of(rungs, at - 1);
	*place_of(rungs, at) = rung->segment;
}
