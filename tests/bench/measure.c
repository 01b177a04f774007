/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "measure.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clocks.h"
#include "order.h"
#include "wire.h"

enum {
	FRAME_MAX = 1600,
	/* A test run of an XDP program waits first, and others take the cache meanwhile: so each begins with packets
	 * that are not measured, where flows talk as many as there are flows. */
	WARM_UP_LEAST = 1 << 14,
	WARM_UP_MOST = 1 << 17,
	MEASURED = 3 << 14, /* packets of one test run behind them */
	LEG_RUNS = 4,	    /* of established flows, in a row */
	BIRTHS = 1 << 15,   /* at least so many a round, where flows are few */
	STEP = 16,
	FINISHED = 10000, /* flows: the list has room for them */
	CONNECTIONS = WARM_UP_LEAST + MEASURED,
};

int bench_open(struct bench *bench, const char *object, __u32 flows)
{
	struct bpf_map *lines;
	int err;

	bench->rewriters = bpf_object__open(object);
	lines = bench->rewriters ? bpf_object__find_map_by_name(bench->rewriters, "lines") : NULL;
	err = lines ? bpf_map__set_max_entries(lines, table_buckets(flows) * WAYS) : -errno;
	if (!err)
		err = bpf_object__load(bench->rewriters);
	if (err) {
		fprintf(stderr, "cannot load %s: %s\n", object, strerror(-err));
		return err;
	}
	bench->order = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_object__find_map_fd_by_name(bench->rewriters, ".bss"), 0);
	if (bench->order == MAP_FAILED) {
		bench->order = NULL;
		return -errno;
	}
	return 0;
}

void bench_close(struct bench *bench)
{
	if (bench->order)
		munmap((void *)bench->order, (size_t)sysconf(_SC_PAGESIZE));
	bpf_object__close(bench->rewriters);
	*bench = (struct bench){};
}

static int program_of(const struct bench *bench, enum hook hook, const char *what)
{
	char name[32];

	snprintf(name, sizeof(name), "%s_%s", hook == HOOK_XDP ? "xdp" : "tc", what);
	return bpf_program__fd(bpf_object__find_program_by_name(bench->rewriters, name));
}

/* What the frames of a leg have in common. */
struct leg {
	int rewriter, jump;
	__u32 flows, packets, warm_up; /* warm_up: packets at the beginning of each test run */
	__u64 index;
	__u8 flags;
	bool in_turn, to_server, ipv6;
	__u32 payload_len;
};

static __u32 ip_fill(__u8 *at, bool ipv6, __u32 len)
{
	struct ipv4_header *ip4 = (void *)at;
	struct ipv6_header *ip6 = (void *)at;

	if (ipv6) {
		*ip6 = (struct ipv6_header){ .version_class_label = from_be32(0x60000000),
					     .next_header = PROTO_TCP,
					     .hop_limit = 64,
					     .payload_length = from_be16(len) };
		ip6->source.word[0] = ip6->destination.word[0] = from_be32(0x20010db8);
		return sizeof(*ip6);
	}
	*ip4 = (struct ipv4_header){ .version_ihl = 0x45,
				     .fragment = from_be16(0x4000),
				     .ttl = 64,
				     .protocol = PROTO_TCP,
				     .total_length = from_be16(len + sizeof(*ip4)) };
	return sizeof(*ip4);
}

/* Returns the frame's length. */
static __u32 frame_fill(__u8 frame[FRAME_MAX], const struct leg *leg)
{
	static const __u8 syn_options[] = "\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\1\0\0\0\0\x01\x03\x03\x07";
	static const __u8 options[] = "\x01\x01\x08\x0a\0\0\0\1\0\0\0\1";
	__u32 options_len = leg->flags & TCP_SYN ? sizeof(syn_options) - 1 : sizeof(options) - 1;
	__u32 tcp_len = sizeof(struct tcp_header) + options_len, at;
	struct tcp_header *tcp;

	memset(frame, 0, FRAME_MAX);
	memcpy(frame, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
	memcpy(frame + 12, leg->ipv6 ? "\x86\xdd" : "\x08\0", 2);
	at = 14 + ip_fill(frame + 14, leg->ipv6, tcp_len + leg->payload_len);
	tcp = (void *)(frame + at);
	tcp->offset_ae = (__u8)(tcp_len / 4 << 4);
	tcp->flags = leg->flags;
	tcp->window = from_be16(502);
	memcpy(tcp + 1, leg->flags & TCP_SYN ? syn_options : options, options_len);
	return at + tcp_len + leg->payload_len;
}

/* Plays packets through `program`; writes ns per packet of each test run to `ns`, if given, and returns how many runs
 * that were, or -errno. */
static int leg_play(const struct bench *bench, const struct leg *leg, int program, double *ns)
{
	volatile struct order *order = bench->order;
	__u8 frame[FRAME_MAX];
	__u32 zero = 0, len = frame_fill(frame, leg), runs = 0;

	if (bpf_map_update_elem(leg->jump, &zero, &program, BPF_ANY))
		return -errno;
	for (__u32 at = 0, packets; at < leg->packets; at += packets) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = len);
		packets = leg->warm_up + MEASURED;
		if (packets > leg->packets - at)
			packets = leg->packets - at;
		run.repeat = (int)packets;
		order->index = leg->index + at;
		order->flows = leg->flows;
		order->in_turn = leg->in_turn;
		order->to_server = leg->to_server;
		order->step = leg->flags & TCP_SYN ? 0 : STEP;
		order->syn = !!(leg->flags & TCP_SYN);
		order->packets = packets;
		order->done = 0;
		order->warm_up = leg->warm_up;
		order->lines = bench->kernel->buckets * WAYS;
		if (bpf_prog_test_run_opts(leg->rewriter, &run))
			return -errno;
		if (order->done != packets)
			return -EIO;
		if (ns && packets > order->warm_up + 1)
			ns[runs++] = (double)(order->last_ns - order->first_ns) / (packets - 1 - order->warm_up);
	}
	return (int)runs;
}

/* Runs of a measurement, of both programs. */
struct sample {
	double *target, *empty;
	__u32 count, room;
};

static int by_value(const void *x, const void *y)
{
	double less = *(const double *)x - *(const double *)y;

	return less < 0 ? -1 : less > 0;
}

static double median(double *values, __u32 count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[(count - 1) / 2];
}

static int sample_open(struct sample *sample, __u32 room)
{
	sample->target = calloc(room, sizeof(double));
	sample->empty = calloc(room, sizeof(double));
	sample->count = 0;
	sample->room = room;
	return sample->target && sample->empty ? 0 : -ENOMEM;
}

static struct cost sample_close(struct sample *sample, __u32 percent)
{
	struct cost cost = { 0 };

	if (sample->count) {
		__u32 low = (sample->count - 1) * percent / 100;

		cost.median = median(sample->target, sample->count) - median(sample->empty, sample->count);
		cost.undisturbed = sample->target[low] - sample->empty[low]; /* in order now */
	}
	free(sample->target);
	free(sample->empty);
	return cost;
}

static int sample_leg(const struct bench *bench, const struct leg *leg, enum hook hook, int program,
		      struct sample *sample)
{
	int runs = leg_play(bench, leg, program, sample->target + sample->count);

	if (runs >= 0)
		runs = leg_play(bench, leg, program_of(bench, hook, "empty"), sample->empty + sample->count);
	if (runs < 0)
		return runs;
	sample->count += (__u32)runs;
	return 0;
}

static struct leg leg_of(const struct bench *bench, enum hook hook, __u32 flows, bool ipv6)
{
	const char *jump = hook == HOOK_XDP ? "xdp_jump" : "tc_jump";

	return (struct leg){ .rewriter = program_of(bench, hook, ipv6 ? "rewrite6" : "rewrite4"),
			     .jump = bpf_object__find_map_fd_by_name(bench->rewriters, jump),
			     .flows = flows,
			     .packets = flows,
			     .warm_up = WARM_UP_LEAST,
			     .ipv6 = ipv6,
			     .to_server = true };
}

/* SYNs that begin flows in slots that were used and left blank, of a table that is empty but for those that warmed up;
 * of one flow, SYNs that repeat its first. */
static int measure_births(const struct bench *bench, enum hook hook, __u32 flows, struct cost *cost)
{
	__u32 cycles = flows < BIRTHS ? (flows > 1 ? BIRTHS / flows : 1) : 1, rounds = bench->rounds / 4 + 1;
	struct leg leg = leg_of(bench, hook, flows > 1 ? WARM_UP_LEAST + flows : 1, false);
	struct sample sample;
	int err;

	leg.flags = TCP_SYN;
	leg.in_turn = true;
	if (flows == 1)
		leg.packets = WARM_UP_LEAST + BIRTHS;
	err = sample_open(&sample, (rounds * cycles + 1) * (leg.packets / (WARM_UP_LEAST + MEASURED) + 1));
	for (__u32 i = 0; i <= rounds * cycles && !err; i++) {
		kernel_clear(bench->kernel);
		err = sample_leg(bench, &leg, hook, bench->kernel->program[hook], &sample);
		if (i == 0)
			sample.count = 0; /* warms up */
	}
	*cost = sample_close(&sample, bench->percent);
	return err;
}

/* From the client's SYN to its last ACK. */
static const struct {
	__u8 flags;
	bool to_server;
} connection[CONNECTION_SEGMENTS] = { { TCP_SYN, true },	   { TCP_SYN | TCP_ACK, false }, { TCP_ACK, true },
				      { TCP_FIN | TCP_ACK, true }, { TCP_FIN | TCP_ACK, false }, { TCP_ACK, true } };

static int establish(const struct bench *bench, enum hook hook, __u32 flows, bool ipv6)
{
	struct leg leg = leg_of(bench, hook, flows, ipv6);
	int runs = 0;

	leg.in_turn = true;
	kernel_clear(bench->kernel);
	for (int i = 0; i < HANDSHAKE_SEGMENTS && runs >= 0; i++) {
		leg.flags = connection[i].flags;
		leg.to_server = connection[i].to_server;
		runs = leg_play(bench, &leg, bench->kernel->program[hook], NULL);
	}
	return runs < 0 ? runs : 0;
}

int bench_connection(const struct bench *bench, enum hook hook, struct cost costs[CONNECTION_SEGMENTS])
{
	struct leg leg = leg_of(bench, hook, CONNECTIONS, false);
	struct sample samples[CONNECTION_SEGMENTS];
	int err = 0;

	leg.in_turn = true;
	for (int i = 0; i < CONNECTION_SEGMENTS; i++)
		err |= sample_open(&samples[i], bench->rounds);
	for (__u32 round = 0; round < bench->rounds; round++) {
		kernel_clear(bench->kernel);
		for (int i = 0; i < CONNECTION_SEGMENTS && !err; i++) {
			leg.flags = connection[i].flags;
			leg.to_server = connection[i].to_server;
			err = sample_leg(bench, &leg, hook, bench->kernel->program[hook], &samples[i]);
		}
	}
	for (int i = 0; i < CONNECTION_SEGMENTS; i++)
		costs[i] = sample_close(&samples[i], bench->percent);
	return err;
}

/* Legs that are played by turns, each through its program. */
struct turn {
	struct leg leg;
	int program;
	struct cost *cost;
	struct sample sample;
};

/* Between data and its ACK a round of the bench goes by, seconds: of such round trips every second one would be carried
 * into the facts (rtt_carry), where it is one in hundreds in any network. */
static void forget_round_trips(const struct kernel *kernel)
{
	for (__u32 number = 0; number < kernel->buckets * WAYS; number++) {
		struct flow *flow = &kernel->flows[number / WAYS].way[number % WAYS];

		flow->tally[0].rtt_sum_ns = flow->tally[1].rtt_sum_ns = 0;
	}
}

static int measure_turns(const struct bench *bench, enum hook hook, struct turn *turns, __u32 count)
{
	int err = 0;

	for (__u32 j = 0; j < count; j++)
		err |= sample_open(&turns[j].sample, (bench->rounds + 1) * LEG_RUNS);
	for (__u32 i = 0; i <= bench->rounds; i++)
		for (__u32 j = 0; j < count && !err; j++) {
			forget_round_trips(bench->kernel);
			err = sample_leg(bench, &turns[j].leg, hook, turns[j].program, &turns[j].sample);
			turns[j].leg.index += turns[j].leg.packets;
			if (i == 0)
				turns[j].sample.count = 0; /* warms up */
		}
	for (__u32 j = 0; j < count; j++)
		*turns[j].cost = sample_close(&turns[j].sample, bench->percent);
	return err;
}

/* The first data of each flow has a letter in its history, and so has the first ACK of what was not seen: they are not
 * the fast path. */
static int talk(const struct bench *bench, const struct leg *leg, int program)
{
	struct leg first = *leg;
	int runs;

	first.in_turn = true;
	first.packets = first.flows;
	runs = leg_play(bench, &first, program, NULL);
	return runs < 0 ? runs : 0;
}

/* Data from the server, ACKs from the client. */
static int measure_established(const struct bench *bench, enum hook hook, __u32 flows, bool ipv6,
			       struct cost costs[TRAFFICS])
{
	struct leg data = leg_of(bench, hook, flows, ipv6), ack = data;
	const int program = bench->kernel->program[hook], line = program_of(bench, hook, "line");
	int err = establish(bench, hook, flows, ipv6);

	data.warm_up = ack.warm_up = flows < WARM_UP_LEAST  ? WARM_UP_LEAST
				     : flows > WARM_UP_MOST ? WARM_UP_MOST
							    : flows;
	data.packets = ack.packets = LEG_RUNS * (data.warm_up + MEASURED);
	data.flags = TCP_PSH | TCP_ACK;
	data.to_server = false;
	data.payload_len = 1448;
	ack.flags = TCP_ACK;
	if (!err)
		err = talk(bench, &data, program);
	if (!err)
		err = talk(bench, &ack, program);
	if (err)
		return err;
	data.index = ack.index = flows; /* sequence numbers beyond those */
	if (ipv6)
		return measure_turns(bench, hook, &(struct turn){ data, program, &costs[TRAFFIC_DATA6], {} }, 1);
	return measure_turns(bench, hook,
			     (struct turn[]){ { data, program, &costs[TRAFFIC_DATA], {} },
					      { ack, program, &costs[TRAFFIC_ACK], {} },
					      { ack, line, &costs[TRAFFIC_LINE], {} } },
			     3);
}

int bench_measure(struct bench *bench, enum hook hook, __u32 flows, struct cost costs[TRAFFICS])
{
	int err = measure_established(bench, hook, flows, false, costs);

	if (!err)
		err = measure_established(bench, hook, flows, true, costs);
	if (!err)
		err = measure_births(bench, hook, flows, &costs[TRAFFIC_SYN]);
	return err;
}

/* Lists what is due, of all buckets; adds its time to *ns. Returns 0 or -errno. */
static int list_all(const struct kernel *kernel, double *ns)
{
	__u64 begun = clock_ns(CLOCK_MONOTONIC);
	__u32 next = 0;
	int err = 0;

	while (!err && next < kernel->buckets) {
		next = sweep_list(kernel->call, kernel->tags, kernel->looks, next, kernel->buckets);
		err = kernel_sweep(kernel);
	}
	*ns += (double)(clock_ns(CLOCK_MONOTONIC) - begun);
	return err;
}

static int give_all_back(const struct kernel *kernel, double *ns)
{
	__u64 begun = clock_ns(CLOCK_MONOTONIC);
	int err = 0;

	while (!err && sweep_give_back(kernel->call))
		err = kernel_sweep(kernel);
	*ns += (double)(clock_ns(CLOCK_MONOTONIC) - begun);
	return err;
}

/* Returns how many there were. */
static __u32 take_all(const struct kernel *kernel, double *ns)
{
	struct handover *handover = &kernel->call->handover;
	static struct report report;
	__u64 begun = clock_ns(CLOCK_MONOTONIC);
	__u32 count = 0;

	for (; handover_take(handover, kernel->flows, kernel->facts, &report); count++)
		handover_taken(handover, kernel->flows, kernel->facts, kernel->ended, &report);
	*ns += (double)(clock_ns(CLOCK_MONOTONIC) - begun);
	return count;
}

/* Of a sweep. */
struct finished_ns {
	double kernel, user;
};

/* A sweep through the table: time in the kernel and in the reader. Returns how many flows ended, or -errno. */
static int sweep_all(const struct kernel *kernel, const struct sweep_policy *policy, struct finished_ns *sum)
{
	int count, err;

	*sum = (struct finished_ns){};
	kernel->call->policy = *policy;
	err = list_all(kernel, &sum->kernel);
	count = (int)take_all(kernel, &sum->user);
	if (!err)
		err = give_all_back(kernel, &sum->kernel);
	return err ? err : count;
}

static int sample_finished(const struct bench *bench, enum hook hook, struct sample *kernel, struct sample *user)
{
	const struct sweep_policy none = { .linger_ns = ~0ULL }, all = { .everything = 1 };
	struct finished_ns idle, busy;
	int err = establish(bench, hook, FINISHED, false);

	if (err)
		return err;
	if (sweep_all(bench->kernel, &none, &idle) != 0 || sweep_all(bench->kernel, &all, &busy) != FINISHED)
		return -EIO;
	kernel->empty[kernel->count] = idle.kernel / FINISHED;
	kernel->target[kernel->count++] = busy.kernel / FINISHED;
	user->empty[user->count] = idle.user / FINISHED;
	user->target[user->count++] = busy.user / FINISHED;
	return 0;
}

int bench_finished(const struct bench *bench, enum hook hook, struct finished *finished)
{
	__u32 rounds = bench->rounds * 4;
	struct sample kernel, user;
	int err = sample_open(&kernel, rounds) | sample_open(&user, rounds);

	for (__u32 i = 0; i < rounds && !err; i++)
		err = sample_finished(bench, hook, &kernel, &user);
	finished->kernel = sample_close(&kernel, bench->percent);
	finished->user = sample_close(&user, bench->percent);
	return err;
}
