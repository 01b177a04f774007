/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program that takes its time, and says when it begins and when it ends. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

enum { STEPS = 1 << 23 }; /* the most that a kernel takes: some ms */

__u32 begun, ended; /* runs */

static int step(__u32 index, void *unused) { return 0; }

SEC("xdp")
int slow(struct xdp_md *ctx)
{
	begun++;
	bpf_loop(STEPS, step, NULL, 0);
	ended++;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
