/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tunnels over IP: from what follows an outer IP header to the first octet of the tunnel's payload. Those of the link
 * layer, MPLS and PPPoE, are link.h's. Knows one tunnel at a time; ip.h counts them. */
#ifndef TCPSCOPE_TUNNEL_H
#define TCPSCOPE_TUNNEL_H

#include "link.h"

enum {
	TUNNELS = 3,		    /* round each other that are followed */
	TUNNEL_OFFSET_MAX = 1024,   /* octets of headers before the last tunnel's payload */
	TUNNEL_FOUND = LEDGER_ROOM, /* beside the ledger's counters: the payload of a tunnel is next */
	TUNNEL_WHOLE = 0x20000,	    /* octets that an IP packet with its headers never has */
};

/* What an IP header says of the octets after it; the cursor stands there. */
struct ip_payload {
	__u32 len; /* octets, as the header states */
	__u8 protocol;
	bool more; /* a fragment, of which more follow */
};

/* Looks for a tunnel after the IP header: VXLAN and Geneve by their UDP ports, GRE, IP in IP. Returns TUNNEL_FOUND,
 * with the tunnel noted in `seg` and the cursor at its payload (LINK_INNER); or the counter the packet ends in:
 * LEDGER_NOT_TCP if it is none, or one without data (Geneve's control packets, GRE of another version). */
INLINE int tunnel_parse(struct cursor *at, struct segment *seg, const struct ip_payload *payload);

/* ------------------------------------------------------------------------------------------------------------- */

/* Past a tunnel's headers, of `len` octets in all. */
INLINE int tunnel_open(struct cursor *at, const struct ip_payload *payload, __u32 len, __u16 ethertype)
{
	if (len > payload->len)
		return LEDGER_MALFORMED_IP;
	if (at->offset + len > TUNNEL_OFFSET_MAX)
		return LEDGER_TOO_DEEP;
	if (payload->more) /* the inner lengths are those of the whole */
		at->wire_len = at->offset + TUNNEL_WHOLE;
	else
		cursor_limit(at, payload->len);
	cursor_advance(at, len);
	at->ethertype = ethertype;
	at->in_ip = true;
	return TUNNEL_FOUND;
}

INLINE int tunnel_parse_vxlan(struct cursor *at, struct segment *seg, const struct ip_payload *payload)
{
	const struct vxlan_header *vxlan = (const void *)(at->data + at->offset + sizeof(struct udp_header));
	const __u8 has_vni = 0x08;

	if ((const __u8 *)(vxlan + 1) > at->end)
		return LEDGER_TRUNCATED;
	if (!(vxlan->flags & has_vni))
		return LEDGER_NOT_TCP;
	segment_tunnel(seg, TUNNEL_VXLAN, from_be32(vxlan->vni_reserved) >> 8);
	return tunnel_open(at, payload, sizeof(struct udp_header) + sizeof(*vxlan), ETHERTYPE_TEB);
}

INLINE int tunnel_parse_geneve(struct cursor *at, struct segment *seg, const struct ip_payload *payload)
{
	const struct geneve_header *geneve = (const void *)(at->data + at->offset + sizeof(struct udp_header));
	const __u8 control = 0x80;
	__u32 options_len;

	if ((const __u8 *)(geneve + 1) > at->end)
		return LEDGER_TRUNCATED;
	if (geneve->version_options >> 6 || geneve->flags & control)
		return LEDGER_NOT_TCP;
	options_len = (geneve->version_options & 0x3f) * 4u;
	segment_tunnel(seg, TUNNEL_GENEVE, from_be32(geneve->vni_reserved) >> 8);
	return tunnel_open(at, payload, sizeof(struct udp_header) + sizeof(*geneve) + options_len,
			   from_be16(geneve->protocol));
}

INLINE int tunnel_parse_udp(struct cursor *at, struct segment *seg, const struct ip_payload *payload)
{
	const struct udp_header *udp = (const void *)(at->data + at->offset);
	struct ip_payload inner = *payload;
	__u16 port, len;

	if (payload->len < sizeof(*udp))
		return LEDGER_NOT_TCP;
	if ((const __u8 *)(udp + 1) > at->end)
		return LEDGER_TRUNCATED;
	port = from_be16(udp->destination);
	len = from_be16(udp->length);
	if (port != PORT_VXLAN && port != PORT_VXLAN_LINUX && port != PORT_GENEVE)
		return LEDGER_NOT_TCP;
	if (len && len < sizeof(*udp))
		return LEDGER_MALFORMED_IP;
	if (len && len < inner.len)
		inner.len = len;
	return port == PORT_GENEVE ? tunnel_parse_geneve(at, seg, &inner) : tunnel_parse_vxlan(at, seg, &inner);
}

INLINE int tunnel_parse_gre(struct cursor *at, struct segment *seg, const struct ip_payload *payload)
{
	enum { CHECKSUM = 0x8000, ROUTING = 0x4000, KEY = 0x2000, SEQUENCE = 0x1000, VERSION = 7 };
	const struct gre_header *gre = (const void *)(at->data + at->offset);
	const __u8 *key;
	__u16 flags, ethertype;
	__u32 len = sizeof(*gre);

	if (payload->len < len)
		return LEDGER_NOT_TCP;
	if ((const __u8 *)(gre + 1) > at->end)
		return LEDGER_TRUNCATED;
	flags = from_be16(gre->flags_version);
	ethertype = from_be16(gre->protocol);
	if (flags & (ROUTING | VERSION)) /* RFC 2784, 2.2: not to be understood */
		return LEDGER_NOT_TCP;
	len += flags & CHECKSUM ? 4 : 0;
	if (flags & KEY) {
		key = (const __u8 *)gre + len;
		if (key + 4 > at->end)
			return LEDGER_TRUNCATED;
		len += 4;
		segment_tunnel(seg, ethertype == ETHERTYPE_TEB ? TUNNEL_GRE_BRIDGED : TUNNEL_GRE_KEYED, load_be32(key));
	} else {
		segment_tunnel(seg, TUNNEL_GRE, 0);
	}
	len += flags & SEQUENCE ? 4 : 0;
	return tunnel_open(at, payload, len, ethertype);
}

INLINE int tunnel_parse(struct cursor *at, struct segment *seg, const struct ip_payload *payload)
{
	switch (payload->protocol) {
	case PROTO_UDP: return tunnel_parse_udp(at, seg, payload);
	case PROTO_GRE: return tunnel_parse_gre(at, seg, payload);
	case PROTO_IPV4: segment_tunnel(seg, TUNNEL_IPIP, 0); return tunnel_open(at, payload, 0, ETHERTYPE_IPV4);
	case PROTO_IPV6:
		segment_tunnel(seg, seg->ip_version == 4 ? TUNNEL_6IN4 : TUNNEL_IP6IP6, 0);
		return tunnel_open(at, payload, 0, ETHERTYPE_IPV6);
	default: return LEDGER_NOT_TCP;
	}
}

#endif
