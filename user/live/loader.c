/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE

#include "loader.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "message.h"
#include "sizing.h"

/* The object file as the compiler wrote it; the assembler is told in which folder (Makefile). */
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"tcpscope_object:\n"
	".incbin \"tcpscope.bpf.o\"\n"
	"tcpscope_object_end:\n"
	".byte 0\n"
	".popsection\n");
extern const char tcpscope_object[], tcpscope_object_end[];

enum {
	REPORTS_SIZE = 32 << 20, /* ring buffer, octets */
	RUNGS_SIZE = 8 << 20,	 /* of ladders: 61,000 segments */
	PICKED_SIZE = 1 << 20,	 /* of one flow's, which nobody reads in full */
	TAIL_SIZE = 4096,
	TAIL_LINES = 12,
	SLOW_GB = 2, /* a table that takes seconds to make */
};

/* The end of what the libraries said, for when loading fails. */
static char tail[TAIL_SIZE];

static void tail_append(const char *text)
{
	size_t have = strlen(tail), more = strlen(text), room = sizeof(tail) - 1;

	if (more > room) {
		text += more - room;
		more = room;
	}
	if (have + more > room) {
		size_t drop = have + more - room;

		memmove(tail, tail + drop, have - drop);
		have -= drop;
	}
	memcpy(tail + have, text, more + 1);
}

static bool debugging(void) { return getenv("TCPSCOPE_DEBUG") != NULL; }

static int say(bool important, const char *format, va_list arguments)
{
	char *text;

	if (debugging())
		return vfprintf(stderr, format, arguments);
	if (important && vasprintf(&text, format, arguments) >= 0) {
		tail_append(text);
		free(text);
	}
	return 0;
}

static int libbpf_says(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return say(level == LIBBPF_WARN, format, arguments);
}

/* libxdp first tries its dispatcher, and falls back where the kernel refuses that: its warnings are no news. */
static int libxdp_says(enum libxdp_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return say(false, format, arguments);
}

static int resize(const struct loader *loader, const char *name, size_t entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(loader->object, name);

	return map ? bpf_map__set_max_entries(map, (__u32)entries) : -ENOENT;
}

static int write_shape(const struct loader *loader)
{
	struct bpf_map *map = bpf_object__find_map_by_name(loader->object, ".data.table");

	return map ? bpf_map__set_initial_value(map, &loader->shape, sizeof(loader->shape)) : -ENOENT;
}

static int configure(const struct loader *loader, const struct config *config)
{
	struct bpf_map *map = bpf_object__find_map_by_name(loader->object, ".rodata");
	int err = map ? bpf_map__set_initial_value(map, config, sizeof(*config)) : -ENOENT;

	if (err || config->ladder == LADDER_NONE)
		return err;
	return resize(loader, "rungs", config->ladder == LADDER_PICKED ? PICKED_SIZE : RUNGS_SIZE);
}

int loader_open(struct loader *loader, __u32 flows, const struct config *config)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "tcpscope");
	static const char *const arrays[] = { "tags", "flows", "facts", "looks" };
	int err;

	*loader = (struct loader){ .flows_asked = flows, .reports_size = REPORTS_SIZE };
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(libbpf_says);
	libxdp_set_print(libxdp_says);
	shape_for_flows(&loader->shape, flows);
	loader->shape.off = 1;
	loader->buckets = shape_buckets(&loader->shape);
	err = shape_seed(&loader->shape);
	if (err)
		goto out;
	loader->object = bpf_object__open_mem(tcpscope_object, (size_t)(tcpscope_object_end - tcpscope_object),
					      &options);
	err = loader->object ? 0 : -errno;
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]) && !err; i++)
		err = resize(loader, arrays[i], loader->buckets);
	if (!err)
		err = resize(loader, "locks", loader->buckets / REGION);
	if (!err)
		err = resize(loader, "reports", loader->reports_size);
	if (!err)
		err = write_shape(loader);
	if (!err)
		err = configure(loader, config);
out:
	if (err)
		message_put("cannot open the BPF object built into it: %s%s", strerror(-err),
			    message_advice(err, err == -ENOMEM ? "" : "; rebuild it"));
	return err;
}

static bool kernel_is_old(char release[65])
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return false;
	snprintf(release, 65, "%s", name.release);
	return major < 5 || (major == 5 && minor < 18); /* XDP with several buffers per packet; bpf_loop is 5.17 */
}

static void print_tail(void)
{
	const char *from = tail + strlen(tail);
	int lines = 0;

	while (from > tail && lines <= TAIL_LINES)
		lines += *--from == '\n';
	fputs(*from == '\n' ? from + 1 : from, stderr);
}

/* Without it the verifier refuses what else it takes, with -EACCES. */
static bool lacks_perfmon(void)
{
	cap_t held = cap_get_proc();
	cap_flag_value_t perfmon = CAP_SET, admin = CAP_SET; /* said to be there where that cannot be known */

	if (held && !cap_get_flag(held, CAP_PERFMON, CAP_EFFECTIVE, &perfmon))
		cap_get_flag(held, CAP_SYS_ADMIN, CAP_EFFECTIVE, &admin);
	cap_free(held);
	return perfmon == CAP_CLEAR && admin == CAP_CLEAR;
}

void loader_explain(const struct loader *loader, int err, bool stats)
{
	char release[65] = "";

	if (err == -EINVAL && message_lacks_descriptors())
		err = -EMFILE;
	if (kernel_is_old(release))
		message_put("cannot load its programs: kernel %s is too old; 5.18 or newer is needed", release);
	else if (err == -EPERM || (err == -EACCES && lacks_perfmon()))
		message_put("cannot load its programs: not permitted; run it as root, or with the "
			    "capabilities BPF, NET_ADMIN and PERFMON");
	else if (err == -ENOMEM || err == -E2BIG)
		message_put("cannot make a flow table for %u flows: %s; try a smaller --flows", loader->flows_asked,
			    strerror(-err));
	else if (err == -EMFILE || err == -ENFILE)
		message_put("cannot load its programs: %s%s", strerror(-err), message_advice(err, ""));
	else if (err == -ENOENT || err == -ENOSYS)
		message_put("cannot load its programs: this kernel was built without BPF: %s", strerror(-err));
	else {
		message_put("cannot load its programs: the kernel's verifier refused: %s; %s", strerror(-err),
			    stats || debugging() ? "it said" : "--stats prints what it said");
		if (stats && !debugging())
			print_tail();
	}
}

static void announce_table(const struct loader *loader)
{
	double gb = (double)loader->buckets * (sizeof(struct flow_bucket) + sizeof(struct facts_bucket)) / 1e9;

	if (gb >= SLOW_GB)
		message_put("making a flow table for %u flows: %.1f GB of memory", loader->flows_asked, gb);
}

int loader_load(struct loader *loader, int refusal, bool stats)
{
	int err = 0;

	if (!loader->loaded) {
		announce_table(loader);
		err = bpf_object__load(loader->object);
	}

	if (err == -EINVAL && refusal)
		err = refusal;
	if (err)
		loader_explain(loader, err, stats);
	else
		loader->loaded = true;
	return err;
}

void loader_digest(__u8 digest[32])
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, (size_t)(tcpscope_object_end - tcpscope_object), (const __u8 *)tcpscope_object);
	sha256_digest(&context, SHA256_DIGEST_SIZE, digest);
}

/* The programs read the shape meanwhile, and find all else in it as it was. */
static int change_shape(const struct loader *loader, bool off, bool kept)
{
	struct table_shape shape = loader->shape;
	__u32 at = 0;

	shape.off = off;
	shape.kept = kept;
	return bpf_map_update_elem(loader_map(loader, ".data.table"), &at, &shape, BPF_ANY);
}

int loader_switch(const struct loader *loader, bool on) { return change_shape(loader, !on, false); }

int loader_keep(const struct loader *loader, const char *directory)
{
	struct bpf_program *program;
	struct bpf_map *map;
	char path[PATH_MAX];
	int err = 0;

	bpf_object__for_each_map(map, loader->object)
	{
		snprintf(path, sizeof(path), "%s/%s", directory, bpf_map__name(map));
		if (!err && !bpf_map__is_internal(map))
			err = bpf_obj_pin(bpf_map__fd(map), path);
	}
	bpf_object__for_each_program(program, loader->object)
	{
		snprintf(path, sizeof(path), "%s/%s", directory, bpf_program__name(program));
		if (!err)
			err = bpf_obj_pin(bpf_program__fd(program), path);
	}
	return err ? err : change_shape(loader, false, true);
}

static int adopt_programs(struct loader *loader, const char *directory)
{
	struct bpf_program *program;
	char path[PATH_MAX];

	bpf_object__for_each_program(program, loader->object)
	{
		int fd;

		if (loader->taken_count == LOADER_PROGRAMS)
			return -E2BIG;
		snprintf(path, sizeof(path), "%s/%s", directory, bpf_program__name(program));
		fd = bpf_obj_get(path);
		if (fd < 0)
			return fd;
		loader->taken[loader->taken_count++] = fd;
	}
	loader->loaded = true;
	return 0;
}

int loader_adopt(struct loader *loader, const char *directory)
{
	struct bpf_map *map;
	char path[PATH_MAX];
	int err = 0;

	bpf_object__for_each_map(map, loader->object)
	{
		int fd;

		if (err || bpf_map__is_internal(map))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, bpf_map__name(map));
		fd = bpf_obj_get(path);
		err = fd < 0 ? fd : bpf_map__reuse_fd(map, fd); /* which has its own copy */
		if (fd >= 0)
			close(fd);
	}
	return err ? err : adopt_programs(loader, directory);
}

void loader_close(struct loader *loader)
{
	while (loader->taken_count)
		close(loader->taken[--loader->taken_count]);
	bpf_object__close(loader->object);
	*loader = (struct loader){ .object = NULL };
}

int loader_map(const struct loader *loader, const char *name)
{
	return bpf_object__find_map_fd_by_name(loader->object, name);
}

int loader_program(const struct loader *loader, const char *name)
{
	struct bpf_program *program;
	unsigned int number = 0;

	bpf_object__for_each_program(program, loader->object)
	{
		if (!strcmp(bpf_program__name(program), name))
			return number < loader->taken_count ? loader->taken[number] : bpf_program__fd(program);
		number++;
	}
	return -ENOENT;
}
