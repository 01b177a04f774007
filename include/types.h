/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words every part of the engine shares: fixed-width types, inlining, byte order and sequence arithmetic.
 * The engine (this folder) is pure: it calls no helper, no libc, no clock and no map. */
#ifndef TCPSCOPE_TYPES_H
#define TCPSCOPE_TYPES_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#endif

#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif

#define INLINE static inline __attribute__((always_inline))
/* In the kernel a function of its own, which the verifier checks once and for any argument, not anew on each path that
 * leads to it; elsewhere inlined like the rest. Its pointers are never NULL, which the verifier wants to see tested. */
#ifdef __bpf__
#define SEPARATE __attribute__((noinline))
#else
#define SEPARATE INLINE
#endif
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Memory has what was written before, whatever is written after: for who dies, or looks, in between. It holds the
 * compiler; the CPU is one that keeps the order of stores, as x86-64 does. */
#define written() asm volatile("" ::: "memory")

/* One load or store; it keeps its place among others of this kind, though another CPU looks. */
#define once(x) (*(volatile __typeof__(x) *)&(x))

/* Begins to bring a cache line. */
#define touch(at) ((void)*(const volatile __u8 *)(at))

/* Hides a value's origin from the optimiser, so that a bound which the verifier needs is not folded away. */
#define opaque(x) asm volatile("" : "+r"(x))

/* The value, or `max`, a constant, if it is beyond: as an index. In the kernel what is compared is the very register
 * that is used; the compiler compares a copy, and before 6.3 the verifier did not follow copies of 32 bits. */
#ifdef __bpf__
#define at_most(value, max) \
	({ \
		__u64 bounded = (value); \
		asm volatile("if %0 <= %1 goto +1\n\t%0 = %1" : "+r"(bounded) : "i"((__u32)(max))); \
		bounded; \
	})
#else
#define at_most(value, max) ((__u64)(value) < (max) ? (__u64)(value) : (max))
#endif

/* Ends the body of a loop in the kernel with a jump: until 6.3 the verifier refuses a loop ("back-edge from insn") that
 * is closed by falling into its head. */
#ifdef __bpf__
#define loop_again() asm volatile("goto +0" ::: "memory")
#else
#define loop_again()
#endif

#define NS_PER_SEC 1000000000ULL
#define NS_PER_MS 1000000ULL

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define from_be16(x) ((__u16)__builtin_bswap16(x))
#define from_be32(x) ((__u32)__builtin_bswap32(x))
#else
#define from_be16(x) ((__u16)(x))
#define from_be32(x) ((__u32)(x))
#endif
#define to_be16(x) from_be16(x)
#define to_be32(x) from_be32(x)

/* Sequence numbers compare modulo 2^32 (RFC 9293, 3.4). Half way round each is before the other, and after it. */
INLINE bool seq_after(__u32 a, __u32 b) { return (__s32)(b - a) < 0; }
INLINE bool seq_before(__u32 a, __u32 b) { return (__s32)(a - b) < 0; }
INLINE bool seq_upto(__u32 a, __u32 b) { return (__s32)(a - b) <= 0; } /* before, or equal */
INLINE bool seq_within(__u32 x, __u32 first, __u32 last) { return x - first <= last - first; }

/* a < b without a branch: which of two endpoints is first is as good as random, and a branch would guess. */
INLINE __u64 u64_less(__u64 a, __u64 b) { return ((~a & b) | ((~a | b) & (a - b))) >> 63; }

/* Choices by arithmetic, for what a cache miss is still bringing: a branch on it would be a guess, and a wrong guess
 * lets the next packet wait for the miss. A mask is all ones or 0. */
INLINE __u64 mask_if(__u64 bit) { return 0 - bit; } /* bit: 0 or 1 */
INLINE __u64 choose(__u64 mask, __u64 yes, __u64 no) { return no ^ ((no ^ yes) & mask); }

#endif
