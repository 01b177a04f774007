/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sweep, run in chunks, and what it hands over: flows that ended, taken out of the table where they lie. */
#include <bpf/bpf.h>
#include <errno.h>

#include "clocks.h"
#include "harvest.h"

enum {
	SWEEP_CHUNK = 1024, /* buckets a call: bounds the time that a CPU spends in the kernel without a break */
	SWEEP_BUDGET_NS =
		800000, /* for a look at flows that are not due, and a chunk: 0.4 % of a core at four a second */
	LINGER_S = 2,
	ATTEMPT_S = 60,
	IDLE_S = 600,
};

/* One call of the program: it first gives back what was taken. The frame is only what a test run asks for; nothing reads
 * it. */
static int run_sweep(const struct harvest *harvest, __u32 first, __u32 buckets)
{
	struct sweep_call *call = harvest->mapping.sweep;
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);

	call->first_bucket = first;
	call->buckets = buckets;
	return bpf_prog_test_run_opts(harvest->sweep_fd, &run);
}

/* Puts out what is handed over, a predecessor's rest, too. Interim records of the same flows are in the ring buffer: they
 * come first. After an error of the output the rest stays for a successor. */
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
		report.reason = handover_reason(&report.flow);
		harvest->taken++;
		harvest_record(harvest, &record, &report);
		err = harvest->error = sink_flow(harvest->sink, &record, &report);
		handover_taken(handover, mapping->flows, mapping->facts, mapping->ended, &report);
	}
	return err;
}

/* A full ring buffer, or a full list, ends a call early; then it is emptied, and the sweep goes on where it was. */
static int sweep_chunk(struct harvest *harvest, __u32 first, __u32 end)
{
	int err = take_flows(harvest);

	while (first < end && !err) {
		err = run_sweep(harvest, first, end - first);
		if (!err)
			err = take_flows(harvest);
		first = *(volatile __u32 *)&harvest->mapping.sweep->next_bucket;
	}
	return err;
}

/* The chunk at `next`, which moves on. Its time counts against the budget unless it found something to report. */
static int sweep_next(struct harvest *harvest, __u64 *budget_ns)
{
	__u32 first = harvest->next, left = harvest->mapping.buckets - first;
	__u32 end = first + (left < SWEEP_CHUNK ? left : SWEEP_CHUNK);
	__u64 began = clock_ns(CLOCK_MONOTONIC), found = harvest->drained + harvest->taken, took;
	int err = 0;

	if (mapping_any(&harvest->mapping, first, end - first))
		err = sweep_chunk(harvest, first, end);
	took = clock_ns(CLOCK_MONOTONIC) - began;
	if (harvest->drained + harvest->taken == found)
		*budget_ns -= took < *budget_ns ? took : *budget_ns;
	harvest->next = end < harvest->mapping.buckets ? end : 0;
	return err;
}

int harvest_sweep(struct harvest *harvest, bool everything)
{
	struct sweep_call *call = harvest->mapping.sweep;
	__u64 budget_ns = everything ? ~0ULL : SWEEP_BUDGET_NS;
	__u32 swept = 0;
	int err = 0;

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
	for (; swept < harvest->mapping.buckets && budget_ns && !err; swept += SWEEP_CHUNK)
		err = sweep_next(harvest, &budget_ns);
	if (!err)
		err = take_flows(harvest);
	if (!err && call->handover.count)
		err = run_sweep(harvest, 0, 0); /* who looks at table and services now finds each flow in one of them */
	return err;
}
