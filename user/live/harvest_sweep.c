/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sweep, run in chunks, and what it hands over: flows that ended, taken out of the table where they lie. */
#include <bpf/bpf.h>
#include <errno.h>

#include "clocks.h"
#include "harvest.h"
#include "patience.h"

enum {
	SWEEP_BUDGET_NS = 800000, /* for looks at what is not due, and a call: 0.4 % of a core at four a second */
	DRAIN_EACH = 1024,	  /* flows that are taken: the ring buffer must not fill meanwhile */
};

/* One call of the program, as mapping.sweep asks for. The frame is only what a test run wants; nothing reads it. */
static int run_sweep(const struct harvest *harvest)
{
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);

	return bpf_prog_test_run_opts(harvest->sweep_fd, &run);
}

/* Puts out what is handed over. Interim records of the same flows are in the ring buffer: they come first. After an
 * error of the output the rest stays for a successor. */
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
		if (!err)
			handover_taken(handover, mapping->flows, mapping->facts, mapping->ended, &report);
		if (!err && harvest->taken % DRAIN_EACH == 0)
			err = harvest_drain(harvest);
	}
	return err;
}

/* What is on the list, a predecessor's too: no segment can change it any more, it is put out, and its slots are given
 * back. */
static int end_list(struct harvest *harvest)
{
	struct sweep_call *call = harvest->mapping.sweep;
	int err = 0;

	if (!call->handover.count)
		return 0;
	if (!call->handover.taken)
		err = grace_wait(&harvest->grace);
	if (!err)
		err = take_flows(harvest);
	while (!err && sweep_give_back(call))
		err = run_sweep(harvest);
	return err;
}

/* The next buckets where something may be due. Their time counts against the budget unless something was reported. A
 * full ring buffer ends a call early: it has been emptied when the next goes on there. */
static int sweep_some(struct harvest *harvest, __u64 *budget_ns)
{
	const struct mapping *mapping = &harvest->mapping;
	__u64 began = clock_ns(CLOCK_MONOTONIC), took;
	__u64 found = harvest->drained + mapping->sweep->handover.count;
	/* At first all: a predecessor's looks may go by another --active or --idle. */
	__u32 listed = sweep_list(mapping->sweep, mapping->tags, harvest->went_round ? mapping->looks : NULL,
				  harvest->next, mapping->buckets);
	int err = 0;

	if (mapping->sweep->count)
		err = run_sweep(harvest);
	harvest->next = sweep_next(mapping->sweep, listed);
	if (!err)
		err = harvest_drain(harvest);
	took = clock_ns(CLOCK_MONOTONIC) - began;
	if (harvest->drained + mapping->sweep->handover.count == found)
		*budget_ns -= took < *budget_ns ? took : *budget_ns;
	return err || handover_has_room(&mapping->sweep->handover) ? err : end_list(harvest);
}

int harvest_sweep(struct harvest *harvest, bool everything)
{
	struct sweep_call *call = harvest->mapping.sweep;
	__u64 budget_ns = everything ? ~0ULL : SWEEP_BUDGET_NS;
	__u32 left = harvest->mapping.buckets;
	int err;

	call->policy = patience(harvest->idle_ns);
	call->policy.now_ns = clock_ns(CLOCK_MONOTONIC);
	call->policy.active_ns = harvest->active_ns;
	call->policy.everything = everything;
	if (everything)
		harvest->next = 0;
	err = end_list(harvest); /* a predecessor's */
	while (left && budget_ns && !err) {
		__u32 first = harvest->next;

		err = sweep_some(harvest, &budget_ns);
		left -= harvest->next - first < left ? harvest->next - first : left;
		if (harvest->next == harvest->mapping.buckets) {
			harvest->next = 0;
			harvest->went_round = true;
		}
	}
	return err ? err : end_list(harvest); /* who looks at table and services now finds each flow in one of them */
}
