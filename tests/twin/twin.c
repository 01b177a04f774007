/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The twin test: twin PROGRAMS.o [CAPTURE...]. The packet table, whole and at every length, then the captures, through
 * each program and through the native engine. One line for each test; the exit status is 1 if one fails. TWIN_TESTS in
 * the environment: only those whose names contain it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../packets.h"
#include "compare.h"
#include "random.h"

enum { RANDOM_STREAMS = 8, RANDOM_FRAMES = 4000, CLIENTS_FEW = 4, CLIENTS_MANY = 600 };

/* One row of the packet table, whole and at every length. */
static int test_packet(struct twin *twin, const struct packet_case *row, const struct setting *setting)
{
	struct frame frame = { .bytes = row->bytes,
			       .len = (__u32)row->len,
			       .wire_len = (__u32)row->wire_len,
			       .now_ns = 1700000000 * NS_PER_SEC + 123456789 };
	struct frames frames = { .link = setting->link };
	char name[128];
	int err = frames_add(&frames, row->link, &frame);

	for (size_t i = 0; i < frames.count && !err; i++) { /* one, or none */
		frame = frames.frame[i];
		for (__u32 len = frame.len; len >= FRAME_MIN && !err; len--) {
			frame.len = len;
			snprintf(name, sizeof(name), "packet \"%s\"%s, %u octets", row->name, setting->name, len);
			err = twin_play(twin, name, setting, &frame, 1);
		}
	}
	twin->left_out += frames.left_out;
	frames_close(&frames);
	return err;
}

/* All rows that are such frames, as the packets of one capture: most are of the same flow. */
static int test_packet_stream(struct twin *twin, const struct setting *setting)
{
	struct frames frames = { .link = setting->link };
	int err = 0;

	for (size_t i = 0; i < packet_case_count && !err; i++) {
		const struct packet_case *row = &packet_cases[i];
		const struct frame frame = { .bytes = row->bytes,
					     .len = (__u32)row->len,
					     .wire_len = (__u32)row->wire_len,
					     .now_ns = (i + 1) * NS_PER_MS };

		err = frames_add(&frames, row->link, &frame);
	}
	if (!err)
		err = twin_play(twin, "all packets in a row", setting, frames.frame, frames.count);
	twin->left_out += frames.left_out;
	frames_close(&frames);
	return err;
}

/* Returns 0 also where nothing of it can be read: *skipped. */
static int test_capture(struct twin *twin, const char *path, const struct setting *setting, bool *skipped)
{
	const char *slash = strrchr(path, '/');
	struct frames frames = { .link = setting->link };
	char name[256];
	int err = frames_read(&frames, path);

	*skipped = err == -EPROTONOSUPPORT || err == -EINVAL || (!err && frames.broken && !frames.count);
	if (*skipped)
		err = 0;
	snprintf(name, sizeof(name), "%s%s", slash ? slash + 1 : path, setting->name);
	if (!err && frames.count)
		err = twin_play(twin, name, setting, frames.frame, frames.count);
	twin->left_out += frames.left_out;
	frames_close(&frames);
	return err;
}

/* What one test does with a twin; `argument` is the captures' paths, ended by NULL. */
struct test {
	const char *name;
	struct setting setting;
	int (*run)(struct twin *twin, const struct test *test, char **captures);
	unsigned int hooks; /* bits: 1 << enum hook */
};

static int run_packets(struct twin *twin, const struct test *test, char **captures)
{
	int err = 0;

	(void)captures;
	for (size_t i = 0; i < packet_case_count && !err; i++)
		err = test_packet(twin, &packet_cases[i], &test->setting);
	return err ? err : test_packet_stream(twin, &test->setting);
}

static int run_captures(struct twin *twin, const struct test *test, char **captures)
{
	int err = 0;

	twin->skipped = 0;
	for (; *captures && !err; captures++) {
		bool skipped;

		err = test_capture(twin, *captures, &test->setting, &skipped);
		twin->skipped += skipped;
	}
	return err;
}

static int run_random(struct twin *twin, const struct test *test, char **captures)
{
	int err = 0;

	(void)captures;
	for (__u64 stream = 0; stream < RANDOM_STREAMS && !err; stream++) {
		const struct random_range range = { .seed = twin->seed + stream * 2,
						    .frames = RANDOM_FRAMES,
						    .clients = test->setting.small ? CLIENTS_MANY : CLIENTS_FEW };
		struct frames frames = { .link = LINK_ETHERNET };
		char name[64];

		snprintf(name, sizeof(name), "random stream %llu%s", stream, test->setting.name);
		err = random_frames(&frames, &range);
		if (!err)
			err = twin_play(twin, name, &test->setting, frames.frame, frames.count);
		frames_close(&frames);
	}
	return err ? err : test->setting.small && (!twin->evicted || !twin->summarised) ? -ERANGE : 0;
}

enum { ALL = 1 << HOOK_XDP | 1 << HOOK_TC_INGRESS | 1 << HOOK_TC_EGRESS, TC = ALL & ~(1 << HOOK_XDP) };

static const struct test tests[] = {
	{ "packets at every length", { .name = "" }, run_packets, ALL },
	{ "packets at every length, no link header", { .name = ", no link header", .link = LINK_IP }, run_packets, TC },
	{ "super-packets at every length", { .name = ", super-packet", .super = true }, run_packets, TC },
	{ "random streams", { .name = "" }, run_random, ALL },
	{ "random streams, table too small",
	  { .name = ", small table", .small = true, .sweep_every = 1021 },
	  run_random,
	  ALL },
	{ "captures", { .name = "" }, run_captures, ALL },
	{ "captures, no link header",
	  { .name = ", no link header", .link = LINK_IP },
	  run_captures,
	  1 << HOOK_TC_INGRESS },
	{ "captures, swept on the way", { .name = ", swept", .small = true, .sweep_every = 61 }, run_captures, ALL },
	/* As the screen loads them for one interface: the short way behind a branch, and the way with rungs. */
	{ "random streams, as on the screen", { .name = ", no ladder", .ladder = LADDER_PICKED }, run_random, ALL },
	{ "random streams, a ladder drawn",
	  { .name = ", a ladder", .ladder = LADDER_PICKED, .draws = true },
	  run_random,
	  ALL },
	{ "captures, a ladder drawn",
	  { .name = ", a ladder", .ladder = LADDER_PICKED, .draws = true },
	  run_captures,
	  ALL },
};

/* Returns 0 if it succeeds or cannot be run. */
static int run_test(struct twin *twin, const struct test *test, enum hook hook, char **captures)
{
	struct twin before = *twin;
	int err;

	if (twin->kernel.program[hook] < 0) {
		printf("not ok twin: %s, %s - no such program\n", test->name, hook_names[hook]);
		return -ENOENT;
	}
	twin->hook = hook;
	err = test->run(twin, test, captures);
	if (err)
		printf("not ok twin: %s, %s - the test failed: %s\n", test->name, hook_names[hook], strerror(-err));
	else if (twin->differences != before.differences)
		printf("not ok twin: %s, %s - %lu differences\n", test->name, hook_names[hook],
		       twin->differences - before.differences);
	else
		printf("ok twin: %s, %s (%lu frames, %lu reports, %lu evicted, %lu handshakes; %lu frames too short "
		       "for a test run)\n",
		       test->name, hook_names[hook], twin->frames - before.frames, twin->reports - before.reports,
		       twin->evicted - before.evicted, twin->handshakes - before.handshakes,
		       twin->left_out - before.left_out);
	fflush(stdout);
	return err ? err : twin->differences != before.differences;
}

/* All tests of programs that are loaded so. Returns whether one failed. */
static bool run_loaded(enum ladder_choice ladder, const char *object, char **captures)
{
	const char *chosen = getenv("TWIN_TESTS");
	struct twin twin;
	bool failed = twin_open(&twin, object, ladder) != 0;

	if (failed)
		printf("not ok twin - the programs do not load%s\n", ladder == LADDER_NONE ? "" : ", with ladders");
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests) && twin.player.ring; i++) {
		if (tests[i].setting.ladder != ladder || (tests[i].run == run_captures && !*captures) ||
		    !strstr(tests[i].name, chosen ? chosen : ""))
			continue;
		for (int hook = 0; hook < HOOKS; hook++)
			if (tests[i].hooks & 1 << hook && run_test(&twin, &tests[i], hook, captures))
				failed = true;
	}
	if (twin.skipped)
		printf("skip twin: %u captures - of no kind that is read\n", twin.skipped);
	twin_close(&twin);
	return failed;
}

int main(int argc, char **argv)
{
	bool failed;

	if (argc < 2) {
		fputs("usage: twin PROGRAMS.o [CAPTURE...]\n", stderr);
		return 2;
	}
	failed = run_loaded(LADDER_NONE, argv[1], argv + 2);
	return run_loaded(LADDER_PICKED, argv[1], argv + 2) || failed;
}
