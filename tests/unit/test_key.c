/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The key: both directions of a connection give one hash, one place and opposite endpoints; other connections
 * another. */
#include <criterion/criterion.h>

#include "plain_body.h"
#include "random.h"

static struct segment turned(const struct segment *seg)
{
	struct segment back = *seg;

	memcpy(back.source_ip, seg->destination_ip, 16);
	memcpy(back.destination_ip, seg->source_ip, 16);
	back.source_port = seg->destination_port;
	back.destination_port = seg->source_port;
	return back;
}

/* `tie`: the two endpoints are equal, so that no order is right. */
static void expect_pair(const struct segment *seg, const struct key_seed *seed, bool tie)
{
	const struct table_shape shape = { .buckets = 3 * REGION };
	struct segment back = turned(seg);
	struct key_hash there = key_hash(seg, seed), here = key_hash(&back, seed);
	struct place place = table_place(&shape, there.value);
	struct flow_key key_there, key_here;

	cr_assert_eq(there.value, here.value);
	cr_assert_lt(there.direction, 2);
	cr_assert(tie || there.direction != here.direction, "both directions have one endpoint");
	cr_assert(place.bucket[0] < shape.buckets && place.bucket[1] < shape.buckets && place.tag != 0);
	cr_assert_eq(place.bucket[0] / REGION, place.bucket[1] / REGION, "two regions, two locks");
	memset(&key_there, 0x55, sizeof(key_there));
	memset(&key_here, 0xaa, sizeof(key_here));
	key_of_segment(&key_there, seg, there.direction);
	key_of_segment(&key_here, &back, here.direction);
	cr_assert(key_equal(&key_there, &key_here));
	cr_assert_arr_eq(&key_there, &key_here, sizeof(key_here), "an octet of the key is not set");
}

static bool endpoints_equal(const struct segment *seg)
{
	return seg->source_port == seg->destination_port && !memcmp(seg->source_ip, seg->destination_ip, 16);
}

static void random_segment(struct random *random, struct segment *seg)
{
	*seg = (struct segment){ .ip_version = 6, .interface = (__u16)random_below(random, 3) };
	for (int i = 0; i < 2; i++) {
		seg->source_ip[i] = random_next(random);
		seg->destination_ip[i] = random_below(random, 4) ? random_next(random) : seg->source_ip[i];
	}
	if (random_below(random, 2)) {
		seg->ip_version = 4;
		ipv4_address(seg->source_ip, (__be32)seg->source_ip[1]);
		ipv4_address(seg->destination_ip, (__be32)seg->destination_ip[1]);
	}
	seg->source_port = (__u16)random_next(random);
	seg->destination_port = random_below(random, 4) ? (__u16)random_next(random) : seg->source_port;
}

Test(key, both_directions)
{
	struct random random = { 11 };

	for (int i = 0; i < 100000; i++) {
		struct key_seed seed;
		struct segment seg;

		plain_seed(&seed, random_next(&random));
		random_segment(&random, &seg);
		expect_pair(&seg, &seed, endpoints_equal(&seg));
	}
}

/* A seed of zeros makes every endpoint's hash equal: only the tie-break is left. */
Test(key, ties)
{
	const struct key_seed seed = {};
	struct random random = { 12 };
	struct segment seg = { .ip_version = 6 };

	for (int i = 0; i < 10000; i++) {
		random_segment(&random, &seg);
		expect_pair(&seg, &seed, endpoints_equal(&seg));
	}
}

Test(key, connection_with_itself)
{
	struct segment seg = { .ip_version = 4, .source_port = 7, .destination_port = 7 };
	struct key_seed seed;

	plain_seed(&seed, 99);
	expect_pair(&seg, &seed, true);
}

static int compare_u64(const void *x, const void *y)
{
	__u64 a = *(const __u64 *)x, b = *(const __u64 *)y;

	return a < b ? -1 : a > b;
}

enum { CLIENTS = 128, PORTS = 16, SERVERS = 128, KEYS = CLIENTS * PORTS * SERVERS };

static struct segment grid_segment(__u32 i)
{
	struct segment seg = { .ip_version = 4, .destination_port = 443 };

	seg.source_ip[1] = 0x0000000affff0000ULL + ((__u64)(i % CLIENTS) << 56);
	seg.destination_ip[1] = 0x0001000affff0000ULL + ((__u64)(i / CLIENTS / PORTS) << 56);
	seg.source_port = (__u16)(32768 + i / CLIENTS % PORTS);
	return seg;
}

static void expect_even_load(const __u64 *hash)
{
	static __u32 load[KEYS / WAYS];
	const struct table_shape shape = { .buckets = KEYS / WAYS };
	__u32 worst = 0;

	memset(load, 0, sizeof(load));
	for (__u32 i = 0; i < KEYS; i++) {
		struct place place = table_place(&shape, hash[i]);

		load[place.bucket[load[place.bucket[1]] < load[place.bucket[0]]]]++;
	}
	for (__u32 i = 0; i < shape.buckets; i++)
		worst = load[i] > worst ? load[i] : worst;
	/* The lesser of two random buckets: 8 on average, log log n above it at most (Azar et al.). */
	cr_expect_leq(worst, 14, "a bucket would hold %u", worst);
}

/* Neighbouring addresses and ports, as a server farm has: no two hashes alike, the buckets evenly loaded. */
Test(key, grid_of_connections)
{
	static __u64 hash[KEYS];

	for (__u64 number = 1; number <= 6; number++) {
		struct random random = { number };
		struct key_seed seed;

		plain_seed(&seed, random_next(&random));
		for (__u32 i = 0; i < KEYS; i++) {
			struct segment seg = grid_segment(i);

			hash[i] = key_hash(&seg, &seed).value;
		}
		expect_even_load(hash);
		qsort(hash, KEYS, sizeof(hash[0]), compare_u64);
		for (__u32 i = 1; i < KEYS; i++)
			cr_assert_neq(hash[i], hash[i - 1], "two connections with one hash");
	}
}

/* Endpoints that swapped their ports are another connection. */
Test(key, swapped_ports)
{
	struct random random = { 13 };

	for (int i = 0; i < 10000; i++) {
		struct segment seg, other;
		struct key_seed seed;

		plain_seed(&seed, random_next(&random));
		random_segment(&random, &seg);
		if (seg.source_port == seg.destination_port || !memcmp(seg.source_ip, seg.destination_ip, 16))
			continue;
		other = seg;
		other.source_port = seg.destination_port;
		other.destination_port = seg.source_port;
		cr_assert_neq(key_hash(&seg, &seed).value, key_hash(&other, &seed).value);
	}
}

Test(key, interfaces_are_apart)
{
	struct segment first = { .ip_version = 4, .source_port = 1, .interface = 1 }, second = first;
	struct key_seed seed;

	plain_seed(&seed, 5);
	second.interface = 2;
	cr_assert_neq(key_hash(&first, &seed).value, key_hash(&second, &seed).value);
}

/* A random tunnel of any kind; of a few ids and digests, so that all of them meet. */
static void random_tunnel(struct random *random, struct segment *seg)
{
	seg->tunnel_kind = random_below(random, TUNNEL_COUNT);
	if (seg->tunnel_kind != TUNNEL_NONE && seg->tunnel_kind != TUNNEL_GRE)
		seg->tunnel = random_below(random, 4) * 0x00ffffff;
	seg->tunnel_outer = random_below(random, 3);
}

/* As if MPLS were no tunnel, and GRE round Ethernet had no key. */
static bool same_tunnel(const struct segment *one, const struct segment *two)
{
	const struct segment *seg[2] = { one, two };
	__u32 kind[2], id[2];

	for (int i = 0; i < 2; i++) {
		kind[i] = seg[i]->tunnel_kind;
		id[i] = seg[i]->tunnel;
		if (kind[i] == TUNNEL_MPLS || kind[i] == TUNNEL_GRE_BRIDGED) {
			kind[i] = kind[i] == TUNNEL_MPLS ? TUNNEL_NONE : TUNNEL_GRE;
			id[i] = 0;
		}
	}
	return kind[0] == kind[1] && id[0] == id[1] && one->tunnel_outer == two->tunnel_outer;
}

Test(key, tunnels_are_apart)
{
	struct random random = { 14 };
	const struct table_shape shape = { .buckets = 8 * REGION };

	for (int i = 0; i < 100000; i++) {
		struct segment seg, other;
		struct flow_key key, key_other;
		struct key_hash hash, hash_other;
		struct key_seed seed;

		plain_seed(&seed, random_next(&random));
		random_segment(&random, &seg);
		other = seg;
		random_tunnel(&random, &seg);
		random_tunnel(&random, &other);
		hash = key_hash(&seg, &seed);
		hash_other = key_hash(&other, &seed);
		key_of_segment(&key, &seg, hash.direction);
		key_of_segment(&key_other, &other, hash_other.direction);
		cr_assert_eq(key_equal(&key, &key_other), same_tunnel(&seg, &other));
		cr_assert_eq(hash.value == hash_other.value, same_tunnel(&seg, &other));
		cr_assert_eq((__u32)hash.value == (__u32)hash_other.value, same_tunnel(&seg, &other),
			     "what a flow keeps of the hash is the same");
		cr_assert_eq(key_hash_of(&key, &seed).value, hash.value);
		if (same_tunnel(&seg, &other))
			cr_assert_eq(table_place(&shape, hash.value).bucket[0],
				     table_place(&shape, hash_other.value).bucket[0]);
	}
}

/* What is outside counts: the same inner pair in the same tunnel of two others, and in the reverse order. */
Test(key, nested_tunnels_are_apart)
{
	struct segment seg[4] = { 0 };
	const __u32 outer[4] = { 1, 2, 3, 3 };

	for (int i = 0; i < 4; i++) {
		segment_tunnel(&seg[i], TUNNEL_VXLAN, outer[i]);
		if (i == 3)
			segment_tunnel(&seg[i], TUNNEL_MPLS, 77);
		segment_tunnel(&seg[i], TUNNEL_GRE_KEYED, 5);
	}
	cr_expect_neq(seg[0].tunnel_outer, seg[1].tunnel_outer);
	cr_expect_neq(seg[0].tunnel_outer, seg[2].tunnel_outer);
	cr_expect_eq(seg[2].tunnel_outer, seg[3].tunnel_outer, "a label on the way is no part of it");
}
