/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Histograms in rows: nothing is left out, and the rows join. */
#include <criterion/criterion.h>

#include "../../user/service/bars.h"
#include "random.h"

static struct histogram histogram;
static struct bars bars;

static void check(__u32 rows)
{
	__u64 sum = 0, most = 1;

	bars_make(&bars, &histogram, rows);
	cr_assert(bars.count >= 1 && bars.count <= rows, "%u rows of %u", bars.count, rows);
	for (__u32 i = 0; i < bars.count; i++) {
		sum += bars.row[i].count;
		most = bars.row[i].count > most ? bars.row[i].count : most;
		cr_assert(bars.row[i].from_ns < bars.row[i].to_ns);
		if (i)
			cr_assert_eq(bars.row[i].from_ns, bars.row[i - 1].to_ns);
	}
	cr_assert_eq(sum, histogram.count);
	cr_assert_eq(bars.most, most);
}

Test(bars, hold_every_value_whatever_their_number)
{
	static const __u64 values[] = { 0, 1, 63, 64, 65, 1000000, 1ULL << 36, ~0ULL };
	struct random random = { 9 };

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		histogram = (struct histogram){};
		histogram_add(&histogram, values[i]);
		check(1);
		check(BARS_MAX);
	}
	for (int i = 0; i < 5000; i++)
		histogram_add(&histogram, random_next(&random) >> random_below(&random, 64));
	for (__u32 rows = 1; rows <= BARS_MAX; rows++)
		check(rows);
	cr_expect(bars.row[0].from_ns <= 1);
}
