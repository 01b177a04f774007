/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ladders while watching: round the engine, each segment of the connections that the user's expression chose, or of the
 * flow that is picked on the screen, goes to user space as a rung (include/rung.h). With LADDER_NONE, which the
 * verifier knows, none of this is in the programs: whatever is reached only with ladders must have its own way to the
 * end, else a branch stays. */
#ifndef TCPSCOPE_LADDER_H
#define TCPSCOPE_LADDER_H

#include "maps.h"

#include "clock.h"
#include "rung_take.h"

/* By what a frame begins with: an Ethernet header, or IP's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LADDER_LINKS);
	__type(key, __u32);
	__type(value, struct classic_code);
} ladder_code SEC(".maps");

/* User space makes it larger when a ladder is wanted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} rungs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ladder_state);
} ladders SEC(".maps");

/* LADDER_PICKED: the flow. User space may write it while it is read: what is torn is no flow's key, and if it were, the
 * rungs say whose they are. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_key);
} ladder_pick SEC(".maps");

/* Does a segment that comes through here take the way with rungs? */
INLINE bool ladder_draws(const struct hook_state *hook)
{
	const __u32 choice = config.ladder;

	return unlikely(choice) && (choice == LADDER_EXPRESSION || hook->interface.draws);
}

INLINE struct ladder_state *ladder_state_of(void)
{
	__u32 at = 0;

	return bpf_map_lookup_elem(&ladders, &at);
}

/* A look at the counters as they are, before the engine. Every segment is given its exact time, chosen or not: which of
 * them are is asked last, and a SYN that begins a connection anew is told from one of the old by the engine. */
SEPARATE int ladder_look(struct hook_state *hook)
{
	struct ladder_state *state = ladder_state_of();

	if (!state || !hook)
		return 0;
	clock_exact(&hook->segment);
	rung_before(&state->before, &table, &hook->segment);
	return 0;
}

/* engine_enter, after that look: beside it, since the stack has no room for one in the other. Nor has it on kernels
 * before 6.8, which round each function's up to 32 octets, for one more function between the programs and the
 * engine. */
INLINE int ladder_enter(struct hook_state *hook, int verdict)
{
	if (verdict == LEDGER_IN_FLOWS)
		ladder_look(hook);
	return engine_enter(&table, &hook->ledger, &hook->segment, verdict);
}

static int ladder_step(__u32 index, void *link)
{
	struct ladder_state *state = ladder_state_of();
	const struct classic_code *code = bpf_map_lookup_elem(&ladder_code, link);

	return !state || !code || !classic_next(&state->run, code);
}

/* Does the expression match what is in state->run.frame? */
SEPARATE int ladder_matches(struct ladder_state *state, __u32 link)
{
	if (!state)
		return 0;
	classic_begin(&state->run);
	bpf_loop(CLASSIC_ROOM, ladder_step, &link, 0);
	return state->run.matches;
}

SEPARATE int ladder_is_shown(struct hook_state *hook) { return hook && rung_is_shown(&table, &hook->segment); }

SEPARATE int ladder_is_picked(struct hook_state *hook)
{
	__u32 at = 0;
	const struct flow_key *picked = bpf_map_lookup_elem(&ladder_pick, &at);

	return hook && picked && rung_is_of(&table, &hook->segment, picked);
}

/* Sends the rung, or counts it as dropped. */
SEPARATE int ladder_send(struct ladder_state *state, struct hook_state *hook)
{
	struct rung *rung;

	if (!state || !hook)
		return 0;
	rung = bpf_ringbuf_reserve(&rungs, sizeof(*rung), 0);
	if (!rung) {
		state->dropped++;
		return 0;
	}
	if (rung_make(rung, &state->before, &table, &hook->segment))
		bpf_ringbuf_submit(rung, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard(rung, BPF_RB_NO_WAKEUP);
	return 0;
}

/* Room for a frame's first octets. Returns how many are to be copied there, in words that tell the verifier that they
 * are at least one; a frame of none is too short for what is asked for, and the copy fails. */
INLINE __u32 ladder_room(struct ladder_state *state, __u32 length)
{
	state->run.wire_length = length;
	length = length < CLASSIC_FRAME ? length : CLASSIC_FRAME;
	state->run.length = length;
	return ((length - 1) & (CLASSIC_FRAME - 1)) + 1;
}

enum { VLAN_AT = 12, VLAN_TAG = 4 }; /* behind the addresses */

/* A tag that the kernel or the NIC took off is put back, so that an expression means what it means for a capture. */
SEPARATE int ladder_load_tagged(struct __sk_buff *skb, struct ladder_state *state)
{
	__u8 *frame = state ? state->run.frame : NULL;
	__u32 behind;

	if (!frame || bpf_skb_load_bytes(skb, 0, frame, VLAN_AT))
		return -1;
	behind = ladder_room(state, skb->len + VLAN_TAG) - VLAN_AT - VLAN_TAG;
	/* At least one, as in ladder_room: the verifier of 6.1 learns nothing from a comparison with 0. */
	behind = ((behind - 1) & (CLASSIC_FRAME - 1)) + 1;
	opaque(behind);
	if (behind > CLASSIC_FRAME - VLAN_AT - VLAN_TAG)
		return -1;
	frame[VLAN_AT] = (__u8)skb->vlan_proto; /* in network byte order */
	frame[VLAN_AT + 1] = (__u8)(skb->vlan_proto >> 8);
	frame[VLAN_AT + 2] = (__u8)(skb->vlan_tci >> 8);
	frame[VLAN_AT + 3] = (__u8)skb->vlan_tci;
	return (int)bpf_skb_load_bytes(skb, VLAN_AT, frame + VLAN_AT + VLAN_TAG, behind);
}

SEPARATE int ladder_load(struct __sk_buff *skb, struct ladder_state *state)
{
	return state ? (int)bpf_skb_load_bytes(skb, 0, state->run.frame, ladder_room(state, skb->len)) : -1;
}

/* What has been entered into a flow goes to user space, if it is of a connection that is shown, or from now on is. */
SEPARATE int ladder_xdp(struct xdp_md *ctx, struct hook_state *hook)
{
	struct ladder_state *state = ladder_state_of();

	if (!state || !hook)
		return 0;
	if (config.ladder == LADDER_PICKED)
		return ladder_is_picked(hook) ? ladder_send(state, hook) : 0;
	if (!ladder_is_shown(hook) &&
	    (bpf_xdp_load_bytes(ctx, 0, state->run.frame, ladder_room(state, (__u32)bpf_xdp_get_buff_len(ctx))) ||
	     !ladder_matches(state, LINK_ETHERNET)))
		return 0;
	return ladder_send(state, hook);
}

SEPARATE int ladder_skb(struct __sk_buff *skb, struct hook_state *hook)
{
	struct ladder_state *state = ladder_state_of();

	if (!state || !hook)
		return 0;
	if (config.ladder == LADDER_PICKED)
		return ladder_is_picked(hook) ? ladder_send(state, hook) : 0;
	if (!ladder_is_shown(hook) && ((skb->vlan_present ? ladder_load_tagged(skb, state) : ladder_load(skb, state)) ||
				       !ladder_matches(state, hook->interface.link)))
		return 0;
	return ladder_send(state, hook);
}

#endif
