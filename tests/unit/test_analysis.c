/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The thirteen counters of the sequence analysis: each alone, with what must not count; then flags, sizes and CE. */
#include <criterion/criterion.h>

#include "script.h"

#define MS 1000
/* Neither side scales its window. The initial RTT is 20 ms. */
#define OPEN \
	{ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 * MS }, { C, ACK, 1, 1, 0, 20 * MS }
/* No loss, nothing resent: what plain traffic must leave at 0, for one side. */
#define CALM(side) \
	side ".retransmits=0 " side ".fast_retransmits=0 " side ".spurious_retransmits=0 " side \
	     ".out_of_order=0 " side ".lost_segments=0 " side ".acked_unseen=0 " side ".zero_windows=0 " side \
	     ".zero_window_probes=0 " side ".window_full=0 " side ".keep_alives=0 " side ".keep_alive_acks=0 " side \
	     ".window_updates=0 "

/* clang-format off */
static const struct script loss[] = {
	{ "plain data",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 * MS }, { S, ACK, 1, 101, 0, 31 * MS }, { S, PA, 1, 101, 1000, 32 * MS },
		{ C, ACK, 101, 1001, 0, 33 * MS }, { C, PA, 101, 1001, 100, 34 * MS }),
	  { CALM("c") CALM("s") "c.duplicate_acks=0 s.duplicate_acks=0 c.payload=200 s.payload=1000 c.stream=200 s.stream=1000 "
	    "c.psh=2 c.packets=5 s.payload_max=1000 c.ip_bytes=400 c.first_data=30000 s.first_data=32000" } },
	{ "retransmission after a timeout",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 * MS }, { C, PA, 1, 1, 100, 330 * MS, "c.retransmits=1" }),
	  { "c.retransmits=1 c.out_of_order=0 c.fast_retransmits=0 c.spurious_retransmits=0 c.payload=200 c.stream=100" } },
	{ "fast retransmission",
	  STEPS(OPEN, { C, ACK, 101, 1, 100, 30 * MS, "c.lost_segments=1" }, { S, ACK, 1, 1, 0, 31 * MS, "s.duplicate_acks=1" },
		{ C, ACK, 201, 1, 100, 32 * MS }, { S, ACK, 1, 1, 0, 33 * MS, "s.duplicate_acks=2" },
		{ C, ACK, 1, 1, 100, 40 * MS, "c.fast_retransmits=1" }),
	  { "c.fast_retransmits=1 c.retransmits=0 c.out_of_order=0 c.lost_segments=1" } },
	{ "too late for a fast retransmission",
	  STEPS(OPEN, { C, ACK, 101, 1, 100, 30 * MS }, { S, ACK, 1, 1, 0, 31 * MS }, { S, ACK, 1, 1, 0, 32 * MS },
		{ C, ACK, 1, 1, 100, 52 * MS }), { "c.fast_retransmits=0 c.retransmits=1" } },
	{ "one duplicate ACK is no fast retransmission",
	  STEPS(OPEN, { C, ACK, 101, 1, 100, 30 * MS }, { S, ACK, 1, 1, 0, 31 * MS }, { C, ACK, 1, 1, 100, 32 * MS }),
	  { "c.fast_retransmits=0 c.out_of_order=1" } },
	{ "spurious retransmission",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 * MS }, { S, ACK, 1, 101, 0, 31 * MS },
		{ C, PA, 1, 1, 100, 300 * MS, "c.spurious_retransmits=1" }),
	  { "c.spurious_retransmits=1 c.retransmits=0 c.out_of_order=0" } },
	{ "out of order",
	  STEPS(OPEN, { C, PA, 101, 1, 100, 30 * MS, "c.lost_segments=1" }, { C, PA, 1, 1, 100, 31 * MS, "c.out_of_order=1" }),
	  { "c.out_of_order=1 c.retransmits=0 c.lost_segments=1 c.stream=200" } },
	{ "later than the initial RTT it is resent",
	  STEPS(OPEN, { C, PA, 101, 1, 100, 30 * MS }, { C, PA, 1, 1, 100, 51 * MS }), { "c.out_of_order=0 c.retransmits=1" } },
	{ "midstream the initial RTT is 3 ms",
	  STEPS({ C, PA, 1, 1, 100, 0 }, { C, PA, 201, 1, 100, 1 }, { C, PA, 101, 1, 100, 2900, "c.out_of_order=1" },
		{ C, PA, 401, 1, 100, 3000 }, { C, PA, 301, 1, 100, 6100, "c.retransmits=1" }),
	  { "c.out_of_order=1 c.retransmits=1 c.lost_segments=2" } },
	{ "lost segment: each hole counts once",
	  STEPS(OPEN, { C, PA, 101, 1, 100, 30 * MS }, { C, PA, 201, 1, 100, 31 * MS }, { C, PA, 401, 1, 100, 32 * MS }),
	  { "c.lost_segments=2 c.stream=500 c.payload=300" } },
	{ "acknowledged, but not captured",
	  STEPS(OPEN, { S, ACK, 1, 501, 0, 30 * MS, "s.acked_unseen=1" }, { C, PA, 501, 1, 100, 31 * MS }),
	  { "s.acked_unseen=1 c.lost_segments=1" } },
	{ "a hole that is acknowledged",
	  STEPS(OPEN, { C, PA, 101, 1, 100, 30 * MS }, { S, ACK, 1, 201, 0, 31 * MS, "s.acked_unseen=1" },
		{ C, PA, 201, 1, 100, 32 * MS }, { S, ACK, 1, 301, 0, 33 * MS }), { "s.acked_unseen=1" } },
	{ "duplicate ACKs",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 * MS }, { S, ACK, 1, 101, 0, 31 * MS, "s.duplicate_acks=0" },
		{ S, ACK, 1, 101, 0, 32 * MS, "s.duplicate_acks=1" }, { S, ACK, 1, 101, 0, 33 * MS, "s.duplicate_acks=2" }),
	  { "s.duplicate_acks=2 s.window_updates=0 c.duplicate_acks=0" } },
	{ "a new MPTCP subtype makes no duplicate ACK",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 * MS }, { S, ACK, 1, 101, 0, 31 * MS },
		{ C, ACK, 101, 1, 0, 32 * MS, .want = NULL, .options = OPTION_MPTCP, .mptcp_subtypes = 1 << 3 },
		{ S, ACK, 1, 101, 0, 33 * MS, "s.duplicate_acks=0" }, { S, ACK, 1, 101, 0, 34 * MS, "s.duplicate_acks=1" }),
	  { "s.duplicate_acks=1" } },
};
/* clang-format on */

Test(analysis, loss) { scripts_run(loss); }

/* clang-format off */
static const struct script windows[] = {
	{ "zero window",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 * MS }, { S, ACK, 1, 101, 0, 31 * MS, "s.zero_windows=1", .window = WINDOW_ZERO }),
	  { "s.zero_windows=1 s.window_min=0 s.window_max=0 c.zero_windows=0" } },
	{ "a reset has no window", STEPS(OPEN, { S, RST, 1, 0, 0, 30 * MS, .want = NULL, .window = WINDOW_ZERO }),
	  { "s.zero_windows=0 s.window_min=null" } },
	{ "zero window, probe, answer, update",
	  STEPS(OPEN, { S, ACK, 1, 1, 0, 30 * MS, .want = NULL, .window = WINDOW_ZERO },
		{ C, ACK, 1, 1, 1, 230 * MS, "c.zero_window_probes=1" },
		{ S, ACK, 1, 1, 0, 231 * MS, "s.zero_windows=2", .window = WINDOW_ZERO },
		{ S, ACK, 1, 1, 0, 500 * MS, "s.window_updates=1" }, { C, PA, 1, 1, 100, 501 * MS }),
	  { "c.zero_window_probes=1 s.zero_windows=2 s.window_updates=1 s.duplicate_acks=0 c.retransmits=0 c.stream=100 "
	    "c.lost_segments=0" } },
	{ "window update",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 * MS }, { S, ACK, 1, 101, 0, 31 * MS, .want = NULL, .window = 100 },
		{ S, ACK, 1, 101, 0, 32 * MS, "s.window_updates=1", .window = 5000 }),
	  { "s.window_updates=1 s.duplicate_acks=0 s.window_min=100 s.window_max=5000" } },
	{ "window full",
	  STEPS(OPEN, { S, ACK, 1, 1, 0, 30 * MS, .want = NULL, .window = 200 }, { C, PA, 1, 1, 199, 31 * MS, "c.window_full=0" },
		{ C, PA, 200, 1, 1, 32 * MS, "c.window_full=1" }), { "c.window_full=1" } },
	{ "window full, scaled",
	  STEPS({ C, SYN, 0, 0, 0, 0, .want = NULL, .options = OPTION_WINDOW_SCALE },
		{ S, SA, 0, 1, 0, 10 * MS, .want = NULL, .options = OPTION_WINDOW_SCALE, .window_scale = 4 },
		{ C, ACK, 1, 1, 0, 20 * MS }, { S, ACK, 1, 1, 0, 30 * MS, .want = NULL, .window = 10 },
		{ C, PA, 1, 1, 160, 31 * MS }), { "c.window_full=1 s.window_max=160" } },
	{ "the SYN/ACK's own window is not scaled",
	  STEPS({ C, SYN, 0, 0, 0, 0, .want = NULL, .options = OPTION_WINDOW_SCALE },
		{ S, SA, 0, 1, 0, 10 * MS, .want = NULL, .options = OPTION_WINDOW_SCALE, .window_scale = 4, .window = 100 },
		{ C, ACK, 1, 1, 0, 20 * MS }, { C, PA, 1, 1, 100, 31 * MS }), { "c.window_full=1" } },
	{ "midstream the shift is unknown",
	  STEPS({ S, ACK, 1, 1, 0, 0, .want = NULL, .window = 100 }, { C, PA, 1, 1, 100, 1 }), { "c.window_full=0" } },
	{ "keep-alive and its answer",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 * MS }, { S, ACK, 1, 101, 0, 31 * MS },
		{ C, ACK, 100, 1, 0, 9000 * MS, "c.keep_alives=1 c.retransmits=0" },
		{ S, ACK, 1, 101, 0, 9001 * MS, "s.keep_alive_acks=1 s.duplicate_acks=0" }),
	  { "c.keep_alives=1 s.keep_alive_acks=1 c.spurious_retransmits=0 c.retransmits=0 s.duplicate_acks=0" } },
	{ "keep-alive with an octet",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 * MS }, { S, ACK, 1, 101, 0, 31 * MS }, { C, ACK, 100, 1, 1, 9000 * MS },
		{ S, ACK, 1, 101, 0, 9001 * MS }),
	  { "c.keep_alives=1 s.keep_alive_acks=1 c.spurious_retransmits=0 c.stream=100" } },
};
/* clang-format on */

Test(analysis, windows) { scripts_run(windows); }

/* clang-format off */
static const struct script counts[] = {
	{ "every flag counts",
	  STEPS(OPEN, { C, ACK | TCP_URG, 1, 1, 10, 30 * MS }, { C, ACK | TCP_ECE, 11, 1, 10, 31 * MS },
		{ C, ACK | TCP_CWR, 21, 1, 10, 32 * MS }, { C, ACK | TCP_AE, 31, 1, 10, 33 * MS },
		{ C, PSH, 41, 0, 10, 34 * MS }, { S, ACK | SEGMENT_CE, 1, 51, 0, 35 * MS }),
	  { "c.urg=1 c.ece=1 c.cwr=1 c.ae=1 c.psh=1 c.ack=5 c.packets=7 c.syn=1 s.ce=1 c.ce=0 s.ack=2 c.stream=50" } },
	{ "super-packets count their segments",
	  STEPS(OPEN, { C, PA, 1, 1, 3000, 30 * MS, .want = NULL, .segments = 3 }),
	  { "c.packets=5 c.payload=3000 c.ip_bytes=3200 c.ack=4 c.psh=1" } },
	{ "one direction alone",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { C, ACK, 1, 1, 0, 20 }, { C, PA, 1, 1, 50, 30 }, { C, FA, 51, 1, 0, 40 }),
	  { "outcome=accepted c.payload=50 s.packets=0 state=closing server=null client=null" } },
};
/* clang-format on */

Test(analysis, counts) { scripts_run(counts); }
