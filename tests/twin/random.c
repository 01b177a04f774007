/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random.h"

#include <string.h>

enum {
	SERVERS = 3,
	SYN_ONE_IN = 25,
	QUOTES_ONE_IN = 40,
	LOSSES_ONE_IN = 20,
	INSTANTS_ONE_IN = 50,
	IPV6_ONE_IN = 4,
	FRAME_ROOM = 384
};
enum { TUNNEL_ONE_IN = 3, ETHERNET_LEN = 14 };

struct random {
	__u64 state; /* not 0 */
	__u64 now_ns;
};

/* xorshift64 (Marsaglia). */
static __u32 random_below(struct random *random, __u32 below)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return (__u32)((random->state >> 32) * below >> 32);
}

#define PICK(random, values) (values)[random_below(random, sizeof(values) / sizeof(*(values)))]

struct writer {
	__u8 octet[FRAME_ROOM];
	__u32 len;
};

static void put(struct writer *to, const void *from, size_t len)
{
	memcpy(to->octet + to->len, from, len);
	to->len += (__u32)len;
}

struct ends {
	bool ipv6, to_server;
	__u32 client, server;
};

static void put_ip(struct writer *to, const struct ends *ends, __u8 protocol, __u32 payload_len, __u8 ecn)
{
	__u32 source = from_be32(ends->to_server ? ends->client : ends->server);
	__u32 destination = from_be32(ends->to_server ? ends->server : ends->client);
	const struct ipv4_header ip4 = { .version_ihl = 0x45,
					 .tos = ecn,
					 .ttl = 60,
					 .protocol = protocol,
					 .total_length = to_be16(sizeof(ip4) + payload_len),
					 .source = source,
					 .destination = destination };
	struct ipv6_header ip6 = { .version_class_label = from_be32(0x60000000u | (__u32)ecn << 20),
				   .payload_length = to_be16(payload_len),
				   .next_header = protocol,
				   .hop_limit = 60 };

	memcpy(&ip6.source, (const __be32[]){ 0xb80d0120, 0, 0, source }, sizeof(ip6.source));
	memcpy(&ip6.destination, (const __be32[]){ 0xb80d0120, 0, 0, destination }, sizeof(ip6.destination));
	if (ends->ipv6)
		put(to, &ip6, sizeof(ip6));
	else
		put(to, &ip4, sizeof(ip4));
}

static __u32 random_options(struct random *random, __u8 options[40], bool syn)
{
	static const __u8 syn_options[][20] = {
		"\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\1\0\0\0\0\x01\x03\x03\x07",
		"\x02\x04\x02\x18\x01\x01\x01\x00",
		"\x01\x03\x03\x0f",
		"\x22\x02\x01\x01\x03\x03\x02\x01",
	};
	static const __u32 syn_lens[] = { 20, 8, 4, 8, 0 };
	static const __u8 mptcp[] = "\x1e\x08\x20\x01\0\0\0\1";
	__u32 which = random_below(random, 5), len = 0;

	if (syn) {
		memcpy(options, syn_options[which & 3], syn_lens[which]);
		len = syn_lens[which];
		if (len == 20)
			options[11] = (__u8)(1 + random_below(random, 4)); /* TSval */
	} else if (which < 3) {
		memcpy(options, "\x01\x01\x08\x0a\0\0\0\0\0\0\0\0", 12);
		options[7] = (__u8)random_below(random, 6);
		options[11] = (__u8)random_below(random, 6);
		len = 12;
	} else if (which == 3 && !random_below(random, 8)) {
		memcpy(options, mptcp, 8);
		options[2] = (__u8)(random_below(random, 9) << 4);
		len = 8;
	}
	return len;
}

/* Sequence numbers lie near 0, where they also wrap, or near one of two initial ones, or half way round from one. */
static __u32 random_sequence(struct random *random)
{
	static const __u32 near[] = {
		0xfffffff0, 0xfffffff0, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 5000, 5000, 0x80000000u + 950
	};
	static const __u32 offsets[] = { 0, 1, 2, 101, 201, 0xffffffff, 301, 65536 };

	return PICK(random, near) + PICK(random, offsets);
}

/* What varies in a TCP header. */
struct fields {
	__u32 sequence, acknowledgment, payload_len;
	__u16 window;
	__u8 flags;
};

static struct fields random_fields(struct random *random)
{
	static const __u8 syns[] = { TCP_SYN, TCP_SYN, TCP_SYN | TCP_ECE | TCP_CWR, TCP_SYN | TCP_FIN };
	static const __u8 flags[] = { TCP_SYN | TCP_ACK, TCP_ACK,	    TCP_ACK,
				      TCP_ACK,		 TCP_ACK,	    TCP_ACK | TCP_PSH,
				      TCP_RST,		 TCP_FIN | TCP_ACK, TCP_RST | TCP_ACK,
				      TCP_ACK | TCP_ECE, TCP_ACK | TCP_CWR, TCP_ACK | TCP_PSH,
				      TCP_ACK,		 TCP_FIN,	    0 };
	static const __u16 windows[] = { 0, 502, 502, 502, 503, 65535 };
	static const __u32 payloads[] = { 0, 0, 0, 1, 100, 100 };

	return (struct fields){
		.sequence = random_sequence(random),
		.acknowledgment = random_sequence(random),
		.payload_len = PICK(random, payloads),
		.window = PICK(random, windows),
		.flags = random_below(random, SYN_ONE_IN) ? PICK(random, flags) : PICK(random, syns),
	};
}

static void put_tcp(struct writer *to, struct random *random, const struct ends *ends, const struct fields *fields)
{
	__u16 client_port = (__u16)(40000 + (ends->client & 3)), server_port = (__u16)(80 + (ends->server & 1));
	__u8 options[40] = {}, payload[100] = {};
	__u32 options_len = random_options(random, options, fields->flags & TCP_SYN);
	const struct tcp_header tcp = {
		.source = to_be16(ends->to_server ? client_port : server_port),
		.destination = to_be16(ends->to_server ? server_port : client_port),
		.sequence = from_be32(fields->sequence),
		.acknowledgment = from_be32(fields->acknowledgment),
		.offset_ae = (__u8)((sizeof(tcp) + options_len) / 4 << 4),
		.flags = fields->flags,
		.window = to_be16(fields->window),
	};

	put_ip(to, ends, PROTO_TCP, sizeof(tcp) + options_len + fields->payload_len, random_below(random, 20) ? 0 : 3);
	put(to, &tcp, sizeof(tcp));
	put(to, options, options_len);
	put(to, payload, fields->payload_len);
}

static void put_icmp_error(struct writer *to, struct random *random, const struct ends *ends)
{
	const struct ends back = { ends->ipv6, !ends->to_server, ends->client, ends->server };
	const struct icmp_header icmp = { .type = ends->ipv6 ? 1 : 3, .code = (__u8)random_below(random, 14) };
	const struct fields fields = random_fields(random);
	struct writer quoted = {};

	put_tcp(&quoted, random, ends, &fields);
	put_ip(to, &back, ends->ipv6 ? PROTO_ICMPV6 : PROTO_ICMP, (__u32)sizeof(icmp) + quoted.len, 0);
	put(to, &icmp, sizeof(icmp));
	put(to, quoted.octet, quoted.len);
}

static void put_ethernet(struct writer *to, __u16 ethertype)
{
	const __be16 type = to_be16(ethertype);

	put(to, "\x02\0\0\0\0\2\x02\0\0\0\0\1", 12);
	put(to, &type, sizeof(type));
}

/* A frame in VXLAN, of two networks. */
static void put_vxlan(struct writer *to, struct random *random, const struct writer *inner)
{
	const struct ends outer = { .to_server = true, .client = 0x0c000001, .server = 0x0c000002 };
	const struct vxlan_header vxlan = { .flags = 8, .vni_reserved = from_be32((1 + random_below(random, 2)) << 8) };
	const struct udp_header udp = { .destination = to_be16(PORT_VXLAN),
					.length = to_be16(sizeof(udp) + sizeof(vxlan) + inner->len) };

	put_ip(to, &outer, PROTO_UDP, sizeof(udp) + sizeof(vxlan) + inner->len, 0);
	put(to, &udp, sizeof(udp));
	put(to, &vxlan, sizeof(vxlan));
	put(to, inner->octet, inner->len);
}

/* In VXLAN, in that in IPv4, or behind an MPLS label. */
static void put_tunnel(struct writer *to, struct random *random, const struct writer *inner)
{
	const struct ends outer = { .ipv6 = random_below(random, 2), .to_server = true, .client = 1, .server = 2 };
	const __be32 label = from_be32(random_below(random, 4) << 12 | 0x100);
	struct writer vxlan = {};

	if (!random_below(random, 3)) {
		put_ethernet(to, ETHERTYPE_MPLS);
		put(to, &label, sizeof(label));
		put(to, inner->octet + ETHERNET_LEN, inner->len - ETHERNET_LEN);
		return;
	}
	put_vxlan(&vxlan, random, inner);
	if (random_below(random, 2)) {
		put_ethernet(to, outer.ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
		put_ip(to, &outer, PROTO_IPV4, vxlan.len, 0);
	} else {
		put_ethernet(to, ETHERTYPE_IPV4);
	}
	put(to, vxlan.octet, vxlan.len);
}

/* Mostly up to some milliseconds pass, at times a minute; rarely the clock runs back. */
static void random_time(struct random *random)
{
	static const __u64 steps_ns[] = { 0, 1, 50000, 50000, NS_PER_MS, NS_PER_MS, 20500000, NS_PER_SEC };

	random->now_ns += PICK(random, steps_ns);
	if (!random_below(random, 200))
		random->now_ns += 60 * NS_PER_SEC;
	if (!random_below(random, 200))
		random->now_ns -= NS_PER_MS;
}

/* One frame. `fields` NULL: an ICMP error. */
static int add_now(struct frames *frames, struct random *random, const struct ends *ends, const struct fields *fields,
		   bool tunnelled)
{
	struct writer plain = {}, to = {};

	put_ethernet(&plain, ends->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	if (fields)
		put_tcp(&plain, random, ends, fields);
	else
		put_icmp_error(&plain, random, ends);
	if (tunnelled)
		put_tunnel(&to, random, &plain);
	else
		to = plain;
	return frames_add(
		frames, LINK_ETHERNET,
		&(struct frame){ .bytes = to.octet, .len = to.len, .wire_len = to.len, .now_ns = random->now_ns });
}

/* Time passes, and there is a frame, in a tunnel or not. */
static int add(struct frames *frames, struct random *random, const struct ends *ends, const struct fields *fields)
{
	random_time(random);
	return add_now(frames, random, ends, fields, !random_below(random, TUNNEL_ONE_IN));
}

/* What chance would not bring about: data, a run of equal ACKs for its first octet, and the data again. */
static int add_loss(struct frames *frames, struct random *random, const struct ends *ends)
{
	const struct ends back = { ends->ipv6, !ends->to_server, ends->client, ends->server };
	const struct fields data = { .flags = TCP_ACK,
				     .window = 502,
				     .payload_len = 100,
				     .sequence = random_below(random, 1u << 30),
				     .acknowledgment = 1000 };
	struct fields more = data;
	const struct fields ack = {
		.flags = TCP_ACK, .window = 502, .sequence = 1000, .acknowledgment = data.sequence
	};
	int err = add(frames, random, ends, &data);

	more.sequence += data.payload_len;
	for (__u32 i = random_below(random, 5); i > 0 && !err; i--)
		err = add(frames, random, &back, &ack);
	if (!err)
		err = add(frames, random, ends, &more);
	for (__u32 i = random_below(random, 5); i > 0 && !err; i--)
		err = add(frames, random, &back, &ack);
	return err ? err : add(frames, random, ends, &data);
}

/* Nor this: a handshake within one reading of the clock, so that its round trip is not known until the server's
 * next. */
static int add_instant(struct frames *frames, struct random *random, const struct ends *ends)
{
	const struct ends back = { ends->ipv6, !ends->to_server, ends->client, ends->server };
	const __u32 isn = random_below(random, 1u << 30);
	const struct {
		const struct ends *ends;
		struct fields fields;
		__u64 after_ns;
	} script[] = {
		{ ends, { .flags = TCP_SYN, .sequence = isn, .window = 502 }, 0 },
		{ &back,
		  { .flags = TCP_SYN | TCP_ACK, .sequence = 1000, .acknowledgment = isn + 1, .window = 502 },
		  0 },
		{ ends, { .flags = TCP_ACK, .sequence = isn + 1, .acknowledgment = 1001, .window = 502 }, 0 },
		{ &back, { .flags = TCP_ACK, .sequence = 1001, .acknowledgment = isn + 1, .window = 503 }, 1000 },
		{ ends,
		  { .flags = TCP_ACK, .sequence = isn + 1, .acknowledgment = 1001, .window = 502, .payload_len = 100 },
		  1000 },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(script) / sizeof(*script) && !err; i++) {
		random->now_ns += script[i].after_ns;
		err = add_now(frames, random, script[i].ends, &script[i].fields, false);
	}
	return err;
}

int random_frames(struct frames *frames, const struct random_range *range)
{
	struct random random = { .state = range->seed | 1, .now_ns = 1700000000 * NS_PER_SEC };
	int err = 0;

	while (frames->count < range->frames && !err) {
		const struct ends ends = {
			.ipv6 = !random_below(&random, IPV6_ONE_IN),
			.to_server = random_below(&random, 2),
			.client = 0x0a000001 + random_below(&random, random_below(&random, range->clients) + 1),
			.server = 0x0b000001 + random_below(&random, SERVERS),
		};
		const struct fields fields = random_fields(&random);

		if (!random_below(&random, QUOTES_ONE_IN))
			err = add(frames, &random, &ends, NULL);
		else if (!random_below(&random, LOSSES_ONE_IN))
			err = add_loss(frames, &random, &ends);
		else if (!random_below(&random, INSTANTS_ONE_IN))
			err = add_instant(frames, &random, &ends);
		else
			err = add(frames, &random, &ends, &fields);
	}
	return err;
}
