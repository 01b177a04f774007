/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "live_pick.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "live_ladder.h"
#include "loader.h"

static int take_rung(void *context, void *data, size_t size)
{
	struct live_pick *pick = context;

	if (pick->rungs && size >= sizeof(struct rung))
		rungs_add(pick->rungs, data);
	pick->taken++;
	return 0;
}

int live_pick_open(struct live_pick *pick, const struct loader *loader, const struct interfaces *interfaces)
{
	*pick = (struct live_pick){ .interfaces = interfaces,
				    .picks = loader_map(loader, "ladder_pick"),
				    .entries = loader_map(loader, "interfaces"),
				    .state = loader_map(loader, "ladders") };
	pick->ring = ring_buffer__new(loader_map(loader, "rungs"), take_rung, pick, NULL);
	return pick->ring ? 0 : -errno;
}

void live_pick_close(struct live_pick *pick)
{
	ring_buffer__free(pick->ring);
	*pick = (struct live_pick){ .ring = NULL };
}

/* Whether packets through an interface take the way with rungs. */
static int set_draws(const struct live_pick *pick, unsigned int number, bool draws)
{
	struct interface entry;
	__u32 at;
	int err;

	if (number >= pick->interfaces->count)
		return -ENOENT;
	at = pick->interfaces->watched[number].ifindex % INTERFACE_INDEXES;
	err = bpf_map_lookup_elem(pick->entries, &at, &entry);
	entry.draws = draws;
	return err ? err : bpf_map_update_elem(pick->entries, &at, &entry, BPF_ANY);
}

int live_pick_begin(struct live_pick *pick, const struct flow_key *key, __u64 start_ns, struct rungs *rungs)
{
	const __u32 at = 0;
	int err = live_pick_end(pick);

	if (!err)
		err = live_ladder_dropped(pick->state, &pick->dropped);
	if (!err)
		err = rungs_begin(rungs, key, start_ns);
	if (!err)
		err = bpf_map_update_elem(pick->picks, &at, key, BPF_ANY);
	if (err)
		return err;
	pick->rungs = rungs;
	return set_draws(pick, key->interface, true);
}

int live_pick_end(struct live_pick *pick)
{
	struct rungs *rungs = pick->rungs;

	pick->rungs = NULL;
	return rungs ? set_draws(pick, rungs->key.interface, false) : 0;
}

int live_pick_drain(struct live_pick *pick)
{
	int taken = pick->ring ? ring_buffer__consume(pick->ring) : 0;

	return taken < 0 ? taken : 0;
}

int live_pick_count(struct live_pick *pick)
{
	__u64 dropped;
	int err = pick->rungs ? live_ladder_dropped(pick->state, &dropped) : 0;

	if (!err && pick->rungs)
		pick->rungs->dropped = dropped - pick->dropped;
	return err;
}
