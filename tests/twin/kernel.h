/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel programs, loaded for test runs: attached to nothing, their maps mapped. For the twin and the bench. */
#ifndef TCPSCOPE_TESTS_KERNEL_H
#define TCPSCOPE_TESTS_KERNEL_H

#include <bpf/libbpf.h>

#include "config.h"
#include "summary.h"

enum hook { HOOK_XDP, HOOK_TC_INGRESS, HOOK_TC_EGRESS, HOOKS };

struct kernel_options {
	const char *object; /* path of the compiled programs */
	struct table_shape shape;
	bool test_clock;
	enum ladder_choice ladder;
	bool alone;   /* struct config */
	bool figures; /* fill kernel.figures */
};

struct kernel_figures { /* the verifier's, of one program */
	__u32 instructions, states;
};

struct kernel {
	struct bpf_object *object;
	int program[HOOKS]; /* descriptor, or -1: the object has none of that name */
	int sweep;
	int hooks_map, reports_map, interfaces_map, table_map; /* descriptors */
	__u32 buckets;
	__u64 *tags, *looks;
	struct flow_bucket *flows;
	struct facts_bucket *facts;
	struct service_set *services, *ended; /* SERVICE_SETS each */
	struct sweep_call *call;
	struct kernel_figures figures[HOOKS];
};

extern const char *const hook_names[HOOKS]; /* the programs' names */

/* A table for `flows`; the same `seed` gives the same key seed. */
struct table_shape kernel_shape(__u32 flows, __u64 seed);
/* Returns 0 or -errno; on error the reason is printed. kernel_close is right after either. */
int kernel_open(struct kernel *kernel, const struct kernel_options *options);
void kernel_close(struct kernel *kernel);
/* Another shape, of no more buckets than at the start, for a table without flows. Returns 0 or -errno. */
int kernel_reshape(struct kernel *kernel, const struct table_shape *shape);
/* One call of the sweep, as kernel->call asks for. Returns 0 or -errno. */
int kernel_sweep(const struct kernel *kernel);
/* Forgets all flows and services. */
void kernel_clear(struct kernel *kernel);
/* Sums the ledger of interface 0's direction over CPUs, and starts it anew. Returns 0 or -errno. */
int kernel_take_ledger(struct kernel *kernel, enum interface_direction direction, struct ledger *sum);
/* The same for the sums of evicted SYNs. */
int kernel_take_summaries(struct kernel *kernel, struct summaries *sums);

#endif
