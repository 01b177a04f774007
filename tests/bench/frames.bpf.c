/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends each frame of a live test run out of an interface, as the next data of one of many flows. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "wire.h"

enum { CLIENT = 0x0a000000, PAYLOAD_LEN = 10 };

const volatile __u32 out_ifindex = 0, flows = 1, first = 0; /* first: frames of earlier runs */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} done SEC(".maps");

struct frame {
	__u8 ethernet[14];
	struct ipv4_header ip;
	struct tcp_header tcp;
} __attribute__((packed));

SEC("xdp")
int send_out(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&done, &zero), number;

	if (!count || (void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	number = first + (*count)++;
	frame->ip.source = from_be32(CLIENT + (__u32)(number % flows));
	frame->tcp.sequence = from_be32((__u32)(number / flows) * PAYLOAD_LEN);
	return (int)bpf_redirect(out_ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
