/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How flows that ended get from the table to user space: they are read where they lie, not copied by the kernel.
 *
 * The sweep (leave.h) marks such flows as handed over and lists them, in as many calls as the list has room for. From
 * then on no lookup finds them, no newcomer evicts them, no sweep looks at them. A segment that had found its flow just
 * before may still write to it, on another CPU: so user space first waits until each program that ran then has ended.
 * From then on nobody but the reader has them. It takes each (handover_take), then counts its service and says that it
 * is taken (handover_taken). Further calls of the sweep give their slots back, each in one go that nothing interrupts.
 * List and counts are kept with the table: whenever the reader dies, a successor waits, takes what was not taken yet,
 * and each flow is counted once. */
#ifndef TCPSCOPE_HANDOVER_H
#define TCPSCOPE_HANDOVER_H

#include "begin.h"
#include "service.h"
#include "shape.h"

/* Powers of two. */
enum {
	/* Of one call: so many that it costs little beside its flows, and so few that a CPU is soon out of the
	 * kernel. */
	SWEEP_BUCKETS = 512,
	/* Of the list: so many that waiting, some 10 ms, costs little beside what ends meanwhile. */
	HANDED_BUCKETS = 16384,
};

/* Flows of one bucket that are handed over. */
struct handed {
	__u32 bucket;
	__u32 ways; /* a bit for each */
};

/* The list; one, kept with the table. The sweep writes it while user space waits for that, and user space the last
 * two. */
struct handover {
	__u32 count; /* of handed[] */
	__u32 reserved;
	__u64 now_ns; /* the last sweep's */
	struct handed handed[HANDED_BUCKETS];
	__u64 taken; /* way in the list (WAYS to a bucket) at which taking goes on; 1 << 32: `before` is valid */
	struct service_before before; /* the one count that may be half done */
};

/* One call of the sweep: user space writes the request, the sweep the answer. */
struct sweep_call {
	struct sweep_policy policy;
	__u32 give_back; /* 1: no looking, but slots of the list are given back, from its end */
	__u32 reserved;
	__u32 count; /* of bucket[]: where to look */
	__u32 swept; /* answer: so many of them */
	__u32 bucket[SWEEP_BUCKETS];
	struct handover handover;
};

/* Fills the request, but for its policy: with the buckets from `first` on where something may be due, as many as one
 * call takes. Returns where to go on; `buckets`: that was all. `tags`, `looks`: the table's; looks NULL: none are
 * kept. */
INLINE __u32 sweep_list(struct sweep_call *call, const volatile __u64 *tags, const volatile __u64 *looks, __u32 first,
			__u32 buckets);
/* Where to go on after the call, given what sweep_list returned: it may have ended early, for want of room. */
INLINE __u32 sweep_next(const struct sweep_call *call, __u32 listed);
/* Fills the request: to give slots back. False: there are none. */
INLINE bool sweep_give_back(struct sweep_call *call);

/* Does slot `way` of a bucket with these tags have a flow that is the table's? */
INLINE bool handover_is_open(__u64 tags, const struct flow *flow, __u32 way)
{
	return tags >> (way * 8) & 0xff && flow_is_open(flow);
}

/* The slot of the next flow that is handed over, SLOT_NONE: there is none. `flows`, `facts`: the table's. */
INLINE __u32 handover_find(struct handover *handover, const struct flow_bucket *flows,
			   const struct facts_bucket *facts);
/* Why it ended. */
INLINE __u32 handover_reason(const struct flow *flow) { return flow->standing - (__u32)SLOT_HANDED; }
/* Copies that flow, with its reason. False: there is none. */
INLINE bool handover_take(struct handover *handover, const struct flow_bucket *flows, const struct facts_bucket *facts,
			  struct report *report);
/* After the report that was taken has been put out: counts its handshake in `services`, SERVICE_SETS that nobody else
 * writes (NULL: in none), and leaves its facts blank, so that the next flow there writes only what it has to say. */
INLINE void handover_taken(struct handover *handover, const struct flow_bucket *flows, struct facts_bucket *facts,
			   struct service_set *services, const struct report *report);
/* Leaves the facts of a slot blank that nobody else has. */
INLINE void handover_blank(const struct flow *flow, struct facts *facts);
/* First of all, by a reader: makes good what a predecessor left half done in `services`. */
INLINE void handover_resume(struct handover *handover, struct service_set *services);
/* Is there room for what another call of the sweep may list? Not while the list is being taken, or given back. */
INLINE bool handover_has_room(const struct handover *handover);
/* ---- for the sweep ---- */
/* Has all of the list been taken? */
INLINE bool handover_is_done(const struct handover *handover);
/* How many buckets one call gives back. */
INLINE __u32 handover_last(const struct handover *handover);
/* The list without its last ones, after all has been taken. */
INLINE void handover_shorten(struct handover *handover, __u32 buckets);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE __u32 sweep_list(struct sweep_call *call, const volatile __u64 *tags, const volatile __u64 *looks, __u32 first,
			__u32 buckets)
{
	const struct sweep_policy *policy = &call->policy;
	bool all = !looks || policy->everything;

	call->give_back = 0;
	for (call->count = 0; first < buckets && call->count < SWEEP_BUCKETS; first++)
		if (tags[first] && (all || looks[first] <= policy->now_ns))
			call->bucket[call->count++] = first;
	return first;
}

INLINE __u32 sweep_next(const struct sweep_call *call, __u32 listed)
{
	return call->swept < call->count ? call->bucket[call->swept] : listed;
}

INLINE bool sweep_give_back(struct sweep_call *call)
{
	call->give_back = 1;
	call->count = 0;
	return call->handover.count;
}

INLINE __u32 handover_at(__u64 taken) { return (__u32)taken; }
#define HANDOVER_COUNTING (1ULL << 32)

/* The first way at or after one of the list that is handed over; count * WAYS: none. */
INLINE __u32 handover_next(const struct handover *handover, __u32 at)
{
	while (at < handover->count * WAYS && !(handover->handed[at / WAYS].ways >> at % WAYS & 1))
		at++;
	return at;
}

INLINE bool handover_has_room(const struct handover *handover)
{
	return !handover->taken && handover->count <= HANDED_BUCKETS - SWEEP_BUCKETS;
}

INLINE bool handover_is_done(const struct handover *handover)
{
	return handover_at(handover->taken) >= handover->count * WAYS;
}

INLINE __u32 handover_last(const struct handover *handover)
{
	return handover->count < SWEEP_BUCKETS ? handover->count : SWEEP_BUCKETS;
}

INLINE void handover_shorten(struct handover *handover, __u32 buckets)
{
	handover->count -= buckets;
	handover->taken = handover->count * WAYS;
}

/* Lets the caches bring a flow while the one before it is dealt with. */
INLINE void handover_fetch(const struct handover *handover, const struct flow_bucket *flows,
			   const struct facts_bucket *facts, __u32 at)
{
	__u32 bucket = handover->handed[at / WAYS % HANDED_BUCKETS].bucket;

	if (at >= handover->count * WAYS)
		return;
	for (size_t line = 0; line < sizeof(struct flow); line += 64)
		__builtin_prefetch((const char *)&flows[bucket].way[at % WAYS] + line);
	for (size_t line = 0; line < sizeof(struct facts); line += 64)
		__builtin_prefetch((const char *)&facts[bucket].way[at % WAYS] + line);
}

INLINE __u32 handover_find(struct handover *handover, const struct flow_bucket *flows, const struct facts_bucket *facts)
{
	__u32 at = handover_next(handover, handover_at(handover->taken));

	handover->taken = at;
	if (handover_is_done(handover))
		return SLOT_NONE;
	handover_fetch(handover, flows, facts, handover_next(handover, at + 1));
	return handover->handed[at / WAYS].bucket * WAYS + at % WAYS;
}

INLINE bool handover_take(struct handover *handover, const struct flow_bucket *flows, const struct facts_bucket *facts,
			  struct report *report)
{
	__u32 number = handover_find(handover, flows, facts);
	struct segment room;

	if (number == SLOT_NONE)
		return false;
	report_copy(report, &flows[number / WAYS].way[number % WAYS], &facts[number / WAYS].way[number % WAYS]);
	report_grow(report, &room);
	report_say(report, handover_reason(&report->flow), handover->now_ns);
	return true;
}

INLINE void handover_blank(const struct flow *flow, struct facts *facts)
{
	if (flow_is_embryo(flow)) /* then nobody used them */
		return;
	facts_blank(facts);
	written();
	facts->used = 0; /* not before it is: else its next flow sees to that */
}

/* `taken` is one word, so each change of it is whole: with HANDOVER_COUNTING nothing has been counted, as far as a
 * successor is concerned, without it all. */
INLINE void handover_taken(struct handover *handover, const struct flow_bucket *flows, struct facts_bucket *facts,
			   struct service_set *services, const struct report *report)
{
	__u64 at = handover->taken;
	__u32 bucket = handover->handed[(__u32)at / WAYS % HANDED_BUCKETS].bucket, way = (__u32)at % WAYS;
	struct service_sample sample;

	if (services && service_sample_of(&sample, report)) {
		__u32 set = service_set_of(&sample.key);

		service_remember(&handover->before, &services[set], set, &sample);
		written();
		handover->taken = at | HANDOVER_COUNTING;
		written();
		service_set_count(&services[set], &sample);
	}
	written();
	handover->taken = handover_next(handover, (__u32)at + 1);
	written();
	handover_blank(&flows[bucket].way[way], &facts[bucket].way[way]);
}

INLINE void handover_resume(struct handover *handover, struct service_set *services)
{
	if (handover->taken & HANDOVER_COUNTING)
		service_undo(&handover->before, &services[handover->before.set % SERVICE_SETS]);
	written();
	handover->taken &= ~HANDOVER_COUNTING;
}

#endif
