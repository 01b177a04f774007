/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packet ladders of chosen connections, as Wireshark's flow graph in text: keeps the rungs of each connection until it
 * is printed. Called by replay, and by the live source; knows neither libpcap nor maps. */
#ifndef TCPSCOPE_USER_LADDER_H
#define TCPSCOPE_USER_LADDER_H

#include <stdbool.h>
#include <stdio.h>

#include "../../include/rung.h"

struct names;

enum { LADDER_RUNGS = 1 << 20 }; /* kept at most, of all connections; more are counted */

struct ladder_rung {
	struct rung_segment segment;
	__u32 next; /* of the connection, or of those that are free: number + 1; 0: none */
};

struct ladder_connection {
	struct flow_key key;
	__u64 start_ns;	   /* of the flow: with the key, its name */
	__u32 client;	   /* endpoint */
	__u32 first, last; /* rungs: number + 1; 0: none, and the place is free */
	__u32 next;	   /* of those in one place of the index, or of those that are free: number + 1; 0: none */
};

/* All zeros: empty, for rungs that come in order. */
struct ladder {
	struct key_seed seed; /* so that nobody outside can choose connections that meet in the index */
	/* NULL, or the name of an interface by its number in the key: then it is told. */
	const char *(*interface_name)(const void *context, unsigned int number);
	const void *context;
	struct names *names; /* of hosts; asked for when a connection begins, for when it is printed; NULL: addresses */
	bool by_time;	     /* rungs come from several CPUs: they are put in the order of their times */
	struct ladder_rung *rungs;
	__u32 rung_count, rung_free; /* ever used; number + 1 of the first that is free again */
	__u64 dropped;
	struct ladder_connection *connections; /* in the order in which they were chosen, but for places used again */
	__u32 connection_count, connection_room, connection_free;
	__u32 *index; /* by hash, of connection number + 1; 0: none. As many as connection_room, a power of two */
	bool printed; /* one, so that a blank line is to come before the next */
	bool failed;  /* no memory */
};

/* Legal on one that is zeroed. */
void ladder_close(struct ladder *ladder);
/* Keeps a rung, or counts it as dropped. */
void ladder_add(struct ladder *ladder, const struct rung *rung);
/* Forgets a connection; if `to`, prints it first. `epoch_ns`: Unix time minus the segments' clock. No such connection
 * is no error. Returns 0 or -errno. */
int ladder_end(struct ladder *ladder, const struct flow_key *key, __u64 start_ns, FILE *to, __s64 epoch_ns);
/* Prints all that there are, and how many rungs are not shown. Returns 0 or -errno, -ENOMEM if some were lost so. */
int ladder_print(struct ladder *ladder, FILE *to, __s64 epoch_ns);

/* Was there never a rung to print? Then no connection was chosen. */
bool ladder_was_empty(const struct ladder *ladder);

/* Prints one (ladder_print.c). */
void ladder_print_connection(const struct ladder *ladder, const struct ladder_connection *connection, FILE *to,
			     __s64 epoch_ns);

#endif
