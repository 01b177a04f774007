/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a connection begins and ends: SYNs and their answers with times, FIN, RST, ICMP evidence. Called for the segments
 * that are news (flow_is_news), never for plain data and ACKs. */
#ifndef TCPSCOPE_HANDSHAKE_H
#define TCPSCOPE_HANDSHAKE_H

#include "analysis.h"

/* Does `seg`, sent by endpoint `direction`, begin another connection on this flow's key? (A SYN without ACK off its
 * side's base: tshark's rule, one stream per ISN.) */
INLINE bool handshake_is_new_flow(const struct flow *flow, const struct facts *facts, const struct segment *seg,
				  __u32 direction);
/* Notes what is news in a segment, before analysis_judge. */
INLINE void handshake_note(const struct exchange *x);
/* Measures tshark's initial RTT: valid for the segments after this one. */
INLINE void handshake_initial_rtt(const struct exchange *x);
/* An ICMP error quoted a segment of endpoint `direction`. True if it is evidence: the flow still waits for an
 * answer. */
INLINE bool handshake_icmp(struct flow *flow, struct facts *facts, const struct segment *quoted, __u32 direction);

/* Both FINs were acknowledged, each by the other side. */
INLINE bool flow_is_closed(const struct flow *flow);
/* Closed, or ended by a RST. */
INLINE bool flow_is_over(const struct flow *flow);
/* SYNs of one side, and nothing from the other. */
INLINE bool flow_is_unanswered(const struct flow *flow);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE bool flow_is_closed(const struct flow *flow) { return flow->half[0].bits & flow->half[1].bits & HALF_FIN_ACKED; }

INLINE bool flow_is_over(const struct flow *flow)
{
	return flow_is_closed(flow) || (flow->half[0].bits | flow->half[1].bits) & HALF_RST;
}

INLINE bool flow_is_unanswered(const struct flow *flow)
{
	__u16 both = flow->half[0].bits | flow->half[1].bits;

	return (both & HALF_SYN) && !(flow->half[0].bits & flow->half[1].bits & HALF_SEEN) &&
	       !(both & (HALF_ACKED | HALF_SYNACK));
}

INLINE bool handshake_is_new_flow(const struct flow *flow, const struct facts *facts, const struct segment *seg,
				  __u32 direction)
{
	const struct half_facts *own = &facts->half[direction & 1], *peer = &facts->half[~direction & 1];

	if (likely((seg->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN))
		return false;
	if (flow->half[direction & 1].bits & HALF_SEEN)
		return seg->sequence != own->base;
	return half_has_ack(&flow->half[~direction & 1]) && seg->sequence != peer->first_ack - 1;
}

INLINE void handshake_attempt(const struct exchange *x, bool synack)
{
	__u32 number = x->facts->attempts_seen++;
	struct attempt *attempt = &x->facts->attempt[number & (ATTEMPTS - 1)];

	if (number >= ATTEMPTS)
		return;
	attempt->at_ns = x->seg->now_ns;
	attempt->tsval = x->seg->options & OPTION_TIMESTAMPS ? x->seg->tsval : 0;
	attempt->synack = synack;
}

/* What p0f calls quirks, of a SYN or SYN/ACK: those of its IP header, and all. */
INLINE __u32 handshake_ip_quirks(const struct segment *seg)
{
	bool df = seg->ip_word & 0x4000, id = seg->ip_word >> 16;

	if (seg->ip_version != 4)
		return seg->ip_word & 0xfffff ? QUIRK_FLOW_LABEL : 0;
	return (df ? QUIRK_DF : 0) | (df && id ? QUIRK_ID : 0) | (!df && !id ? QUIRK_NO_ID : 0) |
	       (seg->ip_word & 0x8000 ? QUIRK_RESERVED : 0);
}

INLINE __u32 handshake_quirks(const struct segment *seg)
{
	bool ack = seg->flags & TCP_ACK, timestamps = seg->options & OPTION_TIMESTAMPS, urgent = seg->flags & TCP_URG;
	bool ecn = seg->ip_ecn || seg->flags & (TCP_ECE | TCP_CWR | TCP_AE);

	return seg->option_quirks | (ecn ? QUIRK_ECN : 0) | (seg->tcp_reserved ? QUIRK_RESERVED : 0) |
	       (seg->sequence == 0 ? QUIRK_SEQ_ZERO : 0) | (seg->acknowledgment && !ack ? QUIRK_ACK_NO_FLAG : 0) |
	       (!seg->acknowledgment && ack ? QUIRK_ACK_ZERO : 0) | (urgent ? QUIRK_URG : 0) |
	       (seg->urgent && !urgent ? QUIRK_URG_NO_FLAG : 0) | (seg->flags & TCP_PSH ? QUIRK_PSH : 0) |
	       (timestamps && !seg->tsval ? QUIRK_TSVAL_ZERO : 0) |
	       (timestamps && seg->tsecr && !ack ? QUIRK_TSECR : 0) | (seg->window_scale > 14 ? QUIRK_SCALE : 0) |
	       (seg->payload_len ? QUIRK_PAYLOAD : 0);
}

/* What a fingerprint is made of, besides the options. */
INLINE void handshake_fingerprint(struct half_facts *own, const struct segment *seg)
{
	own->option_layout = seg->option_layout;
	own->quirks = handshake_ip_quirks(seg) | handshake_quirks(seg);
	own->syn_window = seg->window;
	own->syn_ttl = seg->ttl;
	own->syn_ip_options = seg->ip_options < 0xff ? (__u8)seg->ip_options : 0xff;
}

SEPARATE int handshake_any_fingerprint(struct half_facts *own, const struct segment *seg)
{
	if (own && seg)
		handshake_fingerprint(own, seg);
	return 0;
}

INLINE void handshake_syn_options(const struct exchange *x)
{
	const struct segment *seg = x->seg;
	struct half_facts *own = x->own_facts;
	__u16 ecn = seg->flags & (TCP_ECE | TCP_CWR);

	own->base = seg->sequence;
	own->isn = seg->sequence;
	own->first_seq = seg->sequence + 1;
	own->syn_end = x->end;
	own->options = seg->options;
	own->mss = seg->mss;
	own->window_scale = seg->window_scale;
	own->syn_ecn = ecn == (seg->flags & TCP_ACK ? TCP_ECE : TCP_ECE | TCP_CWR);
	if (x->own->bits & HALF_ACKED) {
		own->order |= ORDER_UNSCALED;
		x->own->bits |= HALF_LATE_SYN;
	}
	if (seg->options & OPTION_WINDOW_SCALE) /* RFC 7323, 2.3: above 14 means 14 */
		x->flow->scale[x->direction & 1] = seg->window_scale > 14 ? 14 : seg->window_scale;
	else if (seg->options & OPTION_CUT)
		x->flow->scale[x->direction & 1] = SCALE_UNKNOWN;
}

INLINE void handshake_syn(const struct exchange *x)
{
	__u8 order = (x->peer->bits & HALF_SYN ? ORDER_SECOND_SYN : 0) |
		     (x->peer->bits & HALF_ACKED ? ORDER_SYN_LATE : 0);
	struct half_facts *own = x->own_facts;
	__u64 now = x->seg->now_ns;

	if (own->syns++ == 0) {
		own->syn_first_ns = now;
		if (unlikely(order)) /* else its line need not come */
			own->order |= order;
	}
	own->syn_last_ns = now;
	own->syn_tsval = x->seg->options & OPTION_TIMESTAMPS ? x->seg->tsval : 0;
	x->own->bits |= HALF_SYN;
	x->facts->last_syn_ns = now;
	if (x->facts->initial_rtt_ns == 0 && (x->own->bits | x->peer->bits) & HALF_INITIAL_RTT)
		x->own->bits |= HALF_LATE_SYN;
	handshake_attempt(x, false);
}

/* Which SYN does this SYN/ACK answer? Its TSecr names one, since SYNs are a second apart and timestamps tick faster. */
INLINE void handshake_answer(const struct exchange *x)
{
	const struct half_facts *client = x->peer_facts;
	struct facts *facts = x->facts;
	__u32 number = 0;

	facts->answered_syn = client->syns;
	facts->answered_syn_ns = client->syn_last_ns;
	facts->answered_by = client->syns == 1 ? ANSWERED_ONLY : ANSWERED_LAST;
	if (client->syns == 1 || !(x->seg->options & client->options & OPTION_TIMESTAMPS))
		return;
	if (x->seg->tsecr == client->syn_tsval)
		facts->answered_by = ANSWERED_TIMESTAMP;
	for (int i = 0; i < ATTEMPTS; i++) {
		const struct attempt *attempt = &facts->attempt[i];

		if ((__u32)i >= facts->attempts_seen)
			break;
		if (attempt->synack)
			continue;
		number++;
		if (attempt->tsval == x->seg->tsecr) {
			facts->answered_syn = number;
			facts->answered_syn_ns = attempt->at_ns;
			facts->answered_by = ANSWERED_TIMESTAMP;
			break;
		}
	}
}

INLINE void handshake_synack(const struct exchange *x)
{
	struct half_facts *own = x->own_facts, *client = x->peer_facts;
	bool answers = !(x->peer->bits & HALF_SYN) ||
		       seq_within(x->seg->acknowledgment, client->isn + 1, client->syn_end);
	/* If it comes after another segment that acknowledges the one SYN, its time is not that of the answer. */
	bool late = client->syns == 1 && x->own->bits & HALF_ACKED && !(client->order & ORDER_SYN_LATE) &&
		    !seq_before(x->own->ack, client->isn + 1);

	own->synacks++;
	x->own->bits |= HALF_SYNACK;
	if (answers && own->synack_first_ns == 0) {
		own->synack_first_ns = late ? 0 : x->seg->now_ns;
		if (x->peer->bits & HALF_SYN)
			handshake_answer(x);
	}
	if (!(x->peer->bits & HALF_SHOOK))
		own->synack_last_ns = x->seg->now_ns;
	handshake_attempt(x, true);
}

/* The first segment with which the client answers the SYN/ACK. */
INLINE void handshake_shake(const struct exchange *x)
{
	const struct segment *seg = x->seg;

	if (seg->flags & TCP_RST) {
		x->own->bits |= HALF_SHOOK;
	} else if (seg->flags & TCP_ACK && !seq_before(seg->acknowledgment, x->peer_facts->isn + 1)) {
		x->own->bits |= HALF_SHOOK;
		if (seq_within(seg->acknowledgment, x->peer_facts->isn + 1, x->peer_facts->syn_end))
			x->own_facts->shook_ns = seg->now_ns;
	}
}

INLINE void handshake_fin_rst(const struct exchange *x)
{
	__u16 ended = HALF_FIN | HALF_RST, flags = x->seg->flags;
	struct half *own = x->own;

	if (flags & (TCP_FIN | TCP_RST) && !(own->bits & ended) && x->peer->bits & ended)
		x->own_facts->order |= ORDER_SECOND_FIN;
	if (flags & TCP_RST && !(own->bits & HALF_RST)) {
		own->bits |= HALF_RST;
		x->own_facts->order |= (flow_is_closed(x->flow) ? ORDER_RST_LATE : 0) |
				       (x->own->bits & HALF_FIN ? ORDER_FIN_RST : 0);
		x->own_facts->rst_ttl = x->seg->ttl;
	}
	if (flags & TCP_FIN && (!(own->bits & HALF_FIN) || seq_after(x->end, x->own_facts->fin_end))) {
		own->bits |= HALF_FIN;
		x->own_facts->fin_end = x->end;
	}
	if (own->bits & ended && x->peer->bits & ended && !x->facts->ended_ns) /* else its line need not come */
		x->facts->ended_ns = x->seg->now_ns;
	if (x->peer->bits & HALF_FIN && flags & TCP_ACK && !seq_before(x->seg->acknowledgment, x->peer_facts->fin_end))
		own->bits |= HALF_FIN_ACKED;
}

INLINE void handshake_first_segment(const struct exchange *x)
{
	const struct segment *seg = x->seg;
	struct half_facts *own = x->own_facts;
	__u32 syn = (seg->flags & TCP_SYN) != 0;

	own->ttl = seg->ttl;
	own->first_seq = seg->sequence;
	own->base = half_has_ack(x->peer) ? x->peer_facts->first_ack - 1 : seg->sequence - 1 + syn;
}

INLINE void handshake_count_flags(const struct exchange *x)
{
	struct half_facts *own = x->own_facts;
	__u16 flags = x->seg->flags, segments = x->seg->segments;

	own->fin += (flags & TCP_FIN) != 0;
	own->rst += (flags & TCP_RST) != 0;
	if (unlikely(!(flags & TCP_ACK)))
		own->no_ack += segments - !!(flags & TCP_SYN);
	if (likely(!(flags & (TCP_URG | TCP_ECE | TCP_CWR | TCP_AE | SEGMENT_CE)))) /* then their line need not come */
		return;
	own->urg += (flags & TCP_URG) != 0;
	own->ece += flags & TCP_ECE ? segments : 0;
	own->cwr += (flags & TCP_CWR) != 0;
	own->ae += flags & TCP_AE ? segments : 0;
	own->ce += flags & SEGMENT_CE ? segments : 0;
}

INLINE void handshake_note(const struct exchange *x)
{
	const struct segment *seg = x->seg;
	struct half_facts *own = x->own_facts;

	if (!(x->own->bits & HALF_SEEN))
		handshake_first_segment(x);
	handshake_count_flags(x);
	if (seg->flags & TCP_ACK && !half_has_ack(x->own))
		own->first_ack = seg->acknowledgment;
	if (seg->flags & TCP_SYN) {
		handshake_syn_options(x);
		handshake_any_fingerprint(own, seg);
		if (seg->flags & TCP_ACK)
			handshake_synack(x);
		else
			handshake_syn(x);
	} else if (x->peer->bits & HALF_SYNACK && !(x->own->bits & HALF_SHOOK)) {
		handshake_shake(x);
	}
	handshake_fin_rst(x);
	history_payload(x->facts, seg->payload_len, seg->now_ns, x->direction);
	if ((seg->flags & (TCP_ACK | TCP_SYN)) == TCP_ACK) {
		x->own->bits |= HALF_ACKED;
		own->order &= (__u8)~ORDER_UNSCALED;
	}
}

INLINE void handshake_initial_rtt(const struct exchange *x)
{
	struct facts *facts = x->facts;

	if ((x->seg->flags & (TCP_SYN | TCP_ACK)) != TCP_ACK)
		return;
	if (facts->last_syn_ns && !facts->initial_rtt_ns)
		facts->initial_rtt_ns = x->seg->now_ns - facts->last_syn_ns;
	if (facts->initial_rtt_ns || !facts->last_syn_ns) { /* 0 is measured again */
		x->own->bits |= HALF_INITIAL_RTT;
		x->own->bits &= (__u16)~HALF_LATE_SYN;
	}
}

INLINE bool handshake_icmp(struct flow *flow, struct facts *facts, const struct segment *quoted, __u32 direction)
{
	const struct half *own = &flow->half[direction & 1], *peer = &flow->half[~direction & 1];

	if (!(own->bits & HALF_SYN) || peer->bits & HALF_SEEN || quoted->sequence != facts->half[direction & 1].isn)
		return false;
	if (!facts->icmp_seen) {
		facts->icmp_seen = 1;
		facts->icmp_type = quoted->icmp_type;
		facts->icmp_code = quoted->icmp_code;
	}
	return true;
}

#endif
