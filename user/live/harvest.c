/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harvest.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clocks.h"
#include "message.h"

void harvest_record(const struct harvest *harvest, struct record *record, const struct report *report)
{
	unsigned int number = report->facts.key.interface;
	const struct record_context context = {
		.interface = number < harvest->interfaces->count ? harvest->interfaces->watched[number].name : "?",
		.epoch_ns = harvest->epoch_ns,
		.resolution_ns = 1,
	};

	record_make(record, report, &context);
}

/* libbpf has read a sample once the callback returns, whatever that says. One that cannot be put out stays in the ring,
 * for a successor: nothing returns. */
static jmp_buf unread;

static int put_out(void *context, void *data, size_t size)
{
	struct harvest *harvest = context;
	struct record record;

	if (size < sizeof(struct report))
		return 0;
	harvest->drained++;
	harvest_record(harvest, &record, data);
	harvest->error = sink_flow(harvest->sink, &record, data);
	if (harvest->error)
		longjmp(unread, 1);
	return 0;
}

int harvest_open(struct harvest *harvest, const struct loader *loader, const struct interfaces *interfaces,
		 struct sink *sink, struct statistics *statistics)
{
	int err;

	*harvest = (struct harvest){
		.loader = loader,
		.interfaces = interfaces,
		.sink = sink,
		.statistics = statistics,
		.grace = { .outer = -1, .inner = -1 },
		.sweep_fd = loader_program(loader, "sweep"),
		.epoch_ns = (__s64)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC)),
	};
	err = mapping_open(&harvest->mapping, loader);
	if (!err)
		err = grace_open(&harvest->grace);
	if (!err) {
		handover_resume(&harvest->mapping.sweep->handover, harvest->mapping.ended);
		harvest->reports = ring_buffer__new(loader_map(loader, "reports"), put_out, harvest, NULL);
		err = harvest->reports ? 0 : -errno;
	}
	if (err)
		message_put("cannot map the flow table: %s%s", strerror(-err),
			    message_advice(err, "; try a smaller --flows"));
	return err;
}

void harvest_close(struct harvest *harvest)
{
	if (!harvest->loader)
		return;
	ring_buffer__free(harvest->reports);
	grace_close(&harvest->grace);
	mapping_close(&harvest->mapping);
	*harvest = (struct harvest){ 0 };
}

int harvest_drain(struct harvest *harvest)
{
	int taken;

	if (harvest->error || setjmp(unread))
		return harvest->error;
	taken = ring_buffer__consume(harvest->reports);
	return taken < 0 ? taken : 0;
}

static int read_ledger(const struct harvest *harvest, unsigned int number, enum interface_direction direction,
		       struct ledger_record *record)
{
	static const char *const names[DIRECTIONS] = { "ingress", "egress" };
	int cpus = libbpf_num_possible_cpus(), err;
	__u32 at = number * DIRECTIONS + direction;
	struct hook_state *of_cpu = cpus > 0 ? calloc((size_t)cpus, sizeof(*of_cpu)) : NULL;

	if (!of_cpu)
		return cpus < 0 ? cpus : -ENOMEM;
	*record = (struct ledger_record){ .interface = harvest->interfaces->watched[number].name,
					  .direction = names[direction] };
	err = bpf_map_lookup_elem(loader_map(harvest->loader, "hooks"), &at, of_cpu);
	for (int cpu = 0; cpu < cpus && !err; cpu++)
		ledger_add(&record->ledger, &of_cpu[cpu].ledger);
	free(of_cpu);
	return err;
}

int harvest_ledger(const struct harvest *harvest, unsigned int number, enum interface_direction direction, int tries,
		   struct ledger_record *record)
{
	int err;

	do
		err = read_ledger(harvest, number, direction, record);
	while (!err && ledger_unaccounted(&record->ledger) && --tries > 0);
	return err;
}

static int open_flow(void *context, const struct report *report)
{
	const struct harvest *harvest = context;
	struct record record;

	if (!sink_wants_open_flow(harvest->sink, report))
		return 0;
	harvest_record(harvest, &record, report);
	return sink_open_flow(harvest->sink, &record, report);
}

int harvest_statistics(struct harvest *harvest, bool final)
{
	struct statistics *statistics = harvest->statistics;

	statistics_picture(statistics, harvest->mapping.ended, harvest->mapping.services);
	statistics->at_ns = (__s64)clock_ns(CLOCK_REALTIME);
	statistics->report_ns = clock_ns(CLOCK_MONOTONIC);
	statistics->final = final;
	return final ? 0 : mapping_each(&harvest->mapping, open_flow, harvest);
}
