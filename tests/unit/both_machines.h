/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program of classic BPF over a frame, by the engine's machine and by libpcap's. */
#ifndef TCPSCOPE_TESTS_BOTH_MACHINES_H
#define TCPSCOPE_TESTS_BOTH_MACHINES_H

#include <pcap/pcap.h>
#include <string.h>

#include "classic.h"

static inline bool classic_matches(const struct classic_code *code, const __u8 *frame, __u32 len, __u32 wire_len)
{
	static struct classic_run run;

	run.length = len < CLASSIC_FRAME ? len : CLASSIC_FRAME;
	run.wire_length = wire_len;
	memcpy(run.frame, frame, run.length);
	classic_begin(&run);
	while (classic_next(&run, code))
		;
	return run.matches;
}

static inline bool libpcap_matches(const struct classic_code *code, const __u8 *frame, __u32 len, __u32 wire_len)
{
	_Static_assert(sizeof(struct bpf_insn) == sizeof(struct classic_step), "one layout");
	len = len < CLASSIC_FRAME ? len : CLASSIC_FRAME;
	return code->count && bpf_filter((const struct bpf_insn *)code->step, frame, wire_len, len);
}

#endif
