/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is kept of a connection: struct flow, the part that every segment writes, and struct facts, the part that only
 * special segments write (SYN, FIN, RST, losses). Both lie in the flow table, under one index.
 *
 * One writer per direction. A flow has two halves; half[d] and facts.half[d] are written only by segments that
 * endpoint d sent, and these come one after the other: one NIC queue, one socket or one forwarding CPU hands them on. So
 * there is no lock and no atomic. A segment reads its peer's half while another CPU may write it. What may be seen then:
 * - a counter or time of the peer as it was one segment ago: a duplicate ACK or window-full judged against that;
 * - next, ack, win and bits of the peer from two neighbouring segments: the same;
 * - rtt_seq of one segment with rtt_ns of the next: excluded, since a half opens a sample only after the peer's ack,
 *   written last by the peer, covered the one before;
 * - the shared facts (attempts, initial RTT) if both sides send SYN at one instant: one attempt may be lost.
 * If one direction is spread over CPUs (a sender that migrates over a device without queues, as veth), two writers may
 * meet, and the later store wins: a record then lacks a segment or two, in a test of a hundred busy flows 6 records of a
 * thousand. The ledger does not lose them. `handovers` (cpu_handovers in the record) tells where that could be. */
#ifndef TCPSCOPE_FLOW_H
#define TCPSCOPE_FLOW_H

#include "key.h"
#include "types.h"

enum half_bit {			    /* what this side has sent, as far as later segments need to know */
		HALF_SEEN = 1 << 0, /* anything */
		HALF_SYN = 1 << 1,  /* SYN without ACK */
		HALF_SYNACK = 1 << 2,
		HALF_ACKED = 1 << 3,	  /* ACK without SYN */
		HALF_CORRECTS = 1 << 4,	  /* an ACK that corrected the peer's `max`: peer_max */
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

enum { HANDED_BLANK = 0xff }; /* in half[0].handed: and its slot is blank */

enum noted_bit { /* in half.noted: what of this side needs no second note */
		 NOTED_PAYLOAD = 1 << 0,
		 NOTED_DATA = 1 << 1, /* payload without SYN, FIN and RST; the rest as history.h has it */
		 NOTED_ACK = 1 << 2,
		 NOTED_SYN = 1 << 3,
		 NOTED_FIN = 1 << 4,
		 NOTED_RST = 1 << 5,
		 NOTED_FIN_RST = 1 << 6,
		 NOTED_SYN_MIX = 1 << 7,
};

enum {			     /* in half.scale, above any that it has */
       SCALE_UNKNOWN = 0xfe, /* its SYN or SYN/ACK was not captured whole */
       SCALE_NONE = 0xff,
};

enum rtt_kind { RTT_ACK, RTT_RESENT, RTT_PURE_ACK }; /* what opened the sample (rtt.h) */

/* One cache line: what the analysis knows of a side, and all that its peer's segments read. Sequence state is that of
 * tshark's analysis. */
struct half {
	__u32 next;	/* highest sequence end sent; 0: unknown */
	__u32 max;	/* end up to which no hole was seen; 0: unknown */
	__u32 ack;	/* acknowledgment of its last segment */
	__u16 win;	/* raw window of its last segment */
	__u16 bits;	/* enum half_bit */
	__u64 time_ns;	/* when its last segment was seen */
	__u32 rtt_seq;	/* what closes its open RTT sample: an ACK of this, or a TSecr (rtt_kind) */
	__u16 run;	/* number of its present run of equal acknowledgments */
	__u8 dups;	/* duplicate ACKs in that run, saturating */
	__u8 scale;	/* window scale of its SYN or SYN/ACK, at most 14; SCALE_NONE: no such option seen */
	__u64 rtt_ns;	/* when that began; 0: it gives no sample, but none opens before it closes */
	__u32 hash;	/* of the flow's key (key.h); the same in both halves */
	__u32 peer_max; /* with HALF_CORRECTS: what the peer's `max` stands for while it is peer_max_was */
	__u8 turn;	/* one more than the peer's at its last segment: the side that is ahead was last to send */
	__u8 rtt_opened; /* number of its open sample, modulo 256, if the peer's rtt_closed is another: else none is open */
	__u8 rtt_closed; /* number of the peer's sample that this side closed last */
	__u8 rtt_kind;	 /* enum rtt_kind of its sample */
	__u32 tsval;	 /* highest it sent (RFC 7323) */
	__u32 peer_max_was;
	__u8 noted;	/* enum noted_bit */
	__u8 retired;	/* half[0]: the flow is no longer to be found (table_retire) */
	__u8 handed;	/* half[0]: 1 + enum end_reason: handed over to user space (handover.h); HANDED_BLANK; 0: not */
	__u8 rtt_error; /* of rtt_ns: struct segment's clock_error */
};

enum { HISTORY_FIRST_UNSEEN = 128 }; /* where tally.acked_unseen starts: the first has a letter (history.h) */

/* One cache line more: what only this side's own segments read and write. */
struct tally {
	/* Since the last carry into struct half_facts (half_carry), two totals to a word: one addition for both. */
	__u64 volume;		      /* packets; payload octets << 32 */
	__u64 headers;		      /* octets of headers; segments with PSH << 32 */
	__u64 next_ns;		      /* when `next` was set */
	__u16 window_min, window_max; /* raw, of segments without SYN and RST; min > max: none yet */
	__u16 payload_max;
	__u8 wraps;	  /* how often `next` has passed 2^32 */
	__u8 clock_error; /* of time_ns, as in struct segment */
	/* RTT between the monitor and this side: samples closed by its own segments. */
	__u64 rtt_sum_ns;
	__u32 rtt_min_ns, rtt_max_ns; /* saturating at 2^32 - 1: 4.3 s */
	__u32 rtt_samples;	      /* since the last carry; those by timestamp << 16 */
	__u32 initial_rtt_ns;	      /* the facts', saturating; 0: ask the facts */
	/* Frequent where a mirror port drops. From 128 on flow_update must look at acked_unseen: the next has a letter, or
	 * the octet would wrap; the facts have the rest of that total (history.h). */
	__u16 lost_segments, out_of_order;
	__u8 acked_unseen;
	__u8 handovers; /* how often `cpu` changed, saturating */
	__u8 rtt_error; /* largest clock_error of its RTT samples */
	__u8 cpu;	/* that saw its last segment, modulo 256 */
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
	__u64 reserved[6];
	/* Two lines: all that a SYN and its answers, FIN and RST need here. */
	__u64 syn_first_ns, syn_last_ns; /* its SYNs, first and last */
	__u32 syns;
	__u32 no_ack;	 /* segments without ACK flag */
	__u32 base;	 /* sequence number its stream is counted from (semantics: a SYN off it begins a flow) */
	__u32 first_ack; /* acknowledgment of its first segment with ACK */
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
	__u8 ttl;     /* of its first segment */
	__u8 syn_ecn; /* its SYN or SYN/ACK asked for ECN (RFC 3168, 6.1.1) */

	__u64 option_layout;		       /* struct segment's */
	__u64 synack_first_ns, synack_last_ns; /* its first SYN/ACK that answers the peer's SYN, its last; 0: none */
	__u64 shook_ns;			       /* its first ACK of the peer's SYN/ACK; 0: none or not captured */
	__u32 synacks, fin, rst;
	__u32 fin_end;		  /* sequence end of its FIN */
	__u32 last_fin, last_rst; /* end of its last FIN, sequence number of its last RST, as the history counts them */
	__u16 mptcp_sent, mptcp_known; /* subtypes it sent; union of both sides' when its last segment was judged */
	__u8 rst_ttl;		       /* of its first RST */
	__u8 has_ack;		       /* first_ack is valid */
	__u8 order;		       /* enum order_bit */
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

/* With what the tally has that was not carried over yet. */
INLINE __u64 half_analysis(const struct half_facts *facts, const struct tally *tally, enum analysis_counter counter)
{
	switch (counter) {
	case ANALYSIS_LOST_SEGMENTS: return (__u64)facts->analysis[counter] + tally->lost_segments;
	case ANALYSIS_OUT_OF_ORDER: return (__u64)facts->analysis[counter] + tally->out_of_order;
	case ANALYSIS_ACKED_UNSEEN: return facts->analysis[counter] + tally->acked_unseen; /* modulo 2^32 */
	default: return facts->analysis[counter];
	}
}

/* 256 octets, four cache lines, of which a plain segment touches three: its side's two, and its peer's half. The key's
 * hash stands for the key there; special segments, SYNs among them, compare the key itself. */
struct flow {
	struct half half[2]; /* [endpoint], as in the key */
	struct tally tally[2];
};

INLINE __u64 flow_last_ns(const struct flow *flow)
{
	__u64 x = flow->half[0].time_ns, y = flow->half[1].time_ns;

	return x ^ ((x ^ y) & (0 - u64_less(x, y)));
}

/* Windows are scaled if both sides' SYNs had the option (RFC 7323, 2.2). */
INLINE bool half_is_scaled(const struct half *own, const struct half *peer)
{
	return own->scale < SCALE_UNKNOWN && peer->scale < SCALE_UNKNOWN;
}

/* The tally of the side whose half this is: the same distance for both, so that one address leads to the two lines. */
INLINE struct tally *half_tally(struct half *half) { return (struct tally *)(half + 2); }

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
	__u16 shown;	   /* 1: a ladder is drawn of it (rung_take.h) */
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

/* END_ACTIVE: interim, the flow goes on. END_OPEN: no record is due, a picture was asked for. */
enum end_reason { END_CLOSED, END_IDLE, END_ACTIVE, END_EVICTED, END_MONITOR, END_OPEN };

INLINE void tally_begin(struct tally *tally)
{
	*tally = (struct tally){ .window_min = 0xffff, .rtt_min_ns = 0xffffffff, .acked_unseen = HISTORY_FIRST_UNSEEN };
}

/* Makes a slot blank: tallies and facts are those of a flow that begins. Its halves are written at each birth. */
INLINE void flow_blank(struct flow *flow, struct facts *facts)
{
	*facts = (struct facts){};
	for (int i = 0; i < 2; i++) {
		tally_begin(&flow->tally[i]);
		facts->half[i].analysis[ANALYSIS_ACKED_UNSEEN] = 0u - HISTORY_FIRST_UNSEEN;
	}
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

_Static_assert(sizeof(struct half) == 64 && sizeof(struct tally) == 64, "a cache line each");
_Static_assert(offsetof(struct flow, tally) == 2 * sizeof(struct half), "half_tally");
_Static_assert(sizeof(struct flow) == 256, "a flow is four cache lines");
_Static_assert(sizeof(struct facts) % 64 == 0 && offsetof(struct facts, key) == 64 &&
		       offsetof(struct facts, last_syn_ns) == 128 && offsetof(struct facts, half) % 64 == 0 &&
		       sizeof(struct half_facts) % 64 == 0 && offsetof(struct half_facts, syn_first_ns) % 64 == 0 &&
		       offsetof(struct half_facts, option_layout) % 64 == 0,
	       "its lines are the cache's");

#endif
