/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Headers as they lie on the wire: views on captured bytes, at any alignment, multi-octet fields in network byte
 * order. */
#ifndef TCPSCOPE_WIRE_H
#define TCPSCOPE_WIRE_H

#include "types.h"

/* The BPF compiler would read an unaligned field octet by octet; the JITs and their machines read it whole. So there
 * the views keep natural alignment, which changes no layout: none of them has padding. */
#ifdef __bpf__
#define WIRE
#else
#define WIRE __attribute__((packed, aligned(1)))
#endif

/* Where nothing is known of the alignment: one load or store all the same. */
struct unaligned_u32 {
	__u32 value;
} WIRE __attribute__((may_alias));

struct unaligned_u64 {
	__u64 value;
} WIRE __attribute__((may_alias));

enum { /* EtherTypes (IEEE 802 numbers), host order */
       ETHERTYPE_VLAN = 0x8100,
       ETHERTYPE_QINQ = 0x88a8,
       ETHERTYPE_QINQ_OLD = 0x9100,
       ETHERTYPE_MPLS = 0x8847,
       ETHERTYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332 */
       ETHERTYPE_PPPOE = 0x8864,	 /* session stage, RFC 2516 */
       ETHERTYPE_IPV4 = 0x0800,
       ETHERTYPE_IPV6 = 0x86dd,
       ETHERTYPE_TEB = 0x6558, /* transparent Ethernet bridging: a frame follows (RFC 7637) */
       ETHERTYPE_MIN = 0x0600, /* below: an 802.3 length, LLC follows */
};

enum { /* IP protocol numbers (IANA) */
       PROTO_HOPOPTS = 0,
       PROTO_ICMP = 1,
       PROTO_IPV4 = 4, /* in IP: RFC 2003, 2473 */
       PROTO_TCP = 6,
       PROTO_UDP = 17,
       PROTO_IPV6 = 41, /* in IP: RFC 4213, 2473 */
       PROTO_ROUTING = 43,
       PROTO_FRAGMENT = 44,
       PROTO_GRE = 47,
       PROTO_AH = 51,
       PROTO_ICMPV6 = 58,
       PROTO_DSTOPTS = 60,
       PROTO_MOBILITY = 135,
       PROTO_HIP = 139,
       PROTO_SHIM6 = 140,
};

struct ethernet_header {
	__u8 destination[6], source[6];
	__be16 ethertype;
} WIRE;

struct vlan_header {
	__be16 tci; /* priority 3 bits, DEI 1, VLAN id 12 (IEEE 802.1Q) */
	__be16 ethertype;
} WIRE;

struct pppoe_header { /* RFC 2516, with the PPP protocol field that follows it */
	__u8 version_type, code;
	__be16 session, length;
	__be16 protocol;
} WIRE;

struct snap_header { /* LLC AA AA 03, then the SNAP protocol id (IEEE 802) */
	__u8 dsap, ssap, control, oui[3];
	__be16 ethertype;
} WIRE;

struct ipv4_header { /* RFC 791 */
	__u8 version_ihl, tos;
	__be16 total_length, id, fragment; /* fragment: 0x2000 more, 0x1fff offset */
	__u8 ttl, protocol;
	__be16 checksum;
	__be32 source, destination;
} WIRE;

struct ipv6_octets {
	__be32 word[4];
} WIRE;

struct ipv6_header { /* RFC 8200 */
	__be32 version_class_label;
	__be16 payload_length;
	__u8 next_header, hop_limit;
	struct ipv6_octets source, destination;
} WIRE;

struct ipv6_extension { /* RFC 8200, 4; length in units of 8 octets less one (AH: 4 octets less two) */
	__u8 next_header, length;
	__be16 fragment_offset; /* of the fragment header: offset in the upper 13 bits */
} WIRE;

struct tcp_header { /* RFC 9293, 3.1 */
	__be16 source, destination;
	__be32 sequence, acknowledgment;
	__u8 offset_ae; /* data offset 4 bits, reserved 3, AE (RFC 9768) 1 */
	__u8 flags;
	__be16 window;
	__be16 checksum, urgent;
} WIRE;

enum { /* UDP destination ports (IANA), host order */
       PORT_VXLAN = 4789,
       PORT_VXLAN_LINUX = 8472, /* the Linux driver's default, from before there was a registered one */
       PORT_GENEVE = 6081,
};

struct udp_header { /* RFC 768 */
	__be16 source, destination, length, checksum;
} WIRE;

struct vxlan_header { /* RFC 7348 */
	__u8 flags, reserved[3];
	__be32 vni_reserved; /* network identifier in the upper 24 bits; Geneve alike */
} WIRE;

struct geneve_header {	      /* RFC 8926 */
	__u8 version_options; /* version 2 bits, options in units of 4 octets 6 bits */
	__u8 flags;
	__be16 protocol; /* an EtherType */
	__be32 vni_reserved;
} WIRE;

struct gre_header { /* RFC 2784, 2890: then checksum, key, sequence number, 4 octets each, as the flags say */
	__be16 flags_version;
	__be16 protocol; /* an EtherType */
} WIRE;

struct icmp_header { /* RFC 792, RFC 4443: error messages have 4 octets more, then the packet they quote */
	__u8 type, code;
	__be16 checksum;
	__be32 rest;
} WIRE;

_Static_assert(sizeof(struct ethernet_header) == 14 && sizeof(struct vlan_header) == 4 &&
		       sizeof(struct snap_header) == 8,
	       "no padding");
_Static_assert(sizeof(struct ipv4_header) == 20 && sizeof(struct ipv6_header) == 40 &&
		       sizeof(struct ipv6_extension) == 4 && sizeof(struct tcp_header) == 20 &&
		       sizeof(struct icmp_header) == 8 && sizeof(struct udp_header) == 8 &&
		       sizeof(struct vxlan_header) == 8 && sizeof(struct geneve_header) == 8 &&
		       sizeof(struct gre_header) == 4,
	       "no padding");

enum { /* TCP flags, the eight of the flags octet and AE as bit 8 */
       TCP_FIN = 0x01,
       TCP_SYN = 0x02,
       TCP_RST = 0x04,
       TCP_PSH = 0x08,
       TCP_ACK = 0x10,
       TCP_URG = 0x20,
       TCP_ECE = 0x40,
       TCP_CWR = 0x80,
       TCP_AE = 0x100,
};

enum { /* TCP option kinds (IANA) */
       TCPOPT_END = 0,
       TCPOPT_NOP = 1,
       TCPOPT_MSS = 2,
       TCPOPT_WINDOW_SCALE = 3,
       TCPOPT_SACK_PERMITTED = 4,
       TCPOPT_SACK = 5,
       TCPOPT_TIMESTAMPS = 8,
       TCPOPT_MPTCP = 30,
       TCPOPT_FAST_OPEN = 34,
       TCPOPT_EXPERIMENT = 254, /* with magic 0xf989: fast open before RFC 7413 */
};

#endif
