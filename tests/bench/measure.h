/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Net cost per packet of a loaded program, in ns: its time less that of an empty program, in one run, by turns. */
#ifndef TCPSCOPE_BENCH_MEASURE_H
#define TCPSCOPE_BENCH_MEASURE_H

#include "kernel.h"

/* TRAFFIC_LINE: ACKs, through a program that counts them in one line of memory per flow, as far apart as flows are. */
enum traffic { TRAFFIC_ACK, TRAFFIC_DATA, TRAFFIC_SYN, TRAFFIC_DATA6, TRAFFIC_LINE, TRAFFICS };

struct bench {
	struct bpf_object *rewriters;
	volatile struct order *order;
	struct kernel *kernel; /* whose programs are measured */
	__u32 rounds;
	__u32 percent; /* of the runs that count as undisturbed: others use the machine too, and only ever add */
};

/* Net ns per packet. */
struct cost {
	double median, undisturbed;
};

/* For tables of up to `flows` flows. Returns 0 or -errno; on error the reason is printed. */
int bench_open(struct bench *bench, const char *object, __u32 flows);
void bench_close(struct bench *bench);
/* Fills costs[] for `flows` flows. Returns 0 or -errno. */
int bench_measure(struct bench *bench, enum hook hook, __u32 flows, struct cost costs[TRAFFICS]);

enum { HANDSHAKE_SEGMENTS = 3, CONNECTION_SEGMENTS = 6 };

/* Fills costs[] for a short connection's segments: SYN, SYN/ACK, ACK, FIN, FIN, ACK, each of 65,536 flows before the
 * next, so that nothing of a flow is in the cache when its next comes. Returns 0 or -errno. */
int bench_connection(const struct bench *bench, enum hook hook, struct cost costs[CONNECTION_SEGMENTS]);

/* What a flow that ended costs. */
struct finished {
	struct cost kernel; /* the sweep: to hand it over, and to give its slot back */
	struct cost user;   /* until its reader has the report, and has counted its service */
};

/* Returns 0 or -errno. */
int bench_finished(const struct bench *bench, enum hook hook, struct finished *finished);

#endif
