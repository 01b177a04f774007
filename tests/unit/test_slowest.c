/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The slowest connections: which ones are kept, and what is said of them. */
#include <criterion/criterion.h>
#include <string.h>

#include "../../user/service/slowest.h"
#include "random.h"

#define MS 1000000LL
#define S 1000000000LL

static struct record record_of(__u16 client, __u16 server, __s64 connect_ns)
{
	struct record record = { .start_ns = client, .ip_version = 4, .outcome = OUTCOME_ACCEPTED };

	record.client.port = client;
	record.server.port = server;
	record.handshake.present = true;
	record.handshake.connect_ns = connect_ns;
	return record;
}

static const struct slow_list *list_of(const struct slowest *slowest, __u16 port)
{
	const struct service_key key = { .port = port, .ip_version = 4 };

	return slowest_of(slowest, &key);
}

Test(slowest, the_ten_slowest_of_each_service_in_order)
{
	struct slowest slowest = {};
	struct random random = { 5 };
	const struct slow_list *list;
	__u32 order[1000];

	for (__u32 i = 0; i < 1000; i++)
		order[i] = i;
	for (__u32 i = 999; i; i--) {
		__u32 other = random_below(&random, i + 1), kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	for (__u32 i = 0; i < 1000; i++) {
		struct record record = record_of((__u16)order[i], (__u16)(80 + order[i] % 2), order[i] * MS);

		cr_assert_eq(slowest_add(&slowest, &record), 0);
		cr_assert_eq(slowest_add(&slowest, &record), 0); /* seen while open, then when it ended: once */
	}
	for (__u16 odd = 0; odd < 2; odd++) {
		list = list_of(&slowest, 80 + odd);
		cr_assert_eq(list->count, SLOWEST);
		for (__u32 i = 0; i < SLOWEST; i++)
			cr_expect_eq(list->slow[i].handshake.connect_ns, (998 + odd - 2 * i) * MS);
	}
	cr_expect_null(list_of(&slowest, 82));
	cr_expect(
		slowest_admits(&slowest, &list_of(&slowest, 80)->key, 980 * MS)); /* the tenth itself: it is renewed */
	cr_expect_not(slowest_admits(&slowest, &list_of(&slowest, 80)->key, 979 * MS));
	cr_expect(slowest_admits(&slowest, &(struct service_key){ .port = 82, .ip_version = 4 }, 0));
	slowest_close(&slowest);
}

Test(slowest, of_equals_the_earlier_come_first_in_whatever_order_they_came)
{
	for (__u32 step = 1; step < 20; step += 2) { /* each port once, in another order */
		struct slowest slowest = {};

		for (__u32 i = 0; i < 20; i++) {
			struct record record = record_of((__u16)(i * step % 20), 80, 5 * MS);

			cr_assert_eq(slowest_add(&slowest, &record), 0);
		}
		for (__u32 i = 0; i < SLOWEST && step % 5; i++)
			cr_expect_eq(list_of(&slowest, 80)->slow[i].port, i);
		slowest_close(&slowest);
	}
}

Test(slowest, what_never_connected_is_not_slow)
{
	struct slowest slowest = {};
	struct record record = record_of(1, 80, UNKNOWN);

	cr_assert_eq(slowest_add(&slowest, &record), 0);
	record.handshake.present = false;
	cr_assert_eq(slowest_add(&slowest, &record), 0);
	cr_expect_null(list_of(&slowest, 80));
}

static const struct {
	struct record_handshake handshake;
	const char *says;
} sentences[] = {
	{ { .connect_ns = 21 * MS,
	    .server_ns = 20 * MS,
	    .client_ns = MS,
	    .syns = 1,
	    .synacks = 1,
	    .answered_syn = 1,
	    .answered_by = ANSWERED_ONLY,
	    .attempts = 2,
	    .attempt = { { 0, false }, { 20 * MS, true } } },
	  "connect 21.0ms: server 20.0ms, client 1.00ms" },
	{ { .connect_ns = 3040 * MS,
	    .server_ns = 20 * MS,
	    .client_ns = 20 * MS,
	    .lost_ns = 3 * S,
	    .syns = 3,
	    .synacks = 1,
	    .answered_syn = 3,
	    .answered_by = ANSWERED_TIMESTAMP,
	    .attempts = 4,
	    .attempt = { { 0, false }, { S, false }, { 3 * S, false }, { 3020 * MS, true } } },
	  "connect 3.04s: 2 SYNs unanswered (1.00s, 2.00s), server 20.0ms, client 20.0ms, SYN 3 answered "
	  "(timestamp)" },
	{ { .connect_ns = 1020 * MS,
	    .server_ns = 1010 * MS,
	    .client_ns = 10 * MS,
	    .syns = 2,
	    .synacks = 2,
	    .answered_syn = 1,
	    .answered_by = ANSWERED_TIMESTAMP,
	    .attempts = 4,
	    .attempt = { { 0, false }, { S, false }, { 1010 * MS, true }, { 1011 * MS, true } } },
	  "connect 1.02s: server 1.01s, client 10.0ms, 2 SYN/ACKs, SYN 1 of 2 answered (timestamp)" },
	{ { .connect_ns = S,
	    .server_ns = UNKNOWN,
	    .client_ns = UNKNOWN,
	    .syns = 2,
	    .synacks = 1,
	    .answered_syn = 2,
	    .answered_by = ANSWERED_LAST,
	    .attempts = 2,
	    .attempt = { { 0, false }, { S, false } } },
	  "connect 1.00s: 1 SYN unanswered (1.00s), server -, client -, SYN 2 answered (assumed: the last)" },
	/* more SYNs than are kept */
	{ { .connect_ns = 100 * S,
	    .server_ns = MS,
	    .client_ns = MS,
	    .syns = 11,
	    .synacks = 1,
	    .answered_syn = 10,
	    .answered_by = ANSWERED_LAST,
	    .attempts = ATTEMPTS },
	  "connect 100s: 9 SYNs unanswered, server 1.00ms, client 1.00ms, SYN 10 of 11 answered (assumed: the last)" },
};

Test(slowest, sentences_are_made_of_what_was_recorded)
{
	char text[SENTENCE];

	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		slow_sentence(text, &sentences[i].handshake);
		cr_expect_str_eq(text, sentences[i].says);
	}
}
