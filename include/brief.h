/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The short way: nearly every packet is Ethernet, IPv4 or IPv6 without options, TCP with ACK alone or ACK and PSH, and
 * either no option or the timestamps. Such a frame is read at fixed offsets, in a few wide loads, and what it does to
 * its flow stays in registers. So is a FIN beside that, which is then judged by every rule. For any other the short way
 * says no and has done nothing: then ip.h parses. */
#ifndef TCPSCOPE_BRIEF_H
#define TCPSCOPE_BRIEF_H

#include "ip.h"
#include "table.h"

/* What brief_enter answers; else it is ordinary there but not plain, as what is resent or repeated, a window that
 * closes or the first data: its flow's slot number * 2 + the direction, for brief_judge. */
enum {
	BRIEF_NOT = 0xffffffff, /* of another kind, or without a flow: nothing was done */
	BRIEF_ENTERED = 0xfffffffe,
};

/* Enters the frame, one segment, into its flow if it is of that kind, and plain there (update.h). */
INLINE __u32 brief_enter(struct table *table, const struct cursor *at, const struct stamp *stamp, __u32 *strays);
/* Looks at the frame again, which brief_enter said `found` of, now for a FIN, too; or for the first time at a
 * super-packet, with BRIEF_NOT. Keeps what it sees in `room`. Answers as brief_enter: it may have been plain but for
 * what is first of its kind; else a slot number * 2 + direction, for the segment in `room` to be judged there by every
 * rule. Made to be called from a function of its own, so that the first look has nothing to keep. */
INLINE __u32 brief_judge(struct table *table, const struct cursor *at, const struct stamp *stamp, struct segment *room,
			 __u32 found);

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
	__be16 ethertype_version_ihl_tos[2], total_length, id, fragment_ttl_protocol[2], checksum;
	__be16 source[2], destination[2];
} WIRE;

struct brief_ipv6 {
	__u8 addresses[12];
	__be16 ethertype_version_class[2], label, payload_length, next_hop_limit;
} WIRE;

_Static_assert(sizeof(struct brief_tcp) == 32 && sizeof(struct brief_ipv4) == 34 && sizeof(struct brief_ipv6) == 22,
	       "no padding");

INLINE __be32 brief_u32(const void *p) { return ((const struct unaligned_u32 *)p)->value; }
INLINE __u64 brief_u64(const void *p) { return ((const struct unaligned_u64 *)p)->value; }

/* What a look at a frame leaves beside the segment. */
struct brief {
	const struct brief_tcp *tcp;
	struct key_hash hash;
};

/* Data offset 5, or 8 and the timestamps are there; no reserved bit; no flag but ACK and perhaps those of `besides`.
 * `len`: octets of TCP header and payload, as the IP header states. */
INLINE bool brief_tcp(const struct cursor *at, struct segment *seg, const struct brief_tcp *tcp, __u32 len,
		      __u32 besides)
{
	__be32 kind = tcp->offset_flags_window & to_be32(0xffff0000 ^ besides << 16);
	__u32 header_len = 20;

	if (likely(kind == to_be32(0x80100000))) {
		header_len = 32;
		if ((const __u8 *)(tcp + 1) > at->end || tcp->nop_nop_timestamps != to_be32(0x0101080a))
			return false;
		seg->options = OPTION_TIMESTAMPS;
		seg->tsval = from_be32(tcp->tsval);
		seg->tsecr = from_be32(tcp->tsecr);
	} else if (kind != to_be32(0x50100000)) {
		return false;
	}
	seg->payload_len = len - header_len;
	seg->wire_payload_len = (__u16)seg->payload_len;
	return seg->payload_len <= PLAIN_PAYLOAD_MAX; /* nor less than 0 */
}

INLINE bool brief_ipv4(const struct cursor *at, struct segment *seg, const struct key_seed *seed, __u16 interface,
		       struct brief *brief, __u32 besides)
{
	const struct brief_ipv4 *ip = (const void *)at->data;
	const struct brief_tcp *tcp = (const void *)(ip + 1);

	brief->tcp = tcp;
	seg->ip_len = from_be16(ip->total_length);
	if ((brief_u32(ip->ethertype_version_ihl_tos) & to_be32(3)) == to_be32(3) ||
	    (brief_u32(ip->fragment_ttl_protocol) & to_be32(0x1fff00ff)) != to_be32(PROTO_TCP) ||
	    seg->ip_len + 14 > at->wire_len || !brief_tcp(at, seg, tcp, seg->ip_len - 20, besides))
		return false;
	brief->hash = key_hash_ipv4(brief_u32(ip->source), brief_u32(ip->destination), tcp->source, tcp->destination,
				    interface, seed);
	return true;
}

INLINE bool brief_ipv6(const struct cursor *at, struct segment *seg, const struct key_seed *seed, __u16 interface,
		       struct brief *brief, __u32 besides)
{
	const struct brief_ipv6 *ip = (const void *)at->data;
	const __u8 *addresses = (const __u8 *)(ip + 1);
	const struct brief_tcp *tcp = (const void *)(addresses + 32);
	__u64 source[2], destination[2];

	brief->tcp = tcp;
	seg->ip_len = from_be16(ip->payload_length) + 40;
	if (addresses + 32 + 20 > at->end ||
	    (brief_u32(ip->ethertype_version_class) & to_be32(0x30)) == to_be32(0x30) ||
	    (ip->next_hop_limit & to_be16(0xff00)) != to_be16(PROTO_TCP << 8) || seg->ip_len + 14 > at->wire_len ||
	    !brief_tcp(at, seg, tcp, seg->ip_len - 40, besides))
		return false;
	source[0] = brief_u64(addresses);
	source[1] = brief_u64(addresses + 8);
	destination[0] = brief_u64(addresses + 16);
	destination[1] = brief_u64(addresses + 24);
	brief->hash = key_hash_ipv6(source, destination, tcp->source, tcp->destination, interface, seed);
	return true;
}

/* The first look, before the flow is found. Fills a fresh segment, but for what brief_read does. False: not of that
 * kind. */
INLINE bool brief_look(const struct cursor *at, struct segment *seg, const struct key_seed *seed, __u16 interface,
		       struct brief *brief, __u32 besides)
{
	const struct brief_ipv4 *ip = (const void *)at->data;
	__be32 first;

	if (at->data + sizeof(*ip) + 20 > at->end)
		return false;
	first = brief_u32(ip->ethertype_version_ihl_tos);
	if ((first & to_be32(0xffffff00)) == to_be32((__u32)ETHERTYPE_IPV4 << 16 | 0x4500))
		return brief_ipv4(at, seg, seed, interface, brief, besides);
	return (first & to_be32(0xfffff000)) == to_be32((__u32)ETHERTYPE_IPV6 << 16 | 0x6000) &&
	       brief_ipv6(at, seg, seed, interface, brief, besides);
}

/* The second look: by what the flow judges. Late, since a BPF program has few registers. */
INLINE void brief_read(struct segment *seg, const struct brief_tcp *tcp, __u32 besides)
{
	__u32 word = from_be32(tcp->offset_flags_window);

	seg->flags = TCP_ACK | (word >> 16 & besides);
	seg->window = (__u16)word;
	seg->sequence = from_be32(tcp->sequence);
	seg->acknowledgment = from_be32(tcp->acknowledgment);
}

INLINE __u32 brief_enter(struct table *table, const struct cursor *at, const struct stamp *stamp, __u32 *strays)
{
	struct segment seg = { .segments = 1 };
	struct brief brief;
	struct slot slot;

	if (!brief_look(at, &seg, &table->shape.seed, stamp->interface, &brief, TCP_PSH))
		return BRIEF_NOT;
	slot = table_find_home(table, brief.hash, strays);
	if (unlikely(!slot.flow))
		return BRIEF_NOT;
	segment_stamp(&seg, stamp);
	brief_read(&seg, brief.tcp, TCP_PSH);
	if (likely(flow_plain(table, slot, &seg, brief.hash.direction)))
		return BRIEF_ENTERED;
	return slot.number * 2 + brief.hash.direction;
}

INLINE __u32 brief_judge(struct table *table, const struct cursor *at, const struct stamp *stamp, struct segment *room,
			 __u32 found)
{
	const __u32 besides = TCP_PSH | TCP_FIN;
	struct facts *facts;
	struct brief brief;
	__u32 direction;
	struct slot slot;
	bool firsts;

	segment_begin(room, stamp->interface);
	if (!brief_look(at, room, &table->shape.seed, stamp->interface, &brief, besides))
		return BRIEF_NOT;
	brief_read(room, brief.tcp, besides);
	segment_super(room, at->segment_payload, at->segments);
	direction = brief.hash.direction;
	if (room->flags & TCP_FIN)
		table_touch_home(table, brief.hash, false);
	slot.number = found == BRIEF_NOT ? table_search(table, brief.hash.value) : found / 2;
	slot.flow = table_flow(table, slot.number);
	facts = table_flow_facts(table, slot.number);
	/* Of a side's first segment more is noted than was read. */
	if (!slot.flow || !facts || !(slot.flow->half[direction & 1].bits & HALF_SEEN))
		return BRIEF_NOT;
	if (unlikely(flow_is_embryo(slot.flow))) {
		table_grow(table, slot.number);
		if (slot.flow->hash != (__u32)brief.hash.value) /* one that was born there just now */
			return BRIEF_NOT;
	}
	if (!(slot.flow->half[direction & 1].bits & HALF_ACKED))
		facts_touch(facts, direction, true);
	else if ((slot.flow->half[0].bits | slot.flow->half[1].bits) & HALF_FIN)
		facts_touch(facts, direction, false);
	segment_stamp(room, stamp);
	firsts = flow_wants_firsts(slot.flow, room, direction);
	if (firsts)
		flow_firsts(slot.flow, facts, room, direction);
	if ((firsts || at->segment_payload) && tally_takes(room) && flow_plain(table, slot, room, direction))
		return BRIEF_ENTERED;
	room->direction = (__u8)direction;
	room->key_hash = brief.hash.value;
	return slot.number * 2 + direction;
}

#endif
