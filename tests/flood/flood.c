/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flood KIND INTERFACE MAC FLOWS [PER_SECOND [SEED BUCKETS]]: sends TCP segments of so many flows, each of its own
 * source, to services of 192.0.2.99 and 2001:db8::99, at full rate or at so many flows a second. Prints what the
 * interface took, as JSON: {"frames":N,"flows":N,"services":{"80":N,...},"seconds":S}, frames by service. SEED and
 * BUCKETS are those of a monitor's table (TCPSCOPE_SEED): then all flows lie in one bucket of it. */
#define _GNU_SOURCE /* sendmmsg */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "table_place.h"
#include "wire.h"

enum { BATCH = 256, FRAME_MAX = 14 + 40 + 20 + 4, SERVICES = 5, STEPS = 7 };

static const __u16 ports[SERVICES] = { 80, 443, 22, 8080, 25 }; /* the last by IPv6 */

/* What a flow of a kind sends: flags, and by whom. */
struct step {
	__u8 flags;
	bool server;
	__u8 sequence, acknowledgment; /* relative */
};

static const struct kind {
	const char *name;
	__u32 steps;
	struct step step[STEPS];
} kinds[] = {
	{ "syn", 1, { { TCP_SYN, false, 0, 0 } } },
	{ "rst", 1, { { TCP_RST, false, 0, 0 } } },
	{ "ack", 1, { { TCP_ACK, false, 1, 1 } } },
	{ "one", 1, { { TCP_PSH | TCP_FIN | TCP_ACK, false, 1, 1 } } },
	{ "handshake", 3, { { TCP_SYN, false, 0, 0 }, { TCP_SYN | TCP_ACK, true, 0, 1 }, { TCP_ACK, false, 1, 1 } } },
	{ "connection",
	  7,
	  { { TCP_SYN, false, 0, 0 },
	    { TCP_SYN | TCP_ACK, true, 0, 1 },
	    { TCP_ACK, false, 1, 1 },
	    { TCP_FIN | TCP_ACK, false, 1, 1 },
	    { TCP_ACK, true, 1, 2 },
	    { TCP_FIN | TCP_ACK, true, 1, 2 },
	    { TCP_ACK, false, 2, 2 } } },
};

struct flood {
	const struct kind *kind;
	int socket;
	__u8 mac[6];
	__u64 flows, per_second, frames, of_service[SERVICES];
	__u32 buckets; /* of the monitor's table; 0: any */
	struct key_seed seed;
	__u64 random; /* where the search for keys is */
	__u8 frame[BATCH][FRAME_MAX];
	__u8 service[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
	unsigned int held;
	struct timespec began;
};

static double seconds_since(const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

/* Sends what is held; a full queue is asked again. Returns 0 or -errno. */
static int flush(struct flood *flood)
{
	unsigned int sent = 0;

	while (sent < flood->held) {
		int some = sendmmsg(flood->socket, flood->messages + sent, flood->held - sent, 0);

		if (some < 0 && errno != ENOBUFS && errno != EAGAIN)
			return -errno;
		for (int i = 0; i < some; i++)
			flood->of_service[flood->service[sent + (unsigned int)i]]++;
		if (some > 0) {
			flood->frames += (unsigned int)some;
			sent += (unsigned int)some;
		}
	}
	flood->held = 0;
	return 0;
}

static void fill_ip(struct flood *flood, __u8 *at, __u32 source, bool v6, bool server, __u32 len)
{
	static const __u8 net6[8] = { 0x20, 0x01, 0x0d, 0xb8 };
	__u8 client[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1 }, target[16];
	__be32 client4 = htonl(0x0a000000u | (source & 0xffffff)), target4 = htonl(0xc0000263u);

	memcpy(at - 14, flood->mac, 6);
	memcpy(at - 8, "\2\0\0\0\0\1", 6);
	at[-2] = v6 ? 0x86 : 0x08;
	at[-1] = v6 ? 0xdd : 0x00;
	if (!v6) {
		struct ipv4_header ip = { .version_ihl = 0x45, .ttl = 64, .protocol = PROTO_TCP };

		ip.total_length = to_be16(20 + len);
		ip.source = server ? target4 : client4;
		ip.destination = server ? client4 : target4;
		memcpy(at, &ip, 20);
		return;
	}
	memcpy(target, net6, 8);
	memset(target + 8, 0, 8);
	target[15] = 0x99;
	source = htonl(source);
	memcpy(client + 12, &source, 4);
	memset(at, 0, 8);
	at[0] = 0x60;
	at[5] = (__u8)len;
	at[6] = PROTO_TCP;
	at[7] = 64;
	memcpy(at + 8, server ? target : client, 16);
	memcpy(at + 24, server ? client : target, 16);
}

/* One segment of flow `number`, with source port `port`. Returns 0 or -errno. */
static int hold(struct flood *flood, __u32 number, __u16 port, const struct step *step)
{
	__u32 service = number % SERVICES, payload = step->flags & TCP_PSH ? 4 : 0;
	bool v6 = service == SERVICES - 1;
	__u8 *at = flood->frame[flood->held] + 14;
	struct tcp_header tcp = { .offset_ae = 5 << 4, .flags = step->flags, .window = to_be16(8192) };

	fill_ip(flood, at, number, v6, step->server, 20 + payload);
	tcp.source = to_be16(step->server ? ports[service] : port);
	tcp.destination = to_be16(step->server ? port : ports[service]);
	tcp.sequence = htonl((step->server ? 5000u : 1000u) + step->sequence);
	tcp.acknowledgment = step->flags & TCP_ACK ? htonl((step->server ? 1000u : 5000u) + step->acknowledgment) : 0;
	memcpy(at + (v6 ? 40 : 20), &tcp, 20);
	flood->parts[flood->held].iov_len = 14 + (v6 ? 40 : 20) + 20 + payload;
	flood->service[flood->held++] = (__u8)service;
	return flood->held == BATCH ? flush(flood) : 0;
}

/* Waits until flow `number` is due. */
static int pace(struct flood *flood, __u64 number)
{
	double ahead;
	int err;

	if (!flood->per_second || number % 64)
		return 0;
	ahead = (double)number / (double)flood->per_second - seconds_since(&flood->began);
	if (ahead <= 0)
		return 0;
	err = flush(flood);
	usleep((useconds_t)(ahead * 1e6));
	return err;
}

static int send_flow(struct flood *flood, __u64 number)
{
	__u16 port = (__u16)(20000 + number / 0xffffff); /* above the services': midstream the lower is the server */
	__u32 address = (__u32)(number % 0xffffff);
	int err = pace(flood, number);

	if (flood->buckets) /* all of one service, so that addresses are free to choose */
		address = flood_next_in_bucket(&flood->random, &flood->seed, flood->buckets, SERVICES, &port);
	for (__u32 i = 0; i < flood->kind->steps && !err; i++)
		err = hold(flood, address, port, &flood->kind->step[i]);
	return err;
}

static int flood_open(struct flood *flood, const char *interface)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(interface) };
	int one = 1;

	flood->socket = socket(AF_PACKET, SOCK_RAW, 0);
	if (flood->socket < 0 || bind(flood->socket, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(flood->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		return -errno;
	for (int i = 0; i < BATCH; i++) {
		flood->parts[i].iov_base = flood->frame[i];
		flood->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &flood->parts[i], .msg_iovlen = 1 };
	}
	return 0;
}

static void say(const struct flood *flood)
{
	printf("{\"flows\":%llu,\"frames\":%llu,\"seconds\":%.3f,\"services\":{", flood->flows, flood->frames,
	       seconds_since(&flood->began));
	for (int i = 0; i < SERVICES; i++)
		printf("%s\"%u\":%llu", i ? "," : "", ports[i], flood->of_service[i]);
	puts("}}");
}

static bool read_arguments(struct flood *flood, int argc, char **argv)
{
	if (argc != 5 && argc != 6 && argc != 8)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(argv[1], kinds[i].name))
			flood->kind = &kinds[i];
	if (sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", flood->mac, flood->mac + 1, flood->mac + 2, flood->mac + 3,
		   flood->mac + 4, flood->mac + 5) != 6)
		return false;
	flood->flows = strtoull(argv[4], NULL, 10);
	flood->per_second = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
	if (argc == 8) {
		seed_from(&flood->seed, strtoull(argv[6], NULL, 10));
		flood->buckets = (__u32)strtoul(argv[7], NULL, 10);
	}
	return flood->kind && flood->flows;
}

int main(int argc, char **argv)
{
	static struct flood flood;
	int err;

	if (!read_arguments(&flood, argc, argv)) {
		fputs("usage: flood KIND INTERFACE MAC FLOWS [PER_SECOND [SEED BUCKETS]]\n", stderr);
		return 2;
	}
	err = flood_open(&flood, argv[2]);
	clock_gettime(CLOCK_MONOTONIC, &flood.began);
	for (__u64 number = 0; number < flood.flows && !err; number++)
		err = send_flow(&flood, number);
	if (!err)
		err = flush(&flood);
	if (err) {
		fprintf(stderr, "flood: %s: %s\n", argv[2], strerror(-err));
		return 1;
	}
	say(&flood);
	return 0;
}
