/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What Zeek's conn.log says of a flow, derived from the report: conn_state, history, missed_bytes. The originator is
 * the record's client. Pure; record.h is the caller. */
#ifndef TCPSCOPE_ZEEK_H
#define TCPSCOPE_ZEEK_H

#include "outcome.h"

enum { ZEEK_HISTORY_SIZE = HISTORY_MAX + 2 }; /* '^', the letters, the end */

/* Writes the history: upper case for the originator, after a '^' if the responder was seen first. */
INLINE void zeek_history(char history[ZEEK_HISTORY_SIZE], const struct report *report, __u32 client);
/* `history`: what zeek_history wrote. */
INLINE const char *zeek_conn_state(const struct report *report, __u32 client, const char *history);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE void zeek_history(char history[ZEEK_HISTORY_SIZE], const struct report *report, __u32 client)
{
	const struct history *letters = &report->facts.history;
	__u32 count = letters->letters < HISTORY_MAX ? letters->letters : HISTORY_MAX, at = 0;

	if (report->facts.first_sender != client)
		history[at++] = '^';
	for (__u32 i = 0; i < count; i++)
		if (letters->letter[i]) /* a place taken and not yet written, in a flow that is open */
			history[at++] = (char)(letters->letter[i] ^ (client & 1) << 5);
	history[at] = '\0';
}

/* What Zeek calls reset. A RST after FINs of both sides, in whatever order the peer's came, changes nothing. */
INLINE bool zeek_is_reset(const struct report *report, __u32 side)
{
	__u16 own = report->flow.half[side & 1].bits, peer = report->flow.half[~side & 1].bits;

	return own & HALF_RST && !(report->facts.half[side & 1].order & ORDER_FIN_RST && peer & HALF_FIN);
}

/* Did it take part in the handshake, as far as that was seen? Else Zeek calls it inactive or partial. */
INLINE bool zeek_is_active(const struct report *report, __u32 side)
{
	__u16 own = report->flow.half[side & 1].bits, peer = report->flow.half[~side & 1].bits;

	return own & (HALF_SYN | HALF_SYNACK) || (peer & HALF_SYNACK && own & HALF_ACKED);
}

/* SYN, then RST, and nothing in between that answers or continues. */
INLINE bool zeek_syn_then_rst(const char *history)
{
	history += *history == '^';
	if (*history++ != 'S')
		return false;
	for (; *history && *history != 'R'; history++)
		if (*history == 'H' || *history == 'A' || *history == 'F' || *history == 'G' || *history == 'I' ||
		    *history == 'Q')
			return false;
	return *history == 'R';
}

INLINE bool zeek_has_payload(const struct report *report)
{
	return (report->facts.half[0].noted | report->facts.half[1].noted) & NOTED_PAYLOAD;
}

INLINE const char *zeek_reset_state(const struct report *report, __u32 client, const char *history)
{
	bool originator = zeek_is_reset(report, client), responder = zeek_is_reset(report, client ^ 1);
	__u16 asked = report->flow.half[client & 1].bits, answered = report->flow.half[~client & 1].bits;

	if (!responder)
		return zeek_is_active(report, client ^ 1) ? "RSTO" : zeek_syn_then_rst(history) ? "RSTOS0" : "OTH";
	if (originator && !zeek_has_payload(report))
		return "REJ";
	if (originator || asked & HALF_FIN)
		return "RSTR";
	if (asked & (HALF_SYN | HALF_SYNACK) && !(answered & (HALF_SYN | HALF_SYNACK)))
		return "REJ";
	return zeek_is_active(report, client) ? "RSTR" : "RSTRH";
}

INLINE const char *zeek_conn_state(const struct report *report, __u32 client, const char *history)
{
	__u16 asked = report->flow.half[client & 1].bits, answered = report->flow.half[~client & 1].bits;
	bool originator = zeek_is_active(report, client), responder = zeek_is_active(report, client ^ 1);

	if (zeek_is_reset(report, client) || zeek_is_reset(report, client ^ 1))
		return zeek_reset_state(report, client, history);
	if (asked & answered & HALF_FIN)
		return "SF";
	if (asked & HALF_FIN)
		return responder ? "S2" : "SH";
	if (answered & HALF_FIN)
		return originator ? "S3" : "SHR";
	if (originator && responder)
		return "S1";
	/* A pure ACK of some old connection is no reply; payload is. */
	return originator && !(report->facts.half[~client & 1].noted & NOTED_PAYLOAD) ? "S0" : "OTH";
}

/* Octets of the stream of `side` that its peer acknowledged and that were not seen; `stream`: those it spans. */
INLINE __u64 zeek_missed_bytes(const struct report *report, __u32 side, __s64 stream, bool acked_unseen)
{
	const struct half_facts *facts = &report->facts.half[side & 1];
	__s64 seen = (__s64)(facts->payload_bytes + report->flow.tally[side & 1].payload_bytes - facts->resent_bytes);

	return acked_unseen && zeek_is_active(report, 0) && zeek_is_active(report, 1) && stream > seen
		       ? (__u64)(stream - seen)
		       : 0;
}

#endif
