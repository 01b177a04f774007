/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is new in a picture of the statistics since the one told before (--per-interval). Knows statistics only. */
#ifndef TCPSCOPE_USER_NEWS_H
#define TCPSCOPE_USER_NEWS_H

#include "statistics.h"

struct news {
	struct service_set *told; /* SERVICE_SETS: the picture before; NULL: not open */
	struct statistics fresh;  /* what is new; its slowest connected since */
};

/* From here on `statistics` also notes the slowest for the news. Returns 0 or -ENOMEM. */
int news_open(struct news *news, struct statistics *statistics);
/* Legal on one that is zeroed. `statistics` notes no more for it. */
void news_close(struct news *news, struct statistics *statistics);
static inline bool news_wanted(const struct news *news) { return news->told; }

/* What the picture has that the one before it had not: differences of counts, none below 0 (an attempt whose outcome
 * changed, as from unanswered to accepted, is in the news twice); what is pending is as of now. Quantiles and the
 * largest are those of the differences, within 1.6 %. A service of which nothing is new is not in it. Valid until
 * news_told. */
const struct statistics *news_of(struct news *news, const struct statistics *statistics);
/* The news were told: the next begin here. */
void news_told(struct news *news, struct statistics *statistics);

#endif
