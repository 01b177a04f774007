/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The client: one thread, one epoll set. A connection's time runs from before connect() until epoll says it is open; it
 * is asked after each thing done, so that nobody's time holds what is done for others. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "load.h"

enum { BATCH = 64, DESCRIPTORS = 65536 };

struct client {
	struct sockaddr_in server;
	__u32 rate, count, outstanding;
	__u32 begun, open, ended, failed;
	__u64 start_ns;
	int epoll;
	__u64 begun_ns[DESCRIPTORS]; /* by descriptor */
	int ready[DESCRIPTORS];	     /* timed, to be closed: a stack */
	__u32 ready_count;
	__u64 *spans; /* of those that ended */
};

static int begin(struct client *client)
{
	struct linger reset = { .l_onoff = 1 };
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || fd >= DESCRIPTORS)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	event.data.fd = fd;
	client->begun_ns[fd] = load_now();
	if (connect(fd, (struct sockaddr *)&client->server, sizeof(client->server)) && errno != EINPROGRESS)
		return -1;
	if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, fd, &event))
		return -1;
	client->begun++;
	client->open++;
	return 0;
}

/* Times what has opened, waiting for it at most so long. */
static int harvest(struct client *client, const struct timespec *wait)
{
	struct epoll_event events[BATCH];
	int ready = epoll_pwait2(client->epoll, events, BATCH, wait, NULL);
	__u64 now = load_now();

	for (int i = 0; i < ready; i++) {
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			client->failed++;
		else
			client->spans[client->ended++] = now - client->begun_ns[events[i].data.fd];
		client->ready[client->ready_count++] = events[i].data.fd;
	}
	return ready < 0 ? -1 : 0;
}

static void end_one(struct client *client)
{
	close(client->ready[--client->ready_count]);
	client->open--;
}

/* When the next connection is due; 0: now. */
static __u64 due(const struct client *client)
{
	if (!client->rate)
		return client->open < client->outstanding ? 0 : ~0ULL;
	return client->start_ns + (__u64)client->begun * 1000000000 / client->rate;
}

static int step(struct client *client)
{
	__u64 now = load_now(), at = client->begun < client->count ? due(client) : ~0ULL;
	struct timespec wait = { 0 };

	if (client->ready_count)
		end_one(client);
	else if (at <= now && begin(client))
		return -1;
	else if (at > now) {
		wait.tv_sec = at == ~0ULL ? 1 : (time_t)((at - now) / 1000000000);
		wait.tv_nsec = at == ~0ULL ? 0 : (long)((at - now) % 1000000000);
	}
	return harvest(client, &wait);
}

static int compare(const void *one, const void *two)
{
	__u64 x = *(const __u64 *)one, y = *(const __u64 *)two;

	return x < y ? -1 : x > y;
}

static __u64 quantile(const struct client *client, __u64 ppm)
{
	__u64 rank = (client->ended * ppm + 999999) / 1000000;

	return client->ended ? client->spans[rank ? rank - 1 : 0] : 0;
}

static void print(struct client *client)
{
	__u64 took = load_now() - client->start_ns;

	qsort(client->spans, client->ended, sizeof(*client->spans), compare);
	printf("{\"begun\":%u,\"opened\":%u,\"failed\":%u,\"rate\":%llu,\"p50_ns\":%llu,\"p90_ns\":%llu,\"p99_ns\":%"
	       "llu,"
	       "\"p99_9_ns\":%llu,\"max_ns\":%llu}\n",
	       client->begun, client->ended, client->failed, client->begun * 1000000000ULL / (took ? took : 1),
	       quantile(client, 500000), quantile(client, 900000), quantile(client, 990000), quantile(client, 999000),
	       quantile(client, 1000000));
}

int load_connect(const char *address, __u16 port, __u32 rate, __u32 count, __u32 outstanding)
{
	static struct client client;
	struct rlimit files = { DESCRIPTORS, DESCRIPTORS };

	client = (struct client){ .server = { .sin_family = AF_INET, .sin_port = htons(port) },
				  .rate = rate,
				  .count = count,
				  .outstanding = outstanding,
				  .epoll = epoll_create1(0),
				  .spans = calloc(count + 1, sizeof(__u64)),
				  .start_ns = load_now() };
	load_first();
	setrlimit(RLIMIT_NOFILE, &files);
	if (client.epoll < 0 || !client.spans || inet_pton(AF_INET, address, &client.server.sin_addr) != 1) {
		fprintf(stderr, "load: cannot begin: %s\n", strerror(errno));
		return 1;
	}
	while (client.begun < count || client.open) {
		if (step(&client)) {
			fprintf(stderr, "load: connection %u: %s\n", client.begun, strerror(errno));
			return 1;
		}
	}
	print(&client);
	free(client.spans);
	return 0;
}
