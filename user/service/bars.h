/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A histogram in a few rows: of equal numbers of buckets, so of equal ratios, from the first to the last that is not
 * empty. Knows no paper. */
#ifndef TCPSCOPE_USER_BARS_H
#define TCPSCOPE_USER_BARS_H

#include "../../include/histogram.h"

enum { BARS_MAX = 64 };

struct bars {
	__u32 count;
	__u64 most; /* in a row; at least 1 */
	struct {
		__u64 from_ns, to_ns, count;
	} row[BARS_MAX];
};

/* In at most `rows` rows, from 1 to BARS_MAX. */
void bars_make(struct bars *bars, const struct histogram *histogram, __u32 rows);

#endif
