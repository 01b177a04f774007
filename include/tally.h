/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a segment adds to the totals of its side: to its tally, or, if it is too large for that, to the facts. */
#ifndef TCPSCOPE_TALLY_H
#define TCPSCOPE_TALLY_H

#include "analysis.h"

enum { PLAIN_PAYLOAD_MAX = 65535 }; /* octets, of one segment or of a super-packet */

/* What the tally's totals have room for (flow.h), and flow_plain may be given. */
INLINE bool tally_takes(const struct segment *seg);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE __u32 segment_headers(const struct segment *seg) { return seg->ip_len - seg->payload_len; }

INLINE bool tally_takes(const struct segment *seg)
{
	return seg->payload_len <= PLAIN_PAYLOAD_MAX && seg->segments <= TALLY_SEGMENTS_MAX &&
	       segment_headers(seg) <= TALLY_HEADER_MAX;
}

INLINE bool tally_is_full(const struct tally *tally) { return tally->totals & TALLY_PACKETS_FULL; }

/* Moves a side's totals to those of the facts. */
INLINE void half_carry(struct tally *tally, struct half_facts *facts)
{
	facts->packets += tally_get(tally, TALLY_PACKETS);
	facts->payload_bytes += tally->payload_bytes;
	facts->header_bytes += tally_get(tally, TALLY_HEADERS);
	facts->psh += tally_get(tally, TALLY_PSH);
	facts->rtt_samples += tally->rtt_samples;
	facts->rtt_by_timestamp += tally->rtt_by_timestamp;
	facts->analysis[ANALYSIS_LOST_SEGMENTS] += tally_get(tally, TALLY_LOST_SEGMENTS);
	tally->totals = tally->payload_bytes = tally->rtt_samples = tally->rtt_by_timestamp = 0;
}

/* What tally_takes. */
INLINE void tally_count(struct tally *tally, const struct segment *seg)
{
	tally->totals += (1 + ((__u64)segment_headers(seg) << TALLY_HEADERS)) * seg->segments +
			 ((__u64)(seg->flags & TCP_PSH) << (TALLY_PSH - 3));
	tally->payload_bytes += seg->payload_len;
}

/* What is larger. */
INLINE void facts_count(struct half_facts *facts, const struct segment *seg)
{
	facts->packets += seg->segments;
	facts->header_bytes += (__u64)segment_headers(seg) * seg->segments;
	facts->psh += !!(seg->flags & TCP_PSH);
	facts->payload_bytes += seg->payload_len;
}

/* When it was sent, and where it was seen. */
INLINE void flow_stamp(struct flow *flow, const struct segment *seg, __u32 direction)
{
	struct tally *tally = &flow->tally[direction & 1];

	tally->time_ns = seg->now_ns;
	tally->clock_error = seg->clock_error;
	flow->last_sender = (__u8)direction;
	if (unlikely(tally->cpu != seg->cpu)) {
		tally->handovers += flow->half[direction & 1].bits & HALF_SEEN && tally->handovers < 255;
		tally->cpu = seg->cpu;
	}
}

INLINE void half_payload(struct tally *tally, const struct segment *seg)
{
	if (unlikely(seg->wire_payload_len > tally->payload_max))
		tally->payload_max = seg->wire_payload_len;
}

INLINE void half_window(struct tally *tally, const struct segment *seg)
{
	if (unlikely(seg->window < tally->window_min))
		tally->window_min = seg->window;
	if (unlikely(seg->window > tally->window_max))
		tally->window_max = seg->window;
}

INLINE struct exchange flow_exchange(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction)
{
	return (struct exchange){
		.flow = flow,
		.facts = facts,
		.own = &flow->half[direction & 1],
		.peer = &flow->half[~direction & 1],
		.tally = &flow->tally[direction & 1],
		.peer_tally = &flow->tally[~direction & 1],
		.direction = direction,
		.own_facts = &facts->half[direction & 1],
		.peer_facts = &facts->half[~direction & 1],
		.seg = seg,
		.end = seg->sequence + seg->payload_len + !!(seg->flags & (TCP_SYN | TCP_FIN)),
	};
}

#endif
