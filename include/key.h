/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A flow's key: two endpoints in canonical order, so that both directions find the same flow, and the seeded hash. */
#ifndef TCPSCOPE_KEY_H
#define TCPSCOPE_KEY_H

#include "segment.h"

/* Endpoint 0 has the lesser endpoint hash under the run's seed; the order says nothing about client and server. */
struct flow_key {
	__u64 ip[2][2];	  /* [endpoint]: 16 octets as in struct segment */
	__u16 port[2];	  /* host order */
	__u32 tunnel;	  /* tunnel id, 0: none */
	__u16 interface;  /* the body's number; 0 in replay */
	__u8 ip_version;
	__u8 retired;	  /* 1: no longer to be found (table_retire); 0 in what is sought */
} __attribute__((aligned(4), packed));

/* Random per run, so that nobody outside can choose keys that meet in one bucket. */
struct key_seed {
	__u64 secret[2];     /* added to the two words of an address */
	__u64 multiplier[3]; /* odd */
};

/* A segment's two endpoint hashes in canonical order, and what both directions share. */
struct key_hash {
	__u64 value;	 /* of the whole key, the same in both directions */
	__u32 direction; /* the endpoint (0 or 1) that sent the segment */
};

INLINE struct key_hash key_hash(const struct segment *seg, const struct key_seed *seed);
/* The key of a segment that endpoint `direction` sent. */
INLINE void key_of_segment(struct flow_key *key, const struct segment *seg, __u32 direction);
INLINE bool key_equal(const struct flow_key *x, const struct flow_key *y);

/* ------------------------------------------------------------------------------------------------------------- */

/* Multiply and fold, the products beside each other. Squaring, not another multiplication: both endpoints' hashes are
 * added, and if they were linear up to a fold, then in a grid of neighbouring clients and servers (k + j = k' + j') a
 * third of the sums would be alike. The last fold makes the sum tell A:p-B:q from A:q-B:p. */
INLINE __u64 key_endpoint_hash(const __u64 ip[2], __u16 port, const struct key_seed *seed)
{
	__u64 hash = (ip[0] + seed->secret[0]) * seed->multiplier[0] + (ip[1] + seed->secret[1]) * seed->multiplier[1] +
		     port * seed->multiplier[2];

	hash ^= hash >> 32;
	hash *= hash | 1;
	return hash ^ hash >> 32;
}

/* Both endpoint hashes equal: the addresses decide, so that the order is the same in both directions. */
INLINE __u32 key_tie(const struct segment *seg)
{
	if (seg->source_ip[0] != seg->destination_ip[0])
		return seg->source_ip[0] > seg->destination_ip[0];
	if (seg->source_ip[1] != seg->destination_ip[1])
		return seg->source_ip[1] > seg->destination_ip[1];
	return seg->source_port > seg->destination_port;
}

INLINE struct key_hash key_hash(const struct segment *seg, const struct key_seed *seed)
{
	__u64 from = key_endpoint_hash(seg->source_ip, seg->source_port, seed);
	__u64 to = key_endpoint_hash(seg->destination_ip, seg->destination_port, seed);
	__u64 both = from + to + seg->interface * seed->multiplier[1];
	struct key_hash hash = { .value = both ^ both >> 29, .direction = (__u32)u64_less(to, from) };

	if (unlikely(from == to))
		hash.direction = key_tie(seg);
	return hash;
}

INLINE void key_of_segment(struct flow_key *key, const struct segment *seg, __u32 direction)
{
	const __u64 *first = direction ? seg->destination_ip : seg->source_ip;
	const __u64 *second = direction ? seg->source_ip : seg->destination_ip;

	key->ip[0][0] = first[0];
	key->ip[0][1] = first[1];
	key->ip[1][0] = second[0];
	key->ip[1][1] = second[1];
	key->port[0] = direction ? seg->destination_port : seg->source_port;
	key->port[1] = direction ? seg->source_port : seg->destination_port;
	key->tunnel = 0;
	key->interface = seg->interface;
	key->ip_version = seg->ip_version;
	key->retired = 0;
}

INLINE bool key_equal(const struct flow_key *x, const struct flow_key *y)
{
	return x->ip[0][0] == y->ip[0][0] && x->ip[0][1] == y->ip[0][1] && x->ip[1][0] == y->ip[1][0] &&
	       x->ip[1][1] == y->ip[1][1] && x->port[0] == y->port[0] && x->port[1] == y->port[1] &&
	       x->tunnel == y->tunnel && x->interface == y->interface && x->ip_version == y->ip_version &&
	       x->retired == y->retired;
}

#endif
