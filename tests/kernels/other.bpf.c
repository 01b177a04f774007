/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Somebody else's XDP program: it drops what goes to TCP port 7777, and so shows that it runs. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { PORT_AT = 14 + 20 + 2, PORT = 7777 };

SEC("xdp.frags")
int other(struct xdp_md *ctx)
{
	const __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + PORT_AT + 2 > end || data[12] != 8 || data[13])
		return XDP_PASS;
	return data[PORT_AT] << 8 == (PORT & 0xff00) && data[PORT_AT + 1] == (PORT & 0xff) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
