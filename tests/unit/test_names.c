/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --resolve: what is a name; what is asked, how much at once, and what is done with answers of any kind. The other end of
 * the socket is the test's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../user/names/names.h"
#include "../../user/names/question.h"

enum { MAPPED = 10, PORT = 80 };

static const struct {
	const char *text;
	bool good;
} texts[] = {
	{ "www.example.org", true },
	{ "_dmarc.example-1.ORG.", true },
	{ "x", true },
	{ "", false },
	{ "192.0.2.1", false }, /* an address, perhaps another's */
	{ "...", false },
	{ "a b", false },
	{ "a\033[2J", false },
	{ "a\n", false },
	{ "sch\xc3\xb6n.org", false },
	{ "a:80", false },
	{ "\\", false },
	{ "[::1]", false },
};

Test(names, tells_names_from_what_is_none)
{
	char longest[NAME_MAX_LENGTH + 1];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(names_is_name(texts[i].text, strlen(texts[i].text)), texts[i].good, "%s", texts[i].text);
	cr_expect_not(names_is_name("a\0b", 3));
	memset(longest, 'a', sizeof(longest));
	cr_expect(names_is_name(longest, NAME_MAX_LENGTH));
	cr_expect_not(names_is_name(longest, NAME_MAX_LENGTH + 1));
}

struct fixture {
	struct names *names;
	int other; /* end of the socket */
	int ours;
};

static struct fixture begin(void)
{
	struct fixture fixture;
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	fixture = (struct fixture){ names_open(ends[0]), ends[1], ends[0] };
	cr_assert_not_null(fixture.names);
	return fixture;
}

static void end(struct fixture *fixture)
{
	names_close(fixture->names);
	close(fixture->ours);
	if (fixture->other >= 0)
		close(fixture->other);
}

/* 10.A.B.C as a record has it. */
static void address(__u8 ip[16], unsigned int host)
{
	memset(ip, 0, 16);
	ip[MAPPED] = ip[MAPPED + 1] = 0xff;
	ip[12] = 10;
	ip[13] = (__u8)(host >> 16);
	ip[14] = (__u8)(host >> 8);
	ip[15] = (__u8)host;
}

static void ask(struct fixture *fixture, unsigned int host)
{
	__u8 ip[16];

	address(ip, host);
	names_ask(fixture->names, ip, 4);
}

/* The next question; false: there is none. */
static bool asked(struct fixture *fixture, struct question *question)
{
	return recv(fixture->other, question, sizeof(*question), MSG_DONTWAIT) == (ssize_t)sizeof(*question);
}

static int count_asked(struct fixture *fixture)
{
	struct question question;
	int count = 0;

	while (asked(fixture, &question))
		count++;
	return count;
}

static void reply(struct fixture *fixture, __u32 number, const char *name, size_t length)
{
	struct answer answer = { .number = number, .length = (__u32)length };

	memcpy(answer.name, name, length);
	cr_assert_gt(send(fixture->other, &answer, offsetof(struct answer, name) + length, 0), 0);
}

static void expect_shown(struct fixture *fixture, unsigned int host, const char *want)
{
	char text[NAMES_ENDPOINT];
	__u8 ip[16];

	address(ip, host);
	names_endpoint(fixture->names, text, ip, 4, PORT);
	cr_expect_str_eq(text, want);
}

Test(names, shows_the_address_until_the_answer_is_there)
{
	struct fixture fixture = begin();
	struct question question;

	expect_shown(&fixture, 1, "10.0.0.1:80");
	expect_shown(&fixture, 1, "10.0.0.1:80");
	cr_assert(asked(&fixture, &question));
	cr_expect_eq(question.ip[15], 1);
	cr_expect_eq(question.ip_version, 4);
	cr_expect_eq(count_asked(&fixture), 0, "asked for once");
	cr_expect_not(names_take(fixture.names));
	reply(&fixture, question.number, "a.example.org", 13);
	cr_expect(names_take(fixture.names));
	expect_shown(&fixture, 1, "a.example.org:80");
	reply(&fixture, question.number, "b.example.org", 13);
	cr_expect_not(names_take(fixture.names), "nobody asked");
	expect_shown(&fixture, 1, "a.example.org:80");
	end(&fixture);
}

Test(names, refuses_what_is_no_name_and_no_answer)
{
	struct fixture fixture = begin();
	struct question question;
	struct answer wrong = { .length = 200 };

	ask(&fixture, 1);
	cr_assert(asked(&fixture, &question));
	send(fixture.other, "x", 1, 0);
	wrong.number = question.number;
	send(fixture.other, &wrong, offsetof(struct answer, name) + 100, 0);
	reply(&fixture, NAMES_ROOM, "a.org", 5);
	reply(&fixture, ~0U, "a.org", 5);
	cr_expect_not(names_take(fixture.names));
	reply(&fixture, question.number, "\033[2J.org", 8);
	cr_expect_not(names_take(fixture.names));
	expect_shown(&fixture, 1, "10.0.0.1:80");
	cr_expect_eq(count_asked(&fixture), 0, "not asked for again");
	end(&fixture);
}

Test(names, asks_some_at_once_and_of_a_zone_fewer)
{
	struct fixture fixture = begin();
	struct question question;

	for (unsigned int host = 1; host <= 10; host++)
		ask(&fixture, host); /* 10.0.0.0/24 */
	cr_expect_eq(count_asked(&fixture), 4);
	for (unsigned int zone = 1; zone <= 20; zone++)
		ask(&fixture, zone << 8);
	cr_expect_eq(recv(fixture.other, &question, sizeof(question), MSG_DONTWAIT), sizeof(question));
	cr_expect_eq(question.ip[14], 1, "others do not wait for the first zone");
	cr_expect_eq(count_asked(&fixture), QUESTIONS_AT_ONCE - 5);
	reply(&fixture, question.number, "a.org", 5);
	names_take(fixture.names);
	cr_assert(asked(&fixture, &question), "an answer makes room");
	cr_expect_eq(question.ip[14], 13);
	end(&fixture);
}

Test(names, forgets_the_oldest)
{
	struct fixture fixture = begin();
	struct question question;

	for (unsigned int host = 0; host <= NAMES_ROOM; host++) {
		ask(&fixture, host);
		cr_assert(asked(&fixture, &question));
		reply(&fixture, question.number, "a.org", 5);
		cr_assert(names_take(fixture.names));
	}
	expect_shown(&fixture, 1, "a.org:80");
	expect_shown(&fixture, NAMES_ROOM, "a.org:80");
	expect_shown(&fixture, 0, "10.0.0.0:80");
	cr_assert(asked(&fixture, &question), "asked for again");
	end(&fixture);
}

Test(names, forgets_nothing_for_what_is_only_sought)
{
	struct fixture fixture = begin();
	char text[NAMES_ENDPOINT];
	struct question question;
	__u8 ip[16];

	for (unsigned int host = 0; host < NAMES_ROOM; host++) {
		address(ip, host);
		cr_expect_not(names_sought(fixture.names, text, ip, 4, PORT));
		cr_assert(asked(&fixture, &question), "there is room");
		reply(&fixture, question.number, "a.org", 5);
		cr_assert(names_take(fixture.names));
	}
	address(ip, NAMES_ROOM);
	cr_expect_not(names_sought(fixture.names, text, ip, 4, PORT));
	cr_expect_eq(count_asked(&fixture), 0);
	address(ip, 0);
	cr_expect(names_sought(fixture.names, text, ip, 4, PORT));
	cr_expect_str_eq(text, "a.org:80");
	end(&fixture);
}

Test(names, has_room_for_no_more_than_it_may_keep)
{
	struct fixture fixture = begin();
	__u8 ip[16];

	for (unsigned int host = 0; host < 2 * NAMES_ROOM; host++)
		ask(&fixture, host << 8);
	cr_expect_eq(count_asked(&fixture), QUESTIONS_AT_ONCE);
	address(ip, 0);
	cr_expect(names_awaited(fixture.names, ip, 4));
	address(ip, (2 * NAMES_ROOM - 1) << 8);
	cr_expect_not(names_awaited(fixture.names, ip, 4), "it is not asked for, so nobody waits for it");
	end(&fixture);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

Test(names, waits_for_answers_but_not_for_ever)
{
	struct fixture fixture = begin();
	double began = seconds_now(), waited;
	struct question question;

	ask(&fixture, 1);
	cr_assert(asked(&fixture, &question));
	reply(&fixture, question.number, "a.org", 5);
	names_wait(fixture.names);
	cr_expect_lt(seconds_now() - began, 1, "all answers were there");
	ask(&fixture, 2);
	names_wait(fixture.names);
	names_wait(fixture.names);
	waited = seconds_now() - began;
	cr_expect(waited > 1.9 && waited < 3, "%f s", waited);
	expect_shown(&fixture, 1, "a.org:80");
	expect_shown(&fixture, 2, "10.0.0.2:80");
	end(&fixture);
}

Test(names, goes_on_without_who_answers)
{
	struct fixture fixture = begin();
	double began = seconds_now();
	__u8 ip[16];

	ask(&fixture, 1);
	close(fixture.other);
	fixture.other = -1;
	cr_expect_not(names_take(fixture.names));
	cr_expect_eq(names_descriptor(fixture.names), -1);
	address(ip, 1);
	cr_expect_not(names_awaited(fixture.names, ip, 4));
	ask(&fixture, 2);
	names_wait(fixture.names);
	cr_expect_lt(seconds_now() - began, 1);
	expect_shown(&fixture, 2, "10.0.0.2:80");
	end(&fixture);
}

Test(names, without_names_there_are_addresses)
{
	struct fixture fixture = { .names = NULL };

	expect_shown(&fixture, 1, "10.0.0.1:80");
	names_wait(NULL);
	cr_expect_not(names_take(NULL));
	cr_expect_eq(names_descriptor(NULL), -1);
	names_close(NULL);
}
