/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* traffic accept PORT: accepts connections, reads what comes until the client has said something, and closes; prints
 *     `ready` first, and runs until killed.
 * traffic connect ADDRESS PORT SECONDS: makes one connection after the other, says an octet, waits for the end. Prints how
 *     many a second.
 * traffic frames OBJECT INTERFACE FRAMES FLOWS SENT: sends 64-octet frames of data, of so many flows, out of an interface,
 *     from the kernel (a live test run of OBJECT), after so many that were sent before. Prints the seconds that took. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

enum { BACKLOG = 1024, FRAME_LEN = 64, BATCH = 64 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int failed(const char *what)
{
	perror(what);
	return 1;
}

static int accept_all(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	char octet;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, BACKLOG))
		return failed("listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int connection = accept(listener, NULL, NULL);

		if (connection < 0)
			return failed("accept");
		if (recv(connection, &octet, 1, 0) < 0)
			perror("recv");
		close(connection);
	}
}

/* Once; true: it came to its end. */
static bool connect_once(const struct sockaddr_in *server)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char octet = 'x';
	bool whole = fd >= 0 && !connect(fd, (const struct sockaddr *)server, sizeof(*server)) &&
		     send(fd, &octet, 1, 0) == 1 && recv(fd, &octet, 1, 0) == 0;

	if (!whole)
		perror("connection");
	if (fd >= 0)
		close(fd);
	return whole;
}

static int connect_for(const char *address, const char *port, double seconds)
{
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	double began = now(), ended;
	unsigned long made = 0;

	inet_pton(AF_INET, address, &server.sin_addr);
	do {
		if (!connect_once(&server))
			return 1;
		made++;
		ended = now();
	} while (ended - began < seconds);
	printf("%.1f\n", (double)made / (ended - began));
	return 0;
}

/* To a station that is not there: whoever gets it drops it after the hooks. */
static void frame_fill(__u8 frame[FRAME_LEN])
{
	struct ipv4_header ip = { .version_ihl = 0x45, .ttl = 64, .protocol = PROTO_TCP };
	struct tcp_header tcp = { .offset_ae = 5 << 4, .flags = TCP_ACK, .window = to_be16(502) };

	ip.total_length = to_be16(FRAME_LEN - 14);
	ip.destination = htonl(0xc0000202u);
	tcp.source = to_be16(40000);
	tcp.destination = to_be16(443);
	memset(frame, 0, FRAME_LEN);
	memcpy(frame, "\2\0\0\0\0\x63\2\0\0\0\0\1\x08\0", 14);
	memcpy(frame + 14, &ip, sizeof(ip));
	memcpy(frame + 34, &tcp, sizeof(tcp));
}

/* Read-only data in the order of the source. */
static int order_give(const struct bpf_object *object, unsigned int ifindex, __u32 flows, __u32 sent)
{
	const __u32 order[] = { ifindex, flows, sent };
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");

	return map ? bpf_map__set_initial_value(map, order, sizeof(order)) : -ENOENT;
}

static int frames_send(const char *path, const char *interface, __u32 count, __u32 flows, __u32 sent)
{
	struct bpf_object *object = bpf_object__open(path);
	__u8 frame[FRAME_LEN];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame), .repeat = (int)count,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	double began;
	int err = object ? order_give(object, if_nametoindex(interface), flows, sent) : -errno;

	frame_fill(frame);
	if (!err)
		err = bpf_object__load(object);
	began = now();
	if (!err)
		err = bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object, "send_out")),
					     &run);
	if (err)
		fprintf(stderr, "traffic: frames: %s\n", strerror(-err));
	else
		printf("%.6f\n", now() - began);
	bpf_object__close(object);
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "accept"))
		return accept_all(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "connect"))
		return connect_for(argv[2], argv[3], atof(argv[4]));
	if (argc == 7 && !strcmp(argv[1], "frames"))
		return frames_send(argv[2], argv[3], (__u32)atol(argv[4]), (__u32)atol(argv[5]), (__u32)atol(argv[6]));
	fputs("usage: traffic accept PORT | connect ADDRESS PORT SECONDS | frames OBJECT INTERFACE FRAMES FLOWS SENT\n",
	      stderr);
	return 2;
}
