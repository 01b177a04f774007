/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Zeek's connection history: a letter for each thing that happened for the first time, or for the 1st, 10th, 100th ...
 * S SYN, H SYN/ACK, A pure ACK, D payload, F FIN, R RST, I FIN with RST, Q SYN with FIN or RST; S, H, F and R again
 * only with another sequence number; G gap (payload that the peer acknowledged, and that was not seen), T payload sent
 * before, W window 0. The short way of plain segments meets none of them but the first A and the first D of a side,
 * which are firsts (update.h), and gaps, of which the octet that counts them there says which flow_update must see. */
#ifndef TCPSCOPE_HISTORY_H
#define TCPSCOPE_HISTORY_H

#include "flow.h"
#include "wire.h"

/* Notes `seg`, sent by endpoint `direction`, before it is judged: the letters it stands for, but G. */
SEPARATE int history_note(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction);
/* Notes its first plain data, or its first plain segment without. No segment is asked for: that of the short way is to
 * stay in registers. */
SEPARATE int history_first(struct facts *facts, __u32 payload_len, __u64 now_ns, __u32 direction);
/* Notes a SYN that begins its flow, before anyone else can find it. */
INLINE void history_first_syn(struct facts *facts, __u32 direction);
/* Endpoint `direction` acknowledged what was not seen; `gap`: more than the octet of a probe. Counts it in
 * acked_unseen, of which struct tally has an octet that flow_plain adds to: it begins anew, at what gets it to 128 when
 * the next is to have a letter. */
SEPARATE int history_unseen(struct flow *flow, struct facts *facts, bool gap, __u32 direction);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE void history_add(struct facts *facts, char letter, __u32 direction)
{
	__u32 at = __sync_fetch_and_add(&facts->history.letters, 1);

	if (at < HISTORY_MAX)
		facts->history.letter[at] = (char)(letter | (direction & 1) << 5); /* ASCII: lower case */
	else
		facts->history.letters = HISTORY_MAX; /* it never wraps */
}

/* The least of 1, 10, 100 ... that is above `count`. */
INLINE __u64 history_next(__u32 count)
{
	__u64 next = 1;

	for (int i = 0; i < 10 && next <= count; i++)
		next *= 10;
	return next;
}

INLINE bool history_is_due(__u32 count) { return count && history_next(count - 1) == count; }

INLINE void history_once(struct facts *facts, __u8 noted, char letter, __u32 direction)
{
	struct half_facts *own = &facts->half[direction & 1];

	if (!(own->noted & noted))
		history_add(facts, letter, direction);
	own->noted |= noted;
}

/* `same`: with the sequence number of the last of its kind. */
INLINE void history_again(struct facts *facts, __u8 noted, char letter, __u32 direction, bool same)
{
	struct half_facts *own = &facts->half[direction & 1];

	if (!(own->noted & noted) || !same)
		history_add(facts, letter, direction);
	own->noted |= noted;
}

INLINE void history_control(struct facts *facts, const struct segment *seg, __u32 end, __u32 direction)
{
	struct half_facts *own = &facts->half[direction & 1];
	__u16 control = seg->flags & (TCP_SYN | TCP_FIN | TCP_RST);

	if ((control & (TCP_FIN | TCP_RST)) == (TCP_FIN | TCP_RST)) {
		history_once(facts, NOTED_FIN_RST, 'I', direction);
	} else if (control == TCP_SYN) {
		if (!own->noted_syn || seg->sequence != own->isn)
			history_add(facts, seg->flags & TCP_ACK ? 'H' : 'S', direction);
		own->noted_syn = 1;
	} else if (control == TCP_FIN) {
		history_again(facts, NOTED_FIN, 'F', direction, end == own->last_fin);
		own->last_fin = end;
	} else if (control == TCP_RST) {
		history_again(facts, NOTED_RST, 'R', direction, seg->sequence == own->last_rst);
		own->last_rst = seg->sequence;
	} else {
		history_once(facts, NOTED_SYN_MIX, 'Q', direction);
	}
}

/* Payload whose octets were all passed before, be it by this one or by one that came after it on the wire. */
INLINE void history_resent(const struct flow *flow, struct facts *facts, const struct segment *seg, __u32 end,
			   __u32 direction)
{
	struct half_facts *own_facts = &facts->half[direction & 1];
	const struct half *own = &flow->half[direction & 1];

	if (history_is_due(++own_facts->resent))
		history_add(facts, 'T', direction);
	if (own->max && !seq_after(end, own->max))
		own_facts->resent_bytes += seg->payload_len;
}

INLINE void history_payload(struct facts *facts, __u32 payload_len, __u64 now_ns, __u32 direction)
{
	struct half_facts *own = &facts->half[direction & 1];

	if (!payload_len || own->noted & NOTED_PAYLOAD)
		return;
	own->noted |= NOTED_PAYLOAD;
	facts->first_data_ns[direction & 1] = now_ns;
}

INLINE void history_plain(struct facts *facts, __u32 payload_len, __u32 direction)
{
	history_once(facts, payload_len ? NOTED_DATA : NOTED_ACK, payload_len ? 'D' : 'A', direction);
}

SEPARATE int history_note(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction)
{
	const struct half *own, *peer;
	__u32 end;

	if (!flow || !facts || !seg)
		return 0;
	own = &flow->half[direction & 1];
	peer = &flow->half[~direction & 1];
	end = seg->sequence + seg->payload_len + !!(seg->flags & (TCP_SYN | TCP_FIN));
	if (seg->flags & (TCP_SYN | TCP_FIN | TCP_RST))
		history_control(facts, seg, end, direction);
	else if (seg->payload_len || seg->flags & TCP_ACK)
		history_plain(facts, seg->payload_len, direction);
	if (seg->flags & TCP_RST)
		return 0;
	/* After the peer's FIN the window is of no interest, nor is what follows a RST. */
	if (seg->window == 0 && !(peer->bits & HALF_FIN) && !(own->bits & HALF_RST) &&
	    history_is_due(++facts->half[direction & 1].zero_window))
		history_add(facts, 'W', direction);
	if (seg->payload_len && own->next && !seq_after(end, own->next))
		history_resent(flow, facts, seg, end, direction);
	return 0;
}

SEPARATE int history_first(struct facts *facts, __u32 payload_len, __u64 now_ns, __u32 direction)
{
	if (!facts)
		return 0;
	history_payload(facts, payload_len, now_ns, direction);
	history_plain(facts, payload_len, direction);
	return 0;
}

INLINE void history_first_syn(struct facts *facts, __u32 direction)
{
	facts->history.letters = 1;
	facts->history.letter[0] = (char)('S' | (direction & 1) << 5);
	facts->half[direction & 1].noted_syn = 1;
}

/* Where the beginning was not seen, or after a RST, an acknowledgment proves nothing. */
INLINE bool history_is_established(const struct flow *flow)
{
	__u16 either = flow->half[0].bits | flow->half[1].bits, both = flow->half[0].bits & flow->half[1].bits;

	return (either & HALF_SYNACK || both & HALF_SYN) && !(either & HALF_RST);
}

SEPARATE int history_unseen(struct flow *flow, struct facts *facts, bool gap, __u32 direction)
{
	struct half_facts *own;
	__u32 count, gaps;
	__u64 free;
	__u8 *octet;

	if (!flow || !facts)
		return 0;
	own = &facts->half[direction & 1];
	octet = &flow->tally[direction & 1].acked_unseen;
	count = (__u32)half_analysis(own, &flow->tally[direction & 1], ANALYSIS_ACKED_UNSEEN) + 1;
	gap = gap && history_is_established(flow);
	own->no_gaps += !gap;
	gaps = count - own->no_gaps;
	if (gap && history_is_due(gaps))
		history_add(facts, 'G', ~direction);
	free = history_next(gaps) - gaps - 1; /* that come before the next letter */
	*octet = free < 128 ? (__u8)(128 - free) : 0;
	own->analysis[ANALYSIS_ACKED_UNSEEN] = count - *octet + HISTORY_FIRST_UNSEEN; /* modulo 2^32, as is their sum */
	return 0;
}

#endif
