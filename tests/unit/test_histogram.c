/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The histogram against the sorted values themselves. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "histogram.h"
#include "random.h"

enum { SAMPLES = 20000 };
static const __u32 quantiles[] = { 1, 1000, 10000, 250000, 500000, 900000, 990000, 999000, 999999, 1000000 };

static int compare(const void *one, const void *two)
{
	__u64 x = *(const __u64 *)one, y = *(const __u64 *)two;

	return x < y ? -1 : x > y;
}

/* Relative error at most 1 in 64, in integers. */
static bool near(__u64 got, __u64 want)
{
	__u64 error = got > want ? got - want : want - got;

	return error * 64 <= want;
}

static __u64 uniform(struct random *random) { return 1 + random_below(random, 5000000); }
static __u64 any_size(struct random *random) { return (random_next(random) | 1) >> (27 + random_below(random, 37)); }
static __u64 bimodal(struct random *random)
{
	return (random_below(random, 10) ? 200000 : 1000000000) + random_below(random, 1000);
}

static const struct {
	const char *name;
	__u64 (*draw)(struct random *random);
} distributions[] = { { "uniform", uniform }, { "every size", any_size }, { "bimodal", bimodal } };

Test(histogram, quantiles_are_those_of_the_sorted_values)
{
	static __u64 sorted[SAMPLES];
	static struct histogram histogram;
	struct random random = { 1 };
	__u64 sum;

	for (size_t d = 0; d < sizeof(distributions) / sizeof(*distributions); d++) {
		histogram = (struct histogram){};
		sum = 0;
		for (int i = 0; i < SAMPLES; i++) {
			sorted[i] = distributions[d].draw(&random);
			sum += sorted[i];
			histogram_add(&histogram, sorted[i]);
		}
		qsort(sorted, SAMPLES, sizeof(*sorted), compare);
		cr_expect_eq(histogram.count, SAMPLES);
		cr_expect_eq(histogram.sum_ns, sum);
		cr_expect_eq(histogram_quantile(&histogram, 1000000), sorted[SAMPLES - 1]);
		for (size_t q = 0; q < sizeof(quantiles) / sizeof(*quantiles); q++) {
			__u64 rank = ((__u64)SAMPLES * quantiles[q] + 999999) / 1000000;
			__u64 got = histogram_quantile(&histogram, quantiles[q]), want = sorted[rank ? rank - 1 : 0];

			cr_expect(near(got, want), "%s, quantile %u ppm: %llu, not %llu", distributions[d].name,
				  quantiles[q], got, want);
		}
	}
}

Test(histogram, every_bucket_begins_where_the_one_before_ends)
{
	for (__u32 bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
		__u64 lower = histogram_lower(bucket), upper = histogram_lower(bucket + 1);

		cr_assert_lt(lower, upper);
		cr_assert_eq(histogram_bucket(lower), bucket);
		cr_assert_eq(histogram_bucket(upper - 1), bucket);
		cr_assert_leq((upper - lower) * 32, lower > 32 ? lower : 32, "bucket %u is too wide", bucket);
	}
	cr_assert_eq(histogram_lower(HISTOGRAM_BUCKETS), 1ULL << HISTOGRAM_LIMIT_LOG2);
	cr_assert_eq(histogram_bucket(~0ULL), HISTOGRAM_BUCKETS - 1);
}

Test(histogram, two_merged_are_one_of_both)
{
	static struct histogram whole, parts[3];
	struct random random = { 2 };

	for (int i = 0; i < SAMPLES; i++) {
		__u64 ns = any_size(&random);

		histogram_add(&whole, ns);
		histogram_add(&parts[random_below(&random, 3)], ns);
	}
	histogram_merge(&parts[0], &parts[1]);
	histogram_merge(&parts[0], &parts[2]);
	cr_assert_arr_eq(&whole, &parts[0], sizeof(whole));
}

Test(histogram, an_empty_one_has_no_quantile_and_one_value_is_all_of_them)
{
	static struct histogram histogram;

	cr_assert_eq(histogram_quantile(&histogram, 500000), 0);
	histogram_add(&histogram, 0);
	cr_assert_eq(histogram_quantile(&histogram, 500000), 0);
	histogram = (struct histogram){};
	histogram_add(&histogram, 1ULL << 40);
	cr_assert_eq(histogram_quantile(&histogram, 0), 1ULL << 40);
	cr_assert_eq(histogram_quantile(&histogram, 1000000), 1ULL << 40);
}

Test(histogram, ranks_of_huge_counts_do_not_overflow)
{
	cr_assert_eq(histogram_rank(1ULL << 62, 500000), 1ULL << 61);
	cr_assert_eq(histogram_rank(1000001, 999999), 1000000);
}

Test(histogram, since_is_what_was_added)
{
	static struct histogram before, now, added, since;
	struct random random = { 3 };

	for (int i = 0; i < 1000; i++)
		histogram_add(&before, any_size(&random));
	now = before;
	histogram_since(&since, &now, &before);
	cr_expect_eq(since.count, 0);
	cr_expect_eq(histogram_quantile(&since, 500000), 0);
	for (int i = 0; i < 500; i++) {
		__u64 value = uniform(&random);

		histogram_add(&now, value);
		histogram_add(&added, value);
	}
	histogram_since(&since, &now, &before);
	cr_expect_eq(since.count, added.count);
	cr_expect_eq(since.sum_ns, added.sum_ns);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		cr_expect(near(histogram_quantile(&since, quantiles[i]), histogram_quantile(&added, quantiles[i])));
	histogram_since(&since, &before, &now); /* one that lost some: nothing was added, and nothing wraps */
	cr_expect_eq(since.count, 0);
}
