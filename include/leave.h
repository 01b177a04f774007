/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a flow leaves the table: evicted by a newcomer, or swept when it is over or silent. Its handshake is counted in its
 * service, and it is reported, or summed with others if it was but an unanswered SYN. */
#ifndef TCPSCOPE_LEAVE_H
#define TCPSCOPE_LEAVE_H

#include "table.h"

/* After a birth that evicted (ledger->evicted rose): reports the flow that had to go, or sums it, and counts its
 * handshake. Not part of the birth: the stack is small. */
SEPARATE int table_depart(struct table *table, struct ledger *ledger);
/* Counts the handshake of a flow that left the table in its service, under the lock of that. `sample`: memory to work
 * in. */
INLINE void table_count_service(struct table *table, const struct report *report, struct service_sample *sample);
/* Reports what is due in one bucket, and frees it unless the report is interim. False: no room for reports, try again. */
INLINE bool table_sweep(struct table *table, __u32 bucket, const struct sweep_policy *policy);

/* ------------------------------------------------------------------------------------------------------------- */

/* What may be evicted first, by class then by age. */
enum victim_class { VICTIM_OVER, VICTIM_UNANSWERED, VICTIM_ANSWERED };

/* The class, by arithmetic: sixteen slots of branches are more than a verifier follows. */
INLINE __u64 table_victim_class(const struct flow *flow)
{
	__u32 either = flow->half[0].bits | flow->half[1].bits, both = flow->half[0].bits & flow->half[1].bits;
	__u32 over = !!(both & HALF_FIN_ACKED) | !!(either & HALF_RST) | flow->half[0].retired;
	__u32 unanswered = !!(either & HALF_SYN) & !(both & HALF_SEEN) & !(either & (HALF_ACKED | HALF_SYNACK));

	opaque(over);
	opaque(unanswered);
	return (1 - (over & 1)) * (VICTIM_ANSWERED - (unanswered & 1));
}

INLINE __u64 flow_last_ns(const struct flow *flow)
{
	__u64 x = flow->half[0].time_ns, y = flow->half[1].time_ns;

	return x ^ ((x ^ y) & (0 - u64_less(x, y)));
}

/* Lower goes first: the class in the top bits, below it the time of the last segment. */
INLINE __u64 table_victim_rank(const struct flow *flow)
{
	return table_victim_class(flow) << 62 | flow_last_ns(flow) >> 2;
}

INLINE void table_write_report(struct report *report, const struct flow *flow, const struct facts *facts, __u32 reason)
{
	report->flow = *flow;
	report->facts = *facts;
	report->reason = reason;
	report->reserved = 0;
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

	if (table_victim_class(&departure->report.flow) != VICTIM_UNANSWERED)
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
INLINE __u64 table_interval(const struct facts *facts, const struct sweep_policy *policy, __u64 at_ns)
{
	return at_ns > facts->start_ns ? (at_ns - facts->start_ns) / policy->active_ns : 0;
}

/* Once an interval, and only if a segment came since the last one. A sweep that missed some makes one for them all. */
INLINE int table_due_interim(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	if (!policy->active_ns || flow_is_over(flow) || flow_last_ns(flow) < facts->interim_ns)
		return -1;
	return table_interval(facts, policy, policy->now_ns) > table_interval(facts, policy, facts->interim_ns)
		       ? END_ACTIVE
		       : -1;
}

/* Is the flow due, and why? -1: not yet. */
INLINE int table_due(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	__u64 last = flow_last_ns(flow), silent = policy->now_ns > last ? policy->now_ns - last : 0;

	if (flow->half[0].retired)
		return END_CLOSED;
	if (policy->everything)
		return flow_is_over(flow) ? END_CLOSED : END_MONITOR;
	if (silent < policy->linger_ns)
		return table_due_interim(flow, facts, policy);
	if (flow_is_over(flow))
		return END_CLOSED;
	if (facts->icmp_seen && flow_is_unanswered(flow) && silent >= policy->attempt_ns)
		return END_CLOSED;
	if (!(flow->half[0].bits & flow->half[1].bits & HALF_ACKED) && silent >= policy->attempt_ns)
		return END_IDLE;
	return silent >= policy->idle_ns ? END_IDLE : table_due_interim(flow, facts, policy);
}

/* A lookup at home reads no tag: what is left there must not look like the flow. */
INLINE void table_vacate(struct flow *flow, __u64 *tags, __u32 way)
{
	*tags &= ~(0xffULL << (way * 8));
	flow->half[0].hash = flow->half[1].hash = 0;
	flow->half[0].bits = flow->half[1].bits = 0; /* nor one whose hash is 0 */
}

INLINE bool table_sweep_way(struct table *table, struct table_lock *lock, __u64 *tags, struct flow *flow,
			    struct facts *facts, __u32 way, const struct sweep_policy *policy)
{
	int reason = table_due(flow, facts, policy);
	struct service_sample sample;
	struct report *report;

	if (reason < 0)
		return true;
	report = report_reserve(table);
	if (!report)
		return false;
	table_lock(lock);
	reason = table_due(flow, facts, policy);
	if (reason >= 0 && *tags >> (way * 8) & 0xff) {
		table_write_report(report, flow, facts, (__u32)reason);
		if (reason == END_ACTIVE)
			facts->interim_ns = policy->now_ns;
		else
			table_vacate(flow, tags, way);
	} else {
		reason = -1; /* evicted, or woken up, in between */
	}
	table_unlock(lock);
	if (reason >= 0) {
		if (reason != END_ACTIVE)
			table_count_service(table, report, &sample);
		report_submit(report);
	} else {
		report_discard(report);
	}
	return true;
}

INLINE bool table_sweep(struct table *table, __u32 bucket, const struct sweep_policy *policy)
{
	__u64 *tags = table_tags(table, bucket);
	struct flow_bucket *flows;
	struct facts_bucket *facts;
	struct table_lock *lock;

	if (!tags || !*tags)
		return true;
	flows = table_flows(table, bucket);
	facts = table_facts(table, bucket);
	lock = table_lock_of(table, bucket / REGION);
	if (!flows || !facts || !lock)
		return true;
	for (__u32 way = 0; way < WAYS; way++) {
		if (!(*tags >> (way * 8) & 0xff))
			continue;
		if (!table_sweep_way(table, lock, tags, &flows->way[way], &facts->way[way], way, policy))
			return false;
	}
	return true;
}

#endif
