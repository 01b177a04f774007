/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What moves in a flow between two looks at it, read from a table that is being written: so little that a screen can do
 * it for every flow of a large table, twice a second. The record (record.h) says the rest of those that are shown. */
#ifndef TCPSCOPE_GLANCE_H
#define TCPSCOPE_GLANCE_H

#include "handshake.h"

struct glance {
	__u64 packets, payload_bytes; /* of both sides, as in the record */
	__u32 resent;		      /* segments that repeated octets sent before, of both sides */
	bool over;		      /* closed or reset: it only waits to be reported */
};

/* Of the facts it takes one cache line a side. */
#define GLANCE_FACTS_BEGIN(side) (offsetof(struct facts, half) + (side) * sizeof(struct half_facts))
#define GLANCE_FACTS_END(side) (GLANCE_FACTS_BEGIN(side) + offsetof(struct half_facts, analysis[ANALYSIS_OUT_OF_ORDER]))

_Static_assert(GLANCE_FACTS_BEGIN(0) / 64 == (GLANCE_FACTS_END(0) - 1) / 64, "of endpoint 0");
_Static_assert(GLANCE_FACTS_BEGIN(1) / 64 == (GLANCE_FACTS_END(1) - 1) / 64, "of endpoint 1");

/* Whose slot it is: 31 bits of the key's hash, the same when the flow was retired, which inverts it (table_retire). */
INLINE __u32 glance_identity(const struct flow *flow)
{
	__u32 hash = flow->hash;

	return hash >> 31 ? ~hash : hash;
}

INLINE void glance_take(struct glance *glance, const struct flow *flow, const struct facts *facts)
{
	*glance = (struct glance){ .over = flow_is_retired(flow) || flow_is_over(flow) };
	if (flow_is_embryo(flow)) {
		glance->packets = 1;
		return;
	}
	for (int i = 0; i < 2; i++) {
		const struct half_facts *half = &facts->half[i];
		const struct tally *tally = &flow->tally[i];

		glance->packets += half->packets + tally_get(tally, TALLY_PACKETS);
		glance->payload_bytes += half->payload_bytes + tally->payload_bytes;
		glance->resent += ANALYSIS_RESENT(half->analysis);
	}
}

#endif
