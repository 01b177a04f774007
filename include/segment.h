/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* struct segment: one packet, parsed. A plain struct that knows nothing of frames, flows or time's source.
 * link.h and ip.h fill it from the wire, options.h its options; engine.h gives it to a flow. */
#ifndef TCPSCOPE_SEGMENT_H
#define TCPSCOPE_SEGMENT_H

#include "types.h"

enum segment_option { /* which options a segment carried */
		      OPTION_MSS = 1 << 0,
		      OPTION_WINDOW_SCALE = 1 << 1,
		      OPTION_SACK_PERMITTED = 1 << 2,
		      OPTION_SACK = 1 << 3,
		      OPTION_TIMESTAMPS = 1 << 4,
		      OPTION_FAST_OPEN = 1 << 5,
		      OPTION_MPTCP = 1 << 6,
		      OPTION_CUT = 1 << 7, /* not all were captured: which else there were is not known */
};

enum segment_quirk { /* what p0f version 3 calls quirks */
		     QUIRK_DF = 1 << 0,
		     QUIRK_ID = 1 << 1,	      /* DF, and an IP id that is not 0 */
		     QUIRK_NO_ID = 1 << 2,    /* no DF, and IP id 0 */
		     QUIRK_ECN = 1 << 3,      /* in the IP header or the TCP flags */
		     QUIRK_RESERVED = 1 << 4, /* a bit that must be 0 */
		     QUIRK_FLOW_LABEL = 1 << 5,
		     QUIRK_SEQ_ZERO = 1 << 6,
		     QUIRK_ACK_NO_FLAG = 1 << 7, /* acknowledgment number without the flag */
		     QUIRK_ACK_ZERO = 1 << 8,
		     QUIRK_URG_NO_FLAG = 1 << 9, /* urgent pointer without the flag */
		     QUIRK_URG = 1 << 10,
		     QUIRK_PSH = 1 << 11,
		     QUIRK_TSVAL_ZERO = 1 << 12,
		     QUIRK_TSECR = 1 << 13,	    /* a SYN that echoes a timestamp */
		     QUIRK_OPTIONS_TRAIL = 1 << 14, /* octets other than 0 after the end of the options */
		     QUIRK_OPTIONS_BAD = 1 << 15,   /* a length that cannot be, or is not the kind's */
		     QUIRK_SCALE = 1 << 16,	    /* window scale above 14 */
		     QUIRK_PAYLOAD = 1 << 17,	    /* not a quirk there, but its payload class */
};

enum layout_code { /* of segment.option_layout, which has four bits for each option, the first option highest */
		   LAYOUT_NONE,
		   LAYOUT_NOP,
		   LAYOUT_MSS,
		   LAYOUT_WINDOW_SCALE,
		   LAYOUT_SACK_PERMITTED,
		   LAYOUT_SACK,
		   LAYOUT_TIMESTAMPS,
		   LAYOUT_END,	 /* then eight bits: octets that follow */
		   LAYOUT_OTHER, /* then eight bits: the kind */
};

/* An option_layout without room for the next. */
#define LAYOUT_FULL (~0ULL)

enum { SEGMENT_VLANS = 4 };

/* What the segment travelled in. name of the kind, what its id is */
#define TUNNEL_KINDS(X) \
	X(NONE, NULL) \
	X(VXLAN, "vxlan")     /* network identifier */ \
	X(GENEVE, "geneve")   /* network identifier */ \
	X(GRE, "gre")	      /* none */ \
	X(GRE_KEYED, "gre")   /* key */ \
	X(GRE_BRIDGED, "gre") /* key; with Ethernet inside */ \
	X(IPIP, "ipip")	      /* none */ \
	X(6IN4, "6in4")	      /* none */ \
	X(IP6IP6, "ip6ip6")   /* none */ \
	X(PPPOE, "pppoe")     /* session */ \
	X(MPLS, "mpls")	      /* the last label of the stack */

enum tunnel_kind {
#define TUNNEL_ENUM(NAME, name) TUNNEL_##NAME,
	TUNNEL_KINDS(TUNNEL_ENUM)
#undef TUNNEL_ENUM
		TUNNEL_COUNT
};

enum { /* in segment.flags, above the nine of the TCP header: what also makes a segment news to its flow */
       SEGMENT_CE = 0x1000,    /* IP header marked Congestion Experienced (RFC 3168) */
       SEGMENT_MPTCP = 0x2000, /* MPTCP option */
};

/* Addresses are 16 octets as on the wire, IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2); everything else in host order.
 * A fresh one has `segments` set and the fields from `options` on zeroed (segment_begin); the parser writes the
 * others of a TCP segment always. */
struct segment {
	__u64 source_ip[2], destination_ip[2];
	__u64 now_ns;	     /* when it was seen: the body's clock, or the capture's */
	__u64 option_layout; /* enum layout_code, of SYN and SYN/ACK only */
	__u64 key_hash;	   /* of its flow's key, and the endpoint that sent it (key.h): no parser's, but the engine's */
	__u32 ip_word;	   /* IPv4: identification, then flags and fragment offset; IPv6: class and flow label */
	__u16 urgent;	   /* urgent pointer, 0 if not captured */
	__u8 ip_ecn;	   /* two bits, RFC 3168 */
	__u8 tcp_reserved; /* bits that are to be 0 */
	__u32 sequence, acknowledgment;
	__u32 payload_len; /* TCP payload, octets */
	__u32 ip_len;	   /* IP total length, octets */
	__u16 source_port, destination_port;
	__u16 window;	    /* raw, not scaled */
	__u16 flags;	    /* TCP_FIN ... TCP_AE, SEGMENT_* */
	__u32 tsval, tsecr; /* valid with OPTION_TIMESTAMPS */
	__u16 segments;	    /* wire segments it stands for: 1, or those of a super-packet */
	__u16 interface;    /* the body's number for where it was seen */
	__u8 cpu;	    /* that saw it, modulo 256; 0 in replay */
	__u8 direction;	    /* with key_hash */
	__u8 ip_version, ttl;

	__u8 options;	   /* enum segment_option */
	__u8 window_scale; /* as sent, may exceed 14 */
	__u16 mss;
	__u16 mptcp_subtypes;	/* bit n: option subtype n (RFC 8684) */
	__u16 wire_payload_len; /* largest payload of one of the segments; 0 before parsing: as payload_len */
	__u8 clock_error; /* now_ns may be early by some 2^clock_error ns, as the frames before promise; 0: exact */
	__u8 vlans;
	__u8 icmp_type, icmp_code; /* of an ICMP error: addresses, ports and sequence are then of what it quotes */
	__u16 option_quirks;	   /* QUIRK_OPTIONS_*, of SYN and SYN/ACK only */
	__u16 ip_options;	   /* octets of IPv4 options, or IPv6 extension headers */
	__u16 vlan[SEGMENT_VLANS]; /* ids, outer first */
	__u32 tunnel;		   /* id of the innermost, 0: none */
	__u32 tunnel_kind : 8;	   /* enum tunnel_kind of the innermost */
	__u32 tunnel_outer : 24;   /* digest of those round it, 0: none */
};

/* When and where a frame is seen: known before it is read. As in struct segment. */
struct stamp {
	__u64 now_ns;
	__u16 interface;
	__u8 cpu, clock_error;
};

INLINE void segment_stamp(struct segment *seg, const struct stamp *stamp)
{
	seg->now_ns = stamp->now_ns;
	seg->cpu = stamp->cpu;
	seg->clock_error = stamp->clock_error;
}

INLINE void segment_begin(struct segment *seg, __u16 interface)
{
	__u64 *zeroed = (__u64 *)&seg->options;

	seg->segments = 1;
	seg->interface = interface;
	zeroed[0] = zeroed[1] = zeroed[2] = zeroed[3] = 0;
}

/* A parsed segment is a super-packet, of segments with `payload` octets but for the last; 0: it is none. `segments`: 0
 * if the kernel has not counted them yet, as where it came from a guest. */
INLINE void segment_super(struct segment *seg, __u16 payload, __u16 segments)
{
	if (likely(!payload))
		return;
	if (!segments)
		segments = (__u16)((seg->payload_len + payload - 1) / payload);
	if (segments)
		seg->segments = segments;
	seg->wire_payload_len = payload;
}

/* What of a tunnel tells flows apart. Both directions have it alike: so not an MPLS label, and not the GRE key round
 * Ethernet, where mirrors put the direction and NVGRE puts a flow's number (RFC 7637, 3.2). 0: nothing. */
INLINE __u64 tunnel_identity(__u32 kind, __u32 id)
{
	if (kind == TUNNEL_MPLS)
		return 0;
	return kind == TUNNEL_GRE_BRIDGED ? (__u64)TUNNEL_GRE << 32 : (__u64)kind << 32 | id;
}

/* Notes one more tunnel round what follows. */
INLINE void segment_tunnel(struct segment *seg, enum tunnel_kind kind, __u32 id)
{
	__u64 outer = tunnel_identity(seg->tunnel_kind, seg->tunnel);

	if (outer)
		seg->tunnel_outer = (__u32)((outer | (__u64)seg->tunnel_outer << 40) * 0x9e3779b97f4a7c15ULL >> 40);
	seg->tunnel_kind = kind;
	seg->tunnel = id;
}

_Static_assert(offsetof(struct segment, options) % 8 == 0 &&
		       sizeof(struct segment) - offsetof(struct segment, options) == 32,
	       "four words are zeroed");

#endif
