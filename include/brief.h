/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The short way: nearly every packet is Ethernet, IPv4 or IPv6 without options, TCP with ACK alone or ACK and PSH, and
 * either no option or the timestamps. Such a frame is read at fixed offsets, in a few wide loads, and what it does to
 * its flow stays in registers. For any other the short way says no and has done nothing: then ip.h parses. */
#ifndef TCPSCOPE_BRIEF_H
#define TCPSCOPE_BRIEF_H

#include "ip.h"
#include "table.h"

/* Enters the frame's segment into its flow if frame and segment are of that kind. `seg` has the time, clock_error, cpu,
 * interface and segments, the rest 0. `room` is for the call that judges what is ordinary but out of order. */
INLINE bool brief_enter(struct table *table, const struct cursor *at, struct segment *seg, struct segment *room);

/* ------------------------------------------------------------------------------------------------------------- */

struct brief_tcp { /* TCP header and the options of RFC 7323, appendix A */
	__be16 source, destination;
	__be32 sequence, acknowledgment;
	__be32 offset_flags_window;
	__be32 checksum_urgent;
	__be32 nop_nop_timestamps;
	__be32 tsval, tsecr;
} WIRE;

struct brief_ipv4 {
	__u8 addresses[12];
	__be16 ethertype;
	__be16 version_ihl_tos, total_length, id, fragment, ttl_protocol, checksum;
	__be16 source[2], destination[2];
} WIRE;

struct brief_ipv6 {
	__u8 addresses[12];
	__be16 ethertype;
	__be16 version_class, label, payload_length, next_hop_limit;
} WIRE;

_Static_assert(sizeof(struct brief_tcp) == 32 && sizeof(struct brief_ipv4) == 34 && sizeof(struct brief_ipv6) == 22,
	       "no padding");

struct unaligned_u64 {
	__u64 value;
} WIRE;

INLINE __be32 brief_u32(const void *p) { return ((const struct unaligned_u32 *)p)->value; }
INLINE __u64 brief_u64(const void *p) { return ((const struct unaligned_u64 *)p)->value; }

/* `len`: octets of TCP header and payload, as the IP header states. */
INLINE bool brief_tcp(const struct cursor *at, struct segment *seg, const struct brief_tcp *tcp, __u32 len)
{
	__u32 word = from_be32(tcp->offset_flags_window), header_len;

	/* Data offset 5 or 8, no reserved bit, no flag but ACK and perhaps PSH. */
	if ((word & 0xfff70000) == 0x80100000) {
		header_len = 32;
		if ((const __u8 *)(tcp + 1) > at->end || from_be32(tcp->nop_nop_timestamps) != 0x0101080a)
			return false;
	} else if ((word & 0xfff70000) == 0x50100000) {
		header_len = 20;
	} else {
		return false;
	}
	if (len < header_len)
		return false;
	seg->flags = word >> 16 & 0xff;
	seg->window = (__u16)word;
	seg->sequence = from_be32(tcp->sequence);
	seg->acknowledgment = from_be32(tcp->acknowledgment);
	seg->payload_len = len - header_len;
	if (likely(seg->wire_payload_len == 0))
		seg->wire_payload_len = seg->payload_len > 0xffff ? 0xffff : (__u16)seg->payload_len;
	return true;
}

INLINE bool brief_ipv4(struct table *table, const struct cursor *at, struct segment *seg, struct key_hash *hash)
{
	const struct brief_ipv4 *ip = (const void *)at->data;
	const struct brief_tcp *tcp = (const void *)(ip + 1);

	if (from_be16(ip->version_ihl_tos) >> 8 != 0x45 || (from_be16(ip->version_ihl_tos) & 3) == 3 ||
	    from_be16(ip->fragment) & 0x1fff || (from_be16(ip->ttl_protocol) & 0xff) != PROTO_TCP)
		return false;
	seg->ip_len = from_be16(ip->total_length);
	if (seg->ip_len > at->wire_len - 14 || seg->ip_len < 20 || !brief_tcp(at, seg, tcp, seg->ip_len - 20))
		return false;
	*hash = key_hash_ipv4(brief_u32(ip->source), brief_u32(ip->destination), tcp->source, tcp->destination,
			      seg->interface, &table->shape.seed);
	return true;
}

INLINE bool brief_ipv6(struct table *table, const struct cursor *at, struct segment *seg, struct key_hash *hash)
{
	const struct brief_ipv6 *ip = (const void *)at->data;
	const __u8 *addresses = (const __u8 *)(ip + 1);
	const struct brief_tcp *tcp = (const void *)(addresses + 32);
	__u64 source[2], destination[2];
	__u32 len = from_be16(ip->payload_length);

	if (addresses + 32 + 20 > at->end || from_be16(ip->version_class) >> 12 != 6 ||
	    (from_be16(ip->version_class) & 0x30) == 0x30 || from_be16(ip->next_hop_limit) >> 8 != PROTO_TCP)
		return false;
	if (len == 0 || len > at->wire_len - 54 || !brief_tcp(at, seg, tcp, len))
		return false;
	seg->ip_len = len + 40;
	source[0] = brief_u64(addresses);
	source[1] = brief_u64(addresses + 8);
	destination[0] = brief_u64(addresses + 16);
	destination[1] = brief_u64(addresses + 24);
	*hash = key_hash_ipv6(source, destination, tcp->source, tcp->destination, seg->interface, &table->shape.seed);
	return true;
}

/* Resent, repeated, a window that closes: no news, but every rule of the analysis has its say. */
SEPARATE int brief_judge(struct table *table, struct segment *seg, __u32 number, __u32 direction)
{
	struct flow *flow;
	struct facts *facts;

	if (!table || !seg)
		return 0;
	flow = table_flow(table, number);
	facts = table_flow_facts(table, number);
	if (!flow || !facts)
		return 0;
	flow_update(flow, facts, seg, direction);
	return 1;
}

INLINE bool brief_enter(struct table *table, const struct cursor *at, struct segment *seg, struct segment *room)
{
	const struct brief_ipv4 *ip = (const void *)at->data;
	struct key_hash hash;
	struct slot slot;
	struct facts *facts;

	if (at->data + sizeof(*ip) + 20 > at->end)
		return false;
	if (ip->ethertype == to_be16(ETHERTYPE_IPV4)
		    ? !brief_ipv4(table, at, seg, &hash)
		    : ip->ethertype != to_be16(ETHERTYPE_IPV6) || !brief_ipv6(table, at, seg, &hash))
		return false;
	slot = table_find(table, hash.value);
	if (unlikely(!slot.flow))
		return false;
	if (unlikely(flow_wants_firsts(slot.flow, seg, hash.direction))) {
		facts = table_flow_facts(table, slot.number);
		if (facts)
			flow_firsts(slot.flow, facts, seg, hash.direction);
	}
	if (likely(flow_plain(slot.flow, seg, hash.direction)))
		return true;
	if (flow_is_news(&slot.flow->half[hash.direction & 1], &slot.flow->half[~hash.direction & 1], seg))
		return false;
	*room = *seg;
	return brief_judge(table, room, slot.number, hash.direction);
}

#endif
