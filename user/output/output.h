/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An output turns records into text: one file each, exporting one `const struct output`, listed in output.c. */
#ifndef TCPSCOPE_OUTPUT_H
#define TCPSCOPE_OUTPUT_H

#include <stdio.h>

#include "record.h"

struct names;
struct news;
struct statistics;
struct verdict;

/* What a kernel program itself took. */
struct program_record {
	const char *name;
	bool timed;	    /* the kernel measured: `runs` and `run_ns` are known */
	__u64 runs, run_ns; /* of all CPUs; run_ns includes what the measuring takes */
	const __u64 *cpu_frames;
	size_t cpus;
};

struct output_options {
	FILE *to;
	int columns; /* width of the terminal; 0: not a terminal */
	bool colour;
	struct names *names; /* of hosts, for people; NULL: addresses */
	bool several;	     /* interfaces are watched */
	bool stats;	     /* print the ledger in full */
	bool screen;	     /* flows are shown on the screen: what is left to print is the end */
};

/* An output keeps what it needs in statics of its file: one is open at a time. All return 0, or -errno when `to`
 * cannot be written. */
struct output {
	const char *name;
	int (*open)(const struct output_options *options);
	int (*flow)(const struct record *record);	   /* a flow that ended, or an interim record (END_ACTIVE) */
	int (*ledger)(const struct ledger_record *record); /* at the end, one for each interface and direction */
	bool for_programs;				   /* other text must not follow */
	/* The services, at the end and at every interval, and an assertion's verdict; NULL: it has no words for
	 * them. */
	int (*services)(const struct statistics *statistics);
	int (*verdict)(const struct verdict *verdict);
	int (*close)(void);
	/* Before the ledgers, one for each service: SYNs that were evicted unanswered. NULL if the output has no words
	 * for it. */
	int (*summary)(const struct summary_record *record);
	/* After the ledgers, with --stats: what the programs took. NULL: it has no words for them. */
	int (*program)(const struct program_record *record);
};

extern const struct output output_csv, output_json, output_table, output_zeek;
/* Says nothing of flows: a ladder, or the verdict of an assertion, is all that is wanted. */
extern const struct output output_none;
/* --report; has no name among the others. */
extern const struct output output_report;

/* What writing to `to`, standard output, has met: 0 or -errno, then for good and for the first reason. output_flush
 * writes out what is buffered before. */
int output_check(FILE *to);
int output_flush(FILE *to);
/* The picture of the services, or what is new in it; at the `end` both. For outputs that have words for services. */
int output_tell(const struct output *output, struct news *news, struct statistics *statistics, bool end);
/* NULL if there is none of that name. */
const struct output *output_named(const char *name);
/* The ledger in a line of text, for outputs whose own format has no room for it. */
void output_put_ledger(FILE *to, const struct ledger_record *record);
/* A program in a line of text. */
void output_put_program(FILE *to, const struct program_record *record);

#endif
