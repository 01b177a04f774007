/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bench [-r ROUNDS] [-n FLOWS,...] [-k HOOK] [-p PERCENT] PROGRAMS.o REWRITERS.o: prints what the kernel programs cost
 * per packet. Figures hold for one machine and one hour: compare ratios within a run. */
#define _GNU_SOURCE /* sched_setaffinity */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

enum { FLOWS_DEFAULT = 131072, COUNTS_MAX = 8 };

struct settings {
	const char *programs, *rewriters;
	__u32 rounds, percent, counts, flows[COUNTS_MAX];
	const char *hook; /* NULL: all */
};

static const char usage[] = "usage: bench [-r ROUNDS] [-n FLOWS,...] [-k HOOK] [-p PERCENT] PROGRAMS.o REWRITERS.o\n"
			    "HOOK is one of xdp_ingress, tc_ingress, tc_egress; default: all\n";

static void parse_counts(struct settings *settings, char *list)
{
	settings->counts = 0;
	for (char *word = strtok(list, ","); word && settings->counts < COUNTS_MAX; word = strtok(NULL, ","))
		settings->flows[settings->counts++] = (__u32)strtoul(word, NULL, 10);
}

static int parse(struct settings *settings, int argc, char **argv)
{
	int option;

	*settings = (struct settings){ .rounds = 15, .percent = 3, .counts = 4, .flows = { 1, 1000, 100000, 1000000 } };
	while ((option = getopt(argc, argv, "r:n:k:p:")) != -1) {
		if (option == 'r')
			settings->rounds = (__u32)strtoul(optarg, NULL, 10);
		else if (option == 'p')
			settings->percent = (__u32)strtoul(optarg, NULL, 10);
		else if (option == 'n')
			parse_counts(settings, optarg);
		else if (option == 'k')
			settings->hook = optarg;
		else
			return -EINVAL;
	}
	if (argc - optind != 2 || !settings->rounds || settings->percent > 50)
		return -EINVAL;
	for (__u32 i = 0; i < settings->counts; i++)
		if (!settings->flows[i])
			return -EINVAL;
	settings->programs = argv[optind];
	settings->rewriters = argv[optind + 1];
	return 0;
}

static bool wants(const struct settings *settings, enum hook hook)
{
	return !settings->hook || !strcmp(settings->hook, hook_names[hook]);
}

static double mean(double x, double y) { return (x + y) / 2; }

/* The fast path's goal: the mean of ACK and data. */
static const char *goal(__u32 flows)
{
	switch (flows) {
	case 1000: return "   at most 28";
	case 100000: return "   at most 150";
	case 1000000: return "   at most 300";
	default: return "";
	}
}

static void print_costs(const char *name, __u32 flows, const struct cost costs[TRAFFICS])
{
	const struct cost *ack = &costs[TRAFFIC_ACK], *data = &costs[TRAFFIC_DATA], *syn = &costs[TRAFFIC_SYN],
			  *data6 = &costs[TRAFFIC_DATA6], *line = &costs[TRAFFIC_LINE];

	printf("%-12s %8u %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f%s\n", name, flows, ack->median, data->median,
	       mean(ack->median, data->median), line->median, data6->median, syn->median, goal(flows));
	printf("  undisturbed         %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f\n", ack->undisturbed, data->undisturbed,
	       mean(ack->undisturbed, data->undisturbed), line->undisturbed, data6->undisturbed, syn->undisturbed);
	fflush(stdout);
}

static int measure_finished(const struct bench *bench)
{
	struct finished finished;
	int err = bench_finished(bench, HOOK_TC_INGRESS, &finished);

	if (!err)
		printf("finished flow: sweep %.1f, undisturbed %.1f ns   at most 60\n"
		       "  its reader, who copies it and counts its service: %.1f, undisturbed %.1f ns\n",
		       finished.kernel.median, finished.kernel.undisturbed, finished.user.median,
		       finished.user.undisturbed);
	return err;
}

static int measure_connection(const struct bench *bench)
{
	static const char *const names[CONNECTION_SEGMENTS] = { "SYN", "SYN/ACK", "ACK", "FIN", "FIN", "ACK" };
	struct cost costs[CONNECTION_SEGMENTS];
	int err = bench_connection(bench, HOOK_TC_INGRESS, costs);

	if (err)
		return err;
	printf("short connection, out of cache (undisturbed):");
	for (int i = 0; i < CONNECTION_SEGMENTS; i++)
		printf("%s %s %.0f (%.0f)", i ? "," : "", names[i], costs[i].median, costs[i].undisturbed);
	printf(" ns\n");
	return 0;
}

static volatile bool waiting; /* keep_busy goes on */

/* Runs whenever the measurement waits. */
static void *keep_busy(void *unused)
{
	const struct sched_param none = {};

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		perror("cannot keep the CPU busy");
	else
		while (waiting)
			;
	return unused;
}

/* A test run of an XDP program begins with a wait for RCU, and a virtual CPU that is idle meanwhile lends its core,
 * with its caches, to others: so it is kept busy. */
static int measure_hook(struct bench *bench, enum hook hook, __u32 flows, struct cost costs[TRAFFICS])
{
	bool waits = hook == HOOK_XDP;
	pthread_t busy;
	int err;

	waiting = waits;
	if (waits && pthread_create(&busy, NULL, keep_busy, NULL))
		return -EAGAIN;
	err = bench_measure(bench, hook, flows, costs);
	waiting = false;
	if (waits)
		pthread_join(busy, NULL);
	return err;
}

/* All hooks with a table for `table_flows` flows, at those counts that need such a table. */
static int measure_table(const struct settings *settings, struct bench *bench, __u32 table_flows, bool figures)
{
	struct kernel kernel;
	const struct kernel_options options = {
		.object = settings->programs, .shape = kernel_shape(table_flows, 1), .alone = true, .figures = true
	};
	int err = kernel_open(&kernel, &options);

	bench->kernel = &kernel;
	for (int hook = 0; hook < HOOKS && !err; hook++) {
		if (kernel.program[hook] < 0 || !wants(settings, hook))
			continue;
		if (figures)
			printf("# %s: verifier: %u instructions, %u states\n", hook_names[hook],
			       kernel.figures[hook].instructions, kernel.figures[hook].states);
		for (__u32 i = 0; i < settings->counts && !err; i++) {
			__u32 flows = settings->flows[i], needs = flows > FLOWS_DEFAULT ? flows : FLOWS_DEFAULT;
			struct cost costs[TRAFFICS];

			if (needs != table_flows)
				continue;
			err = measure_hook(bench, hook, flows, costs);
			if (!err)
				print_costs(hook_names[hook], flows, costs);
		}
	}
	if (!err && figures)
		err = measure_finished(bench);
	if (!err && figures)
		err = measure_connection(bench);
	kernel_close(&kernel);
	return err;
}

static int measure_all(const struct settings *settings)
{
	struct bench bench = { .rounds = settings->rounds, .percent = settings->percent };
	__u32 last = 0, most = FLOWS_DEFAULT;
	int err;

	printf("# net ns per packet, medians; undisturbed: the lowest %u %% of the runs\n"
	       "# mean: of ack and data; each touches two cache lines of the table: what both sides write, its side's "
	       "tally\n"
	       "# line: for comparison, a program that counts each flow's packets in one line of memory\n"
	       "# data6: data over IPv6; at most 1.1 of data\n"
	       "# syn: births, in slots left blank: two lines of one page, tags; at most 300\n"
	       "#      of 1 flow: repeated SYNs\n"
	       "%-12s %8s %8s %8s %8s %8s %8s %8s\n",
	       settings->percent, "program", "flows", "ack", "data", "mean", "line", "data6", "syn");
	for (__u32 i = 0; i < settings->counts; i++)
		most = settings->flows[i] > most ? settings->flows[i] : most;
	err = bench_open(&bench, settings->rewriters, most);
	for (__u32 i = 0; i < settings->counts && !err; i++) {
		__u32 needs = settings->flows[i] > FLOWS_DEFAULT ? settings->flows[i] : FLOWS_DEFAULT;

		if (needs != last)
			err = measure_table(settings, &bench, needs, !last);
		last = needs;
	}
	bench_close(&bench);
	return err;
}

int main(int argc, char **argv)
{
	struct settings settings;
	cpu_set_t one;
	int err;

	if (parse(&settings, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		perror("cannot stay on one CPU");
	err = measure_all(&settings);
	if (err)
		fprintf(stderr, "bench: %s\n", strerror(-err));
	return err ? 1 : 0;
}
