/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A flow's key: two endpoints in canonical order, so that both directions find the same flow, and the seeded hash. */
#ifndef TCPSCOPE_KEY_H
#define TCPSCOPE_KEY_H

#include "segment.h"

/* Endpoint 0 is the lesser in an order that the run's seed has a part in; it says nothing about client and server. */
struct flow_key {
	__u64 ip[2][2];	 /* [endpoint]: 16 octets as in struct segment */
	__u16 port[2];	 /* host order */
	__u32 tunnel;	 /* as in struct segment; so are the next two of tunnels */
	__u16 interface; /* the body's number; 0 in replay */
	__u8 ip_version;
	__u8 tunnel_kind; /* of kind and id, tunnel_identity is part of the key; the rest is noted of the first segment */
	__u32 tunnel_outer;
};

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
/* The same of a key, as endpoint 0 sends. */
INLINE struct key_hash key_hash_of(const struct flow_key *key, const struct key_seed *seed);
/* The key of a segment that endpoint `direction` sent. */
INLINE void key_of_segment(struct flow_key *key, const struct segment *seg, __u32 direction);
INLINE bool key_equal(const struct flow_key *x, const struct flow_key *y);

/* The same from the addresses as they are on the wire; ports in network byte order. */
INLINE struct key_hash key_hash_ipv4(__be32 source, __be32 destination, __be16 source_port, __be16 destination_port,
				     __u16 interface, const struct key_seed *seed);
INLINE struct key_hash key_hash_ipv6(const __u64 source[2], const __u64 destination[2], __be16 source_port,
				     __be16 destination_port, __u16 interface, const struct key_seed *seed);

/* ------------------------------------------------------------------------------------------------------------- */

/* An endpoint's digest, folded: not linear, so that the product of two endpoints tells A:p-B:q from A:q-B:p. */
INLINE __u64 key_fold(__u64 digest) { return digest ^ digest >> 32; }

INLINE __u64 key_join(__u64 from, __u64 to, __u16 interface, const struct key_seed *seed)
{
	__u64 both = key_fold(from) * key_fold(to) + interface * seed->multiplier[1];

	return both ^ both >> 29;
}

/* Address and port are one number of 48 bits: it orders the endpoints, and multiplied it is the digest. */
INLINE struct key_hash key_hash_ipv4(__be32 source, __be32 destination, __be16 source_port, __be16 destination_port,
				     __u16 interface, const struct key_seed *seed)
{
	__u64 from = (__u64)source << 16 | source_port, to = (__u64)destination << 16 | destination_port;
	__u64 second = to - from;

	opaque(second); /* a branch on it would be a guess */
	return (struct key_hash){
		.value = key_join((from + seed->secret[0]) * seed->multiplier[0],
				  (to + seed->secret[0]) * seed->multiplier[0], interface, seed),
		.direction = (__u32)(second >> 63),
	};
}

INLINE __u64 key_digest_ipv6(const __u64 ip[2], __be16 port, const struct key_seed *seed)
{
	return (ip[0] + seed->secret[0]) * seed->multiplier[0] + (ip[1] + seed->secret[1]) * seed->multiplier[1] +
	       port * seed->multiplier[2];
}

/* Two digests are equal: the addresses decide, so that the order is the same in both directions. */
INLINE __u32 key_tie(const __u64 source[2], const __u64 destination[2], __be16 source_port, __be16 destination_port)
{
	if (source[0] != destination[0])
		return source[0] > destination[0];
	if (source[1] != destination[1])
		return source[1] > destination[1];
	return source_port > destination_port;
}

INLINE struct key_hash key_hash_ipv6(const __u64 source[2], const __u64 destination[2], __be16 source_port,
				     __be16 destination_port, __u16 interface, const struct key_seed *seed)
{
	__u64 from = key_digest_ipv6(source, source_port, seed),
	      to = key_digest_ipv6(destination, destination_port, seed);
	struct key_hash hash = { .value = key_join(from, to, interface, seed), .direction = (__u32)u64_less(to, from) };

	if (unlikely(from == to))
		hash.direction = key_tie(source, destination, source_port, destination_port);
	return hash;
}

/* The IPv4 address in a mapped one. */
INLINE __be32 key_ipv4(const __u64 ip[2])
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__be32)(ip[1] >> 32);
#else
	return (__be32)ip[1];
#endif
}

/* What tunnels add to the hash: 0 without. */
INLINE __u64 key_tunnel_digest(__u32 kind, __u32 id, __u32 outer, const struct key_seed *seed)
{
	__u64 inner = tunnel_identity(kind, id);

	if (likely(!(inner | outer)))
		return 0;
	inner = key_fold((inner + seed->secret[0]) * seed->multiplier[0] +
			 (outer + seed->secret[1]) * seed->multiplier[2]);
	return inner * (inner | 1);
}

INLINE struct key_hash key_hash(const struct segment *seg, const struct key_seed *seed)
{
	__be16 from = to_be16(seg->source_port), to = to_be16(seg->destination_port);
	struct key_hash hash;

	if (seg->ip_version == 4)
		hash = key_hash_ipv4(key_ipv4(seg->source_ip), key_ipv4(seg->destination_ip), from, to, seg->interface,
				     seed);
	else
		hash = key_hash_ipv6(seg->source_ip, seg->destination_ip, from, to, seg->interface, seed);
	hash.value += key_tunnel_digest(seg->tunnel_kind, seg->tunnel, seg->tunnel_outer, seed);
	return hash;
}

INLINE struct key_hash key_hash_of(const struct flow_key *key, const struct key_seed *seed)
{
	__be16 from = to_be16(key->port[0]), to = to_be16(key->port[1]);
	struct key_hash hash;

	if (key->ip_version == 4)
		hash = key_hash_ipv4(key_ipv4(key->ip[0]), key_ipv4(key->ip[1]), from, to, key->interface, seed);
	else
		hash = key_hash_ipv6(key->ip[0], key->ip[1], from, to, key->interface, seed);
	hash.value += key_tunnel_digest(key->tunnel_kind, key->tunnel, key->tunnel_outer, seed);
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
	key->tunnel = seg->tunnel;
	key->interface = seg->interface;
	key->ip_version = seg->ip_version;
	key->tunnel_kind = (__u8)seg->tunnel_kind;
	key->tunnel_outer = seg->tunnel_outer;
}

INLINE __u64 key_tunnel(const struct flow_key *key) { return tunnel_identity(key->tunnel_kind, key->tunnel); }

INLINE bool key_equal(const struct flow_key *x, const struct flow_key *y)
{
	return x->ip[0][0] == y->ip[0][0] && x->ip[0][1] == y->ip[0][1] && x->ip[1][0] == y->ip[1][0] &&
	       x->ip[1][1] == y->ip[1][1] && x->port[0] == y->port[0] && x->port[1] == y->port[1] &&
	       key_tunnel(x) == key_tunnel(y) && x->tunnel_outer == y->tunnel_outer && x->interface == y->interface &&
	       x->ip_version == y->ip_version;
}

#endif
