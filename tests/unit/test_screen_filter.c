/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is typed into the screen's filter: which language it is, and what it matches. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "../../user/screen/screen_filter.h"

static const struct {
	const char *text;
	enum filter_kind language;
} languages[] = {
	{ "port 443", FILTER_TCPDUMP },
	{ "tcp port 443 and host 192.0.2.1", FILTER_TCPDUMP },
	{ "host 2001:db8::1", FILTER_TCPDUMP },
	{ "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", FILTER_TCPDUMP },
	{ "not (src net 10.0.0.0/8 or dst portrange 1-1023)", FILTER_TCPDUMP },
	{ "PORT 443", FILTER_TCPDUMP },
	{ "port https", FILTER_TCPDUMP },
	{ "host example", FILTER_PLAIN }, /* would ask a name server */
	{ "443", FILTER_PLAIN },	  /* pcap would take it for an address */
	{ "192.0.2.1", FILTER_PLAIN },
	{ "established", FILTER_PLAIN },
	{ "refused 8080", FILTER_PLAIN },
	{ "net", FILTER_TCPDUMP },
	{ "network", FILTER_PLAIN },
	{ "", FILTER_PLAIN },
	{ "po", FILTER_NOTHING }, /* of port */
	{ "port 443 o", FILTER_NOTHING },
	{ "host ne", FILTER_NOTHING },
	{ "po ", FILTER_PLAIN },
	{ "   ", FILTER_PLAIN },
	{ "()\\\"'", FILTER_PLAIN },
	{ "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij", FILTER_PLAIN },
};

Test(screen_filter, tells_expressions_from_text)
{
	for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
		cr_expect_eq(screen_filter_language(languages[i].text), languages[i].language, "'%s'",
			     languages[i].text);
}

static struct record flow(void)
{
	struct record record = {
		.ip_version = 4, .state = STATE_ESTABLISHED, .outcome = OUTCOME_ACCEPTED, .interface = "veth\033[2J0"
	};

	memcpy(record.client.ip, (__u8[]){ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1 }, 16);
	memcpy(record.server.ip, (__u8[]){ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 2 }, 16);
	record.client.port = 40000;
	record.server.port = 443;
	record.client.flags.syn = 1;
	return record;
}

static bool matches(const char *base, const char *text)
{
	struct record record = flow();
	struct screen_filter filter;
	bool matched;

	cr_assert_eq(screen_filter_open(&filter, base), 0);
	snprintf(filter.text, sizeof(filter.text), "%s", text);
	screen_filter_renew(&filter);
	matched = screen_filter_match(&filter, &record);
	screen_filter_close(&filter);
	return matched;
}

Test(screen_filter, matches)
{
	cr_expect(matches(NULL, ""));
	cr_expect(matches(NULL, "port 443"));
	cr_expect_not(matches(NULL, "port 444"));
	cr_expect(matches(NULL, "192.0.2.2:443"));
	cr_expect(matches(NULL, "ESTAB 40000"));
	cr_expect(matches(NULL, "accepted veth"));
	cr_expect_not(matches(NULL, "established refused"));
	cr_expect(matches("port 443", "192.0.2.1"));
	cr_expect_not(matches("port 444", ""));
	cr_expect_not(matches("port 444", "port 443"));
}

Test(screen_filter, what_is_not_complete_leaves_the_last_in_force)
{
	static const char *const typed[] = { "port 444", "port 444 a", "port 444 and", "port 444 and (" };
	struct record record = flow();
	struct screen_filter filter;

	cr_assert_eq(screen_filter_open(&filter, NULL), 0);
	filter.typing = true;
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		snprintf(filter.text, sizeof(filter.text), "%s", typed[i]);
		screen_filter_renew(&filter);
		cr_expect_not(screen_filter_match(&filter, &record), "%s", typed[i]);
		cr_expect_eq(filter.wrong[0] != 0, i > 0, "%s", typed[i]);
	}
	filter.text[0] = '\0';
	screen_filter_renew(&filter);
	cr_expect(screen_filter_match(&filter, &record));
	cr_expect_not(screen_filter_wanted(&filter));
	screen_filter_close(&filter);
}

static bool matches_service(const char *text, __u16 port)
{
	const __u8 ip[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 2 };
	struct screen_filter filter;
	bool matched;

	cr_assert_eq(screen_filter_open(&filter, NULL), 0);
	snprintf(filter.text, sizeof(filter.text), "%s", text);
	screen_filter_renew(&filter);
	matched = screen_filter_match_service(&filter, ip, 4, port);
	screen_filter_close(&filter);
	return matched;
}

Test(screen_filter, of_services_by_address_and_port)
{
	cr_expect(matches_service("", 443));
	cr_expect(matches_service("port 443", 443));
	cr_expect(matches_service("tcp port https and host 192.0.2.2", 443));
	cr_expect_not(matches_service("port 443", 80));
	cr_expect_not(matches_service("not port 443", 443));
	cr_expect(matches_service("net 192.0.2.0/24 and not port 443", 80));
	cr_expect(matches_service("192.0.2.2:44", 443));
	cr_expect(matches_service("443 0.2", 443));
	cr_expect_not(matches_service("192.0.2.2 80", 443));
	cr_expect_not(matches_service("accepted", 443), "a service has no outcome");
}
