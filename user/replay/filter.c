/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiles with libpcap and runs its interpreter; a flow is shown to it as a packet that it could have sent. */
#include "filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../include/wire.h"
#include "message.h"

enum { FILTER_SNAPLEN = 65535, FILTER_OPTIMIZE = 1 };
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

int filter_program(struct bpf_program *program, int dlt, const char *expression, char *why)
{
	pcap_t *pcap = pcap_open_dead(dlt, FILTER_SNAPLEN);
	int err = -EINVAL;

	snprintf(why, PCAP_ERRBUF_SIZE, "no memory");
	if (!pcap)
		return err;
	if (pcap_compile(pcap, program, expression, FILTER_OPTIMIZE, PCAP_NETMASK_UNKNOWN)) {
		snprintf(why, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(pcap));
	} else if (filter_loops(program)) { /* libpcap's own never ends on an authentication header that names itself */
		snprintf(why, PCAP_ERRBUF_SIZE,
			 "protochain is a loop, which a packet can keep going for ever; try 'ip6 proto', or 'tcp'");
		pcap_freecode(program);
	} else {
		err = 0;
	}
	pcap_close(pcap);
	return err;
}

/* Compiles for one more link type. Returns 0 or -EINVAL with the reason in `why`. */
static int filter_compile(struct filter *filter, int dlt, char *why)
{
	unsigned int link = filter->links;
	int err;

	snprintf(why, PCAP_ERRBUF_SIZE, "no room for another link type");
	if (link >= FILTER_LINKS)
		return -EINVAL;
	err = filter_program(&filter->link[link].program, dlt, filter->expression, why);
	filter->link[link].dlt = dlt;
	filter->link[link].valid = !err;
	filter->links++;
	return err;
}

int filter_open_packets(struct filter *filter, int dlt, const char *expression)
{
	char why[PCAP_ERRBUF_SIZE];

	*filter = (struct filter){ .expression = expression };
	if (!expression || !filter_compile(filter, dlt < 0 ? DLT_EN10MB : dlt, why))
		return 0;
	message_put("filter '%s': %s", expression, why);
	return -EINVAL;
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

/* Flows are shown to it as packets that they have not sent. */
int filter_try_flows(struct filter *filter, const char *expression, char *message)
{
	int err;

	*filter = (struct filter){ .expression = expression };
	err = filter_compile(filter, DLT_RAW, message);
	if (err || !filter_asks_frame(&filter->link[0].program))
		return err;
	filter_close(filter);
	snprintf(message, PCAP_ERRBUF_SIZE, "it asks for a length or a direction");
	return -EINVAL;
}

/* What to add where flows cannot be asked, but frames could. */
static const char *filter_advice(const char *expression)
{
	char why[PCAP_ERRBUF_SIZE];
	struct bpf_program program;

	if (filter_program(&program, DLT_EN10MB, expression, why))
		return "";
	pcap_freecode(&program);
	return "; a flow is asked for its addresses and ports alone";
}

int filter_open_flows(struct filter *filter, const char *expression)
{
	char why[PCAP_ERRBUF_SIZE];

	*filter = (struct filter){ .expression = NULL };
	if (!expression || !filter_try_flows(filter, expression, why))
		return 0;
	message_put("filter '%s': %s%s", expression, why, filter_advice(expression));
	return -EINVAL;
}

void filter_close(struct filter *filter)
{
	for (unsigned int i = 0; i < filter->links; i++) {
		if (filter->link[i].valid)
			pcap_freecode(&filter->link[i].program);
	}
	*filter = (struct filter){ .links = 0 };
}

bool filter_match_packet(struct filter *filter, int dlt, const struct pcap_pkthdr *header, const u_char *data)
{
	char message[PCAP_ERRBUF_SIZE];

	if (!filter->expression)
		return true;
	for (unsigned int i = 0; i < filter->links; i++) {
		if (filter->link[i].dlt == dlt)
			return filter->link[i].valid && pcap_offline_filter(&filter->link[i].program, header, data);
	}
	return !filter_compile(filter, dlt, message) && filter_match_packet(filter, dlt, header, data);
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
	return !filter->expression || filter_match_example(filter, record, &record->client, &record->server) ||
	       filter_match_example(filter, record, &record->server, &record->client);
}
