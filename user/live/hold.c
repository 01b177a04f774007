/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hold.h"

#include <stdlib.h>

#include "names/names.h"

struct held {
	struct record record;
	__u64 since_ms;
};

struct hold {
	struct names *names;
	int (*put)(void *context, const struct record *record);
	void *context;
	__u64 first, behind; /* numbers since the start: those held, modulo HOLD_ROOM */
	int error;	     /* first of `put` */
	struct held *held;   /* touched as it fills */
};

struct hold *hold_open(struct names *names, int (*put)(void *context, const struct record *record), void *context)
{
	struct hold *hold = calloc(1, sizeof(*hold));

	if (!hold)
		return NULL;
	*hold = (struct hold){ .names = names, .put = put, .context = context };
	hold->held = malloc(HOLD_ROOM * sizeof(*hold->held));
	if (hold->held)
		return hold;
	free(hold);
	return NULL;
}

void hold_close(struct hold *hold)
{
	if (hold)
		free(hold->held);
	free(hold);
}

static bool is_awaited(struct hold *hold, const struct record *record)
{
	/* Both are asked for, whatever the first comes to. */
	bool client = names_awaited(hold->names, record->client.ip, record->ip_version);
	bool server = names_awaited(hold->names, record->server.ip, record->ip_version);

	return client || server;
}

static void put_first(struct hold *hold)
{
	const struct held *held = &hold->held[hold->first++ % HOLD_ROOM];

	if (!hold->error)
		hold->error = hold->put(hold->context, &held->record);
}

int hold_add(struct hold *hold, const struct record *record, __u64 now_ms)
{
	bool awaited = is_awaited(hold, record);

	if (hold->first == hold->behind && !awaited) {
		hold->error = hold->error ? hold->error : hold->put(hold->context, record);
		return hold->error;
	}
	if (hold->behind - hold->first == HOLD_ROOM)
		put_first(hold);
	hold->held[hold->behind++ % HOLD_ROOM] = (struct held){ *record, now_ms };
	return hold->error;
}

int hold_tick(struct hold *hold, __u64 now_ms)
{
	while (hold->first < hold->behind) {
		const struct held *held = &hold->held[hold->first % HOLD_ROOM];

		if (now_ms - held->since_ms < HOLD_MS && is_awaited(hold, &held->record))
			break;
		put_first(hold);
	}
	return hold->error;
}

int hold_flush(struct hold *hold)
{
	while (hold->first < hold->behind)
		put_first(hold);
	return hold->error;
}
