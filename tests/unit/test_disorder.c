/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Captures that have lost, repeated or mixed up segments, and numbers that contradict each other: what tshark makes of
 * them is the expectation. */
#include <criterion/criterion.h>

#include "script.h"

#define MS 1000

/* clang-format off */
static const struct script sequences[] = {
	{ "an ACK of what was not seen marks the peer's run, though one duplicate ACK in it keeps it from being counted",
	  STEPS({ C, ACK, 1, 1, 0, 0 }, { C, ACK, 1, 1, 0, 1, "c.duplicate_acks=1" }, { S, FA, 1381, 2, 1, 90, "s.acked_unseen=0" },
		{ S, ACK, 1, 1, 1380, 95 }),
	  { "s.fast_retransmits=1 s.out_of_order=0" } },
	{ "half way round is before as well as after",
	  STEPS({ S, ACK, 1, 1, 0, 0 }, { C, ACK, 1, 0x80000100, 0, 1 * MS }, { S, ACK, 0x100 - 14, 1, 14, 2 * MS }),
	  { "s.spurious_retransmits=1" } },
	{ "what an ACK showed to be there stands until the hole is filled, be it longer than half way round",
	  STEPS({ C, ACK, 1, 1, 9, 0 }, { C, ACK, 131100, 1, 9, 1 * MS }, { S, ACK, 1, 37, 0, 2 * MS, "s.acked_unseen=1" },
		{ C, ACK, 2147484464, 361, 9, 3 * MS }, { S, ACK, 357, 2147483961, 12, 4 * MS, "s.acked_unseen=2" },
		{ S, ACK, 385, 445317451, 12, 5 * MS }), { "s.acked_unseen=2" } },
};
/* clang-format on */

Test(disorder, sequences) { scripts_run(sequences); }

/* clang-format off */
static const struct script initial_rtt[] = {
	{ "a SYN captured after the peer's ACK: measured to its own ACK",
	  STEPS({ S, PA, 1, 1, 43, 0 }, { C, SYN, 0, 0, 0, 108 * MS }, { C, ACK, 1, 44, 0, 108 * MS + 70 },
		{ S, FA, 44, 1, 0, 216 * MS }, { S, SA, 0, 1, 0, 216 * MS + 500 }),
	  { "s.retransmits=1 s.out_of_order=0" } },
	{ "to plain data of the peer",
	  STEPS({ S, PA, 1, 1, 43, 0 }, { S, PA, 44, 1, 43, 1 * MS }, { S, PA, 87, 1, 43, 2 * MS }, { C, SYN, 0, 0, 0, 3 * MS },
		{ S, PA, 130, 1, 43, 3 * MS + 50 }, { S, PA, 216, 1, 43, 3 * MS + 60 }, { S, PA, 173, 1, 43, 3 * MS + 160 }),
	  { "s.retransmits=1 s.out_of_order=0" } },
	{ "to its own plain data",
	  STEPS({ S, PA, 1, 1, 43, 0 }, { C, PA, 1, 44, 10, 1 * MS }, { C, ACK, 11, 44, 0, 2 * MS }, { C, SYN, 0, 0, 0, 3 * MS },
		{ C, PA, 11, 44, 10, 3 * MS + 50 }, { S, PA, 87, 1, 43, 4 * MS }, { S, PA, 44, 1, 43, 4 * MS + 100 }),
	  { "s.retransmits=1 s.out_of_order=0" } },
};

static const struct script windows[] = {
	{ "data captured before their SYN/ACK: its window is not scaled yet",
	  STEPS({ S, FA, 1, 1, 0, 0, .window = 100 },
		{ S, SA, 0, 501, 0, 3 * MS, .window = 100, .options = OPTION_WINDOW_SCALE, .window_scale = 2 },
		{ C, ACK, 501, 101, 100, 104 * MS }), { "c.window_full=1" } },
	{ "nor when it is sent again", /* and then it is */
	  STEPS({ S, SA, 0, 1, 0, 0, .window = 100, .options = OPTION_WINDOW_SCALE, .window_scale = 2 },
		{ C, ACK, 1, 1, 100, 1 * MS, "c.window_full=1" }, { S, ACK, 1, 101, 0, 2 * MS, .window = 100 },
		{ C, ACK, 101, 1, 100, 3 * MS, "c.window_full=1" }, { C, ACK, 201, 1, 300, 4 * MS, "c.window_full=2" },
		{ S, SA, 0, 1, 0, 5 * MS, .window = 100, .options = OPTION_WINDOW_SCALE, .window_scale = 2 },
		{ C, ACK, 1, 1, 100, 6 * MS, "c.window_full=3" }), { "c.window_full=3" } },
};

static const struct script handshakes[] = {
	{ "a SYN/ACK overtaken by data is not when the server answered",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, PA, 1, 1, 100, 300 }, { S, SA, 0, 1, 0, 500 }, { C, ACK, 1, 1, 0, 900 }),
	  { "server=null client=400 connect=900 answered=1 answered_by=only outcome=accepted" } },
	{ "unless the data came before the SYN as well",
	  STEPS({ S, PA, 1, 1, 100, 0 }, { C, SYN, 0, 0, 0, 15 }, { S, SA, 0, 1, 0, 959 }), { "server=944" } },
	{ "nor what answered an earlier SYN",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, ACK, 1, 1, 0, 300 }, { C, SYN, 0, 0, 0, 1000 * MS },
		{ S, SA, 0, 1, 0, 1000 * MS + 500 }), { "server=500 answered=2" } },
	{ "a SYN/ACK of something else, and its ACK",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 555, 0, 300 }, { C, ACK, 1, 1, 0, 500 }), { "server=null client=200" } },
	{ "an ACK that is older than the SYN/ACK is no answer to it",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 234 }, { C, ACK, 1, 0, 0, 364 }, { C, PA, 1, 1, 390, 538 }),
	  { "server=234 client=304 connect=538" } },
};
/* clang-format on */

Test(disorder, initial_rtt) { scripts_run(initial_rtt); }
Test(disorder, windows) { scripts_run(windows); }
Test(disorder, handshakes) { scripts_run(handshakes); }
