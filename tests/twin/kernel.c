/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services.h"
#include "tags.h"

const char *const hook_names[HOOKS] = { "xdp_ingress", "tc_ingress", "tc_egress" };

enum { LOG_SIZE = 1 << 16, LOG_STATS = 4, REPORTS_SIZE = 1 << 24 };

/* SplitMix64 (Steele, Lea, Flood). */
static __u64 next_random(__u64 *state)
{
	__u64 x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

struct table_shape kernel_shape(__u32 flows, __u64 seed)
{
	struct table_shape shape = { .buckets = table_buckets(flows) };
	const size_t secrets = sizeof(shape.seed.secret) / sizeof(__u64);
	const size_t multipliers = sizeof(shape.seed.multiplier) / sizeof(__u64);

	for (size_t i = 0; i < secrets; i++)
		shape.seed.secret[i] = next_random(&seed);
	for (size_t i = 0; i < multipliers; i++)
		shape.seed.multiplier[i] = next_random(&seed) | 1;
	return shape;
}

/* Where a variable of `size` octets lies in a section, or -1. */
static long variable_offset(struct bpf_object *object, const char *section, const char *name, size_t size)
{
	struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	for (int i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_var_secinfo *at = btf_var_secinfos(type) + i;
		const struct btf_type *var = btf__type_by_id(btf, at->type);

		if (!strcmp(btf__name_by_offset(btf, var->name_off), name) && at->size == size)
			return at->offset;
	}
	return -1;
}

/* Gives a variable its value before the programs are loaded. */
static int set_variable(struct bpf_object *object, const char *section, const char *name, const void *value,
			size_t size)
{
	long offset = variable_offset(object, section, name, size);
	struct bpf_map *map = bpf_object__find_map_by_name(object, section);
	size_t room = 0;
	const void *initial = map ? bpf_map__initial_value(map, &room) : NULL;
	char *bytes = malloc(room);
	int err = -ENOENT;

	if (bytes && initial && offset >= 0) {
		memcpy(bytes, initial, room);
		memcpy(bytes + offset, value, size);
		err = bpf_map__set_initial_value(map, bytes, room);
	}
	if (err)
		fprintf(stderr, "no variable %s of %zu octets in %s: is the object older than its headers?\n", name,
			size, section);
	free(bytes);
	return err;
}

static int resize(struct kernel *kernel, const char *name, __u32 entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(kernel->object, name);

	return map ? bpf_map__set_max_entries(map, entries) : -ENOENT;
}

static int configure(struct kernel *kernel, const struct kernel_options *options)
{
	const struct config config = { .test_clock = options->test_clock,
				       .ladder = options->ladder,
				       .alone = options->alone };
	const struct table_shape *shape = &options->shape;

	kernel->buckets = shape->buckets;
	if (set_variable(kernel->object, ".rodata", "config", &config, sizeof(config)) ||
	    set_variable(kernel->object, ".data.table", "table", shape, sizeof(*shape)) ||
	    resize(kernel, "tags", shape->buckets) || resize(kernel, "flows", shape->buckets) ||
	    resize(kernel, "facts", shape->buckets) || resize(kernel, "looks", shape->buckets) ||
	    resize(kernel, "locks", shape->buckets / REGION) || resize(kernel, "reports", REPORTS_SIZE))
		return -ENOENT;
	return 0;
}

static void read_figures(const char *log, struct kernel_figures *figures)
{
	const char *line = strstr(log, "processed ");
	const char *states = line ? strstr(line, "total_states ") : NULL;

	if (line)
		figures->instructions = (__u32)strtoul(line + strlen("processed "), NULL, 10);
	if (states)
		figures->states = (__u32)strtoul(states + strlen("total_states "), NULL, 10);
}

static int load(struct kernel *kernel, const struct kernel_options *options)
{
	char *logs = calloc(HOOKS, LOG_SIZE);
	struct bpf_program *program;
	int err = logs ? 0 : -ENOMEM;

	for (int i = 0; i < HOOKS && !err && options->figures; i++) {
		program = bpf_object__find_program_by_name(kernel->object, hook_names[i]);
		if (program) {
			bpf_program__set_log_buf(program, logs + i * LOG_SIZE, LOG_SIZE);
			bpf_program__set_log_level(program, LOG_STATS);
		}
	}
	if (!err)
		err = bpf_object__load(kernel->object);
	for (int i = 0; i < HOOKS && !err; i++) {
		program = bpf_object__find_program_by_name(kernel->object, hook_names[i]);
		kernel->program[i] = program ? bpf_program__fd(program) : -1;
		read_figures(logs + i * LOG_SIZE, &kernel->figures[i]);
	}
	free(logs);
	return err;
}

/* A mappable array rounds its values up to 8 octets and itself to pages. */
static void *map_array(struct kernel *kernel, const char *name, size_t value_size, __u32 entries)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (value_size * entries + page - 1) / page * page;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_object__find_map_fd_by_name(kernel->object, name), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int map_all(struct kernel *kernel)
{
	struct bpf_program *sweep = bpf_object__find_program_by_name(kernel->object, "sweep");

	kernel->sweep = sweep ? bpf_program__fd(sweep) : -1;
	kernel->hooks_map = bpf_object__find_map_fd_by_name(kernel->object, "hooks");
	kernel->reports_map = bpf_object__find_map_fd_by_name(kernel->object, "reports");
	kernel->interfaces_map = bpf_object__find_map_fd_by_name(kernel->object, "interfaces");
	kernel->table_map = bpf_object__find_map_fd_by_name(kernel->object, ".data.table");
	kernel->tags = map_array(kernel, "tags", sizeof(__u64), kernel->buckets);
	kernel->looks = map_array(kernel, "looks", sizeof(__u64), kernel->buckets);
	kernel->flows = map_array(kernel, "flows", sizeof(struct flow_bucket), kernel->buckets);
	kernel->facts = map_array(kernel, "facts", sizeof(struct facts_bucket), kernel->buckets);
	kernel->services = map_array(kernel, "services", sizeof(struct service_set), SERVICE_SETS);
	kernel->ended = map_array(kernel, "services_ended", sizeof(struct service_set), SERVICE_SETS);
	kernel->call = map_array(kernel, "sweeps", sizeof(struct sweep_call), 1);
	return kernel->tags && kernel->looks && kernel->flows && kernel->facts && kernel->services && kernel->ended &&
			       kernel->call && kernel->hooks_map >= 0
		       ? 0
		       : -ENOMEM;
}

int kernel_open(struct kernel *kernel, const struct kernel_options *options)
{
	int err;

	*kernel = (struct kernel){ .sweep = -1 };
	kernel->object = bpf_object__open(options->object);
	if (!kernel->object) {
		err = -errno;
		fprintf(stderr, "cannot open %s: %s\n", options->object, strerror(-err));
		return err;
	}
	err = configure(kernel, options);
	if (!err)
		err = load(kernel, options);
	if (!err)
		err = map_all(kernel);
	if (err)
		fprintf(stderr, "cannot load %s: %s\n", options->object, strerror(-err));
	return err;
}

static void unmap(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

void kernel_close(struct kernel *kernel)
{
	unmap(kernel->tags, sizeof(__u64) * kernel->buckets);
	unmap(kernel->looks, sizeof(__u64) * kernel->buckets);
	unmap(kernel->flows, sizeof(struct flow_bucket) * kernel->buckets);
	unmap(kernel->facts, sizeof(struct facts_bucket) * kernel->buckets);
	unmap(kernel->services, sizeof(struct service_set) * SERVICE_SETS);
	unmap(kernel->ended, sizeof(struct service_set) * SERVICE_SETS);
	unmap(kernel->call, sizeof(struct sweep_call));
	bpf_object__close(kernel->object);
	*kernel = (struct kernel){ .sweep = -1 };
}

int kernel_reshape(struct kernel *kernel, const struct table_shape *shape)
{
	__u32 zero = 0;

	if (shape->buckets > kernel->buckets)
		return -E2BIG;
	return bpf_map_update_elem(kernel->table_map, &zero, shape, BPF_EXIST) ? -errno : 0;
}

int kernel_sweep(const struct kernel *kernel)
{
	__u8 frame[64] = {}; /* nobody reads it */
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	return bpf_prog_test_run_opts(kernel->sweep, &run) ? -errno : 0;
}

/* Leaves the slots as those that were handed over, read and given back. */
void kernel_clear(struct kernel *kernel)
{
	for (__u32 bucket = 0; bucket < kernel->buckets; bucket++) {
		for (__u32 ways = tags_taken(kernel->tags[bucket]); ways; ways &= ways - 1) {
			struct flow *flow = &kernel->flows[bucket].way[__builtin_ctz(ways)];

			flow_open(flow);
			handover_blank(flow, &kernel->facts[bucket].way[__builtin_ctz(ways)]);
		}
		kernel->tags[bucket] = kernel->looks[bucket] = 0;
	}
	kernel->call->handover.count = 0;
	kernel->call->handover.taken = 0;
	services_clear(kernel->services);
	services_clear(kernel->ended);
}

int kernel_take_ledger(struct kernel *kernel, enum interface_direction direction, struct ledger *sum)
{
	int cpus = libbpf_num_possible_cpus();
	__u32 at = direction;
	struct hook_state *states = calloc((size_t)cpus, (sizeof(*states) + 7) / 8 * 8);
	int err = states ? bpf_map_lookup_elem(kernel->hooks_map, &at, states) : -ENOMEM;

	*sum = (struct ledger){};
	for (int cpu = 0; !err && cpu < cpus; cpu++) {
		ledger_add(sum, &states[cpu].ledger);
		states[cpu].ledger = (struct ledger){};
	}
	if (!err)
		err = bpf_map_update_elem(kernel->hooks_map, &at, states, BPF_EXIST);
	free(states);
	return err;
}

static int take_summary(int map, const void *key, struct summary *into, bool remove)
{
	int cpus = libbpf_num_possible_cpus(), err;
	struct summary *of_cpu = calloc((size_t)cpus, sizeof(*of_cpu));

	err = of_cpu ? bpf_map_lookup_elem(map, key, of_cpu) : -ENOMEM;
	for (int cpu = 0; cpu < cpus && !err; cpu++) {
		if (of_cpu[cpu].flows)
			summary_add(into, &of_cpu[cpu]);
		of_cpu[cpu] = (struct summary){};
	}
	if (!err)
		err = remove ? bpf_map_delete_elem(map, key) : bpf_map_update_elem(map, key, of_cpu, BPF_EXIST);
	free(of_cpu);
	return err;
}

int kernel_take_summaries(struct kernel *kernel, struct summaries *sums)
{
	int map = bpf_object__find_map_fd_by_name(kernel->object, "summaries"), err = 0;
	int rest = bpf_object__find_map_fd_by_name(kernel->object, "summary_rest");
	struct summary_key key;

	*sums = (struct summaries){};
	while (!err && !bpf_map_get_next_key(map, NULL, &key))
		err = take_summary(map, &key, summaries_at(sums, &key), true);
	for (__u32 i = 0; i < SUMMARY_INTERFACES && !err; i++)
		err = take_summary(rest, &i, &sums->rest[i], false);
	return err;
}
