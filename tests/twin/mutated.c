/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mutated captures: mutated PROGRAMS.o CAPTURES MUTATIONS PATH... takes CAPTURES of the paths, spread over all, and
 * plays MUTATIONS changed copies of each through one kernel program and the native engine. A difference, or a ledger
 * that does not balance, names capture and mutation: with the same TWIN_SEED and that path alone it comes again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "mutate.h"

/* In turn, so that each program meets each setting. */
static const struct setting settings[] = {
	{ .name = "" },
	{ .name = ", small table", .small = true, .sweep_every = 23 },
};

struct account {
	unsigned long captures, unread, mutants, in_flows, malformed;
};

/* FNV-1a, begun with the run's seed: the mutants of a capture are the same whatever else is in the list, and others
 * under each seed. An exclusive or with the seed at the end would but reorder them where seeds are alike. */
static __u64 hash_name(__u64 seed, const char *name)
{
	__u64 hash = (seed ^ 0xcbf29ce484222325ULL) * 0x100000001b3ULL;

	for (; *name; name++)
		hash = (hash ^ (__u8)*name) * 0x100000001b3ULL;
	return hash;
}

static void note_ledger(struct account *account, const struct ledger *ledger)
{
	account->in_flows += ledger->counter[LEDGER_IN_FLOWS];
	account->malformed += ledger->counter[LEDGER_MALFORMED_LINK] + ledger->counter[LEDGER_MALFORMED_IP] +
			      ledger->counter[LEDGER_MALFORMED_TCP] + ledger->counter[LEDGER_TRUNCATED];
}

static int play_mutant(struct twin *twin, const char *name, const struct frames *original, unsigned long number)
{
	const struct setting *setting = &settings[number / HOOKS % 2];
	struct frames mutant = {};
	char told[320];
	int err = mutate(&mutant, original, hash_name(twin->seed, name) + number);

	snprintf(told, sizeof(told), "%s, mutation %lu%s", name, number, setting->name);
	twin->hook = (enum hook)(number % HOOKS);
	if (!err && mutant.count)
		err = twin_play(twin, told, setting, mutant.frame, mutant.count);
	frames_close(&mutant);
	return err;
}

static int play_capture(struct twin *twin, const char *path, unsigned long mutations, struct account *account)
{
	const char *slash = strrchr(path, '/');
	struct frames frames = { .link = LINK_ETHERNET };
	int err = frames_read(&frames, path);

	if (err == -EPROTONOSUPPORT || err == -EINVAL || (!err && !frames.count)) {
		account->unread++;
		frames_close(&frames);
		return 0;
	}
	for (unsigned long i = 0; i < mutations && !err; i++) {
		err = play_mutant(twin, slash ? slash + 1 : path, &frames, i);
		note_ledger(account, &twin->native.ledger);
		account->mutants++;
	}
	account->captures++;
	frames_close(&frames);
	return err;
}

static unsigned long common_divisor(unsigned long left, unsigned long right)
{
	return right ? common_divisor(right, left % right) : left;
}

/* A step that leads to every one of `count` places, and first to places far apart. */
static unsigned long stride(unsigned long count)
{
	unsigned long step = count * 618 / 1000 + 1;

	while (common_divisor(step, count) != 1)
		step++;
	return step;
}

static int play(struct twin *twin, char **paths, unsigned long count, unsigned long captures, unsigned long mutations,
		struct account *account)
{
	unsigned long step = stride(count);
	int err = 0;

	for (unsigned long i = 0; i < count && account->captures < captures && !err; i++)
		err = play_capture(twin, paths[i * step % count], mutations, account);
	return err;
}

static void tell(const struct twin *twin, const struct account *account, int err)
{
	if (err)
		printf("not ok mutated captures - the test failed: %s\n", strerror(-err));
	else if (!account->captures)
		printf("not ok mutated captures - none could be read\n");
	else if (!account->in_flows || !account->malformed)
		printf("not ok mutated captures - %lu segments in flows, %lu malformed: these mutations test little\n",
		       account->in_flows, account->malformed);
	else if (twin->differences)
		printf("not ok mutated captures - %lu differences\n", twin->differences);
	else
		printf("ok mutated captures (%lu captures, %lu mutants: %lu frames, %lu segments in flows, %lu "
		       "malformed, "
		       "%lu reports, %lu evicted; %lu frames too short for a test run, %lu captures of no kind that is "
		       "read)\n",
		       account->captures, account->mutants, twin->frames, account->in_flows, account->malformed,
		       twin->reports, twin->evicted, twin->left_out, account->unread);
}

int main(int argc, char **argv)
{
	struct account account = {};
	struct twin twin;
	int err;

	if (argc < 5) {
		fputs("usage: mutated PROGRAMS.o CAPTURES MUTATIONS PATH...\n", stderr);
		return 2;
	}
	err = twin_open(&twin, argv[1], LADDER_NONE);
	if (!err)
		err = play(&twin, argv + 4, (unsigned long)argc - 4, strtoul(argv[2], NULL, 10),
			   strtoul(argv[3], NULL, 10), &account);
	tell(&twin, &account, err);
	err = err || twin.differences || !account.in_flows || !account.malformed;
	twin_close(&twin);
	return err;
}
