/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A machine for tcpdump expressions: what libpcap compiles them to, the instructions of classic BPF (McCanne and
 * Jacobson, 1993), run on a copy of a frame's first octets. Here so that the kernel can choose packets by any
 * expression: a BPF program cannot be handed another one on every kernel that this one supports. Jumps only lead
 * forward, so a program ends after as many steps as it has instructions. */
#ifndef TCPSCOPE_CLASSIC_H
#define TCPSCOPE_CLASSIC_H

#include "types.h"

enum {
	CLASSIC_ROOM = 2048, /* instructions of a program; a power of two */
	CLASSIC_FRAME = 256, /* octets of a frame that it sees; a power of two */
	CLASSIC_MEMORY = 16, /* words of scratch memory */
};

/* As struct bpf_insn of libpcap. */
struct classic_step {
	__u16 code;
	__u8 jump_true, jump_false; /* instructions to pass over */
	__u32 k;
};

struct classic_code {
	__u32 count; /* 0: nothing matches */
	__u32 reserved;
	struct classic_step step[CLASSIC_ROOM];
};

/* One run over a frame. */
struct classic_run {
	__u32 at; /* number of the next instruction */
	__u32 a, x;
	__u32 memory[CLASSIC_MEMORY];
	__u32 length, wire_length; /* octets in `frame`, at most CLASSIC_FRAME, and of the frame that was sent */
	bool matches;
	__u8 frame[CLASSIC_FRAME];
};

/* Makes ready for a run over what the caller has put into `frame`, `length` and `wire_length`. */
INLINE void classic_begin(struct classic_run *run);
/* One instruction. False: the run is over, and `matches` is its answer. A load from beyond `length` is no match, as is
 * an instruction that there is none of. */
INLINE bool classic_next(struct classic_run *run, const struct classic_code *code);

/* ------------------------------------------------------------------------------------------------------------- */

enum { /* an instruction: its class in the low three bits */
       CLASSIC_LD = 0,
       CLASSIC_LDX = 1,
       CLASSIC_ST = 2,
       CLASSIC_STX = 3,
       CLASSIC_ALU = 4,
       CLASSIC_JMP = 5,
       CLASSIC_RET = 6,
       CLASSIC_MISC = 7,
};

enum { /* of a load: the mode and the size */
       CLASSIC_IMM = 0x00,
       CLASSIC_ABS = 0x20,
       CLASSIC_IND = 0x40,
       CLASSIC_MEM = 0x60,
       CLASSIC_LEN = 0x80,
       CLASSIC_MSH = 0xa0, /* four times the low half of an octet: the length of an IPv4 header */
       CLASSIC_HALF = 0x08,
       CLASSIC_OCTET = 0x10,
};

INLINE void classic_begin(struct classic_run *run)
{
	run->at = run->a = run->x = 0;
	run->matches = false;
	for (int i = 0; i < CLASSIC_MEMORY; i++)
		run->memory[i] = 0;
}

INLINE __u32 classic_octet(const struct classic_run *run, __u32 at) { return run->frame[at & (CLASSIC_FRAME - 1)]; }

/* Big-endian, of 1, 2 or 4 octets. */
INLINE bool classic_load(const struct classic_run *run, __u32 at, __u32 size, __u32 *value)
{
	if (at >= CLASSIC_FRAME || at + size > run->length)
		return false;
	*value = classic_octet(run, at);
	if (size >= 2)
		*value = *value << 8 | classic_octet(run, at + 1);
	if (size == 4)
		*value = (*value << 8 | classic_octet(run, at + 2)) << 8 | classic_octet(run, at + 3);
	return true;
}

INLINE bool classic_ld(struct classic_run *run, const struct classic_step *step)
{
	__u32 size = step->code & CLASSIC_OCTET ? 1 : step->code & CLASSIC_HALF ? 2 : 4;

	switch (step->code & 0xe0) {
	case CLASSIC_IMM: run->a = step->k; return true;
	case CLASSIC_ABS: return classic_load(run, step->k, size, &run->a);
	/* A sum that wraps would be a load from the start. */
	case CLASSIC_IND: return step->k + run->x >= step->k && classic_load(run, step->k + run->x, size, &run->a);
	case CLASSIC_MEM: run->a = run->memory[step->k & (CLASSIC_MEMORY - 1)]; return true;
	case CLASSIC_LEN: run->a = run->wire_length; return true;
	default: return false;
	}
}

INLINE bool classic_ldx(struct classic_run *run, const struct classic_step *step)
{
	bool there;

	switch (step->code & 0xe0) {
	case CLASSIC_IMM: run->x = step->k; return true;
	case CLASSIC_MEM: run->x = run->memory[step->k & (CLASSIC_MEMORY - 1)]; return true;
	case CLASSIC_LEN: run->x = run->wire_length; return true;
	case CLASSIC_MSH:
		there = classic_load(run, step->k, 1, &run->x);
		run->x = (run->x & 15) << 2;
		return there;
	default: return false;
	}
}

/* The operand: register or constant. */
INLINE __u32 classic_operand(const struct classic_run *run, const struct classic_step *step)
{
	return step->code & 0x08 ? run->x : step->k;
}

/* Arithmetic is modulo 2^32; division by zero ends the run, a shift by 32 or more leaves 0. */
INLINE bool classic_alu(struct classic_run *run, const struct classic_step *step)
{
	__u32 a = run->a, by = classic_operand(run, step), operation = step->code & 0xf0;

	if ((operation == 0x30 || operation == 0x90) && !by)
		return false;
	switch (operation) {
	case 0x00: run->a = a + by; return true;
	case 0x10: run->a = a - by; return true;
	case 0x20: run->a = a * by; return true;
	case 0x30: run->a = a / by; return true;
	case 0x40: run->a = a | by; return true;
	case 0x50: run->a = a & by; return true;
	case 0x60: run->a = by < 32 ? a << (by & 31) : 0; return true;
	case 0x70: run->a = by < 32 ? a >> (by & 31) : 0; return true;
	case 0x80: run->a = 0 - a; return true;
	case 0x90: run->a = a % by; return true;
	case 0xa0: run->a = a ^ by; return true;
	default: return false;
	}
}

INLINE bool classic_jump(struct classic_run *run, const struct classic_step *step)
{
	__u32 a = run->a, with = classic_operand(run, step);
	bool holds;

	switch (step->code & 0xf0) {
	case 0x00: run->at += step->k; return true;
	case 0x10: holds = a == with; break;
	case 0x20: holds = a > with; break;
	case 0x30: holds = a >= with; break;
	case 0x40: holds = (a & with) != 0; break;
	default: return false;
	}
	run->at += holds ? step->jump_true : step->jump_false;
	return true;
}

INLINE bool classic_next(struct classic_run *run, const struct classic_code *code)
{
	__u32 at = run->at;
	const struct classic_step *step = &code->step[at & (CLASSIC_ROOM - 1)];

	if (at >= code->count || at >= CLASSIC_ROOM)
		return false;
	run->at = at + 1;
	switch (step->code & 7) {
	case CLASSIC_LD: return classic_ld(run, step);
	case CLASSIC_LDX: return classic_ldx(run, step);
	case CLASSIC_ST: run->memory[step->k & (CLASSIC_MEMORY - 1)] = run->a; return true;
	case CLASSIC_STX: run->memory[step->k & (CLASSIC_MEMORY - 1)] = run->x; return true;
	case CLASSIC_ALU: return classic_alu(run, step);
	case CLASSIC_JMP: return classic_jump(run, step);
	case CLASSIC_RET: run->matches = (step->code & 0x18) == 0x10 ? run->a : step->k; return false;
	default: break;
	}
	if (step->code & 0x80) /* TXA, else TAX */
		run->a = run->x;
	else
		run->x = run->a;
	return true;
}

#endif
