/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "live_ladder.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces.h"
#include "loader.h"
#include "message.h"

static int take_rung(void *context, void *data, size_t size)
{
	struct live_ladder *ladder = context;

	if (size >= sizeof(struct rung))
		ladder_add(&ladder->ladder, data);
	ladder->taken++;
	return 0;
}

static const char *interface_name(const void *context, unsigned int number)
{
	const struct interfaces *interfaces = context;

	return number < interfaces->count ? interfaces->watched[number].name : "?";
}

int live_ladder_open(struct live_ladder *ladder, const struct loader *loader,
		     const struct classic_code code[LADDER_LINKS], __s64 epoch_ns, const struct interfaces *interfaces)
{
	int err = 0;

	*ladder = (struct live_ladder){ .epoch_ns = epoch_ns, .state = loader_map(loader, "ladders") };
	ladder->ladder.seed = loader->shape.seed;
	ladder->ladder.by_time = true;
	ladder->ladder.interface_name = interfaces->count > 1 ? interface_name : NULL;
	ladder->ladder.context = interfaces;
	for (__u32 link = 0; link < LADDER_LINKS && !err; link++)
		err = bpf_map_update_elem(loader_map(loader, "ladder_code"), &link, &code[link], BPF_ANY);
	if (!err) {
		ladder->rungs = ring_buffer__new(loader_map(loader, "rungs"), take_rung, ladder, NULL);
		err = ladder->rungs ? 0 : -errno;
	}
	if (err)
		message_put("cannot give the ladder's filter to the kernel: %s%s", strerror(-err),
			    message_advice(err, ""));
	return err;
}

void live_ladder_close(struct live_ladder *ladder)
{
	ring_buffer__free(ladder->rungs);
	ladder_close(&ladder->ladder);
	*ladder = (struct live_ladder){ .rungs = NULL };
}

int live_ladder_drain(struct live_ladder *ladder)
{
	int taken = ladder->rungs ? ring_buffer__consume(ladder->rungs) : 0;

	return taken < 0 ? taken : 0;
}

int live_ladder_end(struct live_ladder *ladder, const struct report *report, bool wanted)
{
	int err = live_ladder_drain(ladder);

	return err || !ladder->rungs ? err
				     : ladder_end(&ladder->ladder, &report->facts.key, report->facts.start_ns,
						  wanted ? stdout : NULL, ladder->epoch_ns);
}

int live_ladder_dropped(int state, __u64 *dropped)
{
	const __u32 at = 0;
	int cpus = libbpf_num_possible_cpus(), err;
	struct ladder_state *of_cpu = cpus > 0 ? calloc((size_t)cpus, sizeof(*of_cpu)) : NULL;

	if (!of_cpu)
		return cpus < 0 ? cpus : -ENOMEM;
	err = bpf_map_lookup_elem(state, &at, of_cpu);
	*dropped = 0;
	for (int cpu = 0; cpu < cpus && !err; cpu++)
		*dropped += of_cpu[cpu].dropped;
	free(of_cpu);
	return err;
}

int live_ladder_finish(struct live_ladder *ladder)
{
	__u64 dropped;
	int err = live_ladder_drain(ladder);

	if (!ladder->rungs || err)
		return err;
	err = ladder_print(&ladder->ladder, stdout, ladder->epoch_ns);
	if (!err)
		err = live_ladder_dropped(ladder->state, &dropped);
	if (!err && dropped)
		printf("%llu segments more are not shown: the ring buffer from the kernel was full\n", dropped);
	else if (!err && ladder_was_empty(&ladder->ladder))
		message_put("no connection matched --ladder");
	return err;
}
