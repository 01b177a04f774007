/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv4, IPv6, TCP and the ICMP errors that quote TCP: from the cursor's IP header to a filled struct segment.
 * Lengths are what the IP header states; the frame's on the wire if that is less, or if the header says 0 (TSO). */
#ifndef TCPSCOPE_IP_H
#define TCPSCOPE_IP_H

#include "tunnel.h"

enum {
	IPV6_EXTENSIONS = 8,   /* extension headers that are followed */
	TCP_CAPTURED_MIN = 16, /* octets that a segment needs to count: up to the window */
};

/* One layer of tunnels: the frame down to TCP, or to the payload of the next tunnel. Returns TUNNEL_FOUND (call again,
 * with LINK_INNER), or what segment_parse does. A body may have no room for all layers in one go. */
INLINE int segment_parse_layer(enum link_type type, struct cursor *at, struct segment *seg);

/* Parses a frame whole. Returns LEDGER_IN_FLOWS (a TCP segment), LEDGER_ICMP_ERRORS (the segment that an ICMP error
 * quotes: addresses, ports, sequence, icmp_*), or the counter it ends in. The caller sets in `seg`
 * what the frame does not say: now_ns, interface, segments, wire_payload_len (0: as the payload). */
INLINE int segment_parse(enum link_type type, struct cursor *at, struct segment *seg);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE void ipv4_address(__u64 to[2], __be32 address)
{
	to[0] = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	to[1] = (__u64)address << 32 | 0xffff0000ULL;
#else
	to[1] = 0x0000ffff00000000ULL | address;
#endif
}

INLINE void ipv6_address(__u64 to[2], const struct ipv6_octets *from)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	to[0] = (__u64)from->word[1] << 32 | from->word[0];
	to[1] = (__u64)from->word[3] << 32 | from->word[2];
#else
	to[0] = (__u64)from->word[0] << 32 | from->word[1];
	to[1] = (__u64)from->word[2] << 32 | from->word[3];
#endif
}

/* The length the header states, held against what the frame had on the wire. */
INLINE __u32 ip_length(__u32 stated, __u32 on_wire) { return stated == 0 || stated > on_wire ? on_wire : stated; }

INLINE int ipv4_parse(struct cursor *at, struct segment *seg, struct ip_payload *payload)
{
	const struct ipv4_header *ip = (const void *)(at->data + at->offset);
	__u32 header_len;

	if ((const __u8 *)(ip + 1) > at->end)
		return LEDGER_TRUNCATED;
	header_len = (ip->version_ihl & 0xf) * 4u;
	if (ip->version_ihl >> 4 != 4 || header_len < sizeof(*ip))
		return LEDGER_MALFORMED_IP;
	seg->ip_len = ip_length(from_be16(ip->total_length), cursor_left(at));
	if (seg->ip_len < header_len)
		return LEDGER_MALFORMED_IP;
	seg->ip_version = 4;
	seg->ttl = ip->ttl;
	seg->flags = (ip->tos & 3) == 3 ? SEGMENT_CE : 0;
	seg->ip_ecn = ip->tos & 3;
	seg->ip_word = (__u32)from_be16(ip->id) << 16 | from_be16(ip->fragment);
	seg->ip_options = (__u16)(header_len - sizeof(*ip));
	ipv4_address(seg->source_ip, ip->source);
	ipv4_address(seg->destination_ip, ip->destination);
	payload->protocol = ip->protocol;
	payload->len = seg->ip_len - header_len;
	payload->more = from_be16(ip->fragment) & 0x2000;
	cursor_advance(at, header_len);
	return from_be16(ip->fragment) & 0x1fff ? LEDGER_FRAGMENTS : LEDGER_IN_FLOWS;
}

/* One bit for each protocol number below 64 that is an extension header, and the three above. */
INLINE bool ipv6_is_extension(__u8 protocol)
{
	const __u64 low = 1ULL << PROTO_HOPOPTS | 1ULL << PROTO_ROUTING | 1ULL << PROTO_FRAGMENT | 1ULL << PROTO_AH |
			  1ULL << PROTO_DSTOPTS;

	return protocol < 64 ? low >> protocol & 1
			     : protocol == PROTO_MOBILITY || protocol == PROTO_HIP || protocol == PROTO_SHIM6;
}

INLINE __u32 ipv6_extension_len(const struct ipv6_extension *ext, __u8 protocol)
{
	if (protocol == PROTO_FRAGMENT)
		return 8;
	return protocol == PROTO_AH ? (ext->length + 2u) * 4 : (ext->length + 1u) * 8;
}

/* Follows the extension headers from payload->protocol on. Returns LEDGER_IN_FLOWS at the upper layer. */
INLINE int ipv6_extensions(struct cursor *at, struct ip_payload *payload)
{
	for (int i = 0; i <= IPV6_EXTENSIONS; i++) {
		const struct ipv6_extension *ext = (const void *)(at->data + at->offset);
		__u32 len;

		if (!ipv6_is_extension(payload->protocol))
			return LEDGER_IN_FLOWS;
		if (i == IPV6_EXTENSIONS)
			break;
		if ((const __u8 *)(ext + 1) > at->end)
			return LEDGER_TRUNCATED;
		if (payload->protocol == PROTO_FRAGMENT && from_be16(ext->fragment_offset) & 0xfff8)
			return LEDGER_FRAGMENTS;
		payload->more |= payload->protocol == PROTO_FRAGMENT && from_be16(ext->fragment_offset) & 1;
		len = ipv6_extension_len(ext, payload->protocol);
		if (len > payload->len)
			return LEDGER_MALFORMED_IP;
		if (at->offset + len > HEADERS_MAX)
			break;
		payload->protocol = ext->next_header;
		payload->len -= len;
		cursor_advance(at, len);
		loop_again();
	}
	return LEDGER_TOO_DEEP;
}

INLINE int ipv6_parse(struct cursor *at, struct segment *seg, struct ip_payload *payload)
{
	const struct ipv6_header *ip = (const void *)(at->data + at->offset);
	__u32 on_wire = cursor_left(at), class;
	int verdict;

	if ((const __u8 *)(ip + 1) > at->end)
		return LEDGER_TRUNCATED;
	class = from_be32(ip->version_class_label) >> 20;
	if (class >> 8 != 6 || on_wire < sizeof(*ip))
		return LEDGER_MALFORMED_IP;
	payload->len = ip_length(from_be16(ip->payload_length), on_wire - (__u32)sizeof(*ip));
	seg->ip_len = payload->len + (__u32)sizeof(*ip);
	seg->ip_version = 6;
	seg->ttl = ip->hop_limit;
	seg->flags = (class & 3) == 3 ? SEGMENT_CE : 0;
	seg->ip_ecn = class & 3;
	seg->ip_word = from_be32(ip->version_class_label);
	ipv6_address(seg->source_ip, &ip->source);
	ipv6_address(seg->destination_ip, &ip->destination);
	payload->protocol = ip->next_header;
	payload->more = false;
	cursor_advance(at, sizeof(*ip));
	verdict = ipv6_extensions(at, payload);
	seg->ip_options = (__u16)(seg->ip_len - sizeof(*ip) - payload->len);
	return verdict;
}

/* `at` may also stand at an IPv4 header in a frame that calls it IPv6, or the reverse: then it is malformed. */
INLINE int ip_parse(struct cursor *at, struct segment *seg, struct ip_payload *payload)
{
	if (likely(at->ethertype == ETHERTYPE_IPV4))
		return ipv4_parse(at, seg, payload);
	if (at->ethertype == ETHERTYPE_IPV6)
		return ipv6_parse(at, seg, payload);
	return LEDGER_NOT_IP;
}

INLINE int tcp_parse(const struct cursor *at, struct segment *seg, const struct ip_payload *payload)
{
	const __u8 *header = at->data + at->offset;
	const struct tcp_header *tcp = (const void *)header;
	__u32 header_len;

	if (payload->len < sizeof(*tcp))
		return LEDGER_MALFORMED_TCP;
	if (header + TCP_CAPTURED_MIN > at->end)
		return LEDGER_TRUNCATED;
	header_len = (tcp->offset_ae >> 4) * 4u;
	if (header_len < sizeof(*tcp) || header_len > payload->len)
		return LEDGER_MALFORMED_TCP;
	seg->source_port = from_be16(tcp->source);
	seg->destination_port = from_be16(tcp->destination);
	seg->sequence = from_be32(tcp->sequence);
	seg->acknowledgment = from_be32(tcp->acknowledgment);
	seg->flags |= (__u16)(tcp->flags | (tcp->offset_ae & 1) << 8);
	seg->window = from_be16(tcp->window);
	seg->payload_len = payload->len - header_len;
	if (seg->wire_payload_len == 0)
		seg->wire_payload_len = seg->payload_len > 0xffff ? 0xffff : (__u16)seg->payload_len;
	seg->tcp_reserved = tcp->offset_ae & 0xe;
	seg->option_layout = 0;
	if (header_len > sizeof(*tcp))
		options_parse(seg, (const __u8 *)(tcp + 1), at->end, header_len - (__u32)sizeof(*tcp), at->scratch);
	seg->urgent = (const __u8 *)(tcp + 1) <= at->end ? from_be16(tcp->urgent) : 0;
	return LEDGER_IN_FLOWS;
}

/* Is it an error that quotes the packet it is about? v4: unreachable, time exceeded; v6: the same. */
INLINE bool icmp_is_error(const struct segment *seg, const struct icmp_header *icmp)
{
	return seg->ip_version == 4 ? icmp->type == 3 || icmp->type == 11 : icmp->type == 1 || icmp->type == 3;
}

/* Replaces `seg`'s addresses by those of the quoted packet. Anything that quotes no TCP ports and sequence is
 * NOT_TCP. */
INLINE int icmp_parse(struct cursor *at, struct segment *seg, struct ip_payload *payload)
{
	const struct icmp_header *icmp = (const void *)(at->data + at->offset);
	const struct tcp_header *tcp;
	__u8 type, code;

	if (payload->len < sizeof(*icmp) || (const __u8 *)(icmp + 1) > at->end || !icmp_is_error(seg, icmp))
		return LEDGER_NOT_TCP;
	type = icmp->type;
	code = icmp->code;
	cursor_advance(at, sizeof(*icmp));
	if (ip_parse(at, seg, payload) != LEDGER_IN_FLOWS || payload->protocol != PROTO_TCP)
		return LEDGER_NOT_TCP;
	tcp = (const void *)(at->data + at->offset);
	if ((const __u8 *)&tcp->acknowledgment > at->end) /* RFC 792: the header and 64 bits of the data */
		return LEDGER_NOT_TCP;
	seg->source_port = from_be16(tcp->source);
	seg->destination_port = from_be16(tcp->destination);
	seg->sequence = from_be32(tcp->sequence);
	seg->icmp_type = type;
	seg->icmp_code = code;
	return LEDGER_ICMP_ERRORS;
}

/* From the IP header on; or a frame in a pseudo-wire. */
INLINE int segment_parse_ip(struct cursor *at, struct segment *seg)
{
	struct ip_payload payload = {};
	int verdict;

	if (unlikely(at->ethertype == ETHERTYPE_TEB && seg->tunnel_kind))
		return at->offset <= TUNNEL_OFFSET_MAX ? TUNNEL_FOUND : LEDGER_TOO_DEEP;
	verdict = ip_parse(at, seg, &payload);
	if (unlikely(verdict != LEDGER_IN_FLOWS))
		return verdict;
	if (likely(payload.protocol == PROTO_TCP))
		return tcp_parse(at, seg, &payload);
	if (payload.protocol == (seg->ip_version == 4 ? PROTO_ICMP : PROTO_ICMPV6))
		return icmp_parse(at, seg, &payload);
	return tunnel_parse(at, seg, &payload);
}

INLINE int segment_parse_layer(enum link_type type, struct cursor *at, struct segment *seg)
{
	int verdict = link_parse(type, at, seg);

	if (likely(verdict == LEDGER_IN_FLOWS))
		verdict = segment_parse_ip(at, seg);
	return verdict == LEDGER_NOT_IP && at->in_ip ? LEDGER_NOT_TCP : verdict;
}

INLINE int segment_parse(enum link_type type, struct cursor *at, struct segment *seg)
{
	int verdict = TUNNEL_FOUND;

	for (int i = 0; i <= TUNNELS && unlikely(verdict == TUNNEL_FOUND); i++, type = LINK_INNER)
		verdict = segment_parse_layer(type, at, seg);
	return verdict == TUNNEL_FOUND ? LEDGER_TOO_DEEP : verdict;
}

#endif
