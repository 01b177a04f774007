/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* grace_wait() returns when the program that ran has ended: here one runs for long, on another thread. */
#define _GNU_SOURCE

#include "live/grace.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 20, FRAME_LEN = 64 };

struct counters {
	volatile __u32 begun, ended;
};

static int program;

static void *run_slow(void *unused)
{
	char frame[FRAME_LEN] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	(void)unused;
	return (void *)(long)bpf_prog_test_run_opts(program, &run);
}

/* 1: it ran when the wait began, and had ended afterwards; 0: it did not run any more; -1: it ran on, or an error. */
static int wait_for_one(const struct grace *grace, const struct counters *counters)
{
	const __u32 before = counters->begun;
	bool over = false;
	pthread_t thread;
	void *failed;
	int result;

	if (pthread_create(&thread, NULL, run_slow, NULL))
		return -1;
	while (counters->begun == before && !over)
		over = !pthread_tryjoin_np(thread, &failed);
	result = counters->ended == before;
	if (grace_wait(grace) || counters->ended == before)
		result = -1;
	if (!over)
		pthread_join(thread, &failed);
	return failed ? -1 : result;
}

static int check(const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	int map, awaited = 0, result = 0;
	struct counters *counters;
	struct grace grace;

	if (!object || bpf_object__load(object) || grace_open(&grace))
		return -1;
	program = bpf_program__fd(bpf_object__find_program_by_name(object, "slow"));
	map = bpf_object__find_map_fd_by_name(object, ".bss");
	counters = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, map, 0);
	if (counters == MAP_FAILED)
		return -1;
	for (int i = 0; i < ROUNDS && result >= 0; i++) {
		result = wait_for_one(&grace, counters);
		awaited += result;
	}
	grace_close(&grace);
	bpf_object__close(object);
	return result < 0 ? -1 : awaited;
}

int main(int argc, char **argv)
{
	const char *name = "grace: a program that ran has ended";
	int awaited = argc == 2 ? check(argv[1]) : -1;

	if (awaited > 0)
		printf("ok %s, %d times\n", name, awaited);
	else
		printf("not ok %s - %s\n", name, awaited < 0 ? "it had not, or could not be run" : "none ran");
	return awaited <= 0;
}
