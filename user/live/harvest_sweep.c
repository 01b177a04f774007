/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sweep, run in chunks, and what it hands over: flows that ended, taken out of the table where they lie. */
#include <bpf/bpf.h>
#include <errno.h>

#include "clocks.h"
#include "harvest.h"

enum {
	SWEEP_BUDGET_NS = 800000, /* for looks at what is not due, and a call: 0.4 % of a core at four a second */
	LINGER_S = 2,
	ATTEMPT_S = 60,
	IDLE_S = 600,
};

/* One call of the program, for the buckets listed: it first gives back what was taken. The frame is only what a test
 * run asks for; nothing reads it. */
static int run_sweep(const struct harvest *harvest)
{
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);

	return bpf_prog_test_run_opts(harvest->sweep_fd, &run);
}

/* Puts out what is handed over, a predecessor's rest, too. Interim records of the same flows are in the ring buffer:
 * they come first. After an error of the output the rest stays for a successor. */
static int take_flows(struct harvest *harvest)
{
	const struct mapping *mapping = &harvest->mapping;
	struct handover *handover = &mapping->sweep->handover;
	static struct report report; /* too large for a stack */
	struct record record;
	int err = harvest_drain(harvest);
	__u32 slot;

	while (!err && (slot = handover_find(handover, mapping->flows, mapping->facts)) != SLOT_NONE) {
		mapping_copy(mapping, slot / WAYS, slot % WAYS, &report);
		report_say(&report, handover_reason(&report.flow), handover->now_ns);
		harvest->taken++;
		harvest_record(harvest, &record, &report);
		err = harvest->error = sink_flow(harvest->sink, &record, &report);
		handover_taken(handover, mapping->flows, mapping->facts, mapping->ended, &report);
	}
	return err;
}

/* The next buckets where something may be due. Their time counts against the budget unless something was reported. A
 * full ring buffer ends a call early: it has been emptied when the next goes on there. */
static int sweep_some(struct harvest *harvest, __u64 *budget_ns)
{
	const struct mapping *mapping = &harvest->mapping;
	__u64 began = clock_ns(CLOCK_MONOTONIC), found = harvest->drained + harvest->taken, took;
	/* At first all: a predecessor's looks may go by another --active. */
	__u32 listed = sweep_list(mapping->sweep, mapping->tags, harvest->went_round ? mapping->looks : NULL,
				  harvest->next, mapping->buckets);
	int err = 0;

	if (mapping->sweep->count)
		err = run_sweep(harvest);
	if (!err)
		err = take_flows(harvest);
	harvest->next = sweep_next(mapping->sweep, listed);
	took = clock_ns(CLOCK_MONOTONIC) - began;
	if (harvest->drained + harvest->taken == found)
		*budget_ns -= took < *budget_ns ? took : *budget_ns;
	return err;
}

int harvest_sweep(struct harvest *harvest, bool everything)
{
	struct sweep_call *call = harvest->mapping.sweep;
	__u64 budget_ns = everything ? ~0ULL : SWEEP_BUDGET_NS;
	__u32 left = harvest->mapping.buckets;
	int err;

	call->policy = (struct sweep_policy){
		.now_ns = clock_ns(CLOCK_MONOTONIC),
		.linger_ns = LINGER_S * NS_PER_SEC,
		.attempt_ns = ATTEMPT_S * NS_PER_SEC,
		.idle_ns = IDLE_S * NS_PER_SEC,
		.active_ns = harvest->active_ns,
		.everything = everything,
	};
	if (everything)
		harvest->next = 0;
	err = take_flows(harvest); /* a predecessor's */
	while (left && budget_ns && !err) {
		__u32 first = harvest->next;

		err = sweep_some(harvest, &budget_ns);
		left -= harvest->next - first < left ? harvest->next - first : left;
		if (harvest->next == harvest->mapping.buckets) {
			harvest->next = 0;
			harvest->went_round = true;
		}
	}
	if (err || !call->handover.count)
		return err;
	call->count = 0; /* only gives back: who looks at table and services now finds each flow in one of them */
	return run_sweep(harvest);
}
