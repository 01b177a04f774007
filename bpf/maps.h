/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel body of the flow table (include/table.h): its memory is maps, its lock a bpf_spin_lock. */
#ifndef TCPSCOPE_MAPS_H
#define TCPSCOPE_MAPS_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "config.h"
#include "summary.h"

/* One that user space maps. */
#define MAPPED_ARRAY(name, entries, type_of_value) \
	struct { \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, entries); \
		__type(key, __u32); \
		__type(value, type_of_value); \
	} name SEC(".maps")

/* Map sizes of 1 are set by user space before loading: buckets, for the locks regions. The table's arrays are mapped by
 * it. The largest is made first: if there is no memory for it, none has been cleared for the others. */
MAPPED_ARRAY(facts, 1, struct facts_bucket);
MAPPED_ARRAY(flows, 1, struct flow_bucket);
MAPPED_ARRAY(tags, 1, __u64);
MAPPED_ARRAY(looks, 1, __u64);

/* A map with a lock in it cannot be mapped: the locks have their own. */
struct table_lock {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table_lock);
} locks SEC(".maps");

MAPPED_ARRAY(services, SERVICE_SETS, struct service_set);

/* Those of flows that were handed over: user space counts them, and nobody here. */
MAPPED_ARRAY(services_ended, SERVICE_SETS, struct service_set);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVICE_SETS);
	__type(key, __u32);
	__type(value, struct table_lock);
} service_locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1);
} reports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, INTERFACE_INDEXES);
	__type(key, __u32);
	__type(value, struct interface);
} interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, INTERFACES *DIRECTIONS);
	__type(key, __u32);
	__type(value, struct hook_state);
} hooks SEC(".maps");

MAPPED_ARRAY(sweeps, 1, struct sweep_call);

/* Unanswered SYNs that were evicted, by service, and of services that found no room there, by interface. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, SUMMARIES);
	__type(key, struct summary_key);
	__type(value, struct summary);
} summaries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SUMMARY_INTERFACES);
	__type(key, __u32);
	__type(value, struct summary);
} summary_rest SEC(".maps");

const volatile struct config config = {};

/* There is one: the maps above. Its shape is written by user space before loading. */
struct table {
	struct table_shape shape;
} table SEC(".data.table");

#include "engine.h"

/* Programs on one CPU do not interrupt each other, nor the sweep where it uses this: under a spin lock. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct departure);
} departures SEC(".maps");

INLINE __u64 *table_tags(struct table *table, __u32 bucket) { return bpf_map_lookup_elem(&tags, &bucket); }

INLINE struct flow_bucket *table_flows(struct table *table, __u32 bucket)
{
	return bpf_map_lookup_elem(&flows, &bucket);
}

INLINE struct facts_bucket *table_facts(struct table *table, __u32 bucket)
{
	return bpf_map_lookup_elem(&facts, &bucket);
}

INLINE __u64 *table_next_look(struct table *table, __u32 bucket) { return bpf_map_lookup_elem(&looks, &bucket); }

INLINE struct table_lock *table_lock_of(struct table *table, __u32 region)
{
	return bpf_map_lookup_elem(&locks, &region);
}

INLINE struct service_set *table_services(struct table *table, __u32 set)
{
	return bpf_map_lookup_elem(&services, &set);
}

INLINE struct table_lock *table_services_lock(struct table *table, __u32 set)
{
	return bpf_map_lookup_elem(&service_locks, &set);
}

INLINE struct departure *table_departure(struct table *table)
{
	__u32 at = 0;

	return bpf_map_lookup_elem(&departures, &at);
}

INLINE void table_lock(struct table_lock *lock) { bpf_spin_lock(&lock->lock); }
INLINE void table_unlock(struct table_lock *lock) { bpf_spin_unlock(&lock->lock); }

INLINE struct report *report_reserve(struct table *table)
{
	return bpf_ringbuf_reserve(&reports, sizeof(struct report), 0);
}

/* Waking the reader costs 200 times what a report does: user space looks by itself, at every sweep. */
INLINE void report_submit(struct report *report) { bpf_ringbuf_submit(report, BPF_RB_NO_WAKEUP); }
INLINE void report_discard(struct report *report) { bpf_ringbuf_discard(report, BPF_RB_NO_WAKEUP); }

_Static_assert((int)SUMMARY_INTERFACES == (int)INTERFACES, "a rest for each");

INLINE struct summary *table_summary(struct table *table, const struct summary_key *key)
{
	struct summary none = {}, *sum = bpf_map_lookup_elem(&summaries, key);
	__u32 interface = key->interface & (SUMMARY_INTERFACES - 1);

	if (likely(sum))
		return sum;
	bpf_map_update_elem(&summaries, key, &none, BPF_NOEXIST); /* another CPU may have, or there is no room */
	sum = bpf_map_lookup_elem(&summaries, key);
	return sum ? sum : bpf_map_lookup_elem(&summary_rest, &interface);
}

#endif
