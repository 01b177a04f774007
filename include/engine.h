/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The story of one packet: parse, find or begin its flow, update it, account for it. The same lines run in the kernel,
 * on a capture and in a test; a body includes this file and supplies the table's memory (table.h).
 *
 * The words, in the order in which a flow meets them:
 *   body       who compiles these headers: the kernel programs, a replay, a test
 *   home       the slot that a key's hash names; a flow elsewhere is a stray (table.h)
 *   embryo     a flow that is only its SYN, in two cache lines of its slot; with the next segment it grows (flow.h)
 *   facts      what is known of a flow beyond its slot, in lines of their own (flow.h)
 *   brief      the short way: a frame read at fixed offsets (brief.h)
 *   plain      a segment without news: its flow is counted on, and nothing judged (update.h)
 *   exchange   a segment with both halves of its flow, sender's and peer's, as it is judged (analysis.h)
 *   glance     what a screen reads of a flow between two looks (glance.h)
 *   look       the time at which the sweep finds something due in a bucket (handover.h)
 *   departure  room to work in for a flow that is evicted (leave.h)
 *   handover   flows that ended lie where they are until user space has read them (handover.h) */
#ifndef TCPSCOPE_ENGINE_H
#define TCPSCOPE_ENGINE_H

#include "birth.h"
#include "brief.h"

/* The short way for an Ethernet frame (brief.h), with its account: all but BRIEF_ENTERED is for engine_judge. */
INLINE __u32 engine_brief(struct table *table, struct ledger *ledger, const struct cursor *at,
			  const struct stamp *stamp, __u32 *strays);
/* After engine_brief, unless that said BRIEF_ENTERED. False: parse it, and call engine_enter. */
INLINE bool engine_judge(struct table *table, struct ledger *ledger, const struct cursor *at, const struct stamp *stamp,
			 struct segment *room, __u32 found);

/* Enters a parsed frame into the flow table and the ledger, in exactly one counter of it; returns that.
 * `verdict` is what segment_parse said. */
INLINE int engine_enter(struct table *table, struct ledger *ledger, struct segment *seg, int verdict);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE struct key_hash engine_hash(const struct segment *seg)
{
	return (struct key_hash){ .value = seg->key_hash, .direction = seg->direction };
}

/* Leaves it in the segment, for engine_hash. */
INLINE struct key_hash engine_take_key(const struct table *table, struct segment *seg)
{
	struct key_hash hash = key_hash(seg, &table->shape.seed);

	seg->key_hash = hash.value;
	seg->direction = (__u8)hash.direction;
	return hash;
}

/* As table_birth. */
SEPARATE __u32 engine_birth(struct table *table, struct ledger *ledger, const struct segment *seg)
{
	if (!table || !ledger || !seg)
		return SLOT_NONE;
	return table_birth(table, ledger, seg, engine_hash(seg));
}

/* Looks for the flow of a segment, and enters it there if it is plain. Returns ENTERED; else the slot number of the
 * flow for engine_special, SLOT_NONE if there is none. Leaves the key's hash in the segment, for what comes after. */
SEPARATE __u32 engine_plain(struct table *table, struct segment *seg)
{
	struct key_hash hash;
	struct slot slot;

	if (!table || !seg)
		return SLOT_NONE;
	hash = engine_take_key(table, seg);
	if (seg->flags & (TCP_SYN | TCP_FIN | TCP_RST))
		table_touch_home(table, hash, seg->flags & TCP_SYN);
	slot = table_find(table, hash);
	if (unlikely(!slot.flow))
		return SLOT_NONE;
	return tally_takes(seg) && flow_plain(table, slot, seg, hash.direction) ? ENTERED : slot.number;
}

/* The same for a SYN: begins its flow unless that is there, by table_birth's answer. What it does not find is not
 * looked for first: then the clock and the lock need not wait until it has come. */
SEPARATE __u32 engine_open(struct table *table, struct ledger *ledger, struct segment *seg)
{
	struct key_hash hash;

	if (!table || !ledger || !seg)
		return SLOT_NONE;
	hash = engine_take_key(table, seg);
	clock_exact(seg);
	return table_birth(table, ledger, seg, hash);
}

/* The flow of `seg` at a slot number, if it is there, by its key and not only its hash. */
INLINE struct flow *engine_flow(struct table *table, struct ledger *ledger, const struct segment *seg, __u32 number,
				__u32 direction)
{
	struct flow *flow = table_flow(table, number);
	const struct facts *facts = table_flow_facts(table, number);
	struct flow_key key;

	if (!flow || !facts)
		return NULL;
	if (flow_is_embryo(flow)) {
		table_grow(table, number);
		if (flow_is_embryo(flow))
			return NULL;
	}
	key_of_segment(&key, seg, direction);
	if (likely(key_equal(&facts->key, &key)))
		return flow;
	ledger->collisions++;
	return NULL;
}

/* Is the flow at a slot number that of `seg`? Not if this opens a new connection: then the flow is retired. */
INLINE bool engine_belongs(struct table *table, struct ledger *ledger, const struct segment *seg, __u32 number)
{
	struct flow *flow = engine_flow(table, ledger, seg, number, seg->direction);
	const struct facts *facts = table_flow_facts(table, number);

	if (!flow || !facts)
		return false;
	if (likely(!handshake_is_new_flow(flow, facts, seg, seg->direction)))
		return true;
	table_retire(table, (struct slot){ .flow = flow, .number = number }, engine_hash(seg));
	return false;
}

/* The slot number of the flow that a segment belongs to: the one found, if its key says so too and the segment opens no
 * new connection, else one begun for it: as table_birth. */
SEPARATE __u32 engine_number(struct table *table, struct ledger *ledger, struct segment *seg, __u32 number)
{
	if (!table || !ledger || !seg)
		return SLOT_NONE;
	if (likely(engine_belongs(table, ledger, seg, number)))
		return number;
	clock_exact(seg);
	number = engine_birth(table, ledger, seg);
	/* One that another CPU has begun meanwhile may be another connection, too. */
	if (number >= ENTERED || likely(engine_belongs(table, ledger, seg, number)))
		return number;
	return engine_birth(table, ledger, seg);
}

/* Has the slot the flow still that it had for a key of that hash? */
INLINE bool flow_is_there(const struct flow *flow, __u64 hash)
{
	return flow_is_open(flow) && once(flow->hash) == (__u32)hash;
}

/* After the facts were: if the flow has left meanwhile, they may have been left blank before that. */
INLINE void facts_written(const struct flow *flow, struct facts *facts, __u64 hash)
{
	if (unlikely(!flow_is_there(flow, hash)))
		facts->used = 1;
}

/* A segment that is not plain, or has no flow yet. Returns the counter it ends in. A function beside engine_number and
 * not round it: before 6.8 the kernel rounds the stack of each function up to 32 octets, and 512 are all there is. */
SEPARATE int engine_special(struct table *table, struct segment *seg, __u32 number)
{
	struct flow *flow;
	struct facts *facts;

	if (!table || !seg)
		return LEDGER_TABLE_FULL;
	flow = table_flow(table, number);
	facts = table_flow_facts(table, number);
	/* Its flow was given to its reader, or had to go, since it was looked for. */
	if (!flow || !facts || unlikely(!flow_is_there(flow, seg->key_hash) || flow_is_embryo(flow)))
		return LEDGER_TABLE_FULL;
	flow_update(flow, facts, seg, seg->direction);
	facts_written(flow, facts, seg->key_hash);
	/* By its own side's part of the end: the last of both says so, though neither may see the other's yet. */
	if (flow->half[seg->direction & 1].bits & (HALF_FIN_ACKED | HALF_RST))
		table_look_soon(table, number);
	return LEDGER_IN_FLOWS;
}

/* An ICMP error is evidence for the flow of the segment that it quotes, never a flow. */
SEPARATE int engine_icmp(struct table *table, struct ledger *ledger, const struct segment *quoted)
{
	struct key_hash hash;
	struct flow *flow;
	struct facts *facts;
	__u32 number;

	if (!table || !ledger || !quoted)
		return 0;
	hash = key_hash(quoted, &table->shape.seed);
	number = table_search(table, hash.value);
	flow = engine_flow(table, ledger, quoted, number, hash.direction);
	facts = table_flow_facts(table, number);
	if (!flow || !facts)
		return 0;
	handshake_icmp(flow, facts, quoted, hash.direction);
	facts_written(flow, facts, hash.value);
	return 0;
}

INLINE __u32 engine_brief(struct table *table, struct ledger *ledger, const struct cursor *at,
			  const struct stamp *stamp, __u32 *strays)
{
	__u32 found = brief_enter(table, at, stamp, strays);

	if (likely(found == BRIEF_ENTERED))
		ledger->brief++;
	return found;
}

INLINE bool engine_judge(struct table *table, struct ledger *ledger, const struct cursor *at, const struct stamp *stamp,
			 struct segment *room, __u32 found)
{
	int verdict = LEDGER_IN_FLOWS;

	found = brief_judge(table, at, stamp, room, found);
	if (found == BRIEF_NOT)
		return false;
	if (found != BRIEF_ENTERED)
		verdict = engine_special(table, room, found / 2);
	opaque(verdict); /* as in engine_enter */
	ledger_count(ledger, verdict, room->segments);
	return true;
}

INLINE int engine_enter(struct table *table, struct ledger *ledger, struct segment *seg, int verdict)
{
	__u64 evicted = ledger->evicted;
	__u32 number;

	if (likely(verdict == LEDGER_IN_FLOWS)) {
		bool opens = (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

		number = opens ? engine_open(table, ledger, seg) : engine_plain(table, seg);
		if (unlikely(number != ENTERED && (!opens || number != SLOT_NONE)))
			number = engine_number(table, ledger, seg, number);
		if (unlikely(number != ENTERED))
			verdict = engine_special(table, seg, number);
		if (unlikely(ledger->evicted != evicted)) {
			ledger->lost_records += ledger->evicted - evicted - 1; /* two births had one memory for it */
			table_depart(table, ledger);
		}
	} else if (verdict == LEDGER_ICMP_ERRORS) {
		engine_icmp(table, ledger, seg);
	}
	opaque(verdict); /* else the compiler knows its range, and drops the mask that tells the verifier */
	ledger_count(ledger, verdict, seg->segments);
	return verdict;
}

#endif
