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
};
enum closed_by { CLOSED_BY_NOBODY, CLOSED_BY_CLIENT, CLOSED_BY_SERVER };

/* Which endpoint is the client, and how that is known. */
INLINE __u32 outcome_client(const struct report *report, enum client_known_by *known_by);
INLINE enum outcome outcome_of(const struct report *report, __u32 client);
INLINE enum flow_state outcome_state(const struct report *report, __u32 client);
INLINE enum closed_by outcome_closed_by(const struct report *report, __u32 client);
/* nmap's word; NULL midstream. */
INLINE const char *outcome_reason(enum outcome outcome, const struct report *report);

/* ------------------------------------------------------------------------------------------------------------- */

/* Segments of one side that are neither SYN nor RST. A connection that is only probed has none. */
INLINE __u64 outcome_beyond_syn(const struct report *report, __u32 side)
{
	const struct half_facts *facts = &report->facts.half[side & 1];
	__u64 packets = facts->packets + report->flow.half[side & 1].packets;
	__u64 probes = (__u64)facts->syns + facts->synacks + facts->rst;

	return packets > probes ? packets - probes : 0;
}

INLINE __u32 outcome_client(const struct report *report, enum client_known_by *known_by)
{
	const struct flow *flow = &report->flow;
	__u16 first = flow->half[0].bits, second = flow->half[1].bits;

	*known_by = CLIENT_BY_SYN;
	if (first & second & HALF_SYN)
		return report->facts.half[0].order & ORDER_SECOND_SYN ? 1 : 0;
	if ((first | second) & HALF_SYN)
		return second & HALF_SYN ? 1 : 0;
	*known_by = CLIENT_BY_SYNACK;
	if (first & second & HALF_SYNACK)
		return ~report->facts.first_sender & 1;
	if ((first | second) & HALF_SYNACK)
		return first & HALF_SYNACK ? 1 : 0;
	*known_by = CLIENT_BY_PORT;
	if (flow->key.port[0] != flow->key.port[1])
		return flow->key.port[0] < flow->key.port[1] ? 1 : 0;
	*known_by = CLIENT_BY_FIRST;
	return report->facts.first_sender & 1;
}

/* The ICMP errors that nmap, too, takes for a filter or a dead end. NULL: another. */
INLINE const char *outcome_icmp_reason(const struct report *report)
{
	__u8 type = report->facts.icmp_type, code = report->facts.icmp_code;

	if (!report->facts.icmp_seen)
		return NULL;
	if (type == (report->flow.key.ip_version == 4 ? 11 : 3))
		return "time-exceeded";
	if (report->flow.key.ip_version == 4) {
		switch (code) { /* RFC 792, RFC 1812 5.2.7.1 */
		case 0: return "net-unreach";
		case 1: return "host-unreach";
		case 2: return "proto-unreach";
		case 3: return "port-unreach";
		case 9: return "net-prohibited";
		case 10: return "host-prohibited";
		case 13: return "admin-prohibited";
		default: return NULL;
		}
	}
	switch (code) { /* RFC 4443, 3.1 */
	case 0: return "no-route";
	case 1: return "admin-prohibited";
	case 2: return "beyond-scope";
	case 3: return "host-unreach";
	case 4: return "port-unreach";
	case 5: return "admin-prohibited"; /* source address failed ingress/egress policy */
	case 6: return "reject-route";
	default: return NULL;
	}
}

/* Did both sides speak as only an open connection does? One direction may be missing from what was captured. */
INLINE bool outcome_is_accepted(const struct report *report, __u32 client)
{
	__u16 asked = report->flow.half[client & 1].bits, answered = report->flow.half[~client & 1].bits;

	if (outcome_beyond_syn(report, client))
		return true;
	if (asked & answered & HALF_SYN && (asked | answered) & HALF_SYNACK)
		return true;
	return answered & (HALF_DATA | HALF_FIN); /* a bare ACK may be an answer to a SYN of an old connection */
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
	return outcome_icmp_reason(report) ? OUTCOME_FILTERED : OUTCOME_UNANSWERED;
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

INLINE const char *outcome_reason(enum outcome outcome, const struct report *report)
{
	switch (outcome) {
	case OUTCOME_ACCEPTED:
	case OUTCOME_HALF_OPEN:
	case OUTCOME_ABORTED: return "syn-ack";
	case OUTCOME_REFUSED: return "reset";
	case OUTCOME_FILTERED: return outcome_icmp_reason(report);
	case OUTCOME_UNANSWERED: return "no-response";
	case OUTCOME_MIDSTREAM: break;
	}
	return NULL;
}

#endif
