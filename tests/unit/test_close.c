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

/* clang-format off */
static const struct script orders[] = {
	{ "three-way, the server first",
	  STEPS(OPEN, { S, FA, 1, 1, 0, 100, "state=closing closed_by=server" }, { C, FA, 1, 2, 0, 110, "state=closing closed_by=server" },
		{ S, ACK, 2, 2, 0, 120, "state=closed" }), { "state=closed closed_by=server end=closed" } },
	{ "simultaneous, the server's FIN seen first",
	  STEPS(OPEN, { S, FA, 1, 1, 0, 100 }, { C, FA, 1, 1, 0, 101, "state=closing closed_by=server" }, { S, ACK, 2, 2, 0, 110, "state=closing" },
		{ C, ACK, 2, 2, 0, 111, "state=closed" }), { "state=closed closed_by=server end=closed" } },
	{ "simultaneous, the FINs' acknowledgments are resent FINs",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, FA, 1, 1, 0, 101 }, { C, FA, 1, 2, 0, 300000, "state=closing" },
		{ S, FA, 1, 2, 0, 300001, "state=closed" }), { "state=closed closed_by=client c.fin=2 s.fin=2" } },
	{ "half-close that lasts an hour",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, ACK, 1, 2, 0, 110 }, { S, PA, 1, 2, 700, 1800000000, "state=closing closed_by=client" },
		{ C, ACK, 2, 701, 0, 1800000010 }, { S, PA, 701, 2, 700, 3600000000, "state=closing s.payload=1400" },
		{ C, ACK, 2, 1401, 0, 3600000010 }, { S, FA, 1401, 2, 0, 3600000020 }, { C, ACK, 2, 1402, 0, 3600000030, "state=closed" }),
	  { "state=closed closed_by=client end=closed s.stream=1400 span=3600000030" } },
	{ "half-close by the server, the client goes on",
	  STEPS(OPEN, { S, FA, 1, 1, 0, 100 }, { C, PA, 1, 2, 300, 110, "state=closing" }, { S, ACK, 2, 301, 0, 120 }, { C, PA, 301, 2, 300, 130 },
		{ S, ACK, 2, 601, 0, 140 }, { C, FA, 601, 2, 0, 150, "state=closing" }, { S, ACK, 2, 602, 0, 160, "state=closed" }),
	  { "state=closed closed_by=server c.stream=600" } },
	{ "half-close that a RST ends",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, PA, 1, 2, 700, 110 }, { C, RST, 2, 0, 0, 120, "state=reset closed_by=client" }),
	  { "state=reset closed_by=client end=closed c.fin=1 c.rst=1" } },
	{ "half-close that the side still sending resets",
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, PA, 1, 2, 700, 110 }, { S, RA, 701, 2, 0, 120, "state=reset" }),
	  { "state=reset closed_by=client s.rst=1 s.fin=0" } },
	{ "RST by both after both FINs, before the acknowledgments",
	  STEPS(OPEN, { S, FA, 1, 1, 0, 100 }, { C, FA, 1, 1, 0, 101 }, { C, RST, 2, 0, 0, 110, "state=reset" }, { S, RST, 2, 0, 0, 111 }),
	  { "state=reset closed_by=server" } },
	{ "the last ACK was lost: FIN and ACK again", 
	  STEPS(OPEN, { C, FA, 1, 1, 0, 100 }, { S, FA, 1, 2, 0, 110 }, { C, ACK, 2, 2, 0, 120, "state=closed" }, { S, FA, 1, 2, 0, 300000, "state=closed s.fin=2" },
		{ C, ACK, 2, 2, 0, 300010, "state=closed" }), { "state=closed closed_by=client s.spurious_retransmits=0" } },
	{ "the ACKs of the FINs in one segment with the last data",
	  STEPS(OPEN, { C, FA | PSH, 1, 1, 50, 100 }, { S, FA | PSH, 1, 52, 80, 110 }, { C, ACK, 52, 82, 0, 120, "state=closed" }),
	  { "state=closed closed_by=client c.stream=50 s.stream=80" } },
};

/* A connection of 120 us that the client closed; it is in TIME-WAIT. */
#define CLOSED OPEN, { C, FA, 1, 1, 0, 100 }, { S, FA, 1, 2, 0, 110 }, { C, ACK, 2, 2, 0, 120, "state=closed" }

static const struct script time_wait[] = {
	{ "the pair is used anew",
	  STEPS(CLOSED, { C, SYN, 70000, 0, 0, 500, "state=syn_sent syns=1 start=500 closed_by=null" }, { S, SA, 90000, 70001, 0, 510 },
		{ C, ACK, 70001, 90001, 0, 520, "state=established" }, { C, RST, 70001, 0, 0, 530 }),
	  { "state=closed closed_by=client end=closed c.packets=4 s.packets=2", "state=reset closed_by=client outcome=accepted c.packets=3 c.fin=0" } },
	{ "used anew from the other end",
	  STEPS(CLOSED, { S, SYN, 90000, 0, 0, 500, "state=syn_sent turned=1" }, { C, SA, 70000, 90001, 0, 510 }, { S, ACK, 90001, 70001, 0, 520 },
		{ C, FA, 70001, 90001, 0, 530, "closed_by=server" }),
	  { "state=closed closed_by=client turned=0", "state=closing closed_by=server turned=1 c.fin=1 s.fin=0" } },
	{ "used anew, the old one's last segment is late",
	  STEPS(CLOSED, { C, SYN, 70000, 0, 0, 500 }, { S, FA, 1, 2, 0, 505 }, { C, RST, 2, 0, 0, 510 }),
	  { "state=closed closed_by=client s.fin=1", "state=reset s.fin=1 start=500" } },
	{ "used anew and refused", STEPS(CLOSED, { C, SYN, 70000, 0, 0, 500 }, { S, RA, 0, 70001, 0, 510 }),
	  { "state=closed closed_by=client", "state=reset outcome=refused closed_by=server" } },
	{ "used anew twice",
	  STEPS(CLOSED, { C, SYN, 70000, 0, 0, 500 }, { S, RA, 0, 70001, 0, 510 }, { C, SYN, 140000, 0, 0, 600 }, { S, RA, 0, 140001, 0, 610 }),
	  { "state=closed", "outcome=refused start=500", "outcome=refused start=600" } },
	{ "used anew after a RST", STEPS(OPEN, { S, RA, 1, 1, 0, 100 }, { C, SYN, 70000, 0, 0, 500 }),
	  { "state=reset closed_by=server", "state=syn_sent closed_by=null" } },
	{ "used anew while half closed", STEPS(OPEN, { S, FA, 1, 1, 0, 100 }, { C, ACK, 1, 2, 0, 110 }, { C, SYN, 70000, 0, 0, 500 }),
	  { "state=closing closed_by=server", "state=syn_sent closed_by=null" } },
	{ "a SYN with the old sequence number is the old one's",
	  STEPS(CLOSED, { C, SYN, 0, 0, 0, 500, "state=closed syns=2" }), { "state=closed closed_by=client syns=2" } },
};
/* clang-format on */

Test(closing, orders) { scripts_run(orders); }
Test(closing, time_wait) { scripts_run(time_wait); }
