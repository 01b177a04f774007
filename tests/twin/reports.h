/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The reports of one body, in the order they came, and how those of two bodies differ. */
#ifndef TCPSCOPE_TESTS_REPORTS_H
#define TCPSCOPE_TESTS_REPORTS_H

#include <bpf/btf.h>
#include <stddef.h>

#include "flow.h"
#include "handover.h"
#include "ledger.h"

struct reports {
	struct report *report;
	size_t count, room;
	bool failed; /* one was lost: no memory, or not of a report's size */
};

/* `context` is the struct reports. Signatures are those of the bodies. */
void reports_add(void *context, const struct report *report);
int reports_add_sample(void *context, void *sample, size_t size);
/* Takes all that is handed over, and counts it. */
void reports_take(struct reports *reports, struct handover *handover, struct flow_bucket *flows,
		  struct facts_bucket *facts, struct service_set *services);
void reports_close(struct reports *reports);

/* Room for one line about a difference. */
struct difference {
	char text[512];
};

/* True if there is none; else `difference` names the first fields that differ, by the names in `btf`. */
bool reports_same(const struct reports *kernel, const struct reports *native, const struct btf *btf,
		  struct difference *difference);
bool ledgers_same(const struct ledger *kernel, const struct ledger *native, struct difference *difference);

#endif
