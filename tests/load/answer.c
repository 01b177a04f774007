/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The server: a packet socket that sees SYNs only, and answers each by a SYN/ACK after the delay of its mode.
 * Connections take their modes in turn, by the hundred, so that shares are exact. Each mode has one delay, so its
 * answers leave in the order in which their SYNs came: a queue each. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum {
	FRAME_LEN = 54, /* Ethernet, IPv4 and TCP without options */
	QUEUE = 1 << 16,
	IP_AT = 14,
	TCP_AT = 34,
	FLAGS_AT = TCP_AT + 13,
	RECEIVE_BUFFER = 64 << 20,
};

struct answer {
	__u64 due_ns;
	__u8 frame[FRAME_LEN];
};

struct queue {
	__u32 first, end; /* modulo QUEUE */
	struct answer answer[QUEUE];
};

static struct queue queues[MODES];

static void put16(__u8 *at, __u16 value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

static __u32 sum16(const __u8 *at, size_t length)
{
	__u32 sum = 0;

	for (size_t i = 0; i < length; i += 2)
		sum += (__u32)at[i] << 8 | at[i + 1];
	return sum;
}

static __u16 fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static void swap(__u8 *one, __u8 *two, size_t length)
{
	__u8 kept[8];

	memcpy(kept, one, length);
	memcpy(one, two, length);
	memcpy(two, kept, length);
}

/* Turns a SYN into its answer: RFC 9293, 3.5; no options. */
static void make_synack(__u8 frame[FRAME_LEN])
{
	__u8 *ip = frame + IP_AT, *tcp = frame + TCP_AT;
	__u32 seq;

	swap(frame, frame + ETH_ALEN, ETH_ALEN);
	swap(ip + 12, ip + 16, 4);
	swap(tcp, tcp + 2, 2);
	memcpy(&seq, tcp + 4, sizeof(seq));
	seq = htonl(ntohl(seq) + 1);
	memcpy(tcp + 8, &seq, sizeof(seq));
	tcp[12] = 5 << 4;
	tcp[13] = 0x12;
	put16(tcp + 14, 0xffff);
	put16(tcp + 16, 0);
	put16(tcp + 18, 0);
	put16(ip + 2, 40);
	put16(ip + 10, 0);
	put16(ip + 10, fold(sum16(ip, 20)));
	put16(tcp + 16, fold(sum16(ip + 12, 8) + IPPROTO_TCP + 20 + sum16(tcp, 20)));
}

static int open_socket(const char *interface)
{
	/* EtherType IPv4, no IP options, protocol TCP, SYN without ACK. */
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ, ETH_P_IP, 0, 8),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ, 0x45, 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP_AT + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ, IPPROTO_TCP, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
		BPF_STMT(BPF_ALU | BPF_AND, 0x12),
		BPF_JUMP(BPF_JMP | BPF_JEQ, 0x02, 0, 1),
		BPF_STMT(BPF_RET, FRAME_LEN),
		BPF_STMT(BPF_RET, 0),
	};
	const struct sock_fprog filter = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(interface) };
	const int room = RECEIVE_BUFFER;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return -1;
	return fd;
}

/* The mode of the n-th connection: a full hundred has each as often as its share says, and they are mixed. */
static size_t mode_of(const struct mode *modes, __u64 number)
{
	__u32 at = (__u32)(number * 37 % 100);
	size_t mode = 0;

	while (at >= modes[mode].percent)
		at -= modes[mode++].percent;
	return mode;
}

/* Takes what has arrived. */
static void take(int fd, const struct mode *modes)
{
	static __u64 number;
	__u8 frame[FRAME_LEN];

	while (recv(fd, frame, sizeof(frame), MSG_DONTWAIT) == FRAME_LEN) {
		size_t mode = mode_of(modes, number++);
		struct queue *queue = &queues[mode];
		struct answer *answer;

		if (!modes[mode].delay_ns)
			continue;
		answer = &queue->answer[queue->end++ % QUEUE];
		answer->due_ns = load_now() + modes[mode].delay_ns;
		memcpy(answer->frame, frame, sizeof(frame));
		make_synack(answer->frame);
	}
}

/* Sends what is due; returns when the next is, ~0: nothing waits. */
static __u64 give(int fd, size_t count)
{
	__u64 next = ~0ULL;

	for (size_t i = 0; i < count; i++) {
		struct queue *queue = &queues[i];

		while (queue->first != queue->end && queue->answer[queue->first % QUEUE].due_ns <= load_now())
			if (send(fd, queue->answer[queue->first++ % QUEUE].frame, FRAME_LEN, 0) < 0)
				perror("load: an answer was not sent");
		if (queue->first != queue->end && queue->answer[queue->first % QUEUE].due_ns < next)
			next = queue->answer[queue->first % QUEUE].due_ns;
	}
	return next;
}

int load_answer(const char *interface, const struct mode *modes, size_t count)
{
	int fd = open_socket(interface);
	struct pollfd poll = { .fd = fd, .events = POLLIN };

	if (fd < 0) {
		fprintf(stderr, "load: cannot listen on %s: %s\n", interface, strerror(errno));
		return 1;
	}
	load_first();
	puts("ready");
	fflush(stdout);
	for (;;) {
		__u64 next = give(fd, count), now = load_now();
		__u64 wait = next == ~0ULL ? 1000000000 : next > now ? next - now : 0;
		const struct timespec span = { (time_t)(wait / 1000000000), (long)(wait % 1000000000) };

		if (ppoll(&poll, 1, &span, NULL) > 0)
			take(fd, modes);
	}
}
