/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How connections end: FIN and RST in every order, the state after each step, who ended it. */
#include <criterion/criterion.h>

#include "script.h"

/* A connection whose client has 1 and whose server has 1 as next sequence number. */
#define OPEN { C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, ACK, 1, 1, 0, 20, "state=established closed_by=null" }

/* clang-format off */
static const struct script fins[] = {
	{ "four-way close",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100, "state=closing closed_by=client" }, { S, ACK, 1, 2, 0, 110, "state=closing" },
		{ S, FA, 1, 2, 0, 120, "state=closing closed_by=client" }, { C, ACK, 2, 2, 0, 130, "state=closed" }),
	  { "state=closed closed_by=client end=closed outcome=accepted c.fin=1 s.fin=1 c.stream=0 s.stream=0" } },
	{ "three-way close",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100, "state=closing" }, { S, FA, 1, 2, 0, 110, "state=closing" },
		{ C, ACK, 2, 2, 0, 120, "state=closed" }), { "state=closed closed_by=client end=closed" } },
	{ "the server closes",
	  STEPS(OPEN, { S, FA, 1, 1, 0, 100, "state=closing closed_by=server" }, { C, ACK, 1, 2, 0, 110 },
		{ C, FA, 1, 2, 0, 120, "state=closing" }, { S, ACK, 2, 2, 0, 130, "state=closed" }),
	  { "state=closed closed_by=server" } },
	{ "simultaneous close",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, FA, 1, 1, 0, 101, "state=closing" }, { C, ACK, 2, 2, 0, 110, "state=closing" },
		{ S, ACK, 2, 2, 0, 111, "state=closed" }), { "state=closed closed_by=client" } },
	{ "FIN with data",
	  STEPS(OPEN, { C, FA | PSH, 1, 1, 100, 100 }, { S, ACK, 1, 101, 0, 105, "state=closing" }, { S, FA, 1, 102, 0, 110 },
		{ C, ACK, 102, 2, 0, 120 }), { "state=closed closed_by=client c.stream=100 c.payload=100" } },
	{ "half-close: the server goes on",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, PA, 1, 2, 500, 110, "state=closing s.payload=500" },
		{ C, ACK, 2, 501, 0, 120, "state=closing" }, { S, PA, 501, 2, 500, 130 }, { C, ACK, 2, 1001, 0, 140 },
		{ S, FA, 1001, 2, 0, 150, "state=closing" }, { C, ACK, 2, 1002, 0, 160, "state=closed" }),
	  { "state=closed closed_by=client s.stream=1000 c.stream=0 s.payload=1000" } },
	{ "FIN resent",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { C, FA, 1, 1, 0, 400000, "c.retransmits=1 c.fin=2" }, { S, FA, 1, 2, 0, 400010 },
		{ C, ACK, 2, 2, 0, 400020 }), { "state=closed closed_by=client c.fin=2 s.fin=1 c.stream=0" } },
	{ "a FIN before data that was lost",
	  STEPS(OPEN, { C, FA, 101, 1, 0, 100 }, { S, ACK, 1, 1, 0, 110, "state=closing" }, { C, PA, 1, 1, 100, 120 },
		{ S, FA, 1, 102, 0, 130 }, { C, ACK, 102, 2, 0, 140, "state=closed" }),
	  { "state=closed c.lost_segments=1 c.stream=100" } },
	{ "the server never answers the FIN", STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, ACK, 1, 1, 0, 200 }),
	  { "state=closing closed_by=client end=end" } },
	{ "the last ACK is missing", STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, FA, 1, 2, 0, 200 }), { "state=closing end=end" } },
	{ "midstream close", STEPS({ S, FA, 1, 1, 0, 0 }, { C, FA, 1, 2, 0, 10 }, { S, ACK, 2, 2, 0, 20 }),
	  { "state=closed closed_by=server outcome=midstream" } },
	{ "FIN with the SYN/ACK's answer", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, FA, 1, 1, 0, 20 }),
	  { "outcome=accepted state=closing connect=20" } },
	{ "SYN with FIN", STEPS({ C, SYN | FIN, 0, 0, 0, 0 }), { "state=closing outcome=unanswered c.fin=1 c.syn=1" } },
};
/* clang-format on */

Test(closing, fin) { scripts_run(fins); }

/* clang-format off */
static const struct script resets[] = {
	{ "reset by the client", STEPS(OPEN, { C, RST, 1, 0, 0, 100, "state=reset closed_by=client" }),
	  { "state=reset closed_by=client end=closed outcome=accepted c.rst=1 c.window_max=8192" } },
	{ "reset by the server", STEPS(OPEN, { C, PA, 1, 1, 9, 50 }, { S, RA, 1, 10, 0, 100, "state=reset" }),
	  { "state=reset closed_by=server end=closed" } },
	{ "reset after the other side's FIN", STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, RA, 1, 2, 0, 110, "state=reset" }),
	  { "state=reset closed_by=client" } },
	{ "reset after the own FIN", STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { C, RST, 2, 0, 0, 110, "state=reset" }),
	  { "state=reset closed_by=client" } },
	{ "reset between the FINs' acknowledgments",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, FA, 1, 2, 0, 110 }, { C, RST, 2, 0, 0, 120, "state=reset" }),
	  { "state=reset closed_by=client" } },
	{ "reset after the close",
	  STEPS(OPEN, { S, FA, 1, 1, 0, 100 }, { C, FA, 1, 2, 0, 110 }, { S, ACK, 2, 2, 0, 120, "state=closed" },
		{ C, RST, 2, 0, 0, 130, "state=closed" }), { "state=closed closed_by=server c.rst=1 end=closed" } },
	{ "both reset", STEPS(OPEN, { S, RA, 1, 1, 0, 100 }, { C, RST, 1, 0, 0, 110 }),
	  { "state=reset closed_by=server c.rst=1 s.rst=1" } },
	{ "FIN after the other side's reset", STEPS(OPEN, { S, RA, 1, 1, 0, 100 }, { C, FA, 1, 1, 0, 110 }),
	  { "state=reset closed_by=server c.fin=1" } },
	{ "FIN with RST", STEPS(OPEN, { C, FIN | RST, 1, 1, 0, 100 }), { "state=reset closed_by=client c.fin=1 c.rst=1" } },
	{ "data after the reset", STEPS(OPEN, { S, RST, 1, 0, 0, 100 }, { C, PA, 1, 1, 70, 110, "state=reset" }),
	  { "state=reset closed_by=server c.payload=70" } },
	{ "midstream reset", STEPS({ C, ACK, 1, 1, 0, 0 }, { S, RST, 1, 0, 0, 10 }),
	  { "state=reset closed_by=server outcome=midstream" } },
	{ "a reset alone", STEPS({ S, RST, 1, 0, 0, 10 }), { "state=reset closed_by=server outcome=midstream" } },
	{ "a reset with another sequence number is no gap",
	  STEPS(OPEN, { S, RST, 5000, 0, 0, 100 }), { "s.lost_segments=0 s.rst=1" } },
};
/* clang-format on */

Test(closing, rst) { scripts_run(resets); }
