/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow record: what views and exporters see, and all they see. Made from a report (flow.h) by record_make, which
 * derives what the engine need not keep: roles, state, outcome, reason. Field names are those of the JSON record. */
#ifndef TCPSCOPE_RECORD_H
#define TCPSCOPE_RECORD_H

#include "ledger.h"
#include "summary.h"
#include "zeek.h"

/* Integers that may be unknown hold UNKNOWN; views print null. */
#define UNKNOWN (-1LL)

struct record_rtt {
	__u64 samples, by_timestamp; /* samples 0: the whole is null */
	__s64 min_ns, mean_ns, max_ns, resolution_ns;
};

struct record_handshake {
	bool present; /* false midstream: null */
	__s64 connect_ns, server_ns, client_ns, lost_ns;
	__u32 syns, synacks;
	__s64 answered_syn;
	enum answered_by answered_by; /* ANSWERED_NONE: null */
	__u32 attempts;		      /* valid entries of attempt[] */
	struct {
		__s64 at_ns; /* Unix epoch */
		bool synack;
	} attempt[ATTEMPTS];
};

/* What a fingerprint of its last SYN or SYN/ACK is made of, besides the negotiated values: p0f's words. */
struct record_syn {
	__u64 option_layout; /* enum layout_code; LAYOUT_FULL: not known */
	__u32 quirks;	     /* enum segment_quirk */
	__u16 window;
	__u8 ttl, ip_options;
};

struct record_zeek {
	const char *conn_state;
	char history[ZEEK_HISTORY_SIZE];
	__u64 missed_bytes; /* of both sides */
	__s64 duration_ns;  /* until both sides had ended: without the last ACK */
};

struct record_side {
	__u8 ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u16 port;
	__u64 packets, ip_bytes, payload_bytes;
	__s64 stream_bytes;
	struct {
		__u64 fin, syn, rst, psh, ack, urg, ece, cwr, ae;
	} flags;
	/* Of its SYN or SYN/ACK; UNKNOWN if none was seen, or for mss and window_scale if it had no such option. */
	__s64 isn, mss, window_scale;
	__s64 sack_permitted, timestamps, fast_open, mptcp, ecn; /* 0, 1 or UNKNOWN */
	__s64 ttl, window_min, window_max;
	__s64 payload_max; /* UNKNOWN if it never sent */
	__u64 analysis[ANALYSIS_COUNT];
	__s64 first_data_ns;
	__u64 ce;
	struct record_syn syn; /* valid if isn is known */
	__u32 cpu_handovers;   /* how often another CPU took over this side's segments, saturating at 255 */
};

struct record {
	__s64 start_ns, end_ns; /* Unix epoch */
	__s64 end_resolution_ns;
	const char *interface;
	__u16 vlan[SEGMENT_VLANS];
	__u8 vlans;
	enum tunnel_kind tunnel_kind; /* TUNNEL_NONE: null */
	__s64 tunnel_id;	      /* UNKNOWN: of a kind that has none */
	__u8 ip_version;
	enum client_known_by client_known_by;
	enum flow_state state;
	enum outcome outcome;
	const char *reason; /* nmap's word, or NULL */
	enum end_reason end_reason;
	enum closed_by closed_by;
	struct record_handshake handshake;
	struct record_rtt rtt_server, rtt_client;
	struct record_zeek zeek;
	struct record_side client, server;
	int observations; /* 0: they were not merged */
	const struct record *const
		*observation; /* of each interface that saw it, by start; the first is this record's */
};

enum { RECORD_OBSERVATIONS = 8 };

/* What a report does not say of itself. */
struct record_context {
	const char *interface; /* its name, or the capture's */
	__s64 epoch_ns;	       /* Unix time minus the report's clock */
	__s64 resolution_ns;   /* of the source's clock: 1 live, the capture's in replay */
};

/* Fills `record` from `report`; pure, never fails. */
INLINE void record_make(struct record *record, const struct report *report, const struct record_context *context);

/* The account of one direction of an interface, or of a capture. */
struct ledger_record {
	const char *interface;
	const char *direction; /* "ingress", "egress", or NULL in replay */
	struct ledger ledger;
};

/* Packets seen, less those that ended in a counter: 0, or a bug. */
INLINE __u64 ledger_unaccounted(const struct ledger *ledger)
{
	__u64 rest = ledger->seen;

	for (int i = 0; i < LEDGER_COUNT; i++)
		rest -= ledger->counter[i];
	return rest;
}

/* What --strict asks: did every packet end in a flow or a named counter, and every flow in a record? */
INLINE bool ledger_is_whole(const struct ledger *ledger)
{
	return !ledger_unaccounted(ledger) && !ledger->lost_records && !ledger->counter[LEDGER_TABLE_FULL];
}

/* ------------------------------------------------------------------------------------------------------------- */

INLINE bool record_saw_syn(const struct half *half) { return half->bits & (HALF_SYN | HALF_SYNACK); }

/* UNKNOWN: one of the SYNs was not seen, or its options were not; or there is no window. */
INLINE __s64 record_window(const struct flow *flow, __u32 which, __u16 window)
{
	const struct half *own = &flow->half[which & 1], *peer = &flow->half[~which & 1];
	const struct tally *tally = &flow->tally[which & 1];

	if (tally->window_min > tally->window_max)
		return UNKNOWN;
	if (flow_is_scaled(flow))
		return (__s64)window << (flow->scale[which & 1] & 15);
	if ((record_saw_syn(own) && flow->scale[which & 1] == SCALE_NONE) ||
	    (record_saw_syn(peer) && flow->scale[~which & 1] == SCALE_NONE))
		return window;
	return UNKNOWN;
}

INLINE __s64 record_stream_bytes(const struct half *half, const struct half_facts *facts)
{
	__s64 covered = (__s64)((__u64)facts->wraps << 32 | half->next) - (__s64)facts->first_seq;

	if (!(half->bits & HALF_SEEN) || half->next == 0)
		return UNKNOWN;
	if (half->bits & HALF_FIN && facts->fin_end == half->next)
		covered--;
	return covered < 0 ? UNKNOWN : covered;
}

INLINE void record_make_flags(struct record_side *side, const struct tally *tally, const struct half_facts *facts)
{
	side->flags.fin = facts->fin;
	side->flags.syn = (__u64)facts->syns + facts->synacks;
	side->flags.rst = facts->rst;
	side->flags.psh = facts->psh + tally_get(tally, TALLY_PSH);
	side->flags.ack = side->packets - facts->no_ack - facts->syns;
	side->flags.urg = facts->urg;
	side->flags.ece = facts->ece;
	side->flags.cwr = facts->cwr;
	side->flags.ae = facts->ae;
}

/* Had its SYN the option? */
INLINE __s64 record_option(const struct half *half, const struct half_facts *facts, enum segment_option option)
{
	if (!record_saw_syn(half))
		return UNKNOWN;
	if (facts->options & option)
		return 1;
	return facts->options & OPTION_CUT ? UNKNOWN : 0;
}

INLINE void record_make_negotiated(struct record_side *side, const struct half *half, const struct half_facts *facts)
{
	bool syn = record_saw_syn(half);

	side->isn = syn ? (__s64)facts->isn : UNKNOWN;
	side->mss = syn && facts->options & OPTION_MSS ? facts->mss : UNKNOWN;
	side->window_scale = syn && facts->options & OPTION_WINDOW_SCALE ? facts->window_scale : UNKNOWN;
	side->sack_permitted = record_option(half, facts, OPTION_SACK_PERMITTED);
	side->timestamps = record_option(half, facts, OPTION_TIMESTAMPS);
	side->fast_open = record_option(half, facts, OPTION_FAST_OPEN);
	side->mptcp = record_option(half, facts, OPTION_MPTCP);
	side->ecn = syn ? facts->syn_ecn : UNKNOWN;
	side->syn = (struct record_syn){
		.option_layout = facts->option_layout,
		.quirks = facts->quirks,
		.window = facts->syn_window,
		.ttl = facts->syn_ttl,
		.ip_options = facts->syn_ip_options,
	};
}

INLINE void record_make_side(struct record_side *side, const struct report *report, __u32 which)
{
	const struct half *half = &report->flow.half[which & 1];
	const struct tally *tally = &report->flow.tally[which & 1];
	const struct half_facts *facts = &report->facts.half[which & 1];
	__u64 first_data_ns = report->facts.first_data_ns[which & 1];
	bool seen = half->bits & HALF_SEEN;

	__builtin_memcpy(side->ip, report->facts.key.ip[which & 1], sizeof(side->ip));
	side->port = report->facts.key.port[which & 1];
	side->packets = facts->packets + tally_get(tally, TALLY_PACKETS);
	side->payload_bytes = facts->payload_bytes + tally->payload_bytes;
	side->ip_bytes = side->payload_bytes + facts->header_bytes + tally_get(tally, TALLY_HEADERS);
	side->stream_bytes = record_stream_bytes(half, facts);
	record_make_flags(side, tally, facts);
	record_make_negotiated(side, half, facts);
	side->ttl = seen ? facts->ttl : UNKNOWN;
	side->window_min = record_window(&report->flow, which, tally->window_min);
	side->window_max = record_window(&report->flow, which, tally->window_max);
	side->payload_max = seen ? tally->payload_max : UNKNOWN;
	for (int i = 0; i < ANALYSIS_COUNT; i++)
		side->analysis[i] = half_analysis(facts, tally, (enum analysis_counter)i);
	side->first_data_ns = first_data_ns ? (__s64)(first_data_ns - report->facts.start_ns) : UNKNOWN;
	side->ce = facts->ce;
	side->cpu_handovers = tally->handovers;
}

/* Granularity of a time that may be early by 2^error. */
INLINE __s64 record_resolution(__u8 error, const struct record_context *context)
{
	__s64 ns = error ? 1LL << (error & 63) : 1;

	return ns > context->resolution_ns ? ns : context->resolution_ns;
}

INLINE void record_make_rtt(struct record_rtt *rtt, const struct tally *tally, const struct half_facts *facts,
			    const struct record_context *context)
{
	rtt->samples = facts->rtt_samples + tally->rtt_samples;
	rtt->by_timestamp = facts->rtt_by_timestamp + tally->rtt_by_timestamp;
	rtt->min_ns = tally->rtt_min_ns;
	rtt->mean_ns = rtt->samples ? (__s64)((facts->rtt_sum_ns + tally->rtt_sum_ns) / rtt->samples) : UNKNOWN;
	rtt->max_ns = tally->rtt_max_ns;
	rtt->resolution_ns = record_resolution(tally->rtt_error, context);
}

INLINE __s64 record_span(__u64 from, __u64 to) { return from && to ? (__s64)(to - from) : UNKNOWN; }

INLINE void record_make_attempts(struct record_handshake *handshake, const struct facts *facts, __s64 epoch_ns)
{
	handshake->attempts = facts->attempts_seen < ATTEMPTS ? facts->attempts_seen : ATTEMPTS;
	for (__u32 i = 0; i < handshake->attempts; i++) {
		handshake->attempt[i].at_ns = (__s64)facts->attempt[i].at_ns + epoch_ns;
		handshake->attempt[i].synack = facts->attempt[i].synack;
	}
}

INLINE void record_make_handshake(struct record_handshake *handshake, const struct report *report, __u32 which,
				  __s64 epoch_ns)
{
	const struct facts *facts = &report->facts;
	const struct half_facts *client = &facts->half[which & 1], *server = &facts->half[~which & 1];
	__u64 answered_ns = facts->answered_by ? facts->answered_syn_ns : 0;

	handshake->present = (report->flow.half[0].bits | report->flow.half[1].bits) & (HALF_SYN | HALF_SYNACK);
	handshake->connect_ns = record_span(client->syn_first_ns, client->shook_ns);
	handshake->server_ns = record_span(answered_ns, server->synack_first_ns);
	handshake->client_ns = record_span(server->synack_last_ns, client->shook_ns);
	handshake->lost_ns = record_span(client->syn_first_ns, answered_ns);
	handshake->syns = client->syns + server->syns;
	handshake->synacks = client->synacks + server->synacks;
	handshake->answered_syn = facts->answered_by ? (__s64)facts->answered_syn : UNKNOWN;
	handshake->answered_by = (enum answered_by)facts->answered_by;
	record_make_attempts(handshake, facts, epoch_ns);
}

INLINE void record_make_times(struct record *record, const struct report *report, const struct record_context *context)
{
	__u32 last = report->flow.last_sender & 1; /* not by time: a capture's clock may step back */

	record->start_ns = (__s64)report->facts.start_ns + context->epoch_ns;
	record->end_ns = (__s64)report->flow.tally[last].time_ns + context->epoch_ns;
	record->end_resolution_ns = record_resolution(report->flow.tally[last].clock_error, context);
}

INLINE void record_make_zeek(struct record *record, const struct report *report, __u32 client)
{
	struct record_zeek *zeek = &record->zeek;

	zeek_history(zeek->history, report, client);
	zeek->conn_state = zeek_conn_state(report, client, zeek->history);
	zeek->duration_ns = report->facts.ended_ns ? (__s64)(report->facts.ended_ns - report->facts.start_ns)
						   : record->end_ns - record->start_ns;
	zeek->missed_bytes = zeek_missed_bytes(report, client, record->client.stream_bytes,
					       record->server.analysis[ANALYSIS_ACKED_UNSEEN]) +
			     zeek_missed_bytes(report, client ^ 1, record->server.stream_bytes,
					       record->client.analysis[ANALYSIS_ACKED_UNSEEN]);
}

/* Does a tunnel of that kind carry a number? */
INLINE bool record_tunnel_has_id(enum tunnel_kind kind)
{
	return kind == TUNNEL_VXLAN || kind == TUNNEL_GENEVE || kind == TUNNEL_GRE_KEYED ||
	       kind == TUNNEL_GRE_BRIDGED || kind == TUNNEL_PPPOE || kind == TUNNEL_MPLS;
}

INLINE void record_make_tunnel(struct record *record, const struct flow_key *key)
{
	record->tunnel_kind = (enum tunnel_kind)key->tunnel_kind;
	record->tunnel_id = record_tunnel_has_id(record->tunnel_kind) ? (__s64)key->tunnel : UNKNOWN;
}

INLINE void record_make(struct record *record, const struct report *report, const struct record_context *context)
{
	__u32 client = outcome_client(report, &record->client_known_by), server = client ^ 1;

	record_make_times(record, report, context);
	record->interface = context->interface;
	record->observations = 0;
	record->observation = NULL;
	record->vlans = report->facts.vlans;
	for (int i = 0; i < SEGMENT_VLANS; i++)
		record->vlan[i] = report->facts.vlan[i];
	record_make_tunnel(record, &report->facts.key);
	record->ip_version = report->facts.key.ip_version;
	record->state = outcome_state(report, client);
	record->outcome = outcome_of(report, client);
	record->reason = outcome_reason(record->outcome, report);
	record->end_reason = (enum end_reason)report->reason;
	record->closed_by = outcome_closed_by(report, client);
	record_make_handshake(&record->handshake, report, client, context->epoch_ns);
	record_make_rtt(&record->rtt_client, &report->flow.tally[client], &report->facts.half[client], context);
	record_make_rtt(&record->rtt_server, &report->flow.tally[server], &report->facts.half[server], context);
	record_make_side(&record->client, report, client);
	record_make_side(&record->server, report, server);
	record_make_zeek(record, report, client);
}

#endif
