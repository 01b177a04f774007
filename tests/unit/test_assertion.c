/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Assertions: those that hold, those that fail, and those that are none, with the place of the error. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/service/assertion.h"
#include "../../user/output/junit.h"

/* 1000 attempts at 10.0.0.2:443: 990 took 1 to 990 us to connect, 10 were refused. One at [2001:db8::1]:80,
 * unanswered. */
static struct statistics statistics;

static void count(const struct service_key *key, enum outcome outcome, __u64 connect_ns, __u32 syn_retries)
{
	const struct service_sample sample = {
		.key = *key,
		.outcome = outcome,
		.reset = connect_ns > 900000,
		.traffic = { { .packets = 5, .payload_bytes = 100 },
			     { .packets = 7,
			       .payload_bytes = 2000,
			       .analysis = { [ANALYSIS_RETRANSMITS] = 1,
					     [ANALYSIS_FAST_RETRANSMITS] = syn_retries,
					     [ANALYSIS_OUT_OF_ORDER] = 2 } } },
		.syn_retries = syn_retries,
		.span_ns = { connect_ns, connect_ns / 2, 0 },
		.bucket = { connect_ns ? histogram_bucket(connect_ns) : HISTOGRAM_BUCKETS,
			    connect_ns ? histogram_bucket(connect_ns / 2) : HISTOGRAM_BUCKETS, HISTOGRAM_BUCKETS },
		.lost_ns = syn_retries ? NS_PER_SEC : 0,
	};

	service_set_count(&statistics.sets[service_set_of(key)], &sample);
}

static void observe(void)
{
	struct service_key web = { .port = 443, .ip_version = 4 }, other = { .port = 80, .ip_version = 6 };
	const __u8 ipv4[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 2 };
	const __u8 ipv6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };

	memcpy(web.ip, ipv4, sizeof(web.ip));
	memcpy(other.ip, ipv6, sizeof(other.ip));
	cr_assert_eq(statistics_open(&statistics, false), 0);
	for (__u32 i = 1; i <= 990; i++)
		count(&web, OUTCOME_ACCEPTED, i * 1000, i == 990 ? 2 : 0);
	for (int i = 0; i < 10; i++)
		count(&web, OUTCOME_REFUSED, 0, 0);
	count(&other, OUTCOME_UNANSWERED, 0, 3);
	statistics.ledger = (struct ledger){ .seen = 5000, .lost_records = 4 };
	statistics.ledger.counter[LEDGER_IN_FLOWS] = 5000;
}

static const struct {
	const char *text;
	bool holds, known;
} judged[] = {
	{ "p99(connect) < 5ms", true, true },
	{ "p99(connect) < 0.9ms", false, true },
	{ "p50(connect) >= 485us", true, true },
	{ "p50(connect)<=505us", true, true },
	{ "p100(connect) == 990us", true, true },
	{ "max(server) == 495us", true, true },
	{ "mean(connect) > 495us", true, true },
	{ "mean(connect) < 496us", true, true },
	{ "count(connect) == accepted", true, true },
	{ "p99.9(connect) - p50(connect) < 500us", true, true },
	{ "2 * p50(connect) < 1s + 1ms", true, true },
	{ "max(connect) / p50(connect) < 2.1", true, true },
	{ "refused == 0", false, true },
	{ "refused == 10", true, true },
	{ "refused != 10", false, true },
	{ "attempts == 1001", true, true },
	{ "accepted + refused + filtered + unanswered + half_open + aborted + pending == attempts", true, true },
	{ "pending == 0", true, true },
	{ "syn_retries / attempts < 0.1%", false, true },
	{ "syn_retries / attempts < 0.5%", true, true },
	{ "synack_retries == 0", true, true },
	{ "delayed == 2", true, true },
	{ "lost_time == 2s", true, true },
	{ "lost_time > 0", true, true },
	{ "0 < lost_time", true, true },
	{ "reset == 90", true, true },
	{ "service [2001:db8::1]:80 reset == 0", true, true },
	{ "packets == 12 * attempts", true, true },
	{ "client.packets == 5 * attempts", true, true },
	{ "server.payload_bytes == 2000 * attempts", true, true },
	{ "out_of_order == 2002", true, true },
	{ "client.out_of_order == 0", true, true },
	{ "resent == attempts + 5", true, true },
	{ "server.resent / server.packets < 15%", true, true },
	{ "server.resent / server.packets < 14%", false, true },
	{ "client.resent == 0", true, true },
	{ "fast_retransmits == syn_retries", true, true },
	{ "lost_records == 0", false, true },
	{ "lost_records < 5", true, true },
	{ "unaccounted == 0", true, true },
	{ "seen == in_flows", true, true },
	{ "(1 + 2) * 3 == 9", true, true },
	{ "1 + 2 * 3 == 7", true, true },
	{ "7 - 2 - 1 == 4", true, true },
	{ "8 / 2 / 2 == 2", true, true },
	{ " service\t10.0.0.2:443 attempts == 1000 ", true, true },
	{ "service 10.0.0.2:443 p99(connect) < 1ms", true, true },
	{ "service [2001:db8::1]:80 unanswered == 1", true, true },
	{ "service [2001:db8::1]:80 syn_retries == 3", true, true },
	{ "service 10.0.0.2:444 attempts == 0", true, true },
	{ "service 10.0.0.2:444 p99(connect) < 1s", false, false },
	{ "p50(client) < 1s", false, false },
	{ "1 / filtered < 5", false, false },
	{ "1 / filtered > 5", false, false },
};

Test(assertion, holds_or_fails)
{
	struct assertion_error error;
	struct verdict verdict;

	observe();
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		cr_assert_eq(assertion_check(judged[i].text, &error), 0, "%s: %s", judged[i].text, error.message);
		assertion_measure(judged[i].text, &statistics, &verdict);
		cr_expect_eq(verdict.holds, judged[i].holds, "%s: measured %s, limit %s", judged[i].text,
			     verdict.measured, verdict.limit);
		cr_expect_eq(verdict.known, judged[i].known, "%s: known", judged[i].text);
	}
	statistics_close(&statistics);
}

static const struct {
	const char *text;
	size_t at;
	const char *says;
} malformed[] = {
	{ "", 0, "a number or a name" },
	{ "   ", 3, "a number or a name" },
	{ "refused", 7, "a comparison" },
	{ "refused = 0", 8, "a comparison" },
	{ "refused == ", 11, "a number or a name" },
	{ "refused == 0 1", 13, "beyond the end" },
	{ "refused == 0; drop", 12, "beyond the end" },
	{ "refusd == 0", 0, "no counter 'refusd'" },
	{ "sevrer.resent == 0", 0, "no counter 'sevrer.resent'" },
	{ "server.refused == 0", 0, "no counter 'server.refused'" },
	{ "server. == 0", 0, "no counter 'server.'" },
	{ "p99(conect) < 5ms", 4, "connect, server or client" },
	{ "p99() < 5ms", 4, "connect, server or client" },
	{ "p99(connect < 5ms", 12, "')' is missing" },
	{ "p99 < 5ms", 0, "no counter 'p99'" },
	{ "p101(connect) < 5ms", 0, "no function" },
	{ "p99.99999(connect) < 5ms", 0, "no function" },
	{ "p(connect) < 5ms", 0, "no function" },
	{ "p9.9.9(connect) < 5ms", 0, "no function" },
	{ "median(connect) < 5ms", 0, "no function" },
	{ "p99(connect) < 5", 13, "5ms" },
	{ "p99(connect) < 5m", 16, "no unit" },
	{ "p99(connect) < 5 ms", 13, "5ms" },
	{ "refused < 5ms", 8, "5ms" },
	{ "p99(connect) * p99(connect) < 1s", 28, "differ in unit" },
	{ "p99(connect) + 1 < 1s", 13, "5ms" },
	{ "(refused == 0", 9, "')' is missing" },
	{ "service attempts == 0", 8, "address and port" },
	{ "service 10.0.0.2 attempts == 0", 8, "address and port" },
	{ "service 10.0.0.2:70000 attempts == 0", 8, "address and port" },
	{ "service 10.0.0.2: attempts == 0", 8, "address and port" },
	{ "service 2001:db8::1:80 attempts == 0", 8, "address and port" },
	{ "service [10.0.0.2]:80 attempts == 0", 8, "address and port" },
	{ "service 10.0.0.2:443 lost_records == 0", 21, "not of one service" },
	{ "12345678901234567890 == 1", 0, "digits" },
	{ "1. == 1", 1, "a comparison" },
	{ "-1 < 0", 0, "a number or a name" },
	{ "\xff < 0", 0, "a number or a name" },
	{ "((((((((((((((((((((((((((((((((((1", 32, "too many" },
};

Test(assertion, errors_say_what_and_where)
{
	struct assertion_error error;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		cr_assert_neq(assertion_check(malformed[i].text, &error), 0, "'%s' passes", malformed[i].text);
		cr_expect_eq(error.at, malformed[i].at, "'%s': at %zu, want %zu: %s", malformed[i].text, error.at,
			     malformed[i].at, error.message);
		cr_expect(strstr(error.message, malformed[i].says), "'%s': says %s", malformed[i].text, error.message);
	}
}

/* With services beyond the room, one that is not there by name may be among them: nobody knows. */
Test(assertion, a_service_without_room_is_not_taken_for_none)
{
	struct verdict verdict;

	observe();
	statistics.sets[0].way[SERVICE_OTHER].counts.outcome[OUTCOME_REFUSED] = 1;
	assertion_measure("service 10.0.0.2:444 attempts == 0", &statistics, &verdict);
	cr_expect(!verdict.known && !verdict.holds);
	assertion_measure("service 10.0.0.2:443 attempts == 1000", &statistics, &verdict);
	cr_expect(verdict.holds);
	statistics_close(&statistics);
}

/* Else a wrong address would read like good news. */
Test(assertion, a_service_that_was_not_seen_is_told)
{
	struct verdict verdict;
	size_t size;
	char *lines;
	FILE *to = open_memstream(&lines, &size);

	observe();
	assertion_measure("service 10.0.0.2:444 refused == 0", &statistics, &verdict);
	verdict_print(to, &verdict);
	assertion_measure("service 10.0.0.2:443 attempts == 1000", &statistics, &verdict);
	verdict_print(to, &verdict);
	fclose(to);
	cr_expect_str_eq(lines,
			 "holds  service 10.0.0.2:444 refused == 0: measured 0; nobody was seen to connect to it\n"
			 "holds  service 10.0.0.2:443 attempts == 1000: measured 1000\n");
	free(lines);
	statistics_close(&statistics);
}

Test(assertion, junit_is_escaped_and_counted)
{
	const struct verdict verdicts[] = {
		{ .expression = "p99(connect) < 5ms",
		  .holds = true,
		  .known = true,
		  .measured = "1.00ms",
		  .limit = "5.00ms" },
		{ .expression = "a > \"b\" & c", .measured = "5.00ms", .limit = "0" },
		{ .expression = "d == 0", .holds = true, .known = true, .unseen = true, .measured = "0", .limit = "0" },
	};
	const char want[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			    "<testsuite name=\"tcpscope\" tests=\"3\" failures=\"1\" errors=\"0\">\n"
			    "  <testcase classname=\"tcpscope\" name=\"p99(connect) &lt; 5ms\">\n"
			    "    <system-out>measured 1.00ms; limit 5.00ms</system-out>\n"
			    "  </testcase>\n"
			    "  <testcase classname=\"tcpscope\" name=\"a &gt; &quot;b&quot; &amp; c\">\n"
			    "    <failure message=\"measured 5.00ms; limit 0\"/>\n"
			    "  </testcase>\n"
			    "  <testcase classname=\"tcpscope\" name=\"d == 0\">\n"
			    "    <system-out>measured 0; limit 0; nobody was seen to connect to it</system-out>\n"
			    "  </testcase>\n"
			    "</testsuite>\n";
	char *got = NULL;
	size_t length;
	FILE *to = open_memstream(&got, &length);

	cr_assert_not_null(to);
	cr_assert_eq(junit_write(to, verdicts, 3), 0);
	cr_expect_str_eq(got, want);
	free(got);
}
