/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records that wait for names: which do, for how long, and in which order they go out. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../user/live/hold.h"
#include "../../user/names/names.h"
#include "../../user/names/question.h"

enum { OUT_ROOM = 8 };

struct out {
	__u64 count;
	__u16 port[OUT_ROOM];
	int result;
};

struct fixture {
	int ends[2];
	struct names *names;
	struct out out;
	struct hold *hold;
};

static int put(void *context, const struct record *record)
{
	struct out *out = context;

	if (out->count < OUT_ROOM)
		out->port[out->count] = record->client.port;
	out->count++;
	return out->result;
}

static void begin(struct fixture *fixture)
{
	*fixture = (struct fixture){ .out.count = 0 };
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fixture->ends), 0);
	fixture->names = names_open(fixture->ends[0]);
	fixture->hold = hold_open(fixture->names, put, &fixture->out);
	cr_assert(fixture->names && fixture->hold);
}

static void end(struct fixture *fixture)
{
	hold_close(fixture->hold);
	names_close(fixture->names);
	close(fixture->ends[0]);
	close(fixture->ends[1]);
}

/* Between two addresses of their own, whose last octet is `host`. */
static int add(struct fixture *fixture, __u8 host, __u16 port, __u64 now_ms)
{
	struct record record = { .ip_version = 6, .client.port = port };

	record.client.ip[0] = host;
	record.server.ip[0] = host;
	record.server.ip[15] = 1;
	return hold_add(fixture->hold, &record, now_ms);
}

static void answer(struct fixture *fixture, int count)
{
	struct answer answer = { .length = 5, .name = "a.org" };
	struct question question;

	for (int i = 0; i < count; i++) {
		cr_assert_eq(recv(fixture->ends[1], &question, sizeof(question), MSG_DONTWAIT), sizeof(question));
		answer.number = question.number;
		send(fixture->ends[1], &answer, offsetof(struct answer, name) + answer.length, 0);
	}
	names_take(fixture->names);
}

Test(hold, waits_until_both_names_are_known)
{
	struct fixture fixture;

	begin(&fixture);
	add(&fixture, 1, 1000, 0);
	hold_tick(fixture.hold, 10);
	cr_expect_eq(fixture.out.count, 0);
	answer(&fixture, 1);
	hold_tick(fixture.hold, 20);
	cr_expect_eq(fixture.out.count, 0, "the client's alone");
	answer(&fixture, 1);
	hold_tick(fixture.hold, 30);
	cr_expect_eq(fixture.out.count, 1);
	add(&fixture, 1, 1001, 40);
	cr_expect_eq(fixture.out.count, 2, "both are known already");
	end(&fixture);
}

Test(hold, keeps_their_order_and_no_longer_than_it_may)
{
	struct fixture fixture;

	begin(&fixture);
	add(&fixture, 1, 1000, 0);
	answer(&fixture, 2);
	hold_tick(fixture.hold, 0);
	add(&fixture, 2, 1001, 100);
	add(&fixture, 1, 1002, 200); /* known, but behind one that waits */
	hold_tick(fixture.hold, 100 + HOLD_MS - 1);
	cr_expect_eq(fixture.out.count, 1);
	hold_tick(fixture.hold, 100 + HOLD_MS);
	cr_expect_eq(fixture.out.count, 3);
	cr_expect_eq(fixture.out.port[1], 1001);
	cr_expect_eq(fixture.out.port[2], 1002);
	end(&fixture);
}

Test(hold, has_room_for_so_many)
{
	struct fixture fixture;

	begin(&fixture);
	for (int i = 0; i < HOLD_ROOM + 3; i++)
		add(&fixture, 1, (__u16)i, 0);
	cr_expect_eq(fixture.out.count, 3);
	cr_expect_eq(fixture.out.port[2], 2);
	cr_expect_eq(hold_flush(fixture.hold), 0);
	cr_expect_eq(fixture.out.count, HOLD_ROOM + 3);
	end(&fixture);
}

Test(hold, tells_the_first_error)
{
	struct fixture fixture;

	begin(&fixture);
	fixture.out.result = -28;
	cr_expect_eq(add(&fixture, 1, 1, 0), 0);
	cr_expect_eq(hold_flush(fixture.hold), -28);
	fixture.out.result = 0;
	cr_expect_eq(add(&fixture, 1, 1, 0), -28);
	end(&fixture);
}
