/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's sums of evicted SYNs, added up over its CPUs, as records. */
#include "harvest.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct summing {
	const struct harvest *harvest;
	const struct output *output;
	struct summary *of_cpu;
	int cpus;
};

static int put_sum(const struct summing *summing, int map, const void *map_key, const struct summary_key *key)
{
	const struct harvest *harvest = summing->harvest;
	const struct interfaces *interfaces = harvest->interfaces;
	struct summary sum = { 0 };
	struct summary_record record;

	if (bpf_map_lookup_elem(map, map_key, summing->of_cpu))
		return -errno;
	for (int cpu = 0; cpu < summing->cpus; cpu++)
		if (summing->of_cpu[cpu].flows)
			summary_add(&sum, &summing->of_cpu[cpu]);
	if (!sum.flows)
		return 0;
	record = (struct summary_record){
		.interface = key->interface < interfaces->count ? interfaces->watched[key->interface].name : "?",
		.rest = !key->ip_version,
		.ip_version = key->ip_version,
		.port = key->port,
		.flows = sum.flows,
		.packets = sum.packets,
		.ip_bytes = sum.ip_bytes,
		.payload_bytes = sum.payload_bytes,
		.start_ns = (__s64)sum.first_ns + harvest->epoch_ns,
		.end_ns = (__s64)sum.last_ns + harvest->epoch_ns,
	};
	memcpy(record.ip, key->ip, sizeof(record.ip));
	return summing->output->summary(&record);
}

static int put_services(const struct summing *summing)
{
	int map = loader_map(summing->harvest->loader, "summaries"), err = 0;
	struct summary_key key, *before = NULL;

	while (!err && !bpf_map_get_next_key(map, before, &key)) {
		err = put_sum(summing, map, &key, &key);
		before = &key;
	}
	return err;
}

static int put_rest(const struct summing *summing)
{
	int map = loader_map(summing->harvest->loader, "summary_rest"), err = 0;

	for (__u32 number = 0; number < summing->harvest->interfaces->count && !err; number++)
		err = put_sum(summing, map, &number, &(struct summary_key){ .interface = (__u16)number });
	return err;
}

int harvest_summaries(const struct harvest *harvest, const struct output *output)
{
	struct summing summing = { .harvest = harvest, .output = output, .cpus = libbpf_num_possible_cpus() };
	int err;

	if (!output->summary)
		return 0;
	summing.of_cpu = summing.cpus > 0 ? calloc((size_t)summing.cpus, sizeof(*summing.of_cpu)) : NULL;
	if (!summing.of_cpu)
		return summing.cpus < 0 ? summing.cpus : -ENOMEM;
	err = put_services(&summing);
	if (!err)
		err = put_rest(&summing);
	free(summing.of_cpu);
	return err;
}
