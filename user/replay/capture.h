/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A capture file: its packets one by one, with the engine's word for their link type, and a line of progress while a
 * large one is read. pcap is read by libpcap, pcapng by pcapng.c. */
#ifndef TCPSCOPE_CAPTURE_H
#define TCPSCOPE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <pcap/pcap.h>

#include "../../include/link.h"
#include "pcapng.h"
#include "progress.h"

enum { CAPTURE_LINK_TYPES = 10 };

struct capture_packet {
	uint64_t time_ns; /* Unix epoch */
	const unsigned char *data;
	uint32_t captured, len; /* octets: in the file, and on the wire, which is no less */
	int dlt;		/* libpcap's number of the link type */
	enum link_type link;
};

typedef void capture_handler(void *context, const struct capture_packet *packet);

struct capture {
	const char *name; /* the file's, without folders; "-" for standard input */
	const char *path; /* as it was named, for messages */
	pcap_t *pcap;	  /* NULL: pcapng */
	struct pcapng pcapng;
	int dlt, link; /* of pcap; of the last packet of pcapng */
	int fd;
	unsigned char peeked[4]; /* the file's first octets, until the stream has them */
	size_t peeked_len;
	uint64_t size, read; /* octets; size 0: unknown */
	struct progress progress;
	volatile bool stopped;
	capture_handler *handler;
	void *context;
	char error[PCAP_ERRBUF_SIZE];
};

/* Opens `path`, "-" being standard input. Prints what fails. Returns 0 or -errno. */
int capture_open(struct capture *capture, const char *path);
void capture_close(struct capture *capture);
/* The link types that its packets may have, libpcap's numbers. All that are read, Ethernet first, of pcapng, where each
 * interface has its own. Returns how many. */
size_t capture_link_types(const struct capture *capture, int types[CAPTURE_LINK_TYPES]);
/* Calls `handler` for each packet. False if the file is broken; capture->error then says how. */
bool capture_read(struct capture *capture, capture_handler *handler, void *context);
/* Makes capture_read return soon; a signal handler may call it. */
void capture_stop(struct capture *capture);

#endif
