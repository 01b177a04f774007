/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "programs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

static const char *const names[PROGRAMS] = { "xdp_ingress", "tc_ingress", "tc_egress" };

void programs_measure(struct programs *programs)
{
	programs->measuring = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (programs->measuring < 0)
		message_put("the kernel does not measure its programs: %s; --stats goes without",
			    strerror(-programs->measuring));
}

void programs_close(struct programs *programs)
{
	if (programs->measuring >= 0)
		close(programs->measuring);
	programs->measuring = -1;
}

static int read_runs(const struct attach *attach, int which, __u64 *runs, __u64 *run_ns)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	int err = bpf_obj_get_info_by_fd(loader_program(attach->loader, names[which]), &info, &size);

	*runs = info.run_cnt;
	*run_ns = info.run_time_ns;
	return err;
}

void programs_begin(struct programs *programs, const struct attach *attach)
{
	for (int i = 0; i < PROGRAMS && programs->measuring >= 0 && attach->loader->taken_count; i++)
		if (read_runs(attach, i, &programs->runs[i], &programs->run_ns[i]))
			programs->runs[i] = programs->run_ns[i] = 0;
	for (int i = 0; i < OPTIONS_INTERFACES; i++)
		programs->xdp[i] = attach->of[i].xdp;
}

/* Which program serves this direction of an interface; -1: none. */
static int program_of(const struct programs *programs, const struct attach *attach, const struct watched *watched,
		      unsigned int number, enum interface_direction direction)
{
	if (direction == DIRECTION_INGRESS)
		return programs->xdp[number] ? 0 : 1;
	return watched->loopback || attach->choice == HOOK_TAP ? -1 : 2;
}

/* Adds the frames of one direction of an interface. */
static int add_frames(const struct attach *attach, unsigned int number, enum interface_direction direction,
		      struct hook_state *of_cpu, __u64 *frames, size_t cpus)
{
	const __u32 at = number * DIRECTIONS + direction;
	int err = bpf_map_lookup_elem(loader_map(attach->loader, "hooks"), &at, of_cpu);

	for (size_t cpu = 0; cpu < cpus && !err; cpu++) {
		struct ledger sum = { 0 };

		ledger_add(&sum, &of_cpu[cpu].ledger);
		frames[cpu] += sum.frames;
	}
	return err;
}

/* Returns how many directions of interfaces the program serves, or -errno. */
static int sum_frames(const struct programs *programs, const struct attach *attach, const struct interfaces *interfaces,
		      int which, __u64 *frames, size_t cpus)
{
	struct hook_state *of_cpu = calloc(cpus, sizeof(*of_cpu));
	int err = of_cpu ? 0 : -ENOMEM, served = 0;

	for (unsigned int i = 0; i < interfaces->count * DIRECTIONS && !err; i++) {
		unsigned int number = i / DIRECTIONS;
		enum interface_direction direction = (enum interface_direction)(i % DIRECTIONS);

		if (program_of(programs, attach, &interfaces->watched[number], number, direction) != which)
			continue;
		served++;
		err = add_frames(attach, number, direction, of_cpu, frames, cpus);
	}
	free(of_cpu);
	return err ? err : served;
}

static int put_one(const struct programs *programs, const struct attach *attach, const struct interfaces *interfaces,
		   const struct output *output, int which)
{
	int cpus = libbpf_num_possible_cpus(), served;
	__u64 *frames = cpus > 0 ? calloc((size_t)cpus, sizeof(*frames)) : NULL;
	struct program_record record = { .name = names[which], .cpu_frames = frames, .cpus = (size_t)cpus };

	if (!frames)
		return cpus < 0 ? cpus : -ENOMEM;
	served = sum_frames(programs, attach, interfaces, which, frames, record.cpus);
	record.timed = programs->measuring >= 0 && !read_runs(attach, which, &record.runs, &record.run_ns);
	record.runs -= record.timed ? programs->runs[which] : 0;
	record.run_ns -= record.timed ? programs->run_ns[which] : 0;
	if (served > 0)
		served = output->program(&record);
	free(frames);
	return served;
}

int programs_put(const struct programs *programs, const struct attach *attach, const struct interfaces *interfaces,
		 const struct output *output)
{
	int err = 0;

	for (int which = 0; which < PROGRAMS && !err && output->program; which++)
		err = put_one(programs, attach, interfaces, output, which);
	return err;
}
