/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --merge: what is one connection, when it goes out, what happens without room. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/output/merge.h"

#define MS 1000000LL

enum { OUT_ROOM = 8 };

static const char *const names[] = { "eth0", "eth1", "eth2" };

struct out {
	__u64 count, observations;
	int result; /* what put returns */
	struct {
		__s64 start_ns;
		int observations;
		const char *interface[RECORD_OBSERVATIONS];
	} record[OUT_ROOM];
};

static int put(void *context, const struct record *record)
{
	struct out *out = context;

	if (out->count < OUT_ROOM) {
		out->record[out->count].start_ns = record->start_ns;
		out->record[out->count].observations = record->observations;
		for (int i = 0; i < record->observations; i++)
			out->record[out->count].interface[i] = record->observation[i]->interface;
	}
	out->count++;
	out->observations += (__u64)record->observations;
	return out->result;
}

static struct record record_of(int interface, __u16 port, __s64 start_ns)
{
	struct record record = { .start_ns = start_ns,
				 .end_ns = start_ns + 100 * MS,
				 .interface = names[interface],
				 .ip_version = 4,
				 .tunnel_id = UNKNOWN,
				 .client.port = port,
				 .server.port = 80 };

	record.client.isn = port;
	record.server.isn = UNKNOWN;
	return record;
}

static void add(struct merge *merge, struct record record, __u64 now_ms, int want)
{
	cr_assert_eq(merge_add(merge, &record, now_ms), want);
}

Test(merge, goes_out_when_all_interfaces_have_told)
{
	struct out out = {};
	struct merge *merge = merge_open(2, put, &out);

	add(merge, record_of(1, 1000, 5 * MS), 0, 0);
	add(merge, record_of(1, 1001, 5 * MS), 0, 0);
	cr_assert_eq(out.count, 0);
	add(merge, record_of(0, 1000, 4 * MS), 1, 0);
	cr_assert_eq(out.count, 1);
	cr_assert_eq(out.record[0].observations, 2);
	cr_assert_eq(out.record[0].start_ns, 4 * MS, "the record is not that of who saw it first");
	cr_assert_str_eq(out.record[0].interface[0], "eth0");
	cr_assert_str_eq(out.record[0].interface[1], "eth1");
	cr_assert_eq(merge_flush(merge), 0);
	cr_assert_eq(out.count, 2);
	cr_assert_eq(out.record[1].observations, 1);
	merge_close(merge);
}

Test(merge, waits_no_longer_than_it_may)
{
	struct out out = {};
	struct merge *merge = merge_open(3, put, &out);

	add(merge, record_of(0, 1000, 0), 10, 0);
	add(merge, record_of(0, 1001, 0), 500, 0);
	add(merge, record_of(2, 1000, MS), 2000, 0);
	cr_assert_eq(merge_tick(merge, 10 + MERGE_HOLD_MS - 1), 0);
	cr_assert_eq(out.count, 0);
	cr_assert_eq(merge_tick(merge, 10 + MERGE_HOLD_MS), 0);
	cr_assert_eq(out.count, 1);
	cr_assert_eq(out.record[0].observations, 2);
	add(merge, record_of(1, 1000, 2 * MS), 10 + MERGE_HOLD_MS, 0);
	cr_assert_eq(merge_flush(merge), 0);
	cr_assert_eq(out.count, 3, "what comes late is a record of its own");
	merge_close(merge);
}

/* Each differs from `one` in what makes it another connection. */
Test(merge, what_is_another_connection)
{
	const struct record one = record_of(0, 1000, 0);
	struct record other[8];

	for (int i = 0; i < 8; i++)
		other[i] = record_of(1, 1000, 0);
	other[0].client.port++;
	other[1].server.ip[15]++;
	other[2].client.isn++;
	other[3].tunnel_kind = TUNNEL_VXLAN;
	other[4].end_reason = END_ACTIVE;
	other[5].start_ns = one.end_ns + (MERGE_HOLD_MS + 1) * MS;
	other[5].end_ns = other[5].start_ns;
	other[6].ip_version = 6;
	other[7].interface = one.interface;
	for (int i = 0; i < 8; i++) {
		struct out out = {};
		struct merge *merge = merge_open(2, put, &out);

		add(merge, one, 0, 0);
		add(merge, other[i], 0, 0);
		cr_expect_eq(out.count, 0, "%d was merged", i);
		merge_flush(merge);
		cr_expect_eq(out.count, 2);
		merge_close(merge);
	}
}

Test(merge, an_unknown_isn_fits_any)
{
	struct out out = {};
	struct merge *merge = merge_open(2, put, &out);
	struct record midstream = record_of(1, 1000, 0);

	midstream.client.isn = UNKNOWN;
	add(merge, record_of(0, 1000, 0), 0, 0);
	add(merge, midstream, 0, 0);
	cr_assert_eq(out.count, 1);
	merge_close(merge);
}

Test(merge, without_room_the_oldest_goes_first_and_is_counted)
{
	struct out out = {};
	struct merge *merge = merge_open(2, put, &out);
	const __u64 more = 5;

	for (__u64 i = 0; i < MERGE_ROOM + more; i++)
		add(merge, record_of(0, (__u16)(i & 0xffff), (__s64)i), 0, 0);
	cr_assert_eq(out.count, more);
	cr_assert_eq(merge_hurried(merge), more);
	cr_assert_eq(out.record[0].start_ns, 0);
	cr_assert_eq(out.record[4].start_ns, 4);
	merge_flush(merge);
	cr_assert_eq(out.count, MERGE_ROOM + more);
	cr_assert_eq(merge_hurried(merge), more);
	for (int round = 0; round < 3; round++) /* its places are free again */
		for (__u16 i = 0; i < 60000; i++) {
			add(merge, record_of(0, i, 0), 0, 0);
			add(merge, record_of(1, i, 0), 0, 0);
		}
	cr_assert_eq(merge_hurried(merge), more);
	cr_assert_eq(out.observations, MERGE_ROOM + more + 3 * 2 * 60000);
	merge_close(merge);
}

Test(merge, an_error_of_the_output_stays)
{
	struct out out = { .result = -5 };
	struct merge *merge = merge_open(1, put, &out);

	add(merge, record_of(0, 1, 0), 0, -5);
	add(merge, record_of(0, 2, 0), 0, -5);
	cr_assert_eq(out.count, 1, "it was asked again");
	cr_assert_eq(merge_flush(merge), -5);
	merge_close(merge);
}
