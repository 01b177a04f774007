/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The naive twin of the flow table (naive.h). */
#include "naive.h"

#include <criterion/criterion.h>

#include "wire.h"

int naive_find(const struct naive *naive, __u16 port)
{
	for (int i = 0; i < naive->count; i++)
		if (naive->flow[i].port == port && !naive->flow[i].retired)
			return i;
	return NAIVE_NONE;
}

int naive_find_begun(const struct naive *naive, __u16 port, __u64 start_ns)
{
	for (int i = 0; i < naive->count; i++)
		if (naive->flow[i].port == port && naive->flow[i].start_ns == start_ns)
			return i;
	return NAIVE_NONE;
}

int naive_add(struct naive *naive, __u16 port, __u32 isn, __u64 start_ns)
{
	cr_assert_lt(naive->count, NAIVE_ROOM);
	naive->flow[naive->count] = (struct naive_flow){ .port = port, .isn = isn, .start_ns = start_ns };
	return naive->count++;
}

void naive_remove(struct naive *naive, int which) { naive->flow[which] = naive->flow[--naive->count]; }

void naive_segment(struct naive_flow *flow, int side, __u16 flags, __u32 ack, __u64 now_ns)
{
	struct naive_side *own = &flow->side[side];

	own->seen = true;
	if (flags & TCP_SYN) {
		if (flags & TCP_ACK)
			own->synack = true;
		else
			own->syn = true;
	} else if (flags & TCP_ACK) {
		own->acked = true;
	}
	if (flags & TCP_RST)
		own->rst = true;
	if (flags & TCP_FIN)
		own->fin = true;
	if (flags & TCP_ACK && ack >= 2 && flow->side[!side].fin)
		own->fin_acked = true;
	flow->last_ns = now_ns;
	flow->packets++;
}

static bool naive_is_over(const struct naive_flow *flow)
{
	return flow->side[0].rst || flow->side[1].rst || (flow->side[0].fin_acked && flow->side[1].fin_acked);
}

static bool naive_is_unanswered(const struct naive_flow *flow)
{
	for (int side = 0; side < 2; side++) {
		const struct naive_side *own = &flow->side[side];

		if (own->syn && !own->acked && !own->synack && !flow->side[!side].seen)
			return true;
	}
	return false;
}

enum naive_class naive_class(const struct naive_flow *flow)
{
	if (flow->retired || naive_is_over(flow))
		return NAIVE_OVER;
	return naive_is_unanswered(flow) ? NAIVE_UNANSWERED : NAIVE_ANSWERED;
}

bool naive_is_summed(const struct naive_flow *flow) { return naive_is_unanswered(flow) && !naive_is_over(flow); }

/* Has one of the instants start + n * active_ns passed since the last interim report, and has it sent since? */
static bool naive_is_due_interim(const struct naive_flow *flow, const struct sweep_policy *policy)
{
	__u64 next = flow->start_ns + policy->active_ns;

	if (!policy->active_ns || flow->last_ns < flow->interim_ns)
		return false;
	while (next <= flow->interim_ns)
		next += policy->active_ns;
	return next <= policy->now_ns;
}

int naive_due(const struct naive_flow *flow, const struct sweep_policy *policy)
{
	__u64 silent = policy->now_ns - flow->last_ns;
	bool complete = flow->side[0].acked && flow->side[1].acked;

	if (flow->retired)
		return END_CLOSED;
	if (policy->everything)
		return naive_is_over(flow) ? END_CLOSED : END_MONITOR;
	if (naive_is_over(flow))
		return silent >= policy->linger_ns ? END_CLOSED : -1;
	if (!complete && silent >= policy->attempt_ns)
		return END_IDLE;
	if (silent >= policy->idle_ns)
		return END_IDLE;
	return naive_is_due_interim(flow, policy) ? END_ACTIVE : -1;
}
