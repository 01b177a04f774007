/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Link layer: from the first octet of a frame to the first of its IP header. */
#ifndef TCPSCOPE_LINK_H
#define TCPSCOPE_LINK_H

#include "ledger.h"
#include "options.h"
#include "segment.h"
#include "wire.h"

enum link_type {
	LINK_ETHERNET, /* with 802.1Q and 802.1ad tags, MPLS, PPPoE, 802.3 with LLC/SNAP */
	LINK_IP,       /* no link header */
	LINK_NULL,     /* BSD loopback: address family in 4 octets of either byte order */
	LINK_SLL,      /* Linux "cooked" v1 */
	LINK_SLL2,     /* Linux "cooked" v2 */
	LINK_PPP,      /* RFC 1661, with or without the HDLC-like framing of RFC 1662 */
	LINK_INNER,    /* in a tunnel: the cursor stands at its payload, whose EtherType it knows */
};

/* Where the parser stands in a frame. data..end is what was captured. */
struct cursor {
	const __u8 *data, *end;
	__u32 wire_len;	       /* octets of the frame on the wire, from data */
	__u32 offset;	       /* of the next header, from data */
	__u32 zero;	       /* 0, but the verifier must not know: see cursor_advance */
	__u16 ethertype;       /* what that header is, host order */
	bool in_ip;	       /* an IP header was passed, so this is a tunnel's payload */
	__u16 segments;	       /* of a super-packet, as the kernel counts them; 0: not yet */
	__u16 segment_payload; /* octets of each but the last; 0: it is no super-packet. Both for the short way (brief.h) */
	struct options_copy *scratch; /* room for the parser, of this CPU or thread */
};

enum { HEADERS_MAX = 2047 }; /* octets of headers before TCP; what lies deeper is TOO_DEEP */

/* Moves past a header. The verifier would follow every combination of headers apart, by their total length; adding a
 * value that it does not know and masking the sum leaves it one case: somewhere in the first 2,047 octets. */
INLINE void cursor_advance(struct cursor *at, __u32 len) { at->offset = (at->offset + at->zero + len) & HEADERS_MAX; }

/* Advances `at` to the IP header, or to the Ethernet header in a pseudo-wire (at->ethertype tells), and notes VLAN ids.
 * Returns LEDGER_IN_FLOWS, or the counter the frame ends in. */
INLINE int link_parse(enum link_type type, struct cursor *at, struct segment *seg);

/* ------------------------------------------------------------------------------------------------------------- */

enum {
	LINK_LAYERS = 8, /* tags, labels and PPPoE headers that are followed */
	PPP_IPV4 = 0x21,
	PPP_IPV6 = 0x57,
};

/* Octets on the wire from here on. */
INLINE __u32 cursor_left(const struct cursor *at) { return at->wire_len > at->offset ? at->wire_len - at->offset : 0; }

/* A header states how many octets follow: what lies beyond in the frame is padding. */
INLINE void cursor_limit(struct cursor *at, __u32 len)
{
	if (at->offset + len < at->wire_len)
		at->wire_len = at->offset + len;
}

INLINE bool link_is_tag(__u16 ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ || ethertype == ETHERTYPE_QINQ_OLD;
}

INLINE int link_parse_vlan(struct cursor *at, struct segment *seg)
{
	const struct vlan_header *tag = (const void *)(at->data + at->offset);

	if (seg->vlans >= SEGMENT_VLANS)
		return LEDGER_TOO_DEEP;
	if ((const __u8 *)(tag + 1) > at->end)
		return LEDGER_MALFORMED_LINK;
	seg->vlan[seg->vlans & (SEGMENT_VLANS - 1)] = from_be16(tag->tci) & 0xfff;
	seg->vlans++;
	at->ethertype = from_be16(tag->ethertype);
	cursor_advance(at, sizeof(*tag));
	return LEDGER_IN_FLOWS;
}

/* Is this the type field of an Ethernet header whose frame may carry IP? */
INLINE bool link_is_carrier(__u16 ethertype)
{
	return ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6 || link_is_tag(ethertype);
}

/* Ethernet over MPLS, behind a control word (RFC 4385: first nibble 0) or not: where the type field makes sense
 * tells. */
INLINE int link_parse_pseudowire(struct cursor *at)
{
	const __u8 *word = at->data + at->offset;
	const struct ethernet_header *bare = (const void *)word, *behind = (const void *)(word + 4);

	if ((const __u8 *)(behind + 1) > at->end)
		return cursor_left(at) >= sizeof(*behind) + 4 ? LEDGER_MALFORMED_LINK : LEDGER_NOT_IP;
	if (word[0] >> 4 == 0 && link_is_carrier(from_be16(behind->ethertype)))
		cursor_advance(at, 4);
	else if (!link_is_carrier(from_be16(bare->ethertype)))
		return LEDGER_NOT_IP;
	at->ethertype = ETHERTYPE_TEB;
	return LEDGER_IN_FLOWS;
}

/* One label. After the last nothing names the payload: its first nibble must (RFC 4928). */
INLINE int link_parse_mpls(struct cursor *at, struct segment *seg)
{
	const __u8 *label = at->data + at->offset;

	if (label + 5 > at->end)
		return LEDGER_MALFORMED_LINK;
	cursor_advance(at, 4);
	if (!(label[2] & 1))
		return LEDGER_IN_FLOWS;
	segment_tunnel(seg, TUNNEL_MPLS, (__u32)label[0] << 12 | (__u32)label[1] << 4 | label[2] >> 4);
	if (label[4] >> 4 != 4 && label[4] >> 4 != 6)
		return link_parse_pseudowire(at);
	at->ethertype = label[4] >> 4 == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
	return LEDGER_IN_FLOWS;
}

INLINE int link_parse_pppoe(struct cursor *at, struct segment *seg)
{
	const struct pppoe_header *pppoe = (const void *)(at->data + at->offset);
	__u16 protocol;

	if ((const __u8 *)(pppoe + 1) > at->end)
		return LEDGER_MALFORMED_LINK;
	protocol = from_be16(pppoe->protocol);
	if (pppoe->code || (protocol != PPP_IPV4 && protocol != PPP_IPV6))
		return LEDGER_NOT_IP;
	at->ethertype = protocol == PPP_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
	segment_tunnel(seg, TUNNEL_PPPOE, from_be16(pppoe->session));
	cursor_limit(at, (__u32)offsetof(struct pppoe_header, protocol) + from_be16(pppoe->length));
	cursor_advance(at, sizeof(*pppoe));
	return LEDGER_IN_FLOWS;
}

/* What may lie between the link header and IP, in any order. */
INLINE int link_parse_layers(struct cursor *at, struct segment *seg)
{
	for (int i = 0; i < LINK_LAYERS; i++) {
		int verdict;

		if (link_is_tag(at->ethertype))
			verdict = link_parse_vlan(at, seg);
		else if (at->ethertype == ETHERTYPE_MPLS || at->ethertype == ETHERTYPE_MPLS_UPSTREAM)
			verdict = link_parse_mpls(at, seg);
		else if (at->ethertype == ETHERTYPE_PPPOE)
			verdict = link_parse_pppoe(at, seg);
		else
			return LEDGER_IN_FLOWS;
		if (verdict != LEDGER_IN_FLOWS)
			return verdict;
	}
	return LEDGER_TOO_DEEP;
}

INLINE int link_parse_snap(struct cursor *at)
{
	const struct snap_header *snap = (const void *)(at->data + at->offset);

	if ((const __u8 *)(snap + 1) > at->end)
		return LEDGER_NOT_IP;
	if (snap->dsap == 0x06 && snap->ssap == 0x06) { /* LLC names IP itself */
		at->ethertype = ETHERTYPE_IPV4;
		cursor_advance(at, 3);
		return LEDGER_IN_FLOWS;
	}
	if (snap->dsap != 0xaa || snap->ssap != 0xaa || snap->control != 3)
		return LEDGER_NOT_IP;
	at->ethertype = from_be16(snap->ethertype);
	cursor_advance(at, sizeof(*snap));
	return LEDGER_IN_FLOWS;
}

INLINE int link_parse_ethernet(struct cursor *at, struct segment *seg)
{
	const struct ethernet_header *eth = (const void *)(at->data + at->offset);
	int verdict;

	if ((const __u8 *)(eth + 1) > at->end)
		return LEDGER_MALFORMED_LINK;
	at->ethertype = from_be16(eth->ethertype);
	cursor_advance(at, sizeof(*eth));
	if (likely(at->ethertype == ETHERTYPE_IPV4 || at->ethertype == ETHERTYPE_IPV6))
		return LEDGER_IN_FLOWS;
	verdict = link_parse_layers(at, seg);
	if (verdict == LEDGER_IN_FLOWS && at->ethertype < ETHERTYPE_MIN) {
		cursor_limit(at, at->ethertype);
		verdict = link_parse_snap(at);
	}
	return verdict;
}

/* No link header: the version nibble tells. */
INLINE int link_parse_ip(struct cursor *at)
{
	if (at->data + at->offset + 1 > at->end)
		return LEDGER_MALFORMED_LINK;
	switch (at->data[at->offset] >> 4) {
	case 4: at->ethertype = ETHERTYPE_IPV4; return LEDGER_IN_FLOWS;
	case 6: at->ethertype = ETHERTYPE_IPV6; return LEDGER_IN_FLOWS;
	default: return LEDGER_NOT_IP;
	}
}

INLINE int link_parse_ppp(struct cursor *at)
{
	__u32 protocol;

	if (at->data + 4 > at->end)
		return LEDGER_MALFORMED_LINK;
	if (at->data[0] == 0xff && at->data[1] == 0x03)
		at->offset = 2;
	protocol = at->data[at->offset];
	at->offset++;
	if (!(protocol & 1)) /* two octets, unless compressed to one (RFC 1661, 6.5) */
		protocol = protocol << 8 | at->data[at->offset++];
	if (protocol != PPP_IPV4 && protocol != PPP_IPV6)
		return LEDGER_NOT_IP;
	at->ethertype = protocol == PPP_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
	return LEDGER_IN_FLOWS;
}

/* Cooked captures name an EtherType: v1 in the last two of 16 octets, v2 in the first two of 20. */
INLINE int link_parse_sll(struct cursor *at, struct segment *seg, __u32 length, __u32 type_at)
{
	int verdict;

	if (at->data + length > at->end)
		return LEDGER_MALFORMED_LINK;
	at->ethertype = (__u16)(at->data[type_at] << 8 | at->data[type_at + 1]);
	at->offset = length;
	verdict = link_parse_layers(at, seg);
	if (verdict == LEDGER_IN_FLOWS && at->ethertype == 4) /* LINUX_SLL_P_802_2 */
		verdict = link_parse_snap(at);
	return verdict;
}

INLINE int link_parse_null(struct cursor *at)
{
	if (at->data + 4 > at->end)
		return LEDGER_MALFORMED_LINK;
	at->offset = 4; /* the family's number differs between systems: 2 is IPv4, and 24, 28 or 30 IPv6 */
	return link_parse_ip(at);
}

INLINE int link_parse(enum link_type type, struct cursor *at, struct segment *seg)
{
	if (type == LINK_INNER)
		return at->ethertype == ETHERTYPE_TEB ? link_parse_ethernet(at, seg) : link_parse_layers(at, seg);
	at->offset = 0;
	switch (type) {
	case LINK_ETHERNET: return link_parse_ethernet(at, seg);
	case LINK_IP: return link_parse_ip(at);
	case LINK_NULL: return link_parse_null(at);
	case LINK_SLL: return link_parse_sll(at, seg, 16, 14);
	case LINK_SLL2: return link_parse_sll(at, seg, 20, 0);
	case LINK_PPP: return link_parse_ppp(at);
	case LINK_INNER: break;
	}
	return LEDGER_NOT_IP;
}

#endif
