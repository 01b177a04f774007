/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mapping.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { COPY_TRIES = 100 };

static void *map_array(const struct loader *loader, const char *name, size_t size, int protection)
{
	void *at = mmap(NULL, size, protection, MAP_SHARED, loader_map(loader, name), 0);

	return at == MAP_FAILED ? NULL : at;
}

int mapping_open(struct mapping *mapping, const struct loader *loader)
{
	const size_t buckets = loader->buckets, services = SERVICE_SETS * sizeof(struct service_set);
	const int writable = PROT_READ | PROT_WRITE;
	int err;

	*mapping = (struct mapping){
		.tags = map_array(loader, "tags", buckets * sizeof(__u64), PROT_READ),
		.looks = map_array(loader, "looks", buckets * sizeof(__u64), PROT_READ),
		.flows = map_array(loader, "flows", buckets * sizeof(struct flow_bucket), writable),
		.facts = map_array(loader, "facts", buckets * sizeof(struct facts_bucket), writable),
		.services = map_array(loader, "services", services, PROT_READ),
		.ended = map_array(loader, "services_ended", services, writable),
		.sweep = map_array(loader, "sweeps", sizeof(struct sweep_call), writable),
		.buckets = loader->buckets,
	};
	err = -errno; /* of the last that failed, if one did */
	if (mapping->tags && mapping->looks && mapping->flows && mapping->facts && mapping->services &&
	    mapping->ended && mapping->sweep)
		return 0;
	mapping_close(mapping);
	return err;
}

static void unmap(const volatile void *at, size_t size)
{
	if (at)
		munmap((void *)at, size);
}

void mapping_close(struct mapping *mapping)
{
	size_t buckets = mapping->buckets;

	unmap(mapping->tags, buckets * sizeof(__u64));
	unmap(mapping->looks, buckets * sizeof(__u64));
	unmap(mapping->flows, buckets * sizeof(struct flow_bucket));
	unmap(mapping->facts, buckets * sizeof(struct facts_bucket));
	unmap(mapping->services, SERVICE_SETS * sizeof(struct service_set));
	unmap(mapping->ended, SERVICE_SETS * sizeof(struct service_set));
	unmap(mapping->sweep, sizeof(struct sweep_call));
	*mapping = (struct mapping){ 0 };
}

/* By the C library, which takes the widest registers that there are: compiled in place it is a string instruction, and
 * a large table takes a third longer. */
static void copy(void *to, const void *from, size_t size)
{
	opaque(size);
	memcpy(to, from, size);
}

bool mapping_copy(const struct mapping *mapping, __u32 bucket, __u32 way, struct report *report)
{
	const struct flow *flow = &mapping->flows[bucket].way[way];
	struct segment room;
	bool whole = false, born = false;

	for (int i = 0; i < COPY_TRIES && !(whole && born); i++) {
		const __u64 before = flow_kind(flow);

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		copy(&report->flow, flow, sizeof(report->flow));
		if (!flow_is_embryo(&report->flow))
			copy(&report->facts, &mapping->facts[bucket].way[way], sizeof(report->facts));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		whole = flow_copy_is_whole(&report->flow, before, flow);
		born = report->flow.standing != SLOT_FREE;
	}
	report_grow(report, &room);
	report_say(report, END_OPEN, mapping->sweep->policy.now_ns);
	return whole && born;
}

int mapping_each(const struct mapping *mapping, int (*see)(void *context, const struct report *report), void *context)
{
	static struct report report; /* too large for a stack */
	int result = 0;

	for (__u32 bucket = 0; bucket < mapping->buckets && !result; bucket++) {
		const __u64 tags = mapping->tags[bucket];

		for (__u32 way = 0; way < WAYS && tags && !result; way++) {
			if (!handover_is_open(tags, &mapping->flows[bucket].way[way], way))
				continue;
			if (mapping_copy(mapping, bucket, way, &report))
				result = see(context, &report);
		}
	}
	return result;
}
