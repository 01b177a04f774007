/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads pcapng (draft-ietf-opsawg-pcapng). libpcap does, too, but refuses a file whose interfaces differ in link type
 * or snapshot length, which every capture on two interfaces may be. */
#ifndef TCPSCOPE_PCAPNG_H
#define TCPSCOPE_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PCAPNG_MAGIC 0x0a0d0d0aU /* what a file begins with; the same in both byte orders */

enum { PCAPNG_INTERFACES = 1024 };

struct pcapng_interface {
	uint64_t per_second; /* time units */
	int64_t offset_s;
	uint32_t snaplen; /* 0: no limit */
	uint16_t linktype;
};

struct pcapng {
	FILE *stream;
	struct pcapng_interface interface[PCAPNG_INTERFACES]; /* of the present section */
	uint32_t interfaces;
	unsigned char *block; /* the present block, after type and length */
	size_t room;
	bool big_endian;
	const char *error; /* what is wrong with the file */
};

struct pcapng_packet {
	uint64_t time_ns;	   /* Unix epoch; 0 if the block has no time */
	const unsigned char *data; /* until the next call */
	uint32_t captured, len;
	uint16_t linktype;
};

/* The next packet: 1; 0 at the end of the file; -1 if it is broken, pcapng->error then says how. */
int pcapng_next(struct pcapng *pcapng, struct pcapng_packet *packet);
void pcapng_close(struct pcapng *pcapng);

#endif
