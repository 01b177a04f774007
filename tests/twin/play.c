/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "play.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

enum { LOOPBACK = 1, VERDICT_TC_PASS = -1, SWEEP_TRIES = 1 << 20 };

int player_open(struct player *player, struct kernel *kernel)
{
	*player = (struct player){ .kernel = kernel };
	player->ring = ring_buffer__new(kernel->reports_map, reports_add_sample, &player->reports, NULL);
	return player->ring ? 0 : -errno;
}

void player_close(struct player *player)
{
	ring_buffer__free(player->ring);
	reports_close(&player->reports);
	*player = (struct player){};
}

int player_link(struct player *player, enum link_type link, bool draws)
{
	__u32 at = LOOPBACK;
	struct interface interface = { .ifindex = LOOPBACK, .link = (__u8)link, .draws = draws };

	return bpf_map_update_elem(player->kernel->interfaces_map, &at, &interface, BPF_ANY) ? -errno : 0;
}

/* Time and length on the wire precede the frame. */
static int play_xdp(const struct player *player, const struct frame *frame, __u32 *verdict)
{
	struct test_metadata metadata = { .now_ns = frame->now_ns, .wire_len = frame->wire_len };
	__u32 len = frame->len + (__u32)sizeof(metadata);
	struct xdp_md context = { .data = sizeof(metadata), .data_end = len };
	__u8 *bytes = malloc(len);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = bytes, .data_size_in = len, .ctx_in = &context,
		    .ctx_size_in = sizeof(context));
	int err;

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, &metadata, sizeof(metadata));
	memcpy(bytes + sizeof(metadata), frame->bytes, frame->len);
	err = bpf_prog_test_run_opts(player->kernel->program[HOOK_XDP], &run) ? -errno : 0;
	*verdict = run.retval;
	free(bytes);
	return err;
}

static int play_tc(const struct player *player, enum hook hook, const struct frame *frame, __u32 *verdict)
{
	struct __sk_buff context = { .tstamp = frame->now_ns,
				     .wire_len = frame->wire_len,
				     .gso_size = frame->gso_size,
				     .gso_segs = frame->gso_segs };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->bytes, .data_size_in = frame->len, .ctx_in = &context,
		    .ctx_size_in = sizeof(context));
	int err = bpf_prog_test_run_opts(player->kernel->program[hook], &run) ? -errno : 0;

	*verdict = run.retval;
	return err;
}

int player_frame(struct player *player, enum hook hook, const struct frame *frame, bool *passed)
{
	__u32 verdict = 0;
	int err = hook == HOOK_XDP ? play_xdp(player, frame, &verdict) : play_tc(player, hook, frame, &verdict);
	int read = ring_buffer__consume(player->ring);

	*passed = verdict == (hook == HOOK_XDP ? (__u32)XDP_PASS : (__u32)VERDICT_TC_PASS);
	return err ? err : read < 0 ? read : 0;
}

int player_sweep(struct player *player, const struct sweep_policy *policy, __u32 buckets)
{
	const struct kernel *kernel = player->kernel;
	struct sweep_call *call = kernel->call;
	__u32 next = 0;

	call->policy = *policy;
	for (int i = 0; i < SWEEP_TRIES && next < buckets; i++) {
		__u32 listed = sweep_list(call, kernel->tags, kernel->looks, next, buckets);
		int err = kernel_sweep(kernel);

		next = sweep_next(call, listed);
		if (!err && ring_buffer__consume(player->ring) < 0)
			err = -EIO;
		reports_take(&player->reports, &call->handover, kernel->flows, kernel->facts, kernel->ended);
		while (!err && sweep_give_back(call))
			err = kernel_sweep(kernel);
		if (err)
			return err;
	}
	return next < buckets ? -ENOSPC : 0;
}
