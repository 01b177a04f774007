/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is kept of a connection: struct flow, the part that every segment writes, and struct facts, the part that only
 * special segments write (SYN, FIN, RST, losses). Both lie in the flow table, under one index.
 *
 * One writer per direction. A flow has two sides; half[d], tally[d] and facts.half[d] are written only by segments that
 * endpoint d sent, but for `rtt` and `max` of a half. These come one after the other: one NIC queue, one socket or one
 * forwarding CPU hands them on. So there is no lock and no atomic. A segment reads its peer's half while another CPU may
 * write it. What may be seen then:
 * - a counter or time of the peer as it was one segment ago: a duplicate ACK or window-full judged against that;
 * - next, ack, win and bits of the peer from two neighbouring segments: the same;
 * - an RTT sample that is replaced by another (rtt.h) at the instant that the peer closes it: it may be lost;
 * - `max` of a half, which the peer writes when it acknowledges what was not seen (analysis.h), from before the half's own
 *   last segment: then the next ACK may count that once more;
 * - the shared facts (attempts, initial RTT) if both sides send SYN at one instant: one attempt may be lost.
 * If one direction is spread over CPUs (a sender that migrates over a device without queues, as veth), two writers may
 * meet, and the later store wins: a record then lacks a segment or two, in a test of a hundred busy flows 6 records of a
 * thousand; where a carry (half_carry) meets another segment, once in a thousand of these, it counts up to 1,024 twice. The
 * ledger does not lose them. `handovers` (cpu_handovers in the record) tells where that could be. */
#ifndef TCPSCOPE_FLOW_H
#define TCPSCOPE_FLOW_H

#include "key.h"
#include "types.h"

enum half_bit {			    /* what this side has sent, as far as later segments need to know */
		HALF_SEEN = 1 << 0, /* anything */
		HALF_SYN = 1 << 1,  /* SYN without ACK */
		HALF_SYNACK = 1 << 2,
		HALF_ACKED = 1 << 3, /* ACK without SYN */
		HALF_RETIRED =
			1 << 4, /* a SYN of another connection: the flow is no longer to be found (table_retire) */
		HALF_PLAIN_DATA = 1 << 5, /* all that may come before plain data (update.h) */
		HALF_FIN = 1 << 6,
		HALF_RST = 1 << 7,
		HALF_FIN_ACKED = 1 << 8,   /* acknowledged the peer's FIN */
		HALF_INITIAL_RTT = 1 << 9, /* the segment that ended the initial RTT, or showed that there is none */
		HALF_KEEP_ALIVE = 1 << 10, /* a keep-alive, as its last segment */
		HALF_MARKS = 1 << 11,	   /* an ACK that marked the peer's run (analysis.h) */
		HALF_MPTCP = 1 << 12,	   /* an MPTCP option */
		HALF_LATE_SYN = 1 << 13,   /* a SYN after an ACK: until its next ACK it is not plain */
		HALF_PLAIN_ACK = 1 << 14,  /* all that may come before plain segments without payload */
		HALF_SHOOK = 1 << 15, /* its answer to the peer's SYN/ACK has been judged: no bit above (update.h) */
};

enum order_bit {			    /* in half_facts.order: what this side did after the other */
		 ORDER_SECOND_SYN = 1 << 0, /* the peer's SYN came first: simultaneous open */
		 ORDER_SECOND_FIN = 1 << 1, /* the peer's FIN or RST came before its own */
		 ORDER_RST_LATE = 1 << 2,   /* its RST came after both FINs were acknowledged */
		 ORDER_FIN_RST = 1 << 3,    /* its RST came after its own FIN */
		 ORDER_SYN_LATE = 1 << 4,   /* its SYN came after an ACK of the peer */
		 ORDER_UNSCALED = 1 << 5, /* its SYN came after its own ACK, and no other has come since (analysis.h) */
};

enum {			  /* in flow.last_sender, beside the endpoint */
       SENDER_EMBRYO = 2, /* struct embryo is valid, not the tallies, nor the facts */
       SENDER_GROWS = 4,  /* it is about to change: who holds no lock takes neither */
};

enum slot_standing {
	SLOT_FREE,   /* as memory never used; or a newcomer has it that is not yet to be seen */
	SLOT_OPEN,   /* it has a flow */
	SLOT_HANDED, /* handed over to user space (handover.h) */
};

enum noted_bit { /* in half_facts.noted: what of this side needs no second note */
		 NOTED_PAYLOAD = 1 << 0,
		 NOTED_DATA = 1 << 1, /* payload without SYN, FIN and RST; the rest as history.h has it */
		 NOTED_ACK = 1 << 2,
		 NOTED_FIN = 1 << 3,
		 NOTED_RST = 1 << 4,
		 NOTED_FIN_RST = 1 << 5,
		 NOTED_SYN_MIX = 1 << 6,
};

enum {			     /* in flow.scale, above any that there is */
       SCALE_UNKNOWN = 0xfe, /* its SYN or SYN/ACK was not captured whole */
       SCALE_NONE = 0xff,
};

enum rtt_kind { RTT_ACK = 1, RTT_RESENT, RTT_PURE_ACK }; /* what opened the sample (rtt.h) */

/* What a side shows: all that its peer's segments read. Sequence state is that of tshark's analysis. */
struct half {
	/* Its RTT sample, one word (rtt.h), and the peer's to close. 0: none is open. Else when it began, ns modulo
	 * 2^56, 0: it gives none, but no other opens before it closes; above, enum rtt_kind and then struct segment's
	 * clock_error. */
	__u32 rtt[2];
	__u32 next;    /* highest sequence end sent; 0: unknown */
	__u32 max;     /* end up to which no hole was seen, or the peer acknowledged one; 0: unknown */
	__u32 ack;     /* acknowledgment of its last segment */
	__u32 rtt_seq; /* what closes its open RTT sample: an ACK of this, or a TSecr (enum rtt_kind) */
	__u16 win;     /* raw window of its last segment */
	__u16 bits;    /* enum half_bit */
};

/* Has this side sent ACK, with SYN or without? */
INLINE bool half_has_ack(const struct half *half) { return half->bits & (HALF_ACKED | HALF_SYNACK); }

/* Totals of 11 bits, and one of 18, in the word tally.totals: one addition counts a segment in all. The shift of
 * each. */
enum tally_total {
	TALLY_PACKETS = 0,
	TALLY_PSH = 11, /* segments with PSH */
	TALLY_LOST_SEGMENTS = 22,
	TALLY_HEADERS = 33, /* octets of headers */
};

/* So many packets are carried into struct half_facts, before any total can wrap: half_carry. A segment adds no more
 * than this many packets, and to each no more octets of header; what is larger the facts count alone. */
enum { TALLY_PACKETS_FULL = 1 << 10, TALLY_SEGMENTS_MAX = 1 << 10, TALLY_HEADER_MAX = 128 };

enum { HISTORY_FIRST_UNSEEN = 128 }; /* where tally.acked_unseen starts from 0: the first has a letter (history.h) */

/* What a side keeps for itself: a cache line that only its own segments write, and plain ones of the peer do not
 * read. */
struct tally {
	__u64 time_ns; /* when its last segment was seen */
	__u64 next_ns; /* when its `next` was set */
	__u64 totals;  /* enum tally_total, since the last carry; so are the next, rtt_samples and rtt_by_timestamp */
	__u32 payload_bytes;
	__u32 tsval; /* highest it sent (RFC 7323) */
	/* RTT between the monitor and this side: samples closed by its own segments. */
	__u32 rtt_sum_ns;	      /* the rest is in the facts: rtt_carry */
	__u32 rtt_min_ns, rtt_max_ns; /* saturating at 2^32 - 1: 4.3 s */
	__u16 rtt_samples, rtt_by_timestamp;
	__u16 window_min, window_max; /* raw, of segments without SYN and RST; min > max: none yet */
	__u16 payload_max;
	__u16 run;	  /* number of its present run of equal acknowledgments */
	__u8 dups;	  /* duplicate ACKs in that run, saturating */
	__u8 clock_error; /* of time_ns, as in struct segment */
	__u8 rtt_error;	  /* largest clock_error of its RTT samples */
	__u8 handovers;	  /* how often `cpu` changed, saturating */
	__u8 cpu;	  /* that saw its last segment, modulo 256 */
	/* Frequent where a mirror port drops. From 128 on flow_update must look: the next has a letter, or the octet
	 * would wrap; the facts have the rest of that total (history.h). */
	__u8 acked_unseen;
};

/* Analysis counters by tshark's names, in the order of the record. Priority is analysis.h's business. */
#define ANALYSIS_COUNTERS(X) \
	X(RETRANSMITS, retransmits) \
	X(FAST_RETRANSMITS, fast_retransmits) \
	X(SPURIOUS_RETRANSMITS, spurious_retransmits) \
	X(OUT_OF_ORDER, out_of_order) \
	X(DUPLICATE_ACKS, duplicate_acks) \
	X(LOST_SEGMENTS, lost_segments) \
	X(ACKED_UNSEEN, acked_unseen) \
	X(ZERO_WINDOWS, zero_windows) \
	X(ZERO_WINDOW_PROBES, zero_window_probes) \
	X(WINDOW_UPDATES, window_updates) \
	X(WINDOW_FULL, window_full) \
	X(KEEP_ALIVES, keep_alives) \
	X(KEEP_ALIVE_ACKS, keep_alive_acks)

/* Segments that say again what their sender said before, of whichever kind. `analysis`: by enum analysis_counter. */
#define ANALYSIS_RESENT(analysis) \
	((__u64)(analysis)[ANALYSIS_RETRANSMITS] + (analysis)[ANALYSIS_FAST_RETRANSMITS] + \
	 (analysis)[ANALYSIS_SPURIOUS_RETRANSMITS])

enum analysis_counter {
#define ANALYSIS_ENUM(NAME, name) ANALYSIS_##NAME,
	ANALYSIS_COUNTERS(ANALYSIS_ENUM)
#undef ANALYSIS_ENUM
		ANALYSIS_COUNT
};

struct half_facts {
	/* Rare, or carried over from struct tally. What a glance reads (glance.h) is in one line. */
	__u64 packets, payload_bytes;
	__u32 analysis[ANALYSIS_COUNT];
	__u32 no_gaps; /* of acked_unseen, those that show no gap (history.h) */
	__u64 header_bytes, psh, rtt_samples, rtt_by_timestamp; /* carried over, too */
	__u32 urg, ece, cwr, ae, ce;
	__u32 resent, zero_window; /* segments of payload sent before, and with window 0: the history's T and W */
	__u16 mark_run;		   /* the peer's run that this side marked, valid with `marked` (analysis.h) */
	__u8 marked, mark_dups;	   /* mark_dups: the peer's dups at the mark */
	__u64 resent_bytes;	   /* payload that was seen before, without hole */
	__u64 rtt_sum_ns;	   /* carried over, too */
	__u64 reserved[5];
	/* Two lines: all that a SYN and its answers, FIN and RST need here. */
	__u64 syn_first_ns, syn_last_ns; /* its SYNs, first and last */
	__u64 option_layout;		 /* struct segment's */
	__u32 syns;
	__u32 base;	 /* sequence number its stream is counted from (semantics: a SYN off it begins a flow) */
	__u32 first_seq; /* first octet of its stream */
	__u32 isn;	 /* of its last SYN or SYN/ACK */
	__u32 syn_end;	 /* sequence end of that */
	__u32 syn_tsval;
	__u32 quirks; /* enum segment_quirk of its last SYN or SYN/ACK; so are syn_window, syn_ttl, option_layout */
	__u16 syn_window;
	__u16 mss;
	__u8 syn_ttl, syn_ip_options;
	__u8 options; /* enum segment_option of its last SYN or SYN/ACK */
	__u8 window_scale;
	__u8 ttl;	/* of its first segment */
	__u8 syn_ecn;	/* its SYN or SYN/ACK asked for ECN (RFC 3168, 6.1.1) */
	__u8 wraps;	/* how often its tally's `next` has passed 2^32 */
	__u8 noted_syn; /* enum noted_bit's part for a SYN or SYN/ACK without FIN and RST: 1 */

	__u64 synack_first_ns, synack_last_ns; /* its first SYN/ACK that answers the peer's SYN, its last; 0: none */
	__u64 shook_ns;			       /* its first ACK of the peer's SYN/ACK; 0: none or not captured */
	__u32 synacks, fin, rst;
	__u32 no_ack;		  /* segments without ACK flag, less `syns` */
	__u32 first_ack;	  /* acknowledgment of its first segment with ACK, valid with half_has_ack */
	__u32 fin_end;		  /* sequence end of its FIN */
	__u32 last_fin, last_rst; /* end of its last FIN, sequence number of its last RST, as the history counts them */
	__u16 mptcp_sent, mptcp_known; /* subtypes it sent; union of both sides' when its last segment was judged */
	__u8 rst_ttl;		       /* of its first RST */
	__u8 order;		       /* enum order_bit */
	__u8 noted;		       /* enum noted_bit */
	__u8 reserved_rest;
};

enum { ATTEMPTS = 8 };

struct attempt {
	__u64 at_ns;
	__u32 tsval;  /* of a SYN with timestamps, else 0 */
	__u32 synack; /* 0: SYN, 1: SYN/ACK */
};

/* What happened, a letter each, in the order seen: Zeek's history. Endpoint 0 in upper case, endpoint 1 in lower. Both
 * sides write, so a place is taken by an atomic addition; letters are too rare for it to matter. */
enum { HISTORY_MAX = 44 };

struct history {
	__u32 letters; /* that there were; those beyond HISTORY_MAX are not kept */
	char letter[HISTORY_MAX];
};

enum answered_by { ANSWERED_NONE, ANSWERED_ONLY, ANSWERED_TIMESTAMP, ANSWERED_LAST };

INLINE __u32 tally_get(const struct tally *tally, enum tally_total total)
{
	return (__u32)(tally->totals >> total) & (total == TALLY_HEADERS ? 0x3ffff : 0x7ff);
}

/* With what the tally has that was not carried over yet. */
INLINE __u64 half_analysis(const struct half_facts *facts, const struct tally *tally, enum analysis_counter counter)
{
	switch (counter) {
	case ANALYSIS_LOST_SEGMENTS: return (__u64)facts->analysis[counter] + tally_get(tally, TALLY_LOST_SEGMENTS);
	case ANALYSIS_ACKED_UNSEEN: /* modulo 2^32 */
		return facts->analysis[counter] + tally->acked_unseen - HISTORY_FIRST_UNSEEN;
	default: return facts->analysis[counter];
	}
}

/* What an embryo keeps of its SYN, as in struct segment: where the halves of endpoint 0 and 1 have what they show, and
 * where tally[0] ends. */
#define EMBRYO_FIELDS_0(X) \
	X(__u32, sequence) \
	X(__u32, acknowledgment) \
	X(__u32, tsval) \
	X(__u32, tsecr) \
	X(__u32, ip_word) \
	X(__u32, ip_len) \
	X(__u16, window)
#define EMBRYO_FIELDS_1(X) \
	X(__u16, mss) \
	X(__u16, ip_options) \
	X(__u16, urgent) \
	X(__u16, option_quirks) \
	X(__u8, cpu) \
	X(__u8, ttl) \
	X(__u8, options) \
	X(__u8, window_scale) \
	X(__u8, ip_ecn) \
	X(__u8, tcp_reserved) \
	X(__u8, vlans)
#define EMBRYO_FIELDS_TALLY(X) X(__u64, option_layout)
#define EMBRYO_FIELDS(X) EMBRYO_FIELDS_0(X) EMBRYO_FIELDS_1(X) EMBRYO_FIELDS_TALLY(X)

/* The SYN that began a flow, as long as nothing else was seen of that (begin.h): so a flow of a flood is all in two
 * lines. What lies where the flow has something else is not for whoever looks at the flow without asking whether it is
 * an embryo. */
struct embryo {
#define EMBRYO_FIELD(type, name) type name;
	EMBRYO_FIELDS_0(EMBRYO_FIELD)
	__u16 bits_0; /* half[0].bits, as of any flow */
	__u16 vlan[SEGMENT_VLANS];
	EMBRYO_FIELDS_1(EMBRYO_FIELD)
	__u8 reserved[3];
	__u16 bits_1;
	__u64 common;  /* union flow_common */
	__u64 time_ns; /* where tally[0] has its own */
	struct flow_key key;
	EMBRYO_FIELDS_TALLY(EMBRYO_FIELD)
#undef EMBRYO_FIELD
};

/* 192 octets, three cache lines, of which a plain segment touches two: the one that both sides write, and its side's
 * own. The key's hash stands for the key there; special segments, SYNs among them, compare the key itself. */
struct flow {
	union {
		struct {
			struct half half[2]; /* [endpoint], as in the key; of an embryo only the bits */
			__u32 hash;	     /* of the key (key.h) */
			__u8 standing;	     /* enum slot_standing; SLOT_HANDED + enum end_reason */
			__u8 last_sender;    /* endpoint that sent the last segment; SENDER_* */
			/* Window scale of its SYN or SYN/ACK, at most 14; SCALE_NONE: no such option seen. */
			__u8 scale[2];
			struct tally tally[2]; /* not of an embryo */
		};
		struct embryo embryo;
	};
};

INLINE bool flow_is_embryo(const struct flow *flow) { return once(flow->last_sender) & SENDER_EMBRYO; }

/* Tells the flow in a slot from the next that is born there, and an embryo from what it grows to. */
INLINE __u64 flow_kind(const struct flow *flow)
{
	return once(flow->hash) | (__u64)(once(flow->last_sender) & (SENDER_EMBRYO | SENDER_GROWS)) << 32;
}

/* Is a copy of a flow whole, made by one who holds no lock, as far as its kind goes? `before`: the flow_kind before it
 * was copied; `flow`: what was copied, as it is after that. */
INLINE bool flow_copy_is_whole(const struct flow *copy, __u64 before, const struct flow *flow)
{
	return flow_kind(copy) == before && flow_kind(flow) == before && !(copy->last_sender & SENDER_GROWS);
}

INLINE __u64 flow_last_ns(const struct flow *flow)
{
	__u64 x = flow->tally[0].time_ns, y;

	/* Its last line is another flow's; while it grows both are right. */
	if ((once(flow->last_sender) & (SENDER_EMBRYO | SENDER_GROWS)) == SENDER_EMBRYO)
		return x;
	y = flow->tally[1].time_ns;
	return x ^ ((x ^ y) & (0 - u64_less(x, y)));
}

/* Windows are scaled if both sides' SYNs had the option (RFC 7323, 2.2). */
INLINE bool flow_is_scaled(const struct flow *flow)
{
	return flow->scale[0] < SCALE_UNKNOWN && flow->scale[1] < SCALE_UNKNOWN;
}

INLINE bool flow_is_retired(const struct flow *flow)
{
	return (flow->half[0].bits | flow->half[1].bits) & HALF_RETIRED;
}

struct facts {
	/* Two cache lines that come together: all that the first data of a side needs here. */
	struct history history;
	__u64 first_data_ns[2]; /* [endpoint]; 0: none */
	struct flow_key key;
	__u64 start_ns;
	__u8 answered_by;		      /* enum answered_by */
	__u8 icmp_seen, icmp_type, icmp_code; /* first ICMP error that quoted its SYN */
	__u8 vlans;
	__u8 first_sender; /* endpoint whose segment began the flow */
	__u8 shown;	   /* 1: a ladder is drawn of it (rung_take.h) */
	__u8 used;	   /* 0: all of this is blank, as facts_blank leaves it */
	/* A third, for the handshake. */
	__u64 last_syn_ns;     /* SYN without ACK of either side; 0: none */
	__u64 answered_syn_ns; /* the SYN that the first SYN/ACK answered */
	__u32 answered_syn;    /* its number, from 1 */
	__u32 attempts_seen;   /* SYNs and SYN/ACKs of the handshake; the first ATTEMPTS are kept */
	__u64 initial_rtt_ns;  /* tshark's: last SYN to first ACK without SYN; 0: unknown */
	struct attempt attempt[ATTEMPTS];
	__u64 ended_ns;	  /* both sides had sent FIN or RST; 0: not */
	__u64 interim_ns; /* when the last interim report was made; 0: none was */
	__u16 vlan[SEGMENT_VLANS];
	__u64 reserved;
	struct half_facts half[2];
};

INLINE const struct flow_key *flow_key_of(const struct flow *flow, const struct facts *facts)
{
	return flow_is_embryo(flow) ? &flow->embryo.key : &facts->key;
}

INLINE __u64 flow_start_ns(const struct flow *flow, const struct facts *facts)
{
	return flow_is_embryo(flow) ? flow->embryo.time_ns : facts->start_ns;
}

INLINE __u64 flow_interim_ns(const struct flow *flow, const struct facts *facts)
{
	return flow_is_embryo(flow) ? 0 : facts->interim_ns;
}

/* END_ACTIVE: interim, the flow goes on. END_OPEN: no record is due, a picture was asked for. */
enum end_reason { END_CLOSED, END_IDLE, END_ACTIVE, END_EVICTED, END_MONITOR, END_OPEN };

INLINE void tally_begin(struct tally *tally, __u64 time_ns)
{
	*tally = (struct tally){
		.time_ns = time_ns, .window_min = 0xffff, .rtt_min_ns = 0xffffffff, .acked_unseen = HISTORY_FIRST_UNSEEN
	};
}

/* Those of a flow that begins: all 0, as memory is that was never used; but for `used`. */
INLINE void facts_blank(struct facts *facts)
{
	__builtin_memset(facts, 0, offsetof(struct facts, used));
	__builtin_memset(&facts->last_syn_ns, 0, sizeof(*facts) - offsetof(struct facts, last_syn_ns));
}

/* Those of a flow that begins with a segment of `direction` then. At no time its last segment is earlier: a sweep may
 * look. */
INLINE void flow_begin_tallies(struct flow *flow, __u32 direction, __u64 now_ns)
{
	tally_begin(&flow->tally[direction & 1], now_ns);
	written();
	tally_begin(&flow->tally[~direction & 1], 0);
}

INLINE void flow_open_halves(struct flow *flow)
{
	__builtin_memset(flow->half, 0, sizeof(flow->half));
	flow->scale[0] = flow->scale[1] = SCALE_NONE;
}

/* Has the slot a flow that is the table's? */
INLINE bool flow_is_open(const struct flow *flow) { return once(flow->standing) == SLOT_OPEN; }

/* What follows the halves, as one word. */
union flow_common {
	struct {
		__u32 hash;
		__u8 standing, last_sender, scale[2];
	};
	__u64 word;
};

/* From now on there is a flow, all of which was written before. In one store: who evicts a flow that is open may be at it
 * at once, and nothing of this one is to be written over the next. */
INLINE void flow_publish(struct flow *flow, __u32 hash, __u8 last_sender)
{
	const union flow_common common = {
		.hash = hash, .standing = SLOT_OPEN, .last_sender = last_sender, .scale = { SCALE_NONE, SCALE_NONE }
	};

	written();
	*(volatile __u64 *)&flow->embryo.common = common.word;
}

/* The first line of a flow that begins: nobody finds it yet, and who is copying what was there sees at once that it is
 * gone. */
INLINE void flow_open(struct flow *flow)
{
	flow->embryo.common = 0; /* in one store: what is half of one flow and half of none looks like a third */
	written();
	flow_open_halves(flow);
}

/* A flow on its way to the user: what include/record.h reads. */
struct report {
	struct flow flow;
	struct facts facts;
	__u32 reason;	 /* enum end_reason */
	__u32 silent_ms; /* END_MONITOR, END_OPEN: since its last segment, saturating; else 0 */
};

/* Why it is made, and when. */
INLINE void report_say(struct report *report, __u32 reason, __u64 now_ns)
{
	__u64 last_ns = flow_last_ns(&report->flow), silent_ms = now_ns > last_ns ? (now_ns - last_ns) / NS_PER_MS : 0;
	bool open = reason == END_MONITOR || reason == END_OPEN;

	report->reason = reason;
	report->silent_ms = !open ? 0 : silent_ms < 0xffffffff ? (__u32)silent_ms : 0xffffffff;
}

_Static_assert(offsetof(struct flow, tally) == 64 && sizeof(struct tally) == 64, "a cache line each");
_Static_assert(sizeof(struct flow) == 192, "a flow is three cache lines");
_Static_assert(sizeof(struct embryo) == 128 && offsetof(struct embryo, bits_0) == offsetof(struct flow, half[0].bits) &&
		       offsetof(struct embryo, bits_1) == offsetof(struct flow, half[1].bits) &&
		       offsetof(struct embryo, common) == offsetof(struct flow, hash) &&
		       offsetof(struct embryo, time_ns) == offsetof(struct flow, tally[0].time_ns),
	       "an embryo is two, with all where a flow has it");
_Static_assert(sizeof(union flow_common) == 8 && offsetof(struct flow, hash) % 8 == 0 &&
		       offsetof(struct flow, scale) == offsetof(struct flow, hash) + offsetof(union flow_common, scale),
	       "it is what follows the halves");
_Static_assert(offsetof(struct facts, used) + 1 == offsetof(struct facts, last_syn_ns), "facts_blank leaves it alone");
_Static_assert(sizeof(struct facts) % 64 == 0 && offsetof(struct facts, key) == 64 &&
		       offsetof(struct facts, last_syn_ns) == 128 && offsetof(struct facts, half) % 64 == 0 &&
		       sizeof(struct half_facts) % 64 == 0 && offsetof(struct half_facts, syn_first_ns) % 64 == 0 &&
		       offsetof(struct half_facts, synack_first_ns) % 64 == 0,
	       "its lines are the cache's");

#endif
