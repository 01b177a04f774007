/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packets of one flow that the screen keeps: in the order of their times, the last so many, of no other flow. */
#include <criterion/criterion.h>

#include "../../user/screen/rungs.h"
#include "random.h"

static const struct flow_key key = { .port = { 80, 40000 }, .ip_version = 4 };

static void add(struct rungs *rungs, __u64 now_ns)
{
	struct rung rung = {
		.key = key, .start_ns = 5, .client = 1, .segment = { .now_ns = now_ns, .seq = (__u32)now_ns }
	};

	rungs_add(rungs, &rung);
}

Test(rungs, of_this_flow_only)
{
	struct rungs rungs = { 0 };
	struct rung other = { .key = key, .start_ns = 6 };

	rungs_add(&rungs, &other); /* of no flow yet */
	cr_assert_eq(rungs_begin(&rungs, &key, 5), 0);
	rungs_add(&rungs, &other); /* the key was used anew */
	other.start_ns = 5;
	other.key.port[1]++;
	rungs_add(&rungs, &other);
	cr_expect_eq(rungs.count, 0);
	add(&rungs, 100);
	cr_expect_eq(rungs.count, 1);
	cr_expect_eq(rungs.first_ns, 100);
	cr_expect_eq(rungs.client, 1);
	cr_assert_eq(rungs_begin(&rungs, &key, 7), 0);
	cr_expect_eq(rungs.count, 0);
	add(&rungs, 101); /* late, of the one before */
	cr_expect_eq(rungs.count, 0);
	rungs_close(&rungs);
}

/* Two CPUs, each in its order, whose rungs come mixed, up to 40 apart. */
Test(rungs, in_the_order_of_their_times)
{
	struct random random = { 3 };
	struct rungs rungs = { 0 };
	__u64 at[2] = { 1, 2 };

	cr_assert_eq(rungs_begin(&rungs, &key, 5), 0);
	for (int i = 0; i < 3 * RUNGS_KEPT; i++) {
		int cpu = (int)random_below(&random, 2);

		cpu = at[cpu] > at[!cpu] + 40 ? !cpu : cpu;
		add(&rungs, at[cpu]);
		at[cpu] += 2;
	}
	cr_expect_eq(rungs.count, 3 * RUNGS_KEPT);
	cr_expect_eq(rungs_first(&rungs), 2 * RUNGS_KEPT);
	for (__u64 i = rungs_first(&rungs) + 1; i < rungs.count; i++)
		cr_assert_lt(rungs_at(&rungs, i - 1)->now_ns, rungs_at(&rungs, i)->now_ns);
	cr_expect_eq(rungs_at(&rungs, rungs.count - 1)->now_ns, (at[0] > at[1] ? at[0] : at[1]) - 2);
	rungs_close(&rungs);
}

Test(rungs, one_older_than_all_that_are_kept)
{
	struct rungs rungs = { 0 };

	cr_assert_eq(rungs_begin(&rungs, &key, 5), 0);
	for (__u64 i = 0; i < RUNGS_KEPT; i++)
		add(&rungs, 1000 + i);
	add(&rungs, 1);
	cr_expect_eq(rungs_first(&rungs), 1);
	cr_expect_eq(rungs_at(&rungs, 1)->now_ns, 1);
	for (__u64 i = 2; i < rungs.count; i++)
		cr_assert_eq(rungs_at(&rungs, i)->now_ns, 999 + i);
	rungs_close(&rungs);
}
