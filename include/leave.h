/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a flow leaves the table: evicted by a newcomer, or swept when it is over or silent. Its handshake is counted in
 * its service. What is swept is handed over to user space where it lies (handover.h); what is evicted is reported, or
 * summed with others if it was but an unanswered SYN. */
#ifndef TCPSCOPE_LEAVE_H
#define TCPSCOPE_LEAVE_H

#include "table.h"

/* After a birth that evicted (ledger->evicted rose): reports the flow that had to go, or sums it, and counts its
 * handshake. Not part of the birth: the stack is small. */
SEPARATE int table_depart(struct table *table, struct ledger *ledger);
/* Counts the handshake of a flow that left the table in its service, under the lock of that. `sample`: memory to work
 * in. */
INLINE void table_count_service(struct table *table, const struct report *report, struct service_sample *sample);
/* One call of the sweep: reports what is due in the buckets asked for, hands over what ends and copies interim reports;
 * it stops where there is no room for one. Or gives back what was taken. Nothing is done while the list has no room, or
 * its reader is not through with it (handover.h). The kernel's (bpf/tcpscope.bpf.c) has these steps, too. */
INLINE void table_sweep_call(struct table *table, struct sweep_call *call);

/* ------------------------------------------------------------------------------------------------------------- */

/* What may be evicted first, by class then by age. */
enum victim_class { VICTIM_OVER, VICTIM_UNANSWERED, VICTIM_ANSWERED };

/* The class, by arithmetic: sixteen slots of branches are more than a verifier follows. */
INLINE __u64 table_victim_class(const struct flow *flow)
{
	__u32 either = flow->half[0].bits | flow->half[1].bits, both = flow->half[0].bits & flow->half[1].bits;
	__u32 over = !!(both & HALF_FIN_ACKED) | !!(either & (HALF_RST | HALF_RETIRED));
	__u32 unanswered = !!(either & HALF_SYN) & !(both & HALF_SEEN) & !(either & (HALF_ACKED | HALF_SYNACK));

	opaque(over);
	opaque(unanswered);
	return (1 - (over & 1)) * (VICTIM_ANSWERED - (unanswered & 1));
}

/* Lower goes first: the class in the top bits, below it the time of the last segment. All ones is no victim: what was
 * handed over is another's, and so is what is being begun. */
INLINE __u64 table_victim_rank(const struct flow *flow)
{
	return table_victim_class(flow) << 62 | flow_last_ns(flow) >> 2 |
	       mask_if(u64_less(0, flow->standing ^ SLOT_OPEN));
}

INLINE void table_write_report(struct report *report, const struct flow *flow, const struct facts *facts, __u32 reason)
{
	report_copy(report, flow, facts);
	report->reason = reason;
	report->silent_ms = 0;
}

/* 0: midstream, counted nowhere. */
SEPARATE int table_sample(struct service_sample *sample, const struct report *report)
{
	return sample && report && service_sample_of(sample, report);
}

SEPARATE int table_count(struct table *table, const struct service_sample *sample)
{
	struct service_set *services;
	struct table_lock *lock;
	__u32 set;

	if (!table || !sample)
		return 0;
	set = service_set_of(&sample->key);
	services = table_services(table, set);
	lock = table_services_lock(table, set);
	if (!services || !lock)
		return 0;
	table_lock(lock);
	service_set_count(services, sample);
	table_unlock(lock);
	return 0;
}

INLINE void table_count_service(struct table *table, const struct report *report, struct service_sample *sample)
{
	if (table_sample(sample, report))
		table_count(table, sample);
}

/* Adds an unanswered SYN to its service's sum. False: it is none, or no sums are kept. */
INLINE bool table_summarise(struct table *table, struct ledger *ledger, struct departure *departure)
{
	struct summary *sum;

	if (!flow_is_unanswered(&departure->report.flow) || flow_is_over(&departure->report.flow)) /* retired or not */
		return false;
	summary_key_of(&departure->service, &departure->report.flow, &departure->report.facts);
	sum = table_summary(table, &departure->service);
	if (!sum)
		return false;
	summary_of(&departure->sum, &departure->report.flow, &departure->report.facts);
	summary_add(sum, &departure->sum);
	ledger->summarised++;
	return true;
}

SEPARATE int table_depart(struct table *table, struct ledger *ledger)
{
	struct departure *departure = table ? table_departure(table) : NULL;
	struct report *report;

	if (!departure || !ledger)
		return 0;
	report_grow(&departure->report, &departure->embryo);
	table_count_service(table, &departure->report, &departure->sample);
	if (table_summarise(table, ledger, departure))
		return 0;
	report = report_reserve(table);
	if (!report) {
		ledger->lost_records++;
		return 0;
	}
	/* In parts: the compiler copies at most 1,024 octets without a call. */
	table_write_report(report, &departure->report.flow, &departure->report.facts, departure->report.reason);
	report_submit(report);
	return 0;
}

/* In which interval since the flow's start a time lies, from 0. */
INLINE __u64 table_interval(__u64 start_ns, const struct sweep_policy *policy, __u64 at_ns)
{
	return at_ns > start_ns ? (at_ns - start_ns) / policy->active_ns : 0;
}

/* Once an interval, and only if a segment came since the last one. A sweep that missed some makes one for them all. */
INLINE int table_due_interim(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	__u64 start_ns, interim_ns;

	if (!policy->active_ns || flow_is_over(flow))
		return -1;
	start_ns = flow_start_ns(flow, facts);
	interim_ns = flow_interim_ns(flow, facts);
	if (flow_last_ns(flow) < interim_ns)
		return -1;
	return table_interval(start_ns, policy, policy->now_ns) > table_interval(start_ns, policy, interim_ns)
		       ? END_ACTIVE
		       : -1;
}

/* How long a flow must have been silent to be due: never less than the linger. */
INLINE __u64 table_patience_ns(const struct flow *flow, const struct sweep_policy *policy)
{
	__u64 patience = flow->half[0].bits & flow->half[1].bits & HALF_ACKED ? policy->idle_ns : policy->attempt_ns;

	return flow_is_over(flow) || patience < policy->linger_ns ? policy->linger_ns : patience;
}

/* Is the flow due, and why? -1: not yet. */
INLINE int table_due(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	__u64 last = flow_last_ns(flow), silent = policy->now_ns > last ? policy->now_ns - last : 0;

	if (flow_is_retired(flow))
		return END_CLOSED;
	if (policy->everything)
		return flow_is_over(flow) ? END_CLOSED : END_MONITOR;
	if (silent < table_patience_ns(flow, policy))
		return table_due_interim(flow, facts, policy);
	return flow_is_over(flow) || (!flow_is_embryo(flow) && facts->icmp_seen && flow_is_unanswered(flow))
		       ? END_CLOSED
		       : END_IDLE;
}

/* When the interval that the last interim report is of ends: none is due before. */
INLINE __u64 table_interim_ns(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	__u64 start_ns = flow_start_ns(flow, facts);

	return start_ns + (table_interval(start_ns, policy, flow_interim_ns(flow, facts)) + 1) * policy->active_ns;
}

/* When a flow that is not due may be. It may be over sooner: who ends it, or retires it, says so (table_look_soon). */
INLINE __u64 table_due_ns(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	__u64 due_ns = flow_last_ns(flow) + table_patience_ns(flow, policy), interim_ns;

	if (!policy->active_ns || flow_is_over(flow))
		return due_ns;
	interim_ns = table_interim_ns(flow, facts, policy);
	return interim_ns < due_ns ? interim_ns : due_ns;
}

/* Not before that anything is due of a flow that is born from now on. */
INLINE __u64 table_look_later(const struct sweep_policy *policy)
{
	__u64 wait = policy->attempt_ns < policy->idle_ns ? policy->attempt_ns : policy->idle_ns, later;

	if (wait < policy->linger_ns)
		wait = policy->linger_ns;
	if (policy->active_ns && policy->active_ns < wait)
		wait = policy->active_ns;
	later = policy->now_ns + wait;
	return later < policy->now_ns ? ~0ULL : later;
}

/* Out of the reach of lookups. */
INLINE void flow_hide(struct flow *flow) { flow->hash = 0; }

/* A lookup at home reads no tag: what is left there must not look like a flow, nor like one whose hash is 0. */
INLINE void table_vacate(struct flow *flow)
{
	flow_hide(flow);
	flow->standing = SLOT_FREE;
	flow->half[0].bits = flow->half[1].bits = 0;
}

/* Copies a flow that lives on. 0: no room. */
SEPARATE int table_sweep_interim(struct table *table, __u32 number, const struct sweep_policy *policy)
{
	__u64 *tags = table ? table_tags(table, number / WAYS) : NULL;
	struct flow *flow = table ? table_flow(table, number) : NULL;
	struct facts *facts = table ? table_flow_facts(table, number) : NULL;
	struct table_lock *lock = table ? table_lock_of(table, number / WAYS / REGION) : NULL;
	struct report *report;
	bool due;

	if (!tags || !flow || !facts || !lock || !policy)
		return 1;
	report = report_reserve(table);
	if (!report)
		return 0;
	if (flow_is_embryo(flow))
		table_grow(table, number);
	table_lock(lock);
	due = handover_is_open(*tags, flow, number % WAYS) &&
	      !flow_is_embryo(flow) /* another that was born just now */ &&
	      table_due(flow, facts, policy) == END_ACTIVE;
	if (due) {
		table_write_report(report, flow, facts, END_ACTIVE);
		facts->interim_ns = policy->now_ns;
	}
	table_unlock(lock);
	if (due)
		report_submit(report);
	else
		report_discard(report); /* evicted, or over, in between */
	return 1;
}

/* Marks what ends in a bucket. Returns the ways. */
INLINE __u32 table_hand_over(struct table_lock *lock, const __u64 *tags, struct flow_bucket *flows,
			     const struct facts_bucket *facts, const struct sweep_policy *policy)
{
	__u32 ways = 0;

	table_lock(lock);
	for (__u32 way = 0; way < WAYS; way++) {
		struct flow *flow = &flows->way[way];
		int reason;

		if (!handover_is_open(*tags, flow, way))
			continue;
		reason = table_due(flow, &facts->way[way], policy);
		if (reason < 0 || reason == END_ACTIVE)
			continue;
		flow->standing = (__u8)(SLOT_HANDED + reason);
		flow_hide(flow);
		ways |= 1u << way;
	}
	table_unlock(lock);
	return ways;
}

enum { SWEEP_AHEAD = 16 }; /* buckets of the list; a power of two */

/* Begins to bring a bucket's flows into the cache. For several buckets at once: the lock waits for all that was asked
 * for before. */
SEPARATE int table_touch_bucket(struct table *table, __u32 bucket)
{
	const __u64 *tags = table ? table_tags(table, bucket) : NULL;
	const struct flow_bucket *flows = table ? table_flows(table, bucket) : NULL;
	__u32 first;

	if (!tags || !flows || !*tags)
		return 0;
	first = tags_first(~tags_match(*tags, 0) & ~TAGS_LOW);
	for (__u32 way = 0; way < WAYS; way++) {
		const struct flow *flow = &flows->way[*tags >> (way * 8) & 0xff ? way : first];

		touch(flow);
		touch(&flow->tally[0]);
		touch(&flow->tally[1]);
	}
	return 0;
}

INLINE void sweep_touch(struct table *table, const struct sweep_call *call, __u32 index)
{
	for (__u32 i = index; i < index + SWEEP_AHEAD && i < call->count; i++)
		table_touch_bucket(table, call->bucket[i & (SWEEP_BUCKETS - 1)]);
}

/* table_due and table_due_ns, for each way of a bucket. */
SEPARATE int look_reason(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	return flow && facts && policy ? table_due(flow, facts, policy) : -1;
}

SEPARATE __u64 look_due_ns(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	return flow && facts && policy ? table_due_ns(flow, facts, policy) : 0;
}

/* What a look at a bucket finds. */
struct look {
	__u64 next_ns; /* when to look again */
	__u64 ends;    /* 1: a flow is to be handed over */
};

/* Looks at each flow of a bucket, and makes interim reports. False: no room for one. */
INLINE bool table_look(struct table *table, __u32 bucket, const __u64 *tags, const struct flow_bucket *flows,
		       const struct facts_bucket *facts, const struct sweep_policy *policy, struct look *look)
{
	for (__u32 way = 0; way < WAYS; way++) {
		const struct flow *flow = &flows->way[way];
		__u64 due_ns, ends, sooner;
		int reason;

		if (!handover_is_open(*tags, flow, way))
			continue;
		reason = look_reason(flow, &facts->way[way], policy);
		if (reason == END_ACTIVE && !table_sweep_interim(table, bucket * WAYS + way, policy))
			return false;
		due_ns = look_due_ns(flow, &facts->way[way], policy);
		/* By arithmetic, as in table_victim_class. */
		ends = (reason >= 0) & (reason != END_ACTIVE);
		sooner = u64_less(due_ns, look->next_ns) & ~ends;
		look->ends |= ends;
		look->next_ns = choose(mask_if(sooner & 1), due_ns, look->next_ns);
	}
	return true;
}

/* Reports what is due in a bucket of the list. False: no room for that, try again. */
INLINE bool table_sweep(struct table *table, __u32 index, struct sweep_call *call)
{
	struct handover *handover = &call->handover;
	const __u64 later = table_look_later(&call->policy);
	struct look look = { .next_ns = later };
	__u32 bucket = call->bucket[index & (SWEEP_BUCKETS - 1)], at = handover->count;
	__u64 *tags = table_tags(table, bucket), *next_look = table_next_look(table, bucket);
	struct flow_bucket *flows = table_flows(table, bucket);
	struct facts_bucket *facts = table_facts(table, bucket);
	struct table_lock *lock = table_lock_of(table, bucket / REGION);
	bool room;

	if (index % SWEEP_AHEAD == 0)
		sweep_touch(table, call, index);
	if (!tags || !flows || !facts || !lock)
		return true;
	if (next_look) /* first: who ends a flow from now on asks for another look */
		__sync_lock_test_and_set(next_look, later);
	room = table_look(table, bucket, tags, flows, facts, &call->policy, &look);
	if (!room)
		look.next_ns = 0;
	if (next_look && look.next_ns < later)
		__sync_val_compare_and_swap(next_look, later, look.next_ns);
	if (look.ends) {
		__u32 ways = table_hand_over(lock, tags, flows, facts, &call->policy);

		handover->count = at + 1;
		opaque(at); /* else the compiler knows its range, and drops the mask that tells the verifier */
		handover->handed[at & (HANDED_BUCKETS - 1)] = (struct handed){ bucket, ways };
	}
	return room;
}

/* Frees what was handed over in a bucket. Without the lock: the slots are nobody else's until their tags are gone, and
 * a birth adds its own tag only. */
INLINE void table_give_back(struct table *table, const struct handed *handed)
{
	__u64 *tags = table_tags(table, handed->bucket), kept = ~0ULL;
	struct flow_bucket *flows = table_flows(table, handed->bucket);
	__u32 ways = handed->ways;

	if (!tags || !flows)
		return;
	for (__u32 way = 0; way < WAYS; way++) {
		if (!(ways >> way & 1))
			continue;
		table_vacate(&flows->way[way]);
		kept &= ~(0xffULL << (way * 8));
	}
	tags_keep(tags, kept);
}

/* As table_give_back, of the list's bucket `index` from the end. */
INLINE void table_give_back_last(struct table *table, const struct handover *handover, __u32 index)
{
	table_give_back(table, &handover->handed[(handover->count - 1 - index) & (HANDED_BUCKETS - 1)]);
}

INLINE void table_sweep_call(struct table *table, struct sweep_call *call)
{
	struct handover *handover = &call->handover;
	bool room = true;

	call->swept = 0;
	if (call->give_back && handover_is_done(handover)) {
		for (__u32 i = 0; i < handover_last(handover); i++)
			table_give_back_last(table, handover, i);
		handover_shorten(handover, handover_last(handover));
	} else if (!call->give_back && handover_has_room(handover)) {
		handover->now_ns = call->policy.now_ns;
		for (__u32 i = 0; i < call->count && room; i++) {
			room = table_sweep(table, i, call);
			call->swept += room;
		}
	}
}

#endif
