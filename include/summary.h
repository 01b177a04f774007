/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a flood of SYNs leaves: an unanswered SYN that is evicted is not reported one by one, but added to the sum of
 * the service that it asked for. Services are bounded in number; what finds no room is added to the rest, one sum for
 * each interface. Nothing is ever taken out, so sums are exact. Kept per CPU by the kernel's body, so without
 * atomics. */
#ifndef TCPSCOPE_SUMMARY_H
#define TCPSCOPE_SUMMARY_H

#include "flow.h"

enum {
	SUMMARIES = 4096,	 /* services, a power of two */
	SUMMARY_INTERFACES = 64, /* all that may be watched (config.h), a power of two */
};

struct summary_key {
	__u64 ip[2]; /* of the server, as in struct flow_key */
	__u16 port;  /* host order */
	__u16 interface;
	__u8 ip_version;
	__u8 reserved[3]; /* 0: the key is compared whole */
};

/* All zero: nothing was added. */
struct summary {
	__u64 flows, packets, ip_bytes, payload_bytes;
	__u64 first_ns, last_ns; /* earliest first segment and latest last one */
};

/* The sums of a body that has no maps. All zero: empty. */
struct summaries {
	struct summary_key key[SUMMARIES];
	struct summary sum[SUMMARIES];
	struct summary rest[SUMMARY_INTERFACES]; /* by interface number */
};

/* The service that an unanswered SYN asked for: `flow` is one whose only side with segments sent SYN. */
INLINE void summary_key_of(struct summary_key *key, const struct flow *flow, const struct facts *facts);
/* What that flow adds. */
INLINE void summary_of(struct summary *sum, const struct flow *flow, const struct facts *facts);
INLINE void summary_add(struct summary *sum, const struct summary *more);
/* The entry of a service, made if it is new; the rest's if there is no room. */
INLINE struct summary *summaries_at(struct summaries *summaries, const struct summary_key *key);

/* What views see of it. */
struct summary_record {
	const char *interface;
	bool rest;	 /* of services that found no room: the next three say nothing */
	__u8 ip_version; /* 4 or 6 */
	__u8 ip[16];	 /* IPv4 as ::ffff:a.b.c.d */
	__u16 port;
	__u64 flows, packets, ip_bytes, payload_bytes;
	__s64 start_ns, end_ns; /* Unix epoch */
};

/* ------------------------------------------------------------------------------------------------------------- */

INLINE void summary_key_of(struct summary_key *key, const struct flow *flow, const struct facts *facts)
{
	__u32 server = flow->half[0].bits & HALF_SYN ? 1 : 0;

	*key = (struct summary_key){ .port = facts->key.port[server],
				     .interface = facts->key.interface,
				     .ip_version = facts->key.ip_version };
	key->ip[0] = facts->key.ip[server][0];
	key->ip[1] = facts->key.ip[server][1];
}

INLINE void summary_of(struct summary *sum, const struct flow *flow, const struct facts *facts)
{
	__u32 client = flow->half[0].bits & HALF_SYN ? 0 : 1;
	const struct tally *tally = &flow->tally[client];
	const struct half_facts *carried = &facts->half[client];

	sum->flows = 1;
	sum->packets = tally_get(tally, TALLY_PACKETS) + carried->packets;
	sum->payload_bytes = tally->payload_bytes + carried->payload_bytes;
	sum->ip_bytes = sum->payload_bytes + tally_get(tally, TALLY_HEADERS) + carried->header_bytes;
	sum->first_ns = facts->start_ns;
	sum->last_ns = tally->time_ns;
}

INLINE void summary_add(struct summary *sum, const struct summary *more)
{
	if (!sum->flows || more->first_ns < sum->first_ns)
		sum->first_ns = more->first_ns;
	if (more->last_ns > sum->last_ns)
		sum->last_ns = more->last_ns;
	sum->flows += more->flows;
	sum->packets += more->packets;
	sum->ip_bytes += more->ip_bytes;
	sum->payload_bytes += more->payload_bytes;
}

INLINE bool summary_key_equal(const struct summary_key *x, const struct summary_key *y)
{
	return x->ip[0] == y->ip[0] && x->ip[1] == y->ip[1] && x->port == y->port && x->interface == y->interface &&
	       x->ip_version == y->ip_version;
}

INLINE struct summary *summaries_at(struct summaries *summaries, const struct summary_key *key)
{
	__u64 mixed = (key->ip[0] ^ key->ip[1] * 31 ^ (__u64)key->port << 16 ^ key->interface) * 0x9e3779b97f4a7c15ULL;

	for (__u32 i = 0; i < SUMMARIES; i++) {
		__u32 at = ((__u32)(mixed >> 40) + i) & (SUMMARIES - 1);

		if (!summaries->key[at].ip_version)
			summaries->key[at] = *key;
		if (summary_key_equal(&summaries->key[at], key))
			return &summaries->sum[at];
	}
	return &summaries->rest[key->interface & (SUMMARY_INTERFACES - 1)];
}

#endif
