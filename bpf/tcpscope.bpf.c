/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs: XDP ingress, tc ingress and egress, and the sweep that user space runs. Shells round the engine: they
 * find the packet, its interface and the time; they parse and decide nothing. The verdict is pass, but for --tap. */
#include "maps.h"

#include "clock.h"
#include "ladder.h"

/* User space lets no two interfaces share an entry. One that it did not enter, as in a test run, is number 0. */
INLINE struct interface *interface_of(__u32 ifindex)
{
	__u32 at = ifindex & (INTERFACE_INDEXES - 1);

	return bpf_map_lookup_elem(&interfaces, &at);
}

/* `ifindex`, here and below, is where the context has it: to read it costs a few loads, and it is seldom asked for. */
INLINE struct hook_state *hook_of(const __u32 *ifindex, enum interface_direction direction)
{
	__u32 at = direction;

	if (!config.alone) {
		const struct interface *interface = interface_of(*ifindex);

		if (!interface)
			return NULL;
		at += interface->number * DIRECTIONS;
	}
	return bpf_map_lookup_elem(&hooks, &at);
}

/* Where is the same for all frames of this state: once a jiffy is often enough. */
INLINE void hook_begin_tick(struct hook_state *hook, const __u32 *ifindex, __u64 tick)
{
	const struct interface *interface = interface_of(*ifindex);

	if (interface)
		hook->interface = *interface;
	hook->tick = tick;
	hook->readings = 0;
	hook->sharing = 1;
	hook->shared_log2 = 0;
	hook->strays = 0;
	hook->stamp.interface = hook->interface.number;
	hook->stamp.cpu = (__u8)bpf_get_smp_processor_id();
}

/* When and where: known before the frame is read. */
INLINE void hook_stamp(struct hook_state *hook, const __u32 *ifindex)
{
	__u64 tick = bpf_jiffies64();

	if (unlikely(tick != hook->tick))
		hook_begin_tick(hook, ifindex, tick);
	clock_lazy(hook);
}

/* In a test: each frame brings its time, and the first that a tick does is done for all. */
INLINE void hook_stamp_test(struct hook_state *hook, const __u32 *ifindex, __u64 now_ns)
{
	hook_begin_tick(hook, ifindex, 0);
	hook->stamp.now_ns = now_ns;
}

INLINE const struct test_metadata *xdp_test_metadata(const struct xdp_md *ctx)
{
	const struct test_metadata *meta;

	if (!config.test_clock)
		return NULL;
	meta = (void *)(long)ctx->data_meta;
	return (const __u8 *)(meta + 1) <= (const __u8 *)(long)ctx->data ? meta : NULL;
}

/* Where the next layer begins, from one call of a parser to the next: the kernel's verifier then reads it once. */
INLINE void layer_load(struct cursor *at, const struct layer *layer)
{
	at->wire_len = layer->wire_len;
	at->offset = layer->offset & HEADERS_MAX;
	at->ethertype = layer->ethertype;
	at->in_ip = layer->in_ip;
}

INLINE void layer_store(struct layer *layer, const struct cursor *at)
{
	layer->link = LINK_INNER;
	layer->wire_len = at->wire_len;
	layer->offset = at->offset;
	layer->ethertype = at->ethertype;
	layer->in_ip = at->in_ip;
}

/* Reads a layer of tunnels: the frame, or what the last call came upon. Functions of their own: they need half the
 * stack. */
SEPARATE int xdp_parse_layer(struct xdp_md *ctx, struct hook_state *hook)
{
	struct cursor at;
	int verdict;

	if (!hook)
		return LEDGER_NOT_IP;
	at = (struct cursor){
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
		.zero = hook->interface.zero,
		.scratch = &hook->scratch,
	};
	layer_load(&at, &hook->layer);
	/* On a device without Ethernet header user space attaches no XDP program. */
	verdict = segment_parse_layer(hook->layer.link == LINK_INNER ? LINK_INNER : LINK_ETHERNET, &at, &hook->segment);
	layer_store(&hook->layer, &at);
	return verdict;
}

/* Fills the segment from any frame. */
SEPARATE int xdp_parse(struct xdp_md *ctx, struct hook_state *hook)
{
	const struct test_metadata *meta = xdp_test_metadata(ctx);
	int verdict = TUNNEL_FOUND;

	if (!hook)
		return LEDGER_NOT_IP;
	hook->layer = (struct layer){
		.link = LINK_ETHERNET,
		.wire_len = (__u32)bpf_xdp_get_buff_len(ctx), /* of all buffers; the headers are in the first */
	};
	if (meta)
		hook->layer.wire_len = meta->wire_len;
	segment_begin(&hook->segment, hook->stamp.interface);
	for (int i = 0; i <= TUNNELS && unlikely(verdict == TUNNEL_FOUND); i++)
		verdict = xdp_parse_layer(ctx, hook);
	return verdict == TUNNEL_FOUND ? LEDGER_TOO_DEEP : verdict;
}

/* What the short way sees. A frame of several buffers is longer: then the long way. */
INLINE struct cursor xdp_cursor(const struct xdp_md *ctx)
{
	const struct test_metadata *meta = xdp_test_metadata(ctx);
	struct cursor at = { .data = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };

	at.wire_len = meta ? meta->wire_len : (__u32)(at.end - at.data);
	return at;
}

SEPARATE int xdp_judge(struct xdp_md *ctx, struct hook_state *hook, __u32 found)
{
	struct cursor at = xdp_cursor(ctx);

	return hook && engine_judge(&table, &hook->ledger, &at, &hook->stamp, &hook->segment, found);
}

/* Of a frame that was counted. */
INLINE int xdp_verdict(void) { return config.tap ? XDP_DROP : XDP_PASS; }

/* The long way only, with rungs of a ladder. */
SEPARATE int xdp_draw(struct xdp_md *ctx, struct hook_state *hook)
{
	int verdict;

	if (!hook)
		return XDP_PASS;
	verdict = xdp_parse(ctx, hook);
	segment_stamp(&hook->segment, &hook->stamp);
	if (ladder_enter(hook, verdict) == LEDGER_IN_FLOWS) {
		rung_grow(&table, &hook->segment);
		ladder_xdp(ctx, hook);
	}
	return xdp_verdict();
}

SEC("xdp.frags")
int xdp_ingress(struct xdp_md *ctx)
{
	struct hook_state *hook = hook_of(&ctx->ingress_ifindex, DIRECTION_INGRESS);
	struct cursor at = xdp_cursor(ctx);
	__u32 found;
	int verdict;

	if (!hook || unlikely(table.shape.off))
		return XDP_PASS;
	if (config.test_clock) {
		const struct test_metadata *meta = xdp_test_metadata(ctx);

		hook_stamp_test(hook, &ctx->ingress_ifindex, meta ? meta->now_ns : 0);
	} else {
		hook_stamp(hook, &ctx->ingress_ifindex);
	}
	if (ladder_draws(hook))
		return xdp_draw(ctx, hook);
	found = engine_brief(&table, &hook->ledger, &at, &hook->stamp, &hook->strays);
	if (likely(found == BRIEF_ENTERED) || xdp_judge(ctx, hook, found))
		return xdp_verdict();
	verdict = xdp_parse(ctx, hook);
	segment_stamp(&hook->segment, &hook->stamp);
	engine_enter(&table, &hook->ledger, &hook->segment, verdict);
	return xdp_verdict();
}

/* ---- tc ---- */

enum { PULL_LEN = 256 }; /* octets in which the headers of a packet end, all but always */

/* The length on the wire, in a test that of the capture. */
INLINE __u32 skb_wire_len(const struct __sk_buff *skb)
{
	return config.test_clock && skb->wire_len > skb->len ? skb->wire_len : skb->len;
}

/* As xdp_parse_layer. */
SEPARATE int skb_parse_layer(struct __sk_buff *skb, struct hook_state *hook)
{
	struct cursor at;
	int verdict;

	if (!hook)
		return LEDGER_NOT_IP;
	at = (struct cursor){
		.data = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.zero = hook->interface.zero,
		.scratch = &hook->scratch,
	};
	layer_load(&at, &hook->layer);
	verdict = segment_parse_layer(hook->layer.link == LINK_INNER ? LINK_INNER
				      : hook->layer.link == LINK_IP  ? LINK_IP
								     : LINK_ETHERNET,
				      &at, &hook->segment);
	layer_store(&hook->layer, &at);
	return verdict;
}

/* Fills the segment from what lies in the linear part of the packet. A function of its own, so that the verifier reads
 * the parser once although a packet may need it twice. */
SEPARATE int skb_parse(struct __sk_buff *skb, struct hook_state *hook)
{
	struct segment *seg;
	int verdict = TUNNEL_FOUND;

	if (!hook)
		return LEDGER_NOT_IP;
	hook->layer = (struct layer){
		.link = hook->interface.link == LINK_IP ? LINK_IP : LINK_ETHERNET,
		.wire_len = skb_wire_len(skb),
	};
	seg = &hook->segment;
	segment_begin(seg, hook->stamp.interface);
	if (skb->vlan_present) { /* the outer tag, which the kernel or the NIC took off */
		seg->vlan[0] = skb->vlan_tci & 0xfff;
		seg->vlans = 1;
	}
	for (int i = 0; i <= TUNNELS && unlikely(verdict == TUNNEL_FOUND); i++)
		verdict = skb_parse_layer(skb, hook);
	return verdict == TUNNEL_FOUND ? LEDGER_TOO_DEEP : verdict;
}

INLINE struct cursor skb_cursor(const struct __sk_buff *skb)
{
	return (struct cursor){
		.data = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.wire_len = skb_wire_len(skb),
		.segments = (__u16)skb->gso_segs,
		.segment_payload = (__u16)skb->gso_size,
	};
}

SEPARATE int skb_judge(struct __sk_buff *skb, struct hook_state *hook, __u32 found)
{
	struct cursor at = skb_cursor(skb);

	return hook && engine_judge(&table, &hook->ledger, &at, &hook->stamp, &hook->segment, found);
}

/* The short way; where it begins is for what is one segment alone. */
INLINE bool skb_brief(struct __sk_buff *skb, struct hook_state *hook)
{
	struct cursor at = skb_cursor(skb);
	__u32 found;

	if (hook->interface.link != LINK_ETHERNET)
		return false;
	if (skb->gso_size)
		return skb_judge(skb, hook, BRIEF_NOT);
	found = engine_brief(&table, &hook->ledger, &at, &hook->stamp, &hook->strays);
	if (likely(found == BRIEF_ENTERED))
		return true;
	/* Apart: else what is found is kept on all ways to BRIEF_NOT, too, and the stack has no room for that. */
	return found != BRIEF_NOT ? skb_judge(skb, hook, found) : skb_judge(skb, hook, BRIEF_NOT);
}

/* Did the parser stop where the linear part ends, though the packet goes on? A pull copies; so it is not done ahead of
 * need: what the host itself sends has its headers in the linear part and its data elsewhere. */
INLINE bool skb_wants_pull(const struct __sk_buff *skb, const struct hook_state *hook, int verdict)
{
	__u32 linear = skb->data_end - skb->data;

	return linear < skb->len && linear < PULL_LEN &&
	       (verdict != LEDGER_IN_FLOWS || hook->segment.options & OPTION_CUT);
}

/* Parses any packet. Returns what segment_parse says. */
INLINE int skb_read(struct __sk_buff *skb, struct hook_state *hook)
{
	int verdict = skb_parse(skb, hook);

	if (unlikely(skb_wants_pull(skb, hook, verdict)) &&
	    !bpf_skb_pull_data(skb, skb->len < PULL_LEN ? skb->len : PULL_LEN))
		verdict = skb_parse(skb, hook);
	segment_super(&hook->segment, (__u16)skb->gso_size, (__u16)skb->gso_segs);
	segment_stamp(&hook->segment, &hook->stamp);
	return verdict;
}

/* The long way only, with rungs of a ladder. */
SEPARATE int skb_draw(struct __sk_buff *skb, struct hook_state *hook)
{
	if (!hook)
		return TC_ACT_UNSPEC;
	if (ladder_enter(hook, skb_read(skb, hook)) == LEDGER_IN_FLOWS) {
		rung_grow(&table, &hook->segment);
		ladder_skb(skb, hook);
	}
	return TC_ACT_UNSPEC;
}

INLINE int tc_frame(struct __sk_buff *skb, enum interface_direction direction)
{
	struct hook_state *hook = hook_of(&skb->ifindex, direction);
	int verdict;

	if (!hook || unlikely(table.shape.off))
		return TC_ACT_UNSPEC;
	if (config.test_clock)
		hook_stamp_test(hook, &skb->ifindex, skb->tstamp);
	else
		hook_stamp(hook, &skb->ifindex);
	if (ladder_draws(hook))
		return skb_draw(skb, hook);
	if (skb_brief(skb, hook))
		return TC_ACT_UNSPEC;
	verdict = skb_read(skb, hook);
	engine_enter(&table, &hook->ledger, &hook->segment, verdict);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int tc_ingress(struct __sk_buff *skb) { return tc_frame(skb, DIRECTION_INGRESS); }

SEC("tc")
int tc_egress(struct __sk_buff *skb) { return tc_frame(skb, DIRECTION_EGRESS); }

/* ---- the sweep ---- */

INLINE struct sweep_call *sweep_call_of(void)
{
	__u32 at = 0;

	return bpf_map_lookup_elem(&sweeps, &at);
}

static int give_bucket_back(__u32 index, void *unused)
{
	struct sweep_call *call = sweep_call_of();

	if (!call)
		return 1;
	table_give_back_last(&table, &call->handover, index);
	return 0;
}

static int sweep_bucket(__u32 index, void *unused)
{
	struct sweep_call *call = sweep_call_of();

	if (!call || !table_sweep(&table, index, call))
		return 1;
	call->swept = index + 1;
	return 0;
}

/* table_sweep_call's steps. Run by user space (BPF_PROG_TEST_RUN), not attached: an XDP program because those may take
 * spin locks. A signal does not end it midway. */
SEC("xdp")
int sweep(struct xdp_md *ctx)
{
	struct sweep_call *call = sweep_call_of();

	if (!call)
		return XDP_ABORTED;
	call->swept = 0;
	if (call->give_back && handover_is_done(&call->handover)) {
		bpf_loop(handover_last(&call->handover), give_bucket_back, NULL, 0);
		handover_shorten(&call->handover, handover_last(&call->handover));
	} else if (!call->give_back && handover_has_room(&call->handover)) {
		call->handover.now_ns = call->policy.now_ns;
		bpf_loop(call->count, sweep_bucket, NULL, 0);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
