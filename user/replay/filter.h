/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tcpdump expressions, compiled by libpcap: on packets of a capture, on flows when live. */
#ifndef TCPSCOPE_FILTER_H
#define TCPSCOPE_FILTER_H

#include <pcap/pcap.h>

#include "../../include/record.h"

enum { FILTER_LINKS = 16 };

/* An expression, compiled for each link type that it meets. */
struct filter {
	const char *expression; /* NULL: everything matches */
	struct {
		struct bpf_program program;
		int dlt;
		bool valid; /* false: the expression makes no sense there, and nothing matches */
	} link[FILTER_LINKS];
	unsigned int links;
};

/* Takes `expression` (NULL: everything matches) for packets, which it keeps, or for flows. Prints what is wrong with
 * it. Returns 0 or -EINVAL. For packets, `dlt` is the link type of the first, or -1 if that is not known yet. */
int filter_open_packets(struct filter *filter, int dlt, const char *expression);
int filter_open_flows(struct filter *filter, const char *expression);
/* The same without printing: what is wrong is in `message`, PCAP_ERRBUF_SIZE. */
int filter_try_flows(struct filter *filter, const char *expression, char *message);
void filter_close(struct filter *filter);
/* An expression as instructions for one link type, to be freed by pcap_freecode. Returns 0, or -EINVAL with the reason
 * in `why`, PCAP_ERRBUF_SIZE. Every program that is returned ends: jumps only lead forward. */
int filter_program(struct bpf_program *program, int dlt, const char *expression, char *why);

bool filter_match_packet(struct filter *filter, int dlt, const struct pcap_pkthdr *header, const u_char *data);
/* Does an IP packet of either direction, with the flow's addresses, ports and all its flags, match? */
bool filter_match_flow(const struct filter *filter, const struct record *record);

#endif
