/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* generate FILE PACKETS FLOWS: writes a capture (pcap, Ethernet, nanoseconds) of downloads: handshakes, data by twos
 * with an ACK, the flows by turns at random. Frames are cut after the headers, as by a snap length. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

enum { SEGMENT_LEN = 1448, STREAM_BUFFER = 1 << 20, SNAP_LEN = 96 };

struct file_header {
	__u32 magic;
	__u16 major, minor;
	__u32 zone, accuracy, snap_len, link;
};

struct packet_header {
	__u32 seconds, nanoseconds, captured, len;
};

struct frame {
	struct ethernet_header ethernet;
	struct ipv4_header ip;
	struct tcp_header tcp;
	__u8 options[20];
} __attribute__((packed));

struct flow_state {
	__u32 packets;	/* so far */
	__u32 sequence; /* of the server's next octet, less the initial one */
};

/* What the next packet of a flow is: SYN, SYN/ACK, ACK, then data, data, ACK. */
static __u32 fill(struct frame *frame, struct flow_state *flow, __u32 number)
{
	__u32 turn = flow->packets < 3 ? flow->packets : 3 + flow->packets % 3;
	bool to_server = turn != 1 && turn != 3 && turn != 4, data = turn == 3 || turn == 4;
	__u32 client = from_be32(0x0a000000u + (number & 0xffff)),
	      server = from_be32(0xc0a80001u + (number >> 3 & 0xff));
	__u16 port = to_be16(10000 + (number >> 16) * 8 + (number & 7)), https = to_be16(443);
	__u32 options_len = turn < 2 ? 20 : 12, len = 20 + 20 + options_len + (data ? SEGMENT_LEN : 0);

	frame->ip.source = to_server ? client : server;
	frame->ip.destination = to_server ? server : client;
	frame->ip.total_length = to_be16(len);
	frame->tcp.source = to_server ? port : https;
	frame->tcp.destination = to_server ? https : port;
	frame->tcp.sequence = from_be32(to_server ? 1000 + (turn > 0) : 5000 + (turn > 1) + flow->sequence);
	frame->tcp.acknowledgment = from_be32(turn == 0 ? 0 : to_server ? 5001 + flow->sequence : 1001);
	frame->tcp.offset_ae = (__u8)((20 + options_len) / 4 << 4);
	frame->tcp.flags = turn == 0 ? TCP_SYN : turn == 1 ? TCP_SYN | TCP_ACK : TCP_ACK;
	memcpy(frame->options,
	       turn < 2 ? "\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\1\0\0\0\1\x01\x03\x03\x07"
			: "\x01\x01\x08\x0a\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0",
	       sizeof(frame->options));
	flow->sequence += data ? SEGMENT_LEN : 0;
	flow->packets++;
	return 14 + len;
}

static int write_packets(FILE *to, __u32 packets, __u32 flows, struct flow_state *states)
{
	struct frame frame = { .ethernet.ethertype = to_be16(ETHERTYPE_IPV4) };
	__u64 random = 1, now_ns = 1700000000000000000ULL;

	frame.ip = (struct ipv4_header){ .version_ihl = 0x45, .ttl = 64, .protocol = PROTO_TCP };
	frame.tcp.window = to_be16(502);
	for (__u32 i = 0; i < packets; i++) {
		struct packet_header header;
		__u32 number;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		number = (__u32)((random >> 32) * flows >> 32);
		header.len = fill(&frame, &states[number], number);
		header.captured = header.len < sizeof(frame) ? header.len : (__u32)sizeof(frame);
		now_ns += 1000;
		header.seconds = (__u32)(now_ns / 1000000000);
		header.nanoseconds = (__u32)(now_ns % 1000000000);
		if (!fwrite(&header, sizeof(header), 1, to) || !fwrite(&frame, header.captured, 1, to))
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct file_header header = { 0xa1b23c4d, 2, 4, 0, 0, SNAP_LEN, 1 };
	__u32 packets = argc == 4 ? (__u32)strtoul(argv[2], NULL, 10) : 0;
	__u32 flows = argc == 4 ? (__u32)strtoul(argv[3], NULL, 10) : 0;
	struct flow_state *states;
	FILE *to;
	int failed;

	if (!packets || !flows) {
		fputs("usage: generate FILE PACKETS FLOWS\n", stderr);
		return 2;
	}
	states = calloc(flows, sizeof(*states));
	to = fopen(argv[1], "wb");
	if (!states || !to) {
		perror(argv[1]);
		return 1;
	}
	setvbuf(to, NULL, _IOFBF, STREAM_BUFFER);
	failed = !fwrite(&header, sizeof(header), 1, to) || write_packets(to, packets, flows, states);
	failed |= fclose(to) != 0;
	free(states);
	if (failed)
		perror(argv[1]);
	return failed;
}
