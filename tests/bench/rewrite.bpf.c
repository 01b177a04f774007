/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Turns one frame, which a test run repeats, into a segment of one of many flows, and tail-calls the program that is
 * measured. The same with an empty program is the cost to subtract; with one that counts in a line of memory per flow,
 * what to hold it against on the machine of the day. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "order.h"
#include "wire.h"

enum { SERVER_PORT = 443, SEGMENT_LEN = 1448, ISN = 1000 };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xdp_jump SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tc_jump SEC(".maps");

struct order order = {};

/* As far apart as flows are. */
struct line {
	__u64 count, others[23];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* the bench sets it: order.lines at most */
	__type(key, __u32);
	__type(value, struct line);
} lines SEC(".maps");

/* The varying part of a flow: 16 bits in the client's address, the rest in its port. */
struct ends {
	__u32 client, server;
	__u16 port;
};

INLINE __u32 at_random(__u64 index, __u32 below)
{
	__u64 x = index * 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ULL;
	return (__u32)(((x ^ x >> 32) & 0xffffffff) * below >> 32);
}

INLINE struct ends next_flow(__u64 index)
{
	__u32 done = order.done++, flow;

	if (done == order.warm_up)
		order.first_ns = bpf_ktime_get_ns();
	else if (done == order.packets - 1)
		order.last_ns = bpf_ktime_get_ns();
	flow = order.in_turn ? (__u32)(index % order.flows) : at_random(index, order.flows);
	return (struct ends){ .client = from_be32(0x0a000000u | (flow & 0xffff)),
			      .server = from_be32(0xc0a80001u + (flow >> 3 & 0xff)),
			      .port = from_be16(10000 + (flow >> 16) + ((flow & 7) << 8)) };
}

INLINE void rewrite_tcp(struct tcp_header *tcp, __u64 index, __u16 port)
{
	__u32 sequence = (__u32)(index * order.step);

	if (order.to_server) {
		tcp->source = port;
		tcp->destination = from_be16(SERVER_PORT);
		tcp->sequence = from_be32(order.syn ? ISN : ISN + 1);
		tcp->acknowledgment = from_be32(order.syn ? 0 : sequence + SEGMENT_LEN);
	} else {
		tcp->source = from_be16(SERVER_PORT);
		tcp->destination = port;
		tcp->sequence = from_be32(sequence);
		tcp->acknowledgment = from_be32(ISN + 1);
	}
}

INLINE bool rewrite_ipv4(__u8 *data, const __u8 *end)
{
	struct ipv4_header *ip = (void *)(data + sizeof(struct ethernet_header));
	struct tcp_header *tcp = (void *)(ip + 1);
	__u64 index = order.index++;
	struct ends ends = next_flow(index);

	if ((const __u8 *)(tcp + 1) > end)
		return false;
	ip->source = order.to_server ? ends.client : ends.server;
	ip->destination = order.to_server ? ends.server : ends.client;
	rewrite_tcp(tcp, index, ends.port);
	return true;
}

/* The last 64 bits in one store, for the engine reads them in one load: a load of what was just written in part waits
 * until that has left the store buffer, and no frame that a NIC wrote makes it wait. */
INLINE void rewrite_address(struct ipv6_octets *address, __be32 last)
{
	const union {
		__be32 word[2];
		__u64 both;
	} low = { .word = { 0, last } };
	__u64 *at = (void *)&address->word[2];

	opaque(at); /* else the compiler knows it as aligned to 4 octets, and makes two stores */
	*at = low.both;
}

/* The rest of each address is in the frame. */
INLINE bool rewrite_ipv6(__u8 *data, const __u8 *end)
{
	struct ipv6_header *ip = (void *)(data + sizeof(struct ethernet_header));
	struct tcp_header *tcp = (void *)(ip + 1);
	__u64 index = order.index++;
	struct ends ends = next_flow(index);

	if ((const __u8 *)(tcp + 1) > end)
		return false;
	rewrite_address(&ip->source, order.to_server ? ends.client : ends.server);
	rewrite_address(&ip->destination, order.to_server ? ends.server : ends.client);
	rewrite_tcp(tcp, index, ends.port);
	return true;
}

/* The least that a flow monitor does: reads an IPv4 segment's key, and counts it in one cache line of its own. */
INLINE void line_count_segment(const __u8 *data, const __u8 *end)
{
	const struct ipv4_header *ip = (const void *)(data + sizeof(struct ethernet_header));
	const struct tcp_header *tcp = (const void *)(ip + 1);
	struct line *line;
	__u64 hash;
	__u32 at;

	if ((const __u8 *)(tcp + 1) > end || ip->version_ihl != 0x45 || ip->protocol != PROTO_TCP)
		return;
	hash = ((__u64)ip->source << 16 | tcp->source) * 0x9e3779b97f4a7c15ULL +
	       ((__u64)ip->destination << 16 | tcp->destination) * 0xd6e8feb86659fd93ULL;
	at = (__u32)(((hash ^ hash >> 32) & 0xffffffff) * order.lines >> 32);
	line = bpf_map_lookup_elem(&lines, &at);
	if (line)
		line->count++;
}

#define PACKET(ctx) (void *)(long)(ctx)->data, (void *)(long)(ctx)->data_end

SEC("xdp.frags")
int xdp_rewrite4(struct xdp_md *ctx)
{
	if (rewrite_ipv4(PACKET(ctx)))
		bpf_tail_call(ctx, &xdp_jump, 0);
	return XDP_ABORTED; /* reached only if there is nothing to call */
}

SEC("xdp.frags")
int xdp_rewrite6(struct xdp_md *ctx)
{
	if (rewrite_ipv6(PACKET(ctx)))
		bpf_tail_call(ctx, &xdp_jump, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int xdp_empty(struct xdp_md *ctx __attribute__((unused))) { return XDP_PASS; }

SEC("xdp.frags")
int xdp_line(struct xdp_md *ctx)
{
	line_count_segment(PACKET(ctx));
	return XDP_PASS;
}

SEC("tc")
int tc_rewrite4(struct __sk_buff *skb)
{
	if (rewrite_ipv4(PACKET(skb)))
		bpf_tail_call(skb, &tc_jump, 0);
	return 2; /* TC_ACT_SHOT */
}

SEC("tc")
int tc_rewrite6(struct __sk_buff *skb)
{
	if (rewrite_ipv6(PACKET(skb)))
		bpf_tail_call(skb, &tc_jump, 0);
	return 2;
}

SEC("tc")
int tc_empty(struct __sk_buff *skb __attribute__((unused))) { return -1; }

SEC("tc")
int tc_line(struct __sk_buff *skb)
{
	line_count_segment(PACKET(skb));
	return -1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
