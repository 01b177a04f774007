/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* sched_getcpu, sched_setaffinity */
#include "compare.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FLOWS_MAX = 65536, TOLD_MAX = 20 };

__attribute__((format(printf, 3, 4))) static void differ(struct twin *twin, const char *name, const char *format, ...)
{
	va_list values;

	if (twin->differences++ >= TOLD_MAX)
		return;
	printf("not ok twin: %s, %s - ", name, hook_names[twin->hook]);
	va_start(values, format);
	vprintf(format, values);
	va_end(values);
	putchar('\n');
}

static int twin_begin(struct twin *twin, const struct setting *setting, size_t frames)
{
	__u32 flows = setting->small ? 1 : frames < FLOWS_MAX ? (__u32)frames : FLOWS_MAX;
	const struct table_shape shape = kernel_shape(flows, twin->seed);
	static struct summaries sums;
	struct ledger ledger;
	int err;

	native_reshape(&twin->native, &shape);
	kernel_clear(&twin->kernel);
	twin->player.reports.count = 0;
	err = kernel_reshape(&twin->kernel, &shape);
	if (!err)
		err = player_link(&twin->player, setting->link, setting->draws);
	if (!err)
		err = kernel_take_summaries(&twin->kernel, &sums);
	return err ? err : kernel_take_ledger(&twin->kernel, twin->hook == HOOK_TC_EGRESS, &ledger);
}

static int twin_sweep(struct twin *twin, const struct sweep_policy *policy)
{
	native_sweep(&twin->native, policy);
	return player_sweep(&twin->player, policy, native_buckets(&twin->native));
}

/* How many handshakes are in the reports of flows that left, and so must be in the services. */
static __u64 handshakes(const struct reports *reports)
{
	struct service_sample sample;
	__u64 count = 0;

	for (size_t i = 0; i < reports->count; i++)
		if (reports->report[i].reason != END_ACTIVE)
			count += service_sample_of(&sample, &reports->report[i]);
	return count;
}

/* Returns the attempts in them. */
static __u64 compare_sets(struct twin *twin, const char *name, const char *whose, const struct service_set *kernel,
			  const struct service_set *native)
{
	__u64 attempts = 0;

	for (__u32 set = 0; set < SERVICE_SETS; set++) {
		if (!service_set_used(&native[set]) && !service_set_used(&kernel[set]))
			continue;
		if (memcmp(&kernel[set], &native[set], sizeof(*native)))
			differ(twin, name, "the services of set %u, of flows that were %s", set, whose);
		for (__u32 way = 0; way <= SERVICE_OTHER; way++)
			attempts += service_attempts(&native[set].way[way]);
	}
	return attempts;
}

static void compare_services(struct twin *twin, const char *name)
{
	__u64 expected = handshakes(&twin->native.reports) + twin->native.ledger.summarised, attempts;

	attempts = compare_sets(twin, name, "evicted", twin->kernel.services, native_services(&twin->native));
	attempts += compare_sets(twin, name, "handed over", twin->kernel.ended, twin->native.ended);
	if (attempts != expected)
		differ(twin, name, "%llu handshakes in the services, %llu in the reports and sums", attempts, expected);
	twin->handshakes += attempts;
}

/* Services lie where they came first, so both are sought by key. */
static bool summaries_same(struct summaries *kernel, struct summaries *native)
{
	bool same = !memcmp(kernel->rest, native->rest, sizeof(kernel->rest));

	for (size_t i = 0; i < SUMMARIES; i++) {
		if (kernel->key[i].ip_version)
			same &= !memcmp(&kernel->sum[i], summaries_at(native, &kernel->key[i]), sizeof(kernel->sum[i]));
		if (native->key[i].ip_version)
			same &= !memcmp(&native->sum[i], summaries_at(kernel, &native->key[i]), sizeof(native->sum[i]));
	}
	return same;
}

static int compare_summaries(struct twin *twin, const char *name)
{
	static struct summaries sums;
	int err = kernel_take_summaries(&twin->kernel, &sums);

	if (!err && !summaries_same(&sums, twin->native.summaries))
		differ(twin, name, "the sums of evicted SYNs");
	twin->summarised += twin->native.ledger.summarised;
	return err;
}

/* Every segment is in one counter, and every flow that was born has left by one way. */
static void check_balance(struct twin *twin, const char *name)
{
	const struct ledger *ledger = &twin->native.ledger;
	const struct reports *reports = &twin->native.reports;
	__u64 counted = 0, left = ledger->lost_records + ledger->summarised;

	for (int i = 0; i < LEDGER_COUNT; i++)
		counted += ledger->counter[i];
	for (size_t i = 0; i < reports->count; i++)
		left += reports->report[i].reason != END_ACTIVE;
	if (counted != ledger->seen)
		differ(twin, name, "%llu segments seen, %llu in the counters", ledger->seen, counted);
	if (left != ledger->births)
		differ(twin, name, "%llu flows born, %llu left", ledger->births, left);
}

static int twin_compare(struct twin *twin, const char *name)
{
	struct difference difference = {};
	struct ledger ledger;
	int err = kernel_take_ledger(&twin->kernel, twin->hook == HOOK_TC_EGRESS, &ledger);

	if (!err)
		err = compare_summaries(twin, name);
	if (err)
		return err;
	reports_same(&twin->player.reports, &twin->native.reports, bpf_object__btf(twin->kernel.object), &difference);
	ledgers_same(&ledger, &twin->native.ledger, &difference);
	if (*difference.text)
		differ(twin, name, "%s", difference.text);
	else if (native_used(&twin->native) ||
		 memcmp(twin->kernel.tags, native_tags(&twin->native), sizeof(__u64) * native_buckets(&twin->native)))
		differ(twin, name, "a slot is taken after the last sweep");
	compare_services(twin, name);
	check_balance(twin, name);
	twin->reports += twin->native.reports.count;
	twin->evicted += twin->native.ledger.evicted;
	return 0;
}

/* Test runs of tc programs refuse a frame whose EtherType says IP and which ends within the IP header (kernel 6.18). */
static bool refused(const struct twin *twin, const struct frame *frame)
{
	__u32 ethertype = (__u32)frame->bytes[12] << 8 | frame->bytes[13];
	__u32 header = ethertype == ETHERTYPE_IPV4   ? sizeof(struct ipv4_header)
		       : ethertype == ETHERTYPE_IPV6 ? sizeof(struct ipv6_header)
						     : 0;

	return twin->hook != HOOK_XDP && frame->len < FRAME_MIN + header;
}

static int twin_frame(struct twin *twin, const char *name, const struct setting *setting, const struct frame *original)
{
	struct frame frame = *original;
	bool passed;
	int err;

	if (refused(twin, &frame)) {
		twin->left_out++;
		return 0;
	}
	if (twin->hook != HOOK_XDP && frame.len > FRAME_LINEAR)
		frame.len = FRAME_LINEAR;
	if (setting->super) {
		frame.gso_size = 500;
		frame.gso_segs = 3;
	}
	err = player_frame(&twin->player, twin->hook, &frame, &passed);
	native_frame(&twin->native, setting->link, &frame);
	if (!err && !passed)
		differ(twin, name, "the verdict is not pass");
	twin->frames++;
	return err;
}

int twin_play(struct twin *twin, const char *name, const struct setting *setting, const struct frame *frames,
	      size_t count)
{
	struct sweep_policy policy = { .linger_ns = NS_PER_SEC,
				       .attempt_ns = 5 * NS_PER_SEC,
				       .idle_ns = 30 * NS_PER_SEC,
				       .active_ns = twin->plays++ % 2 ? 2 * NS_PER_SEC : 0 };
	int err = twin_begin(twin, setting, count);

	for (size_t i = 0; i < count && !err; i++) {
		err = twin_frame(twin, name, setting, &frames[i]);
		if (!err && setting->sweep_every && (i + 1) % setting->sweep_every == 0) {
			policy.now_ns = frames[i].now_ns;
			err = twin_sweep(twin, &policy);
		}
	}
	policy.everything = 1;
	if (!err)
		err = twin_sweep(twin, &policy);
	return err ? err : twin_compare(twin, name);
}

/* The seed decides which endpoint is first and where flows lie: another at every run. */
static int choose_seed(__u64 *seed)
{
	const char *given = getenv("TWIN_SEED");

	if (given)
		*seed = strtoull(given, NULL, 16);
	else if (getrandom(seed, sizeof(*seed), 0) != sizeof(*seed))
		return -errno;
	printf("# TWIN_SEED=%llx\n", *seed);
	return 0;
}

/* The kernel notes the CPU of each segment. */
static void stay_on_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		perror("cannot stay on one CPU");
}

int twin_open(struct twin *twin, const char *object, enum ladder_choice ladder)
{
	struct kernel_options options = {
		.object = object, .test_clock = true, .ladder = ladder, .alone = ladder == LADDER_PICKED
	};
	int err;

	*twin = (struct twin){};
	stay_on_one_cpu();
	err = choose_seed(&twin->seed);
	options.shape = kernel_shape(FLOWS_MAX, twin->seed);
	if (!err)
		err = kernel_open(&twin->kernel, &options);
	if (!err)
		err = player_open(&twin->player, &twin->kernel);
	if (!err)
		err = native_open(&twin->native, &options.shape);
	twin->native.cpu = (__u16)sched_getcpu();
	return err;
}

void twin_close(struct twin *twin)
{
	native_close(&twin->native);
	player_close(&twin->player);
	kernel_close(&twin->kernel);
}
