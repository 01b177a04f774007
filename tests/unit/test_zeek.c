/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Zeek's columns: a script for each conn_state and for each letter of the history. What is wanted was worked out by
 * hand from Zeek's description of its conn.log, and agrees with the logs that Zeek publishes for its own test
 * captures. */
#include <criterion/criterion.h>
#include <string.h>

#include "script.h"

#define OPEN { C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, ACK, 1, 1, 0, 20 }

/* clang-format off */
static const struct script states[] = {
	{ "S0: no answer", STEPS({ C, SYN, 0, 0, 0, 0 }, { C, SYN, 0, 0, 0, 1000000 }), { "conn_state=S0 history=S" } },
	{ "S0: an ACK of an old connection is no answer", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, ACK, 77, 900, 0, 10 }),
	  { "conn_state=S0 history=Sa" } },
	{ "S1: half open", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }), { "conn_state=S1 history=Sh" } },
	{ "S1: established", STEPS(OPEN, { C, PA, 1, 1, 9, 30 }, { S, ACK, 1, 10, 0, 40 }), { "conn_state=S1 history=ShADa" } },
	{ "S1: simultaneous open",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SYN, 0, 0, 0, 5 }, { C, SA, 0, 1, 0, 9 }, { S, SA, 0, 1, 0, 14 }),
	  { "conn_state=S1 history=Ss" } },
	{ "S1: the SYN was missed", STEPS({ S, SA, 0, 1, 0, 0, "conn_state=OTH history=^h" }, { C, ACK, 1, 1, 0, 10 }),
	  { "conn_state=S1 history=^hA" } },
	{ "SF: the client closes",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, ACK, 1, 2, 0, 110 }, { S, FA, 1, 2, 0, 120 }, { C, ACK, 2, 2, 0, 130 }),
	  { "conn_state=SF history=ShAFaf" } },
	{ "SF: simultaneous close",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, FA, 1, 1, 0, 101 }, { C, ACK, 2, 2, 0, 110 }, { S, ACK, 2, 2, 0, 111 }),
	  { "conn_state=SF history=ShAFfa" } },
	{ "SF: the end of a connection whose beginning was missed",
	  STEPS({ C, FA, 1, 1, 0, 0 }, { S, FA, 1, 2, 0, 10 }, { C, ACK, 2, 2, 0, 20 }), { "conn_state=SF history=FfA" } },
	{ "SF: a RST after both FINs", STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, FA, 1, 2, 0, 110 }, { C, RST, 2, 0, 0, 120 }),
	  { "conn_state=SF history=ShAFfR" } },
	{ "SF: FIN, RST, and the peer's FIN",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { C, RST, 2, 0, 0, 110, "conn_state=RSTO" }, { S, FA, 1, 2, 0, 120 }),
	  { "conn_state=SF history=ShAFRf" } },
	{ "REJ: refused", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, RA, 0, 1, 0, 10 }), { "conn_state=REJ history=Sr" } },
	{ "REJ: both reset, no payload", STEPS(OPEN, { C, RST, 1, 0, 0, 30 }, { S, RST, 1, 0, 0, 40 }),
	  { "conn_state=REJ history=ShARr" } },
	{ "RSTR: both reset, payload", STEPS(OPEN, { C, PA, 1, 1, 5, 25 }, { C, RST, 6, 0, 0, 30 }, { S, RST, 1, 0, 0, 40 }),
	  { "conn_state=RSTR history=ShADRr" } },
	{ "RSTR: the server resets", STEPS(OPEN, { S, RA, 1, 1, 0, 30 }), { "conn_state=RSTR history=ShAr" } },
	{ "RSTR: after the client's FIN", STEPS(OPEN, { C, FA, 1, 1, 0, 30 }, { S, RA, 1, 2, 0, 40 }),
	  { "conn_state=RSTR history=ShAFr" } },
	{ "RSTO: the client resets", STEPS(OPEN, { C, RA, 1, 1, 0, 30 }), { "conn_state=RSTO history=ShAR" } },
	{ "RSTO: a scan of an open port", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, RST, 1, 0, 0, 20 }),
	  { "conn_state=RSTO history=ShR" } },
	{ "RSTOS0: SYN, RST", STEPS({ C, SYN, 0, 0, 0, 0 }, { C, RST, 1, 0, 0, 10 }), { "conn_state=RSTOS0 history=SR" } },
	{ "OTH: SYN, FIN, RST", STEPS({ C, SYN, 0, 0, 0, 0 }, { C, FA, 1, 1, 0, 10 }, { C, RST, 2, 0, 0, 20 }),
	  { "conn_state=OTH history=SFR" } },
	{ "OTH: a RST alone", STEPS({ C, RST, 1, 0, 0, 0 }), { "conn_state=OTH history=R" } },
	{ "OTH: beginning and end missed", STEPS({ C, PA, 1, 1, 9, 0 }, { S, ACK, 1, 10, 0, 10 }), { "conn_state=OTH history=Da" } },
	{ "OTH: data answers the SYN", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, PA, 1, 1, 9, 10 }), { "conn_state=OTH history=Sd" } },
	{ "RSTRH: SYN/ACK, RST, and nothing of the client", STEPS({ S, SA, 0, 1, 0, 0 }, { S, RST, 1, 0, 0, 10 }),
	  { "conn_state=RSTRH history=^hr" } },
	{ "SH: SYN, FIN", STEPS({ C, SYN, 0, 0, 0, 0 }, { C, FA, 1, 1, 0, 10 }), { "conn_state=SH history=SF" } },
	{ "S2: the server does not close", STEPS(OPEN, { C, FA, 1, 1, 0, 30 }, { S, ACK, 1, 2, 0, 40 }),
	  { "conn_state=S2 history=ShAFa" } },
	{ "S3: the client does not close", STEPS(OPEN, { S, FA, 1, 1, 0, 30 }, { C, ACK, 1, 2, 0, 40 }),
	  { "conn_state=S3 history=ShAf" } },
	{ "SHR: SYN/ACK, FIN, and nothing of the client", STEPS({ S, SA, 0, 1, 0, 0 }, { S, FA, 1, 1, 0, 10 }),
	  { "conn_state=SHR history=^hf" } },
};

static const struct script letters[] = {
	{ "S: resent, once", STEPS({ C, SYN, 0, 0, 0, 0 }, { C, SYN, 0, 0, 0, 1000 }, { S, SA, 0, 1, 0, 2000 }, { S, SA, 0, 1, 0, 3000 }),
	  { "history=Sh" } },
	{ "H: again with another number", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { S, SA, 700, 1, 0, 20 },
						{ S, SA, 700, 1, 0, 30 }), { "history=Shh" } },
	{ "A: without payload and once", STEPS(OPEN, { C, ACK, 1, 1, 0, 30 }, { S, ACK, 1, 1, 0, 40 }, { S, ACK, 1, 1, 0, 50 }),
	  { "history=ShAa" } },
	{ "D: once a side, A after it", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, PA, 1, 1, 5, 20 }, { C, PA, 6, 1, 5, 30 },
					      { S, PA, 1, 11, 5, 40 }, { C, ACK, 11, 6, 0, 50 }, { S, ACK, 6, 11, 0, 60 }),
	  { "history=ShDdAa" } },
	{ "D: payload on SYN and FIN is theirs",
	  STEPS({ C, SYN, 0, 0, 9, 0 }, { S, SA, 0, 10, 0, 10 }, { C, ACK, 10, 1, 0, 20 }, { C, FA | PSH, 10, 1, 5, 30 }),
	  { "history=ShAF c.first_data=0" } },
	{ "D: first after payload on the SYN",
	  STEPS({ C, SYN, 0, 0, 9, 0 }, { S, SA, 0, 10, 0, 10 }, { C, ACK, 10, 1, 0, 20 }, { C, ACK, 10, 1, 0, 25 }, { C, PA, 10, 1, 5, 30 }),
	  { "history=ShAD c.first_data=0" } },
	{ "F: resent once, again with another end",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 30 }, { C, FA, 1, 1, 0, 40, "history=ShAF" }, { C, FA | PSH, 1, 1, 8, 50 }),
	  { "history=ShAFF" } },
	{ "R: again with another number", STEPS(OPEN, { S, RST, 1, 0, 0, 30 }, { S, RST, 1, 0, 0, 40, "history=ShAr" }, { S, RST, 90, 0, 0, 50 }),
	  { "history=ShArr" } },
	{ "I: FIN with RST, once", STEPS(OPEN, { C, FIN | RST | ACK, 1, 1, 0, 30 }, { C, FIN | RST | ACK, 5, 1, 0, 40 }),
	  { "history=ShAI" } },
	{ "Q: SYN with FIN, once", STEPS({ C, SYN | FIN, 0, 0, 0, 0 }, { C, SYN | FIN, 0, 0, 0, 10 }), { "history=Q conn_state=SH" } },
	{ "Q: SYN with RST", STEPS({ C, SYN | RST, 0, 0, 0, 0 }), { "history=Q" } },
	{ "T: payload again", STEPS(OPEN, { C, PA, 1, 1, 100, 30 }, { C, PA, 1, 1, 100, 300000 }), { "history=ShADT missed=0" } },
	{ "T: no payload, no T", STEPS(OPEN, { S, ACK, 1, 1, 0, 30 }, { S, ACK, 1, 1, 0, 40 }), { "history=ShAa" } },
	{ "T: half new is not again", STEPS(OPEN, { C, PA, 1, 1, 100, 30 }, { C, PA, 51, 1, 100, 40 }), { "history=ShAD" } },
	{ "T: a hole that is filled late", STEPS(OPEN, { C, PA, 101, 1, 100, 30 }, { C, PA, 1, 1, 100, 40 }, { S, ACK, 1, 201, 0, 50 }),
	  { "history=ShADTa missed=0" } },
	{ "W: window 0", STEPS(OPEN, { S, ACK, 1, 1, 0, 30, NULL, WINDOW_ZERO }, { S, ACK, 1, 1, 0, 40, NULL, WINDOW_ZERO },
			       { S, ACK, 1, 1, 0, 50 }), { "history=ShAaw s.zero_windows=2" } },
	{ "W: none on RST", STEPS(OPEN, { S, RST, 1, 0, 0, 30, NULL, WINDOW_ZERO }), { "history=ShAr" } },
	{ "W: none after the peer's FIN", STEPS(OPEN, { C, FA, 1, 1, 0, 30 }, { S, ACK, 1, 2, 0, 40, NULL, WINDOW_ZERO }),
	  { "history=ShAFa" } },
	{ "G: acknowledged and not seen", STEPS(OPEN, { C, PA, 1, 1, 100, 30 }, { C, PA, 201, 1, 100, 40, "history=ShAD" },
						{ S, ACK, 1, 301, 0, 50 }), { "history=ShADaG missed=100 s.acked_unseen=1" } },
	{ "G: the last octets", STEPS(OPEN, { C, PA, 1, 1, 100, 30 }, { S, ACK, 1, 201, 0, 50 }), { "history=ShADaG missed=0" } },
	{ "G: the hole is resent before the ACK", STEPS(OPEN, { C, PA, 1, 1, 100, 30 }, { C, PA, 201, 1, 100, 40 },
		{ C, PA, 101, 1, 100, 50 }, { S, ACK, 1, 301, 0, 60 }), { "history=ShADTa missed=0" } },
	{ "G: what fills a hole after the ACK was seen before, as far as the peer is concerned",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 }, { C, PA, 201, 1, 100, 40 }, { S, ACK, 1, 301, 0, 50 }, { C, PA, 101, 1, 100, 60 }),
	  { "history=ShADaGT missed=100 s.acked_unseen=1" } },
	{ "G: not where the beginning was missed", STEPS({ C, PA, 1, 1, 100, 0 }, { C, PA, 201, 1, 100, 10 }, { S, ACK, 1, 301, 0, 20 }),
	  { "history=Da missed=0 s.acked_unseen=1" } },
	{ "G: not the octet of a probe that the closed window took",
	  STEPS(OPEN, { C, PA, 1, 1, 100, 30 }, { S, ACK, 1, 101, 0, 40, NULL, WINDOW_ZERO }, { C, ACK, 101, 1, 1, 50 }, { S, ACK, 1, 102, 0, 60 },
		{ C, PA, 102, 1, 100, 70 }, { C, PA, 302, 1, 100, 80 }, { S, ACK, 1, 402, 0, 90 }),
	  { "history=ShADawG c.zero_window_probes=1 s.acked_unseen=2" } },
	{ "^: the server was seen first", STEPS({ S, PA, 1, 1, 9, 0 }, { C, ACK, 1, 10, 0, 10 }), { "history=^dA conn_state=OTH" } },
	{ "^: not if the client was, whatever its port", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 3 }),
	  { "history=Sh" }, .client_port = 22, .server_port = 50000 },
};
/* clang-format on */

Test(zeek, conn_state) { scripts_run(states); }
Test(zeek, history) { scripts_run(letters); }

enum { OPEN_STEPS = 3, ROUNDS = 1001 };

/* After the handshake `rounds` times what `round` does: from the second time on, the short way could take it. */
static void run_rounds(const char *name, size_t rounds, void (*round)(struct step step[2], __u32 number),
		       const char *want)
{
	static const struct step open[] = { OPEN };
	static struct step steps[OPEN_STEPS + 2 * ROUNDS];
	const struct script script = { name, steps, OPEN_STEPS + 2 * rounds, { want } };

	memset(steps, 0, sizeof(steps));
	memcpy(steps, open, sizeof(open));
	for (__u32 i = 0; i < rounds; i++) {
		struct step *step = &steps[OPEN_STEPS + 2 * i];

		round(step, i);
		step[0].at_us = 1000 + 20 * (__u64)i;
		step[1].at_us = 1010 + 20 * (__u64)i;
	}
	script_run(&script);
}

/* Ten octets of twenty are seen, all are acknowledged. */
static void gap(struct step step[2], __u32 number)
{
	step[0] = (struct step){ C, PA, 20 * number + 11, 1, 10 };
	step[1] = (struct step){ S, ACK, 1, 20 * number + 21, 0 };
}

static void resent(struct step step[2], __u32 number)
{
	step[0] = (struct step){ S, PA, 5 * number + 1, 1, 5 };
	step[1] = (struct step){ S, PA, 5 * number + 1, 1, 5 };
}

static void closed_window(struct step step[2], __u32 number)
{
	step[0] = (struct step){ C, PA, 5 * number + 1, 1, 5 };
	step[1] = (struct step){ S, ACK, 1, 5 * number + 6, 0, .window = WINDOW_ZERO };
}

Test(zeek, letters_at_powers_of_ten)
{
	run_rounds("9 gaps", 9, gap, "history=ShADaG missed=90 s.acked_unseen=9");
	run_rounds("10 gaps", 10, gap, "history=ShADaGG missed=100 s.acked_unseen=10");
	run_rounds("99 gaps", 99, gap, "history=ShADaGG missed=990");
	run_rounds("1001 gaps", 1001, gap, "history=ShADaGGGG missed=10010 s.acked_unseen=1001 c.lost_segments=1001");
	run_rounds("1 resent", 1, resent, "history=ShAdt");
	run_rounds("9 resent", 9, resent, "history=ShAdt");
	run_rounds("10 resent", 10, resent, "history=ShAdtt");
	run_rounds("1000 resent", 1000, resent, "history=ShAdtttt s.payload=10000 s.stream=5000");
	run_rounds("100 windows of 0", 100, closed_window, "history=ShADawww");
}

/* Letters beyond the room are not kept; nothing else is lost. */
static void another_number(struct step step[2], __u32 number)
{
	step[0] = (struct step){ S, RST, 100 + number, 0, 0 };
	step[1] = (struct step){ C, RST, 100 + number, 0, 0 };
}

Test(zeek, the_history_is_bounded)
{
	run_rounds("R and R", 40, another_number,
		   "history=ShArRrRrRrRrRrRrRrRrRrRrRrRrRrRrRrRrRrRrRrRr c.rst=40 s.rst=40 conn_state=REJ");
}
