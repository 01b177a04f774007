/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a flow begins. Most do with a plain SYN: it is kept as it is, in two lines of the flow's slot, until a second
 * segment comes. Then this embryo grows: the facts are written, in lines that the answer to the SYN touches anyway.
 * What is never answered, as in a flood, never touches the facts; a copy of it grows when it is reported.
 *
 * An embryo is written by its birth, in a slot that nobody else has, and by its growth, under the lock of its region;
 * its key lies where the segments of a flow under way write. So none is born in place of a flow that was evicted under
 * way, but of another embryo, or where the slot was free. */
#ifndef TCPSCOPE_BEGIN_H
#define TCPSCOPE_BEGIN_H

#include "handshake.h"
#include "rtt.h"
#include "tally.h"

/* Makes a slot the flow of `seg`, with no segment in it yet. */
INLINE void flow_begin(struct flow *flow, struct facts *facts, const struct segment *seg, struct key_hash hash);
/* A SYN that carries nothing else. */
INLINE bool flow_is_plain_syn(const struct segment *seg);
/* What flow_update leaves of that in a flow just begun. It writes `last_sender` last. */
INLINE void flow_begin_syn(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction);

/* Makes a slot the flow of a plain SYN. It reads nothing there: what is only written nobody waits for. */
INLINE void embryo_begin(struct flow *flow, const struct segment *seg, struct key_hash hash);
/* Makes of an embryo what flow_begin and flow_begin_syn make of its SYN. Nobody else may do so at once. `seg`: memory
 * to work in. */
INLINE void embryo_grow(struct flow *flow, struct facts *facts, struct segment *seg);

/* Copies a flow; of an embryo not the facts: those are then report_grow's part. */
INLINE void report_copy(struct report *report, const struct flow *flow, const struct facts *facts);
SEPARATE int report_grow(struct report *report, struct segment *seg);

/* Begins to bring at once what is needed of the facts by news of a side: its first segments (`begins`), or its end. */
INLINE void facts_touch(const struct facts *facts, __u32 direction, bool begins);
/* The same for the three lines of the slot. */
INLINE void slot_touch(const struct flow *flow);
/* Begins to bring all lines at once that flow_begin and its segment need: a birth waits for them one after the other
 * else. */
INLINE void flow_touch(const struct flow *flow, const struct facts *facts, __u32 direction);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE void facts_touch(const struct facts *facts, __u32 direction, bool begins)
{
	const struct half_facts *own = &facts->half[direction & 1], *peer = &facts->half[~direction & 1];

	touch(&facts->history);
	touch(&facts->last_syn_ns);
	touch(&own->synack_first_ns);
	if (begins) {
		touch(&facts->key);
		touch(&own->syn_first_ns);
		touch(&peer->syn_first_ns);
	} else {
		touch(&peer->synack_first_ns);
	}
}

INLINE void slot_touch(const struct flow *flow)
{
	touch(flow);
	touch(&flow->tally[0]);
	touch(&flow->tally[1]);
}

INLINE void flow_touch(const struct flow *flow, const struct facts *facts, __u32 direction)
{
	const struct half_facts *own = &facts->half[direction & 1];

	slot_touch(flow);
	touch(&facts->history);
	touch(&facts->key);
	touch(&facts->last_syn_ns);
	touch(&own->syn_first_ns);
	touch(&own->synack_first_ns);
}

/* How a flow's first segment begins its facts, but for the key. */
INLINE void facts_begin(struct facts *facts, const struct segment *seg, __u32 direction)
{
	facts->used = 1;
	facts->start_ns = seg->now_ns;
	facts->first_sender = (__u8)direction;
	facts->vlans = seg->vlans;
	for (int i = 0; i < SEGMENT_VLANS && seg->vlans; i++)
		facts->vlan[i] = seg->vlan[i];
}

INLINE void flow_begin(struct flow *flow, struct facts *facts, const struct segment *seg, struct key_hash hash)
{
	flow_open(flow);
	if (unlikely(facts->used))
		facts_blank(facts);
	flow_begin_tallies(flow, hash.direction, seg->now_ns);
	key_of_segment(&facts->key, seg, hash.direction);
	facts_begin(facts, seg, hash.direction);
	flow_publish(flow, (__u32)hash.value, 0);
}

INLINE bool flow_is_plain_syn(const struct segment *seg)
{
	/* A window of 0 has a letter; 2^32 - 1 would end at 0, which stands for unknown. */
	return seg->flags == TCP_SYN && !seg->payload_len && seg->segments == 1 && seg->window &&
	       seg->sequence != 0xffffffff && !seg->clock_error && tally_takes(seg);
}

INLINE void flow_begin_syn(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction)
{
	const struct exchange x = flow_exchange(flow, facts, seg, direction);

	history_first_syn(facts, direction);
	x.own_facts->ttl = seg->ttl;
	handshake_syn_options(&x);
	handshake_fingerprint(x.own_facts, seg);
	handshake_syn(&x);
	x.own->next = x.own->max = x.end;
	x.own->ack = seg->acknowledgment;
	x.own->win = seg->window;
	x.tally->next_ns = seg->now_ns;
	if (seg->options & OPTION_TIMESTAMPS)
		x.tally->tsval = seg->tsval;
	rtt_begin(x.own, x.end, RTT_ACK, seg);
	half_payload(x.tally, seg);
	tally_count(x.tally, seg);
	x.own->bits |= HALF_SEEN;
	x.tally->cpu = seg->cpu;
	written();
	flow_stamp(flow, seg, direction);
}

INLINE void embryo_begin(struct flow *flow, const struct segment *seg, struct key_hash hash)
{
	struct embryo *embryo = &flow->embryo;

	embryo->common = 0;
	embryo->bits_0 = embryo->bits_1 = 0;
	written(); /* now it is nobody's, and who reads it sees that */
	embryo->time_ns = seg->now_ns;
#define EMBRYO_KEEP(type, name) embryo->name = seg->name;
	EMBRYO_FIELDS(EMBRYO_KEEP)
#undef EMBRYO_KEEP
	__builtin_memcpy(embryo->vlan, seg->vlan, sizeof(seg->vlan));
	key_of_segment(&embryo->key, seg, hash.direction);
	flow->half[hash.direction & 1].bits = HALF_SEEN | HALF_SYN;
	flow_publish(flow, (__u32)hash.value, SENDER_EMBRYO | (__u8)hash.direction);
}

/* But for addresses and ports. */
INLINE void embryo_segment(struct segment *seg, const struct embryo *embryo)
{
	*seg = (struct segment){ .now_ns = embryo->time_ns,
				 .ip_version = embryo->key.ip_version,
				 .flags = TCP_SYN,
				 .segments = 1,
#define EMBRYO_GIVE(type, name) .name = embryo->name,
				 EMBRYO_FIELDS(EMBRYO_GIVE)
#undef EMBRYO_GIVE
	};
	__builtin_memcpy(seg->vlan, embryo->vlan, sizeof(seg->vlan));
}

INLINE void embryo_grow(struct flow *flow, struct facts *facts, struct segment *seg)
{
	__u32 direction = flow->last_sender & 1;

	flow->last_sender |= SENDER_GROWS;
	written();
	embryo_segment(seg, &flow->embryo);
	if (unlikely(facts->used))
		facts_blank(facts);
	facts->key = flow->embryo.key;
	facts_begin(facts, seg, direction);
	flow_open_halves(flow);
	flow_begin_tallies(flow, direction, seg->now_ns);
	flow_begin_syn(flow, facts, seg, direction);
}

INLINE void report_copy(struct report *report, const struct flow *flow, const struct facts *facts)
{
	report->flow = *flow;
	if (!flow_is_embryo(&report->flow))
		report->facts = *facts;
}

SEPARATE int report_grow(struct report *report, struct segment *seg)
{
	if (!report || !seg || !flow_is_embryo(&report->flow))
		return 0;
	report->facts.used = 1; /* whatever the report had before */
	embryo_grow(&report->flow, &report->facts, seg);
	return 0;
}

#endif
