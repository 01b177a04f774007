/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a source leaves for reports and assertions: the services as of one moment, the slowest connections, the accounts
 * summed. Knows records, reports and services; no map, no file. */
#ifndef TCPSCOPE_USER_STATISTICS_H
#define TCPSCOPE_USER_STATISTICS_H

#include "../../include/record.h"
#include "../../include/service.h"
#include "slowest.h"

struct names;

struct statistics {
	struct service_set *sets;    /* SERVICE_SETS, the picture; NULL: no statistics are wanted */
	struct service_set *counted; /* of the flows that passed a live filter; NULL: the engine's are taken */
	struct slowest slowest;
	struct slowest *recent; /* of those that connected since `recent_ns`; NULL: nobody wants them */
	struct ledger ledger;	/* all of them */
	__s64 since_ns;		/* Unix epoch: it tells what came since then; 0: all from the start */
	__s64 at_ns;		/* Unix epoch: when the picture was taken */
	__u64 report_ns;	/* the same, by the reports' clock */
	__u64 recent_ns;	/* by the reports' clock */
	bool final;		/* nothing comes after it */
	int error;
};

/* Room for the picture, and for counts of its own if `filtered`: the engine counts every flow. Returns 0 or -ENOMEM. */
int statistics_open(struct statistics *statistics, bool filtered);
/* Legal on one that is zeroed. */
void statistics_close(struct statistics *statistics);
static inline bool statistics_wanted(const struct statistics *statistics) { return statistics->sets; }

/* A flow that ended, with the report that its record was made of. */
void statistics_flow(struct statistics *statistics, const struct record *record, const struct report *report);

/* Begins a picture from the engine's services (SERVICE_SETS; of flows that ended, and of those that were evicted if
 * they are apart, else NULL), or from the counts of its own if there are. */
void statistics_picture(struct statistics *statistics, const struct service_set *ended,
			const struct service_set *evicted);
/* Counts a flow that is still open in the picture. True: it may be among the slowest, and its record is wanted. */
bool statistics_open_flow(struct statistics *statistics, const struct report *report);
void statistics_open_record(struct statistics *statistics, const struct record *record, const struct report *report);
void statistics_ledger(struct statistics *statistics, const struct ledger *ledger);

/* One service of the picture; the rest without room is one service, too. */
struct statistics_service {
	const struct service_key *key; /* NULL: those without room, or all */
	const struct service *service;
};

/* Lists the services with attempts, most attempts first, `other` (summed into *other) last. Returns a list that the
 * caller frees, and its length; NULL: no memory. */
struct statistics_service *statistics_list(const struct statistics *statistics, struct service *other, size_t *count);
/* Asks for the names of those whom a report of the picture shows (statistics_names.c). */
void statistics_ask(const struct statistics *statistics, struct names *names);
/* Of all services. */
void statistics_sum(const struct statistics *statistics, struct service *sum);
/* Did services find no room? */
bool statistics_has_other(const struct statistics *statistics);
/* NULL: not observed, or among those without room. */
const struct service *statistics_find(const struct statistics *statistics, const struct service_key *key);

#endif
