/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow table against its naive twin under random traffic: births, finds, reused ports, who is evicted for whom,
 * sweeps, a ring without room. Nothing may be lost but what is counted as lost. */
#include <criterion/criterion.h>

#include "naive.h"
#include "plain_body.h"
#include "random.h"

enum { CLIENT, SERVER };

struct trial {
	struct table table;
	struct ledger ledger;
	struct naive naive;
	struct random random;
	__u64 now_ns, reports, interims, lost, summarised, evictions[3], away;
	__u32 isn, ports;
};

static struct segment trial_segment(__u16 port, int side, __u16 flags, __u32 seq, __u32 ack, __u64 now_ns)
{
	struct segment seg = {
		.now_ns = now_ns, .sequence = seq, .flags = flags, .ip_len = 40, .segments = 1, .ip_version = 4
	};

	seg.source_ip[1] = 0x0100000affff0000ULL + ((__u64)side << 56);
	seg.destination_ip[1] = 0x0100000affff0000ULL + ((__u64)!side << 56);
	seg.source_port = side == CLIENT ? port : 443;
	seg.destination_port = side == CLIENT ? 443 : port;
	seg.acknowledgment = flags & TCP_ACK ? ack : 0;
	seg.window = 1000;
	return seg;
}

static __u16 flow_port(const struct flow *flow, const struct facts *facts)
{
	const struct flow_key *key = flow_key_of(flow, facts);

	return key->port[0] == 443 ? key->port[1] : key->port[0];
}

/* A report is of a flow the twin has, with all its segments, for the reason the twin gives. */
static void trial_take_report(struct trial *trial, const struct report *report, int reason)
{
	int which = naive_find_begun(&trial->naive, flow_port(&report->flow, &report->facts), report->facts.start_ns);
	__u64 packets = 0;

	cr_assert_neq(which, NAIVE_NONE, "a report of a flow that there is not");
	for (int i = 0; i < 2; i++)
		packets += tally_get(&report->flow.tally[i], TALLY_PACKETS) + report->facts.half[i].packets;
	cr_assert_eq(packets, trial->naive.flow[which].packets, "%llu packets", packets);
	cr_assert_eq((int)report->reason, reason, "reason %u, wanted %d", report->reason, reason);
	if (reason == END_ACTIVE) {
		trial->naive.flow[which].interim_ns = trial->now_ns;
		trial->interims++;
		return;
	}
	naive_remove(&trial->naive, which);
	trial->reports++;
}

/* Whom must a newcomer with this place evict? NAIVE_NONE: nobody, there is room or none may go. */
static int trial_victim(const struct trial *trial, const struct place *place, bool unanswered, bool *full)
{
	int victim = NAIVE_NONE;

	*full = false;
	for (int i = 0; i < 2 * WAYS; i++) {
		__u32 bucket = place->bucket[i / WAYS];
		const struct flow *flow = &trial->table.flows[bucket].way[i % WAYS];
		const struct facts *facts = &trial->table.facts[bucket].way[i % WAYS];
		int which;

		if (!(trial->table.tags[bucket] >> (i % WAYS * 8) & 0xff))
			return NAIVE_NONE;
		which = naive_find_begun(&trial->naive, flow_port(flow, facts), flow_start_ns(flow, facts));
		cr_assert_neq(which, NAIVE_NONE);
		if (unanswered && naive_class(&trial->naive.flow[which]) == NAIVE_ANSWERED)
			continue;
		if (victim == NAIVE_NONE ||
		    naive_class(&trial->naive.flow[which]) < naive_class(&trial->naive.flow[victim]) ||
		    (naive_class(&trial->naive.flow[which]) == naive_class(&trial->naive.flow[victim]) &&
		     trial->naive.flow[which].last_ns < trial->naive.flow[victim].last_ns))
			victim = which;
	}
	*full = victim == NAIVE_NONE;
	return victim;
}

/* All that is in the sums of the one service that is asked for. */
static struct summary trial_summary(const struct trial *trial)
{
	struct summary sum = {};

	for (size_t i = 0; i < SUMMARIES; i++) {
		if (trial->table.summaries->key[i].ip_version == 0)
			continue;
		cr_assert_eq(trial->table.summaries->key[i].port, 443, "a client's port is summed");
		summary_add(&sum, &trial->table.summaries->sum[i]);
	}
	return sum;
}

/* The victim left as its class wants it: an unanswered SYN in a sum, any other in a report, or lost. */
static void trial_departure(struct trial *trial, const struct naive_flow *evicted, int victim,
			    const struct summary *before)
{
	struct summary after = trial_summary(trial);

	if (naive_is_summed(evicted)) {
		cr_assert_eq(after.flows, before->flows + 1, "not summed");
		cr_assert_eq(after.packets, before->packets + evicted->packets);
		cr_assert_eq(after.ip_bytes, before->ip_bytes + 40 * evicted->packets);
		cr_assert_geq(after.last_ns, evicted->last_ns);
		naive_remove(&trial->naive, victim);
		trial->summarised++;
		return;
	}
	cr_assert_eq(after.flows, before->flows, "summed, though no unanswered SYN");
	if (trial->table.room == 0) {
		naive_remove(&trial->naive, victim);
		trial->lost++;
		return;
	}
	cr_assert_eq(trial->table.reported, 1, "no report of the victim");
	cr_assert_eq(flow_port(&trial->table.reports[0].flow, &trial->table.reports[0].facts), evicted->port,
		     "another victim");
	trial_take_report(trial, &trial->table.reports[0],
			  naive_class(evicted) == NAIVE_OVER ? END_CLOSED : END_EVICTED);
}

/* Enters a segment that begins a flow. */
static void trial_birth(struct trial *trial, struct segment *seg, __u16 port)
{
	struct place place = table_place(&trial->table.shape, key_hash(seg, &trial->table.shape.seed).value);
	bool full, unanswered = (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	int victim = trial_victim(trial, &place, unanswered, &full), verdict;
	struct naive_flow evicted = {};
	struct summary before = trial_summary(trial);
	__u64 reports = trial->reports;

	if (victim != NAIVE_NONE)
		evicted = trial->naive.flow[victim];
	verdict = engine_enter(&trial->table, &trial->ledger, seg, LEDGER_IN_FLOWS);
	cr_assert_eq(verdict, full ? LEDGER_TABLE_FULL : LEDGER_IN_FLOWS, "verdict %d", verdict);
	if (victim != NAIVE_NONE) {
		trial->evictions[naive_class(&evicted)]++;
		trial_departure(trial, &evicted, victim, &before);
	}
	cr_assert_eq(trial->table.reported, trial->reports - reports, "a report of somebody else");
	trial->table.reported = 0;
	if (!full)
		naive_segment(&trial->naive.flow[naive_add(&trial->naive, port, trial->isn, seg->now_ns)],
			      seg->source_port == 443 ? SERVER : CLIENT, seg->flags, 1, seg->now_ns);
}

/* What a side may send now, given what it sent; its numbers are relative to the flow's ISN. */
static void trial_step(struct trial *trial, __u16 port)
{
	static const __u16 of_client[] = { TCP_SYN, TCP_SYN, TCP_SYN,		TCP_ACK, TCP_ACK,
					   TCP_ACK, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST };
	static const __u16 of_server[] = { TCP_SYN | TCP_ACK, TCP_SYN | TCP_ACK, TCP_ACK,
					   TCP_ACK,	      TCP_FIN | TCP_ACK, TCP_RST };
	int side = random_below(&trial->random, 3) == 0, which = naive_find(&trial->naive, port);
	__u16 flags = side == CLIENT ? of_client[random_below(&trial->random, sizeof(of_client) / sizeof(*of_client))]
				     : of_server[random_below(&trial->random, sizeof(of_server) / sizeof(*of_server))];
	struct naive_flow *flow = which == NAIVE_NONE ? NULL : &trial->naive.flow[which];
	bool based = flow && (flow->side[CLIENT].seen || flow->side[SERVER].synack || flow->side[SERVER].acked);
	bool reused = based && flags == TCP_SYN && random_below(&trial->random, 8) == 0;
	__u32 isn = flow && !reused ? flow->isn : (trial->isn += 100000);
	__u32 seq = (flags & TCP_SYN ? 0 : 1) + (flow && flow->side[side].fin && !(flags & (TCP_SYN | TCP_FIN)));
	__u32 ack = 1 + (flow && flow->side[!side].fin && flow->side[side].seen && !(flags & TCP_SYN));
	struct segment seg = trial_segment(port, side, flags, (side == CLIENT ? isn : 0x80000000) + seq,
					   (side == CLIENT ? 0x80000000 : isn) + ack, trial->now_ns);
	__u64 births = trial->ledger.births;

	if (reused)
		flow->retired = true;
	if (!flow || reused) {
		trial_birth(trial, &seg, port);
		return;
	}
	cr_assert_eq(engine_enter(&trial->table, &trial->ledger, &seg, LEDGER_IN_FLOWS), LEDGER_IN_FLOWS);
	cr_assert_eq(trial->ledger.births, births, "a flow that was there was begun again");
	naive_segment(flow, side, flags, ack, trial->now_ns);
}

static void trial_sweep(struct trial *trial, struct sweep_policy policy)
{
	size_t room = trial->table.room, due = 0, interims = 0;
	bool whole;

	for (int i = 0; i < trial->naive.count; i++)
		due += naive_due(&trial->naive.flow[i], &policy) >= 0;
	whole = plain_sweep(&trial->table, &policy);
	for (size_t i = 0; i < trial->table.reported; i++)
		interims += trial->table.reports[i].reason == END_ACTIVE;
	if (whole)
		cr_assert_eq(trial->table.reported, due, "%zu reports, due %zu", trial->table.reported, due);
	else
		cr_assert_eq(interims, room, "no room, though there was");
	for (size_t i = 0; i < trial->table.reported; i++) {
		const struct report *report = &trial->table.reports[i];
		int which = naive_find_begun(&trial->naive, flow_port(&report->flow, &report->facts),
					     report->facts.start_ns);

		cr_assert_neq(which, NAIVE_NONE);
		trial_take_report(trial, report, naive_due(&trial->naive.flow[which], &policy));
	}
	trial->table.reported = 0;
}

/* With and without a look at home, all that is there is found, and nothing else. */
static void trial_find(struct trial *trial, __u16 port)
{
	struct segment seg = trial_segment(port, CLIENT, TCP_ACK, 1, 1, trial->now_ns);
	struct key_hash hash = key_hash(&seg, &trial->table.shape.seed);
	__u32 strays = 0, too_many = STRAYS_MAX;
	struct slot slot = table_find_home(&trial->table, hash, &strays);

	cr_assert_eq(slot.flow != NULL, naive_find(&trial->naive, port) != NAIVE_NONE);
	cr_assert_eq(slot.flow, table_find(&trial->table, hash).flow);
	cr_assert_eq(slot.flow, table_find_home(&trial->table, hash, &too_many).flow);
	cr_assert_eq(too_many, STRAYS_MAX);
	trial->away += slot.flow && strays;
}

static void trial_check(struct trial *trial)
{
	for (int i = 0; i < 100; i++)
		trial_find(trial, (__u16)(1024 + random_below(&trial->random, trial->ports)));
	cr_assert_eq(plain_count(&trial->table), (__u32)trial->naive.count);
	cr_assert_eq(trial->ledger.births,
		     trial->reports + trial->summarised + trial->lost + plain_count(&trial->table), "births");
	cr_assert_eq(trial->ledger.summarised, trial->summarised);
	cr_assert_eq(trial->ledger.lost_records, trial->lost);
	cr_assert(plain_balances(&trial->ledger));
}

static void trial_run(__u64 seed, __u32 ports, int steps, __u64 active_ns)
{
	static struct trial trial;

	trial = (struct trial){ .random = { seed }, .now_ns = NS_PER_SEC, .ports = ports };
	plain_open(&trial.table, 1);
	for (int step = 0; step < steps; step++) {
		trial.now_ns += NS_PER_MS;
		trial.table.room = random_below(&trial.random, 10) ? PLAIN_REPORTS : random_below(&trial.random, 3);
		if (trial.table.room == 1 || trial.table.room == 2 || random_below(&trial.random, 500) == 0)
			trial_sweep(&trial, (struct sweep_policy){ .now_ns = trial.now_ns,
								   .linger_ns = 200 * NS_PER_MS,
								   .attempt_ns = NS_PER_SEC,
								   .idle_ns = 5 * NS_PER_SEC,
								   .active_ns = active_ns });
		trial_step(&trial, (__u16)(1024 + random_below(&trial.random, ports)));
		if (step % 64 == 0)
			trial_check(&trial);
	}
	trial.table.room = PLAIN_REPORTS;
	trial_check(&trial);
	trial_sweep(&trial, (struct sweep_policy){ .now_ns = trial.now_ns, .everything = 1 });
	trial_check(&trial);
	cr_assert_eq(plain_count(&trial.table), 0, "not all was reported at the end");
	cr_assert_eq(trial.interims > 0, active_ns > 0, "%llu interim reports", trial.interims);
	cr_expect_gt(trial.away, 0, "all were at home");
	if (ports > 1000)
		for (int class = NAIVE_OVER; class <= NAIVE_ANSWERED; class ++)
			cr_expect_gt(trial.evictions[class], 0, "class %d was never evicted", class);
	plain_close(&trial.table);
}

Test(table, against_the_naive_twin_with_room) { trial_run(1, 300, 40000, 0); }
Test(table, against_the_naive_twin_crowded) { trial_run(2, 600, 40000, 0); }
Test(table, against_the_naive_twin_overrun) { trial_run(3, 4000, 40000, 0); }
Test(table, against_the_naive_twin_with_interim_reports) { trial_run(4, 300, 40000, 700 * NS_PER_MS); }
Test(table, against_the_naive_twin_crowded_with_interim_reports) { trial_run(5, 600, 40000, 100 * NS_PER_MS); }
