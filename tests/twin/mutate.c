/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mutate.h"

#include <errno.h>
#include <string.h>

enum { CHANGES_MAX = 12, HEADERS = 96, LENGTHEN_MAX = 1500, FRAME_ROOM = FRAME_WIRE_MAX };

/* The frame that is being changed. */
struct draft {
	__u8 octet[FRAME_ROOM];
	struct frame frame;
};

/* splitmix64 (Vigna). */
static __u64 next_number(__u64 *state)
{
	__u64 number = *state += 0x9e3779b97f4a7c15ULL;

	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9ULL;
	number = (number ^ number >> 27) * 0x94d049bb133111ebULL;
	return number ^ number >> 31;
}

static __u32 below(__u64 *state, __u32 limit) { return (__u32)((next_number(state) >> 32) * limit >> 32); }

/* Mostly within the headers, where an octet decides something. */
static __u32 place(const struct draft *draft, __u64 *state)
{
	__u32 limit = draft->frame.len;

	return below(state, limit > HEADERS && below(state, 8) ? HEADERS : limit);
}

static void flip_bit(struct draft *draft, __u64 *state)
{
	draft->octet[place(draft, state)] ^= (__u8)(1 << below(state, 8));
}

static void set_octet(struct draft *draft, __u64 *state)
{
	static const __u8 values[] = { 0, 1, 4, 6, 17, 0x45, 0x46, 0x50, 0x7f, 0x80, 0xf0, 0xff };

	draft->octet[place(draft, state)] = values[below(state, sizeof(values))];
}

/* A number of 16 or 32 bits at a limit, or the present one, a bit more or less. */
static void set_number(struct draft *draft, __u64 *state)
{
	static const __u32 values[] = { 0, 1, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff };
	__u32 size = below(state, 2) ? 4 : 2, at = place(draft, state), number = 0;

	if (at + size > draft->frame.len)
		return;
	for (__u32 i = 0; i < size; i++)
		number = number << 8 | draft->octet[at + i];
	number = below(state, 2) ? values[below(state, 8)] : number + below(state, 5) - 2;
	for (__u32 i = size; i-- > 0; number >>= 8)
		draft->octet[at + i] = (__u8)number;
}

/* Octets of one place at another: an option, an address or a header where none belongs. */
static void copy_within(struct draft *draft, __u64 *state)
{
	__u32 from = place(draft, state), to = place(draft, state), len = 1 + below(state, 20);
	__u32 last = from > to ? from : to;

	if (last + len <= draft->frame.len)
		memmove(draft->octet + to, draft->octet + from, len);
}

/* Source and destination of an untagged Ethernet frame of IPv4 without options, and of what it carries. */
static void turn_round(struct draft *draft, __u64 *state)
{
	__u8 addresses[8], ports[4];

	(void)state;
	if (draft->frame.len < 38)
		return;
	memcpy(addresses, draft->octet + 26, 8);
	memcpy(draft->octet + 26, addresses + 4, 4);
	memcpy(draft->octet + 30, addresses, 4);
	memcpy(ports, draft->octet + 34, 4);
	memcpy(draft->octet + 34, ports + 2, 2);
	memcpy(draft->octet + 36, ports, 2);
}

/* By the snap length: what was on the wire stays. */
static void cut(struct draft *draft, __u64 *state)
{
	draft->frame.len = FRAME_MIN + below(state, draft->frame.len - FRAME_MIN + 1);
}

/* On the wire, too. */
static void cut_wire(struct draft *draft, __u64 *state)
{
	cut(draft, state);
	draft->frame.wire_len = draft->frame.len;
}

static void lengthen(struct draft *draft, __u64 *state)
{
	__u32 more = 1 + below(state, LENGTHEN_MAX);

	if (draft->frame.len + more > FRAME_ROOM)
		return;
	memset(draft->octet + draft->frame.len, (int)below(state, 256), more);
	draft->frame.len += more;
	if (draft->frame.wire_len < draft->frame.len)
		draft->frame.wire_len = draft->frame.len;
}

static void set_wire_len(struct draft *draft, __u64 *state)
{
	draft->frame.wire_len = draft->frame.len + below(state, FRAME_WIRE_MAX - draft->frame.len + 1);
}

static void set_time(struct draft *draft, __u64 *state)
{
	static const __u64 steps_ns[] = { 1, NS_PER_MS, 20 * NS_PER_MS, NS_PER_SEC, 100 * NS_PER_SEC };
	__u64 step_ns = steps_ns[below(state, 5)];

	draft->frame.now_ns += below(state, 2) ? step_ns : -step_ns;
}

typedef void change(struct draft *draft, __u64 *state);

static change *const changes[] = {
	flip_bit,   flip_bit, set_octet, set_octet, set_number,	  set_number, copy_within,
	turn_round, cut,      cut_wire,	 lengthen,  set_wire_len, set_time,
};

/* Of twelve frames seven stay as they were, one is lost, one comes twice, one too late, and two are changed: flows that
 * meet nothing but nonsense would not get far. */
static int add(struct frames *mutant, const struct frame *original, __u64 *state)
{
	static struct draft draft;
	__u32 fate = below(state, 12);
	int err = 0;

	if (fate == 0)
		return 0;
	draft.frame = *original;
	draft.frame.bytes = draft.octet;
	memcpy(draft.octet, original->bytes, original->len);
	for (__u32 i = fate < 3 ? 1 + below(state, CHANGES_MAX) : 0; i > 0; i--)
		changes[below(state, sizeof(changes) / sizeof(*changes))](&draft, state);
	for (int i = fate == 3 ? 2 : 1; i > 0 && !err; i--)
		err = frames_add(mutant, mutant->link, &draft.frame);
	if (!err && fate == 4 && mutant->count > 1) {
		struct frame late = mutant->frame[mutant->count - 1];

		mutant->frame[mutant->count - 1] = mutant->frame[mutant->count - 2];
		mutant->frame[mutant->count - 2] = late;
	}
	return err;
}

int mutate(struct frames *mutant, const struct frames *original, __u64 seed)
{
	size_t count = original->count < MUTANT_FRAMES ? original->count : MUTANT_FRAMES;
	/* Half begin where the capture does, with its handshakes. */
	size_t first = below(&seed, 2) ? 0 : below(&seed, (__u32)(original->count - count + 1));
	int err = 0;

	mutant->link = original->link;
	for (size_t i = 0; i < count && !err; i++)
		err = add(mutant, &original->frame[first + i], &seed);
	return err;
}
