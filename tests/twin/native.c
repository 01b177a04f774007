/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "native.h"

#include <stdlib.h>
#include <string.h>

#include "../../user/body.h"
#include "services.h"

int native_open(struct native *native, const struct table_shape *shape)
{
	*native = (struct native){ .table = calloc(1, sizeof(struct table)) };
	if (!native->table)
		return -ENOMEM;
	native->table->shape = *shape;
	native->table->submit = reports_add;
	native->table->context = &native->reports;
	native->summaries = native->table->summaries = calloc(1, sizeof(*native->summaries));
	native->call = calloc(1, sizeof(*native->call));
	native->ended = calloc(SERVICE_SETS, sizeof(*native->ended));
	native->table->looks = calloc(shape->buckets, sizeof(*native->table->looks));
	if (!native->summaries || !native->call || !native->ended || !native->table->looks)
		return -ENOMEM;
	native->buckets = shape->buckets;
	return table_open(native->table);
}

void native_close(struct native *native)
{
	if (native->table) {
		native->table->shape.buckets = native->buckets; /* what was opened */
		table_close(native->table);
		free(native->table->looks);
	}
	free(native->table);
	free(native->summaries);
	free(native->call);
	free(native->ended);
	reports_close(&native->reports);
	*native = (struct native){};
}

void native_reshape(struct native *native, const struct table_shape *shape)
{
	memset(native->table->tags, 0, sizeof(__u64) * native->buckets);
	memset(native->table->looks, 0, sizeof(__u64) * native->buckets);
	services_clear(native->table->services);
	services_clear(native->ended);
	native->table->shape = *shape;
	native->reports.count = 0;
	*native->summaries = (struct summaries){};
	native->ledger = (struct ledger){};
}

/* The segment is poisoned: the kernel's holds what the packet before left there, which nobody may read. */
void native_frame(struct native *native, enum link_type link, const struct frame *frame)
{
	struct options_copy scratch;
	struct cursor at = {
		.data = frame->bytes, .end = frame->bytes + frame->len, .wire_len = frame->wire_len, .scratch = &scratch
	};
	struct segment seg;
	int verdict;

	memset(&scratch, 0xa5, sizeof(scratch));
	memset(&seg, 0xa5, sizeof(seg));
	segment_begin(&seg, 0);
	seg.now_ns = frame->now_ns;
	seg.cpu = native->cpu;
	seg.wire_payload_len = frame->gso_size;
	verdict = segment_parse(link, &at, &seg);
	if (frame->gso_size)
		seg.segments = frame->gso_segs;
	engine_enter(native->table, &native->ledger, &seg, verdict);
}

/* As player_sweep. There is always room for interim reports. */
void native_sweep(struct native *native, const struct sweep_policy *policy)
{
	struct sweep_call *call = native->call;
	__u32 next = 0;

	call->policy = *policy;
	while (next < native_buckets(native)) {
		next = sweep_list(call, native->table->tags, native->table->looks, next, native_buckets(native));
		table_sweep_call(native->table, call);
		reports_take(&native->reports, &call->handover, native->table->flows, native->table->facts,
			     native->ended);
		while (sweep_give_back(call))
			table_sweep_call(native->table, call);
	}
}

__u32 native_buckets(const struct native *native) { return native->table->shape.buckets; }
const __u64 *native_tags(const struct native *native) { return native->table->tags; }
const struct service_set *native_services(const struct native *native) { return native->table->services; }

__u32 native_used(const struct native *native)
{
	__u32 used = 0;

	for (__u32 i = 0; i < native_buckets(native) * WAYS; i++)
		used += ((const __u8 *)native->table->tags)[i] != 0;
	return used;
}
