/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a flow amounts to, derived from what the engine kept: who is client, how far the connection got, what became of
 * the attempt and why, who ended it. Pure; record.h is the caller. */
#ifndef TCPSCOPE_OUTCOME_H
#define TCPSCOPE_OUTCOME_H

#include "handshake.h"

enum client_known_by { CLIENT_BY_SYN, CLIENT_BY_SYNACK, CLIENT_BY_PORT, CLIENT_BY_FIRST };
enum flow_state { STATE_SYN_SENT, STATE_SYN_RECEIVED, STATE_ESTABLISHED, STATE_CLOSING, STATE_CLOSED, STATE_RESET };
enum outcome {
	OUTCOME_ACCEPTED,
	OUTCOME_REFUSED,
	OUTCOME_FILTERED,
	OUTCOME_UNANSWERED,
	OUTCOME_HALF_OPEN,
	OUTCOME_ABORTED,
	OUTCOME_MIDSTREAM,
	OUTCOMES,
};
enum closed_by { CLOSED_BY_NOBODY, CLOSED_BY_CLIENT, CLOSED_BY_SERVER };

/* The ICMP errors that nmap, too, takes for a filter or a dead end, by its words. NONE: there was no such error. */
#define FILTER_REASONS(X) \
	X(NONE, NULL) \
	X(NET_UNREACH, "net-unreach") \
	X(HOST_UNREACH, "host-unreach") \
	X(PROTO_UNREACH, "proto-unreach") \
	X(PORT_UNREACH, "port-unreach") \
	X(NET_PROHIBITED, "net-prohibited") \
	X(HOST_PROHIBITED, "host-prohibited") \
	X(ADMIN_PROHIBITED, "admin-prohibited") \
	X(NO_ROUTE, "no-route") \
	X(BEYOND_SCOPE, "beyond-scope") \
	X(REJECT_ROUTE, "reject-route") \
	X(TIME_EXCEEDED, "time-exceeded")

enum filter_reason {
#define FILTER_REASON_ENUM(NAME, word) FILTER_##NAME,
	FILTER_REASONS(FILTER_REASON_ENUM)
#undef FILTER_REASON_ENUM
		FILTER_REASON_COUNT,
	FILTER_REASON_ROOM = 16 /* a power of two, as LEDGER_ROOM */
};

/* Which endpoint is the client, and how that is known. */
INLINE __u32 outcome_client(const struct report *report, enum client_known_by *known_by);
INLINE __u32 outcome_client_of(const struct flow *flow, const struct facts *facts, enum client_known_by *known_by);
INLINE enum outcome outcome_of(const struct report *report, __u32 client);
INLINE enum flow_state outcome_state(const struct report *report, __u32 client);
INLINE enum closed_by outcome_closed_by(const struct report *report, __u32 client);
/* The first ICMP error that quoted its SYN. */
INLINE enum filter_reason outcome_filter_reason(const struct report *report);
/* nmap's word; NULL midstream. */
INLINE const char *outcome_reason(enum outcome outcome, const struct report *report);

/* ------------------------------------------------------------------------------------------------------------- */

/* Segments of one side that are neither SYN nor RST. A connection that is only probed has none. */
INLINE __u64 outcome_beyond_syn(const struct report *report, __u32 side)
{
	const struct half_facts *facts = &report->facts.half[side & 1];
	__u64 packets = facts->packets + tally_get(&report->flow.tally[side & 1], TALLY_PACKETS);
	__u64 probes = (__u64)facts->syns + facts->synacks + facts->rst;

	return packets > probes ? packets - probes : 0;
}

INLINE __u32 outcome_client_of(const struct flow *flow, const struct facts *facts, enum client_known_by *known_by)
{
	__u16 first = flow->half[0].bits, second = flow->half[1].bits;

	*known_by = CLIENT_BY_SYN;
	if (first & second & HALF_SYN)
		return facts->half[0].order & ORDER_SECOND_SYN ? 1 : 0;
	if ((first | second) & HALF_SYN)
		return second & HALF_SYN ? 1 : 0;
	*known_by = CLIENT_BY_SYNACK;
	if (first & second & HALF_SYNACK)
		return ~facts->first_sender & 1;
	if ((first | second) & HALF_SYNACK)
		return first & HALF_SYNACK ? 1 : 0;
	*known_by = CLIENT_BY_PORT;
	if (facts->key.port[0] != facts->key.port[1])
		return facts->key.port[0] < facts->key.port[1] ? 1 : 0;
	*known_by = CLIENT_BY_FIRST;
	return facts->first_sender & 1;
}

INLINE __u32 outcome_client(const struct report *report, enum client_known_by *known_by)
{
	return outcome_client_of(&report->flow, &report->facts, known_by);
}

/* Reasons by ICMP code, four bits each, code 0 lowest: RFC 792 and RFC 1812, 5.2.7.1; RFC 4443, 3.1, where code 5
 * (source address failed ingress/egress policy) is a prohibition. Numbers, since a table would be one more map in the
 * kernel. */
#define FILTER_CODE(code, NAME) ((__u64)FILTER_##NAME << (code) * 4)
#define FILTER_CODES_V4 \
	(FILTER_CODE(0, NET_UNREACH) | FILTER_CODE(1, HOST_UNREACH) | FILTER_CODE(2, PROTO_UNREACH) | \
	 FILTER_CODE(3, PORT_UNREACH) | FILTER_CODE(9, NET_PROHIBITED) | FILTER_CODE(10, HOST_PROHIBITED) | \
	 FILTER_CODE(13, ADMIN_PROHIBITED))
#define FILTER_CODES_V6 \
	(FILTER_CODE(0, NO_ROUTE) | FILTER_CODE(1, ADMIN_PROHIBITED) | FILTER_CODE(2, BEYOND_SCOPE) | \
	 FILTER_CODE(3, HOST_UNREACH) | FILTER_CODE(4, PORT_UNREACH) | FILTER_CODE(5, ADMIN_PROHIBITED) | \
	 FILTER_CODE(6, REJECT_ROUTE))

INLINE enum filter_reason outcome_filter_reason(const struct report *report)
{
	__u8 type = report->facts.icmp_type, code = report->facts.icmp_code;
	bool v4 = report->facts.key.ip_version == 4;

	if (!report->facts.icmp_seen)
		return FILTER_NONE;
	if (type == (v4 ? 11 : 3))
		return FILTER_TIME_EXCEEDED;
	return code < 16 ? (enum filter_reason)((v4 ? FILTER_CODES_V4 : FILTER_CODES_V6) >> code * 4 & 15)
			 : FILTER_NONE;
}

/* Did both sides speak as only an open connection does? One direction may be missing from what was captured. */
INLINE bool outcome_is_accepted(const struct report *report, __u32 client)
{
	__u16 asked = report->flow.half[client & 1].bits, answered = report->flow.half[~client & 1].bits;

	if (outcome_beyond_syn(report, client))
		return true;
	if (asked & answered & HALF_SYN && (asked | answered) & HALF_SYNACK)
		return true;
	return report->facts.half[~client & 1].noted & NOTED_PAYLOAD ||
	       answered & HALF_FIN; /* a bare ACK may be an answer to a SYN of an old connection */
}

INLINE enum outcome outcome_of(const struct report *report, __u32 client)
{
	__u16 asked = report->flow.half[client & 1].bits, answered = report->flow.half[~client & 1].bits;

	if (!((asked | answered) & (HALF_SYN | HALF_SYNACK)))
		return OUTCOME_MIDSTREAM;
	if (outcome_is_accepted(report, client))
		return OUTCOME_ACCEPTED;
	if (answered & HALF_SYNACK)
		return asked & HALF_RST ? OUTCOME_ABORTED : OUTCOME_HALF_OPEN;
	if (answered & HALF_RST)
		return OUTCOME_REFUSED;
	return outcome_filter_reason(report) ? OUTCOME_FILTERED : OUTCOME_UNANSWERED;
}

INLINE enum flow_state outcome_state(const struct report *report, __u32 client)
{
	const struct flow *flow = &report->flow;
	__u16 either = flow->half[0].bits | flow->half[1].bits;
	bool early = false;

	for (int i = 0; i < 2; i++)
		early |= flow->half[i].bits & HALF_RST && !(report->facts.half[i].order & ORDER_RST_LATE);
	if (early)
		return STATE_RESET;
	if (flow_is_closed(flow))
		return STATE_CLOSED;
	if (either & HALF_FIN)
		return STATE_CLOSING;
	if (!(either & (HALF_SYN | HALF_SYNACK)) || outcome_is_accepted(report, client))
		return STATE_ESTABLISHED;
	if (either & HALF_SYNACK || flow->half[0].bits & flow->half[1].bits & HALF_SYN)
		return STATE_SYN_RECEIVED;
	return STATE_SYN_SENT;
}

/* The first FIN or RST: after a FIN, a RST of the other side only hurries the end. */
INLINE enum closed_by outcome_closed_by(const struct report *report, __u32 client)
{
	for (__u32 side = 0; side < 2; side++) {
		if (report->flow.half[side].bits & (HALF_FIN | HALF_RST) &&
		    !(report->facts.half[side].order & ORDER_SECOND_FIN))
			return side == client ? CLOSED_BY_CLIENT : CLOSED_BY_SERVER;
	}
	return CLOSED_BY_NOBODY;
}

INLINE const char *outcome_filter_word(enum filter_reason reason)
{
	switch (reason) {
#define FILTER_REASON_CASE(NAME, word) \
	case FILTER_##NAME: return word;
		FILTER_REASONS(FILTER_REASON_CASE)
#undef FILTER_REASON_CASE
	default: return NULL;
	}
}

INLINE const char *outcome_reason(enum outcome outcome, const struct report *report)
{
	switch (outcome) {
	case OUTCOME_ACCEPTED:
	case OUTCOME_HALF_OPEN:
	case OUTCOME_ABORTED: return "syn-ack";
	case OUTCOME_REFUSED: return "reset";
	case OUTCOME_FILTERED: return outcome_filter_word(outcome_filter_reason(report));
	case OUTCOME_UNANSWERED: return "no-response";
	case OUTCOME_MIDSTREAM:
	case OUTCOMES: break;
	}
	return NULL;
}

#endif
