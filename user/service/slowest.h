/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The slowest connections of each service, by connect time: of the flows that were recorded, since only a record says
 * why. Knows records only. */
#ifndef TCPSCOPE_USER_SLOWEST_H
#define TCPSCOPE_USER_SLOWEST_H

#include "../../include/record.h"
#include "../../include/service.h"

enum {
	SLOWEST = 10,
	SLOWEST_SERVICES = SERVICE_SETS * SERVICE_WAYS * 2, /* a power of two; beyond, services have no list */
};

/* Of one connection, what its sentence is made of. */
struct slow {
	__s64 start_ns;
	__u8 ip[16]; /* the client's, as in struct record_side */
	__u16 port;
	__u8 ip_version;
	enum outcome outcome;
	struct record_handshake handshake;
};

struct slow_list {
	struct service_key key;
	__u32 count;
	struct slow slow[SLOWEST]; /* slowest first */
};

/* All zeros: empty. */
struct slowest {
	struct slow_list *lists; /* SLOWEST_SERVICES, hashed by key; NULL until there is one */
	__u32 used;
};

/* Legal on one that is zeroed. */
void slowest_close(struct slowest *slowest);
/* Enters a connection whose connect time is known; one that is there already (shown while open) is replaced. Returns 0
 * or -ENOMEM. */
int slowest_add(struct slowest *slowest, const struct record *record);
/* Would a connection of this service that took so long be entered? */
bool slowest_admits(const struct slowest *slowest, const struct service_key *key, __s64 connect_ns);
/* NULL if the service has none. */
const struct slow_list *slowest_of(const struct slowest *slowest, const struct service_key *key);

enum { SENTENCE = 512 };

/* What the record says of a handshake, as in "connect 3.04s: 2 SYNs unanswered (1.00s, 2.00s), server 20.0ms, SYN 3
 * answered (timestamp)". */
void slow_sentence(char text[SENTENCE], const struct record_handshake *handshake);

#endif
