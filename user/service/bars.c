/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bars.h"

void bars_make(struct bars *bars, const struct histogram *histogram, __u32 rows)
{
	__u32 first = 0, last = HISTOGRAM_BUCKETS - 1, width;

	while (first < last && !histogram->bucket[first])
		first++;
	while (last > first && !histogram->bucket[last])
		last--;
	width = (last - first) / rows + 1;
	*bars = (struct bars){ .count = (last - first) / width + 1, .most = 1 };
	for (__u32 i = 0; i < bars->count; i++) {
		__u32 lower = first + i * width, upper = lower + width;

		bars->row[i].from_ns = histogram_lower(lower);
		bars->row[i].to_ns = histogram_lower(upper < HISTOGRAM_BUCKETS ? upper : HISTOGRAM_BUCKETS);
		for (__u32 j = lower; j < upper && j <= last; j++)
			bars->row[i].count += histogram->bucket[j];
		if (bars->row[i].count > bars->most)
			bars->most = bars->row[i].count;
	}
}
