/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A log-linear histogram of spans in ns: every octave has 32 buckets of equal width, so that whatever a bucket says is
 * within 1/64 (1.6 %) of each value in it; below 64 ns it is exact. Fixed size, mergeable, one addition a value.
 * Beyond 2^37 ns (137 s) all fall into the last bucket; the largest is kept exactly. All zeros: empty. */
#ifndef TCPSCOPE_HISTOGRAM_H
#define TCPSCOPE_HISTOGRAM_H

#include "types.h"

enum {
	HISTOGRAM_STEPS_LOG2 = 5, /* buckets of an octave */
	HISTOGRAM_LIMIT_LOG2 = 37,
	HISTOGRAM_STEPS = 1 << HISTOGRAM_STEPS_LOG2,
	HISTOGRAM_BUCKETS = (HISTOGRAM_LIMIT_LOG2 - HISTOGRAM_STEPS_LOG2 + 1) * HISTOGRAM_STEPS,
};

struct histogram {
	__u64 count;
	__u64 sum_ns;
	__u64 max_ns;
	__u64 bucket[HISTOGRAM_BUCKETS];
};

/* The bucket of a span: below HISTOGRAM_BUCKETS. */
INLINE __u32 histogram_bucket(__u64 ns);
/* The least span of a bucket; that of the next is where it ends. `bucket` up to HISTOGRAM_BUCKETS. */
INLINE __u64 histogram_lower(__u32 bucket);
INLINE void histogram_add(struct histogram *histogram, __u64 ns);
INLINE void histogram_merge(struct histogram *to, const struct histogram *from);
/* What was added to `before` to make `now`, as far as something was; its largest within 1.6 %, too. */
INLINE void histogram_since(struct histogram *since, const struct histogram *now, const struct histogram *before);
/* The value of rank ceil(count * ppm / 1,000,000), from 1 in ascending order, within 1.6 % if below 2^37; ppm
 * 1,000,000: the largest, exactly. 0 if there is none. `ppm`: 500,000 is the median. */
INLINE __u64 histogram_quantile(const struct histogram *histogram, __u32 ppm);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE __u32 histogram_bucket(__u64 ns)
{
	__u32 octave;

	if (ns >= 1ULL << HISTOGRAM_LIMIT_LOG2)
		return HISTOGRAM_BUCKETS - 1;
	if (ns < HISTOGRAM_STEPS)
		return (__u32)ns;
	octave = 63 - (__u32)__builtin_clzll(ns) - HISTOGRAM_STEPS_LOG2;
	return octave * HISTOGRAM_STEPS + (__u32)(ns >> octave);
}

INLINE __u64 histogram_lower(__u32 bucket)
{
	__u32 octave = bucket / HISTOGRAM_STEPS;

	if (octave < 2)
		return bucket;
	return (__u64)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << (octave - 1);
}

/* `bucket`: histogram_bucket(ns), which a caller with a lock finds out before. */
INLINE void histogram_add_at(struct histogram *histogram, __u32 bucket, __u64 ns)
{
	if (bucket >= HISTOGRAM_BUCKETS)
		return;
	opaque(bucket);
	histogram->count++;
	histogram->sum_ns += ns;
	histogram->max_ns = choose(mask_if(u64_less(histogram->max_ns, ns)), ns, histogram->max_ns);
	histogram->bucket[bucket]++;
}

INLINE void histogram_add(struct histogram *histogram, __u64 ns)
{
	histogram_add_at(histogram, histogram_bucket(ns), ns);
}

INLINE void histogram_merge(struct histogram *to, const struct histogram *from)
{
	to->count += from->count;
	to->sum_ns += from->sum_ns;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
	for (__u32 i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

INLINE void histogram_since(struct histogram *since, const struct histogram *now, const struct histogram *before)
{
	*since = (struct histogram){ .sum_ns = now->sum_ns > before->sum_ns ? now->sum_ns - before->sum_ns : 0 };
	for (__u32 i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (now->bucket[i] <= before->bucket[i])
			continue;
		since->bucket[i] = now->bucket[i] - before->bucket[i];
		since->count += since->bucket[i];
		since->max_ns = histogram_lower(i) + (histogram_lower(i + 1) - histogram_lower(i)) / 2;
	}
	if (since->bucket[HISTOGRAM_BUCKETS - 1] || since->max_ns > now->max_ns)
		since->max_ns = now->max_ns;
}

/* count * ppm / 1,000,000, rounded up, without overflow. */
INLINE __u64 histogram_rank(__u64 count, __u32 ppm)
{
	const __u64 whole = 1000000;
	__u64 rank = count / whole * ppm + (count % whole * ppm + whole - 1) / whole;

	return rank ? rank : 1;
}

INLINE __u64 histogram_quantile(const struct histogram *histogram, __u32 ppm)
{
	__u64 left = histogram_rank(histogram->count, ppm), middle;

	if (!histogram->count)
		return 0;
	if (left >= histogram->count)
		return histogram->max_ns;
	for (__u32 i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		if (left > histogram->bucket[i]) {
			left -= histogram->bucket[i];
			continue;
		}
		middle = histogram_lower(i) + (histogram_lower(i + 1) - histogram_lower(i)) / 2;
		return middle < histogram->max_ns ? middle : histogram->max_ns;
	}
	return histogram->max_ns; /* the last bucket has no width */
}

#endif
