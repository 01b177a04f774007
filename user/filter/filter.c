/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiles with libpcap and runs its interpreter; a flow is shown to it as a packet that it could have sent. */
#include "filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/wire.h"
#include "filter_program.h"
#include "message.h"

enum { FILTER_SNAPLEN = 65535, FILTER_OPTIMIZE = 1 };

/* An expression, compiled for each link type that it may meet. */
struct filter {
	size_t links;
	struct link {
		struct bpf_program program;
		int type;
		bool valid; /* false: the expression makes no sense there, and nothing matches */
	} link[];
};

enum { EXAMPLE_MAX = sizeof(struct ipv6_header) + sizeof(struct tcp_header) };

/* A jump by more instructions than there are wraps, and so leads back. */
static bool filter_loops(const struct bpf_program *program)
{
	for (u_int i = 0; i < program->bf_len; i++) {
		if (program->bf_insns[i].code == (BPF_JMP | BPF_JA) && program->bf_insns[i].k >= program->bf_len)
			return true;
	}
	return false;
}

int filter_program(struct bpf_program *program, int link_type, const char *expression, char why[FILTER_WHY])
{
	pcap_t *pcap = pcap_open_dead(link_type, FILTER_SNAPLEN);
	int err = -EINVAL;

	snprintf(why, FILTER_WHY, "no memory");
	if (!pcap)
		return err;
	if (pcap_compile(pcap, program, expression, FILTER_OPTIMIZE, PCAP_NETMASK_UNKNOWN)) {
		snprintf(why, FILTER_WHY, "%s; pcap-filter(7) has the words", pcap_geterr(pcap));
	} else if (filter_loops(program)) { /* libpcap's own never ends on an authentication header that names itself */
		snprintf(why, FILTER_WHY,
			 "protochain is a loop, which a packet can keep going for ever; try 'ip6 proto', or 'tcp'");
		pcap_freecode(program);
	} else {
		err = 0;
	}
	pcap_close(pcap);
	return err;
}

/* With room for `links` programs. */
static struct filter *filter_new(size_t links, char why[FILTER_WHY])
{
	struct filter *filter = calloc(1, sizeof(*filter) + links * sizeof(filter->link[0]));

	if (!filter)
		snprintf(why, FILTER_WHY, "no memory");
	return filter;
}

static void filter_free(struct filter **filter)
{
	filter_close(*filter);
	*filter = NULL;
}

/* Compiles for one more link type. Returns 0 or -EINVAL. */
static int filter_add(struct filter *filter, int link_type, const char *expression, char why[FILTER_WHY])
{
	struct link *link = &filter->link[filter->links++];
	int err = filter_program(&link->program, link_type, expression, why);

	link->type = link_type;
	link->valid = !err;
	return err;
}

int filter_open_packets(struct filter **filter, const int *link_types, size_t count, const char *expression)
{
	char why[FILTER_WHY], not_there[FILTER_WHY];
	int err = -ENOMEM;

	*filter = filter_new(count, why);
	if (*filter)
		err = filter_add(*filter, link_types[0], expression, why);
	for (size_t i = 1; i < count && !err; i++)
		filter_add(*filter, link_types[i], expression, not_there);
	if (!err)
		return 0;
	message_put("filter '%s': %s", expression, why);
	filter_free(filter);
	return err;
}

/* Does it ask for a length, or for what only the kernel knows of a frame, as its direction? */
static bool filter_asks_frame(const struct bpf_program *program)
{
	for (u_int i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];
		bool loads = BPF_CLASS(insn->code) == BPF_LD || BPF_CLASS(insn->code) == BPF_LDX;

		if (loads && (BPF_MODE(insn->code) == BPF_LEN || (BPF_MODE(insn->code) == BPF_ABS && insn->k >> 31)))
			return true;
	}
	return false;
}

int filter_try_flows(struct filter **filter, const char *expression, char why[FILTER_WHY])
{
	int err;

	*filter = filter_new(1, why);
	if (!*filter)
		return -ENOMEM;
	err = filter_add(*filter, DLT_RAW, expression, why);
	if (!err && filter_asks_frame(&(*filter)->link[0].program)) {
		snprintf(why, FILTER_WHY, "it asks for a length or a direction");
		err = -EINVAL;
	}
	if (err)
		filter_free(filter);
	return err;
}

/* What to add where flows cannot be asked, but frames could. */
static const char *filter_advice(const char *expression)
{
	char why[FILTER_WHY];
	struct bpf_program program;

	if (filter_program(&program, DLT_EN10MB, expression, why))
		return "";
	pcap_freecode(&program);
	return "; a flow is asked for its addresses and ports alone";
}

int filter_open_flows(struct filter **filter, const char *expression)
{
	char why[FILTER_WHY];
	int err = filter_try_flows(filter, expression, why);

	if (err)
		message_put("filter '%s': %s%s", expression, why, err == -EINVAL ? filter_advice(expression) : "");
	return err;
}

void filter_close(struct filter *filter)
{
	for (size_t i = 0; filter && i < filter->links; i++) {
		if (filter->link[i].valid)
			pcap_freecode(&filter->link[i].program);
	}
	free(filter);
}

bool filter_match_packet(const struct filter *filter, int link_type, const unsigned char *data, __u32 captured,
			 __u32 len)
{
	const struct pcap_pkthdr header = { .caplen = captured, .len = len };

	for (size_t i = 0; i < filter->links; i++) {
		const struct link *link = &filter->link[i];

		if (link->type == link_type)
			return link->valid && pcap_offline_filter(&link->program, &header, data);
	}
	return false;
}

static unsigned int example_flags(const struct record_side *side)
{
	return (side->flags.fin ? TCP_FIN : 0) | (side->flags.syn ? TCP_SYN : 0) | (side->flags.rst ? TCP_RST : 0) |
	       (side->flags.psh ? TCP_PSH : 0) | (side->flags.ack ? TCP_ACK : 0) | (side->flags.urg ? TCP_URG : 0) |
	       (side->flags.ece ? TCP_ECE : 0) | (side->flags.cwr ? TCP_CWR : 0);
}

static size_t example_ip(unsigned char *to, unsigned int version, const struct record_side *from,
			 const struct record_side *dest)
{
	struct ipv4_header v4 = { .version_ihl = 0x45, .ttl = 64, .protocol = PROTO_TCP };
	struct ipv6_header v6 = { .next_header = PROTO_TCP, .hop_limit = 64 };

	if (version == 4) {
		v4.total_length = to_be16(sizeof(v4) + sizeof(struct tcp_header));
		memcpy(&v4.source, from->ip + 12, 4);
		memcpy(&v4.destination, dest->ip + 12, 4);
		memcpy(to, &v4, sizeof(v4));
		return sizeof(v4);
	}
	v6.version_class_label = from_be32(6u << 28);
	v6.payload_length = to_be16(sizeof(struct tcp_header));
	memcpy(&v6.source, from->ip, 16);
	memcpy(&v6.destination, dest->ip, 16);
	memcpy(to, &v6, sizeof(v6));
	return sizeof(v6);
}

static bool filter_match_example(const struct filter *filter, const struct record *record,
				 const struct record_side *from, const struct record_side *to)
{
	struct tcp_header tcp = { .offset_ae = sizeof(tcp) / 4 << 4,
				  .flags = (__u8)(example_flags(&record->client) | example_flags(&record->server)) };
	unsigned char packet[EXAMPLE_MAX];
	struct pcap_pkthdr header = { .len = 0 };
	size_t len = example_ip(packet, record->ip_version, from, to);

	tcp.source = to_be16(from->port);
	tcp.destination = to_be16(to->port);
	memcpy(packet + len, &tcp, sizeof(tcp));
	header.len = header.caplen = (bpf_u_int32)(len + sizeof(tcp));
	return pcap_offline_filter(&filter->link[0].program, &header, packet);
}

bool filter_match_flow(const struct filter *filter, const struct record *record)
{
	return filter_match_example(filter, record, &record->client, &record->server) ||
	       filter_match_example(filter, record, &record->server, &record->client);
}
