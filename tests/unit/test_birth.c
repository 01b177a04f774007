/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shorter ways of a SYN, through its options and into its flow, against the long ones. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "plain_body.h"
#include "random.h"
#include "record.h"

static struct segment random_syn(struct random *random)
{
	struct segment seg = {
		.source_ip = { 0, random_next(random) },
		.destination_ip = { 0, random_next(random) },
		.now_ns = 1 + random_next(random) / 2,
		.option_layout = random_next(random),
		.ip_word = (__u32)random_next(random),
		.sequence = random_below(random, 30) ? (__u32)random_next(random) : 0xffffffff,
		.source_port = (__u16)random_next(random),
		.destination_port = 443,
		.window = (__u16)random_below(random, 30) ? 64240 : 0,
		.flags = TCP_SYN,
		.segments = 1,
		.cpu = (__u8)random_below(random, 4),
		.ip_version = random_below(random, 2) ? 4 : 6,
		.ttl = (__u8)random_next(random),
		.options = (__u8)random_next(random) & ~OPTION_MPTCP,
		.window_scale = (__u8)random_below(random, 16),
		.mss = (__u16)random_next(random),
		.tsval = random_below(random, 30) ? (__u32)random_next(random) : 0,
		.ip_options = (__u16)(random_below(random, 10) ? 0 : random_below(random, 300)),
		.vlans = (__u8)random_below(random, 3),
		.vlan = { 7, 8 },
	};

	switch (random_below(random, 20)) { /* one oddity at a time; some make it no plain SYN */
	case 0: seg.acknowledgment = 1; break;
	case 1: seg.ip_ecn = 2; break;
	case 2: seg.tcp_reserved = 2; break;
	case 3: seg.urgent = 1; break;
	case 4: seg.tsecr = 1; break;
	case 5: seg.option_quirks = QUIRK_OPTIONS_BAD; break;
	case 6: seg.flags |= (__u16)(1 << random_below(random, 9)); break;
	case 7: seg.payload_len = seg.wire_payload_len = 1; break;
	case 8: seg.flags |= SEGMENT_CE; break;
	case 9: seg.sequence = 0; break;
	default: break;
	}
	seg.ip_len = 60 + seg.payload_len;
	return seg;
}

Test(birth, a_plain_syn_leaves_what_any_leaves)
{
	static struct report shorter, whole;
	const struct key_hash hash[2] = { { .value = 0x123456789a, .direction = 0 },
					  { .value = 0x23456789ab, .direction = 1 } };
	struct random random = { 1 };
	int plain = 0;

	for (int i = 0; i < 100000; i++) {
		struct segment seg = random_syn(&random);
		__u32 direction = random_below(&random, 2);

		if (!flow_is_plain_syn(&seg))
			continue;
		plain++;
		flow_begin(&shorter.flow, &shorter.facts, &seg, hash[direction]);
		flow_begin(&whole.flow, &whole.facts, &seg, hash[direction]);
		flow_begin_syn(&shorter.flow, &shorter.facts, &seg, direction);
		flow_update(&whole.flow, &whole.facts, &seg, direction);
		cr_assert_arr_eq(&shorter.flow, &whole.flow, sizeof(struct flow), "flows differ, SYN %d", i);
		cr_assert_arr_eq(&shorter.facts, &whole.facts, sizeof(struct facts), "facts differ, SYN %d", i);
	}
	cr_expect(plain > 50000 && plain < 95000, "%d of the SYNs were plain", plain);
}

/* In the table, where the facts are blank or not, or in a copy. */
Test(birth, an_embryo_grows_to_what_any_syn_begins)
{
	static struct report grown, whole;
	struct random random = { 2 };
	struct segment room;

	for (int i = 0; i < 30000; i++) {
		struct segment seg = random_syn(&random);
		const struct key_hash hash = { .value = 0x123456789a, .direction = random_below(&random, 2) };
		bool copy = random_below(&random, 2);

		if (!flow_is_plain_syn(&seg))
			continue;
		seg.now_ns = 1 + random_below(&random, 1000000);
		seg.ip_version = 4;
		memset(&whole, 0x55, sizeof(whole));
		flow_begin(&whole.flow, &whole.facts, &seg, hash);
		flow_begin_syn(&whole.flow, &whole.facts, &seg, hash.direction);
		memset(&grown, 0x33, sizeof(grown));
		if (random_below(&random, 2))
			handover_blank(&whole.flow, &grown.facts);
		embryo_begin(&grown.flow, &seg, hash);
		cr_assert(flow_is_embryo(&grown.flow));
		cr_assert(flow_is_unanswered(&grown.flow));
		cr_assert_eq(flow_last_ns(&grown.flow), seg.now_ns);
		cr_assert_eq(flow_start_ns(&grown.flow, &grown.facts), seg.now_ns);
		cr_assert(key_equal(flow_key_of(&grown.flow, &grown.facts), &whole.facts.key));
		if (copy)
			report_grow(&grown, &room);
		else
			embryo_grow(&grown.flow, &grown.facts, &room);
		cr_assert(!flow_is_embryo(&grown.flow));
		cr_assert_arr_eq(&grown.flow, &whole.flow, sizeof(struct flow), "flows differ, SYN %d", i);
		cr_assert_arr_eq(&grown.facts, &whole.facts, sizeof(struct facts), "facts differ, SYN %d", i);
	}
}

static struct segment syn_from(__u16 port)
{
	return (struct segment){ .now_ns = 1 + port,
				 .flags = TCP_SYN,
				 .segments = 1,
				 .ip_len = 40,
				 .window = 1,
				 .ip_version = 4,
				 .source_port = port };
}

static struct slot begun(struct table *table, struct ledger *ledger, __u16 port)
{
	struct segment seg = syn_from(port);

	engine_enter(table, ledger, &seg, LEDGER_IN_FLOWS);
	return table_find(table, key_hash(&seg, &table->shape.seed));
}

/* A segment of a flow under way may be late, and write to its slot when that is another's: an embryo has its key
 * there. */
Test(birth, who_evicts_a_grown_flow_begins_no_embryo)
{
	struct ledger ledger = {};
	struct segment seg;
	struct report report;
	struct table table;
	struct slot slot = {};
	__u16 port = 1;

	plain_open(&table, 1);
	while (!ledger.evicted)
		slot = begun(&table, &ledger, port++);
	cr_assert_not_null(slot.flow);
	cr_expect(flow_is_embryo(slot.flow), "that evicted an embryo");
	for (__u32 number = 0; number < table.shape.buckets * WAYS; number++)
		table_grow(&table, number);
	for (__u64 evicted = ledger.evicted; ledger.evicted == evicted;)
		slot = begun(&table, &ledger, port++);
	cr_assert_not_null(slot.flow);
	cr_expect(!flow_is_embryo(slot.flow));
	seg = syn_from(--port);
	cr_assert(plain_look(&table, &seg, &report));
	cr_expect_eq(report.facts.half[0].syns + report.facts.half[1].syns, 1);
	cr_expect(plain_balances(&ledger));
	plain_close(&table);
}

/* No SYN of super-packets is known, but the engine takes what it is given. */
Test(birth, a_syn_that_stands_for_three_is_three_packets_without_ack)
{
	static const struct record_context context = {};
	struct ledger ledger = {};
	struct report report;
	struct table table;

	plain_open(&table, 1);
	for (__u32 payload_len = 0; payload_len <= 3000; payload_len += 3000) {
		struct segment seg = syn_from((__u16)(1 + payload_len));
		struct record record;

		seg.segments = 3;
		seg.payload_len = payload_len;
		seg.ip_len += payload_len;
		engine_enter(&table, &ledger, &seg, LEDGER_IN_FLOWS);
		cr_assert(plain_look(&table, &seg, &report));
		record_make(&record, &report, &context);
		cr_expect_eq(record.client.packets + record.server.packets, 3, "%u octets", payload_len);
		cr_expect_eq(record.client.flags.ack + record.server.flags.ack, 0, "%u octets", payload_len);
	}
	plain_close(&table);
}

/* Who reads the table holds no lock. */
Test(birth, a_copy_is_not_whole_while_an_embryo_comes_or_goes)
{
	enum { EMBRYO, GROWS, GROWN, OTHER, KINDS };
	struct flow kind[KINDS] = { [EMBRYO] = { .hash = 1, .last_sender = SENDER_EMBRYO | 1 },
				    [GROWS] = { .hash = 1, .last_sender = SENDER_EMBRYO | SENDER_GROWS | 1 },
				    [GROWN] = { .hash = 1, .last_sender = 0 },
				    [OTHER] = { .hash = 2, .last_sender = SENDER_EMBRYO } };

	for (int before = 0; before < KINDS; before++)
		for (int copied = 0; copied < KINDS; copied++)
			for (int after = 0; after < KINDS; after++)
				cr_expect_eq(flow_copy_is_whole(&kind[copied], flow_kind(&kind[before]), &kind[after]),
					     before == copied && copied == after && copied != GROWS, "%d %d %d", before,
					     copied, after);
	kind[OTHER] = kind[GROWN];
	kind[OTHER].last_sender = 1;
	cr_expect(flow_copy_is_whole(&kind[GROWN], flow_kind(&kind[OTHER]), &kind[GROWN]), "the other side sent");
}

static struct flow contested;
static bool contest_is_over;

/* Embryos and flows that began otherwise, by turns in one slot; of an embryo every word tells the hash. */
static void *contest(void *unused)
{
	static struct facts facts;
	struct segment other = { .now_ns = 1, .segments = 1 };

	for (__u32 n = 2; !__atomic_load_n(&contest_is_over, __ATOMIC_RELAXED); n += 2) {
		struct segment seg = { .now_ns = n,
				       .option_layout = n,
				       .sequence = n,
				       .tsecr = n,
				       .window = (__u16)n,
				       .vlan = { 0, 0, 0, (__u16)n },
				       .mss = (__u16)n,
				       .segments = 1 };

		embryo_begin(&contested, &seg, (struct key_hash){ .value = n, .direction = n / 2 % 2 });
		written();			      /* or the compiler may leave out what is written over next */
		for (volatile int i = 0; i < 50; i++) /* for the reader's sake */
			;
		flow_begin(&contested, &facts, &other, (struct key_hash){ .value = n + 1 });
	}
	return unused;
}

static bool is_one_embryo(const struct flow *flow)
{
	const struct embryo *embryo = &flow->embryo;
	__u32 n = flow->hash;

	return embryo->sequence == n && embryo->tsecr == n && embryo->window == (__u16)n &&
	       embryo->vlan[3] == (__u16)n && embryo->mss == (__u16)n && embryo->time_ns == n &&
	       embryo->option_layout == n;
}

Test(birth, a_whole_copy_is_of_one_flow)
{
	time_t end = time(NULL) + 3;
	unsigned long embryos = 0, torn = 0;
	pthread_t writer;

	cr_assert_eq(pthread_create(&writer, NULL, contest, NULL), 0);
	while (time(NULL) < end) {
		__u64 before = flow_kind(&contested);
		struct flow copy;

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		memcpy(&copy, &contested, sizeof(copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!copy.hash || !flow_is_embryo(&copy) || !flow_copy_is_whole(&copy, before, &contested))
			continue;
		embryos++;
		torn += !is_one_embryo(&copy);
	}
	__atomic_store_n(&contest_is_over, true, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	cr_expect(embryos > 0);
	cr_expect_eq(torn, 0, "%lu of %lu", torn, embryos);
}

/* As where two CPUs have a SYN each, of one key and with other ISNs: both looked for the flow before there was one. */
Test(birth, a_syn_that_lost_the_race_begins_a_flow_of_its_own)
{
	struct random random = { 3 };
	struct segment first = random_syn(&random), second;
	struct ledger ledger = {};
	struct table table;
	struct slot slot;

	while (!flow_is_plain_syn(&first))
		first = random_syn(&random);
	first.sequence = 1000;
	second = first;
	second.sequence = 2000;
	plain_open(&table, 1);
	engine_enter(&table, &ledger, &first, LEDGER_IN_FLOWS);
	second.key_hash = first.key_hash;
	second.direction = first.direction;
	cr_expect_eq(engine_number(&table, &ledger, &second, SLOT_NONE), ENTERED);
	cr_expect_eq(ledger.births, 2, "%llu", ledger.births);
	slot = table_find(&table, engine_hash(&second));
	cr_assert_not_null(slot.flow);
	cr_assert(flow_is_embryo(slot.flow));
	cr_expect_eq(slot.flow->embryo.sequence, 2000);
	/* Both saw the older one: it is retired twice. */
	table_retire(&table, slot, (struct key_hash){ .value = second.key_hash });
	table_retire(&table, slot, (struct key_hash){ .value = second.key_hash, .direction = 1 });
	cr_expect_null(table_find(&table, engine_hash(&second)).flow);
	plain_close(&table);
}

static int free_count(__u64 tags)
{
	int count = 0;

	for (int way = 0; way < WAYS; way++)
		count += !(tags >> way * 8 & 0xff);
	return count;
}

enum { RIVALS = 2, RIVAL_ROUNDS = 300000 };

static __u64 rival_tags[2];
static int rival_taken[2 * WAYS]; /* how often, of each way */
static int rivals_arrived;

/* Waits for the others without sleep: they are to go on at one instant. */
static void rivals_meet(int meeting)
{
	__atomic_add_fetch(&rivals_arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&rivals_arrived, __ATOMIC_SEQ_CST) < meeting * RIVALS)
		sched_yield();
}

/* Takes ways of two buckets until there is none, then waits until they are free again. */
static void *rival(void *leads)
{
	__u64 *const tags[2] = { &rival_tags[0], &rival_tags[1] };

	for (int round = 0; round < RIVAL_ROUNDS; round++) {
		const struct place place = { .tag = 9, .way = (__u8)(round % WAYS) };

		rivals_meet(2 * round + 1);
		while (table_free_way(once(*tags[0]), once(*tags[1]), 0) < 2 * WAYS) {
			__u32 way = table_claim(tags, once(*tags[0]), once(*tags[1]), &place);

			if (way < 2 * WAYS)
				__atomic_add_fetch(&rival_taken[way], 1, __ATOMIC_RELAXED);
		}
		rivals_meet(2 * round + 2);
		if (leads)
			rival_tags[0] = rival_tags[1] = 0;
	}
	return NULL;
}

/* CPUs that take ways of the same buckets at once. */
Test(birth, no_way_is_taken_twice)
{
	pthread_t other;

	cr_assert_eq(pthread_create(&other, NULL, rival, NULL), 0);
	rival(&other);
	pthread_join(other, NULL);
	for (int way = 0; way < 2 * WAYS; way++)
		cr_expect_eq(rival_taken[way], RIVAL_ROUNDS, "way %d: %d times in %d rounds", way, rival_taken[way],
			     RIVAL_ROUNDS);
}

/* Its tag is there, and no flow yet: nobody evicts it, hands it over or looks at it. */
Test(birth, a_slot_just_taken_is_nobody_elses)
{
	const struct flow flow = { .standing = SLOT_FREE };
	__u64 tags = 0;

	cr_assert(tags_claim(&tags, 0, 3, 7));
	cr_expect_eq(tags, 7ULL << 24);
	cr_expect_not(tags_claim(&tags, 0, 3, 8), "it was taken since it was seen");
	cr_expect_eq(tags, 7ULL << 24);
	cr_expect_eq(table_victim_rank(&flow), ~0ULL);
	cr_expect_not(handover_is_open(tags, &flow, 3));
}

enum { PUBLISHED = 20000000, PUBLISHED_HASH = 0x12345678 };

static struct flow published;
static bool published_enough;

static void *publisher(void *unused)
{
	for (int i = 0; i < PUBLISHED; i++) {
		*(volatile __u64 *)&published.embryo.common = 0;
		flow_publish(&published, PUBLISHED_HASH, SENDER_EMBRYO | 1);
	}
	__atomic_store_n(&published_enough, true, __ATOMIC_RELEASE);
	return unused;
}

/* Who sees that a flow is open may evict it and begin another there at once: nothing of the first may come after. */
Test(birth, a_flow_is_open_in_one_store)
{
	pthread_t other;
	int half = 0;

	cr_assert_eq(pthread_create(&other, NULL, publisher, NULL), 0);
	while (!__atomic_load_n(&published_enough, __ATOMIC_ACQUIRE)) {
		const union flow_common seen = { .word = once(published.embryo.common) };

		half += seen.word && (seen.standing != SLOT_OPEN || seen.hash != PUBLISHED_HASH ||
				      seen.last_sender != (SENDER_EMBRYO | 1));
	}
	pthread_join(other, NULL);
	cr_expect_eq(half, 0, "seen half published: %d", half);
	cr_expect(flow_is_open(&published) && flow_is_embryo(&published));
}

/* A slot in which another flow began since it was looked for. */
static struct slot slot_of_another(struct table *table, struct ledger *ledger, struct segment *another)
{
	struct random random = { 6 };
	struct slot slot;

	do
		*another = random_syn(&random);
	while (!flow_is_plain_syn(another));
	plain_open(table, 1);
	engine_enter(table, ledger, another, LEDGER_IN_FLOWS);
	slot = table_find(table, engine_hash(another));
	table_grow(table, slot.number);
	return slot;
}

Test(birth, who_comes_late_retires_nobody_else)
{
	struct ledger ledger = { 0 };
	struct segment another;
	struct table table;
	struct slot slot = slot_of_another(&table, &ledger, &another);

	table_retire(&table, slot, (struct key_hash){ .value = another.key_hash + 1 });
	cr_expect_not(flow_is_retired(slot.flow));
	cr_expect_eq(table_find(&table, engine_hash(&another)).flow, slot.flow);
	plain_close(&table);
}

Test(birth, what_comes_late_enters_nobody_else)
{
	static struct flow before;
	struct ledger ledger = { 0 };
	struct segment another, late;
	struct table table;
	struct slot slot = slot_of_another(&table, &ledger, &another);

	before = *slot.flow;
	late = another;
	late.flags = TCP_RST;
	late.key_hash = another.key_hash + 1;
	cr_expect_eq(engine_special(&table, &late, slot.number), LEDGER_TABLE_FULL);
	cr_expect_arr_eq(slot.flow, &before, sizeof(before));
	/* Its facts are what a late writer left, unless he says that they are used. */
	table_flow_facts(&table, slot.number)->used = 0;
	facts_written(slot.flow, table_flow_facts(&table, slot.number), late.key_hash);
	cr_expect_eq(table_flow_facts(&table, slot.number)->used, 1);
	plain_close(&table);
}

/* By every rule, as options_parse does without the shorter way. */
static struct segment options_whole(const __u8 *data, __u32 captured, __u32 len)
{
	struct segment seg = { .flags = TCP_SYN };
	struct options_copy copy = {};

	options_copy(&copy, data, data + captured, len);
	options_walk(&seg, &copy, 0);
	options_layout(&seg, &copy, 0);
	return seg;
}

Test(birth, the_usual_options_are_read_as_any)
{
	static const struct {
		__u32 len;
		__u8 octet[20];
	} usual[] = {
		{ 12, { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 } },
		{ 12, { 2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2 } },
		{ 20, { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0x81, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7 } },
	};
	struct random random = { 2 };
	int taken = 0;

	for (int i = 0; i < 100000; i++) {
		__u32 which = random_below(&random, 3), len = usual[which].len;
		__u32 captured = random_below(&random, 5) ? len : random_below(&random, len / 4) * 4;
		struct segment shorter = { .flags = TCP_SYN }, whole;
		__u8 octet[20];

		memcpy(octet, usual[which].octet, sizeof(octet));
		if (random_below(&random, 4))
			octet[random_below(&random, len)] = (__u8)random_next(&random);
		if (!options_usual(&shorter, octet, octet + captured, len))
			continue;
		taken++;
		whole = options_whole(octet, captured, len);
		cr_assert_arr_eq(&shorter, &whole, sizeof(whole), "options %d of kind %u differ", i, which);
	}
	cr_expect(taken > 30000 && taken < 90000, "%d were read the shorter way", taken);
}

/* The first free way of a bucket at or after `home`, round; WAYS: there is none. */
static __u32 free_from(__u64 tags, __u32 home)
{
	for (__u32 i = 0; i < WAYS; i++)
		if (!(tags >> (home + i) % WAYS * 8 & 0xff))
			return (home + i) % WAYS;
	return WAYS;
}

/* Any pattern of taken ways in both buckets. */
Test(birth, takes_a_free_way_near_home)
{
	for (__u32 taken = 0; taken < 1 << 2 * WAYS; taken++) {
		__u64 tags[2] = { 0, 0 };
		__u32 home = taken % 7 + taken % 2, want;

		for (int way = 0; way < 2 * WAYS; way++)
			tags[way / WAYS] |= (__u64)(taken >> way & 1 ? 1 + taken % 255 : 0) << way % WAYS * 8;
		if (free_count(tags[0]) > 1 || free_count(tags[0]) >= free_count(tags[1]))
			want = free_from(tags[0], home);
		else
			want = WAYS + free_from(tags[1], home);
		if (!free_count(tags[0]) && !free_count(tags[1]))
			want = 2 * WAYS;
		cr_assert_eq(table_free_way(tags[0], tags[1], home), want, "%x, home %u", taken, home);
	}
}
