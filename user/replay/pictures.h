/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When the services of a capture are told: at intervals of its clock, and at its end. */
#ifndef TCPSCOPE_PICTURES_H
#define TCPSCOPE_PICTURES_H

#include "replay_table.h"
#include "service/news.h"

struct options;
struct output;

struct pictures {
	const struct options *options;
	const struct output *output;
	struct statistics *statistics;
	struct replay_table *flows;
	/* The record of an open flow, if it is among the slowest. */
	void (*make)(void *context, struct record *record, const struct report *report);
	void *context;
	struct news news;
	__u64 due_ns;	/* when the next is, by the reports' clock; 0: no packet has come */
	__s64 credit;	/* what pictures may cost yet */
	bool late;	/* the one that is due waits for that */
	__s64 epoch_ns; /* Unix time minus the reports' clock */
};

/* The other members are set. Returns 0 or -ENOMEM. */
int pictures_open(struct pictures *pictures);
/* Legal on one that is zeroed. */
void pictures_close(struct pictures *pictures);
/* For each packet, whose time is that, before it is entered: is a picture to be told? */
bool pictures_due(struct pictures *pictures, __u64 now_ns);
/* Tells it; `last_ns`: time of the last packet before. Returns 0 or the output's error. */
int pictures_tell(struct pictures *pictures, __u64 now_ns, __u64 last_ns);
/* After the report of all flows: the final one. */
int pictures_end(struct pictures *pictures, __u64 last_ns);

#endif
