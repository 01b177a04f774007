/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the kernel's flow table to records: sweeps the table and takes the flows that ended, drains the ring buffer,
 * looks at open flows, reads the ledgers. Called by live.c; knows nothing of hooks. */
#ifndef TCPSCOPE_USER_HARVEST_H
#define TCPSCOPE_USER_HARVEST_H

#include "grace.h"
#include "interfaces.h"
#include "mapping.h"
#include "output/output.h"
#include "sink.h"
#include "screen/view.h"

struct harvest {
	const struct loader *loader;
	const struct interfaces *interfaces;
	struct sink *sink;
	struct statistics *statistics;
	struct mapping mapping;
	struct ring_buffer *reports;
	struct grace grace;
	int sweep_fd;
	__u64 active_ns; /* between interim records; 0: none */
	__u64 idle_ns;	 /* of silence until a flow is reported; 0: as patience.h has it */
	__s64 epoch_ns;	 /* Unix time minus the kernel's monotonic clock */
	__u32 next;	 /* bucket at which the sweep goes on */
	bool went_round; /* it has looked at all */
	__u64 drained;	 /* reports since the start, from the ring buffer */
	__u64 taken;	 /* likewise, flows from the table */
	int error;	 /* first of the sink's */
};

/* Prints what is wrong; returns 0 or -errno. */
int harvest_open(struct harvest *harvest, const struct loader *loader, const struct interfaces *interfaces,
		 struct sink *sink, struct statistics *statistics);
/* Legal on one that is zeroed. */
void harvest_close(struct harvest *harvest);

/* Puts out what waits in the ring buffer: interim records, and flows that were evicted. Returns 0, or -errno, of the
 * output too; after that the rest stays there. */
int harvest_drain(struct harvest *harvest);

/* ---- harvest_sweep.c ---- */
/* Goes through the table once, or, while there is little to report, on for a millisecond: the next call goes on there.
 * Puts out what ended; then nothing is handed over any more. With `everything` all flows end, in one call. Returns 0 or
 * -errno, of the output too. */
int harvest_sweep(struct harvest *harvest, bool everything);
/* The account of one direction of an interface, of all CPUs. Programs that are attached may be counting a packet just
 * then, seen but not yet anywhere: what does not balance is read again, up to `tries` times in all. Returns 0 or
 * -errno. */
int harvest_ledger(const struct harvest *harvest, unsigned int number, enum interface_direction direction, int tries,
		   struct ledger_record *record);
/* Puts out the sums of SYNs that were evicted unanswered, for each service. Returns 0 or -errno, of the output too. */
int harvest_summaries(const struct harvest *harvest, const struct output *output);
/* Fills the picture of the statistics, with the flows that are open unless it is the final one: then all have ended,
 * and the accounts, which follow, are not in it. Returns 0 or -errno. */
int harvest_statistics(struct harvest *harvest, bool final);
/* The record of a report, with what the report does not say. */
void harvest_record(const struct harvest *harvest, struct record *record, const struct report *report);

/* ---- for the screen (harvest_view.c) ---- */
/* Looks at all open flows; `paused`: only brings the records that the view has come to want. */
void harvest_view(const struct harvest *harvest, struct view *view, bool paused);
/* The record of the flow at a row of the view; false: it is not there any more, or only the next one of its key. */
bool harvest_view_record(const struct harvest *harvest, const struct view *view, __u32 row, __u32 identity,
			 struct record *record);
/* Its key and start, which are its name; as before. */
bool harvest_view_key(const struct harvest *harvest, const struct view *view, __u32 row, __u32 identity,
		      struct flow_key *key, __u64 *start_ns);

#endif
