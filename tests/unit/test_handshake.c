/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How connections begin: spans, retries, which SYN was answered, outcomes and their reasons, who is client. */
#include <criterion/criterion.h>

#include "script.h"

#define SECOND 1000000
#define TS(value, echo) .options = OPTION_TIMESTAMPS, .tsval = (value), .tsecr = (echo)

/* clang-format off */
static const struct script spans[] = {
	{ "three-way handshake",
	  STEPS({ C, SYN, 0, 0, 0, 0, "state=syn_sent outcome=unanswered reason=no-response connect=null server=null" },
		{ S, SA, 0, 1, 0, 10000, "state=syn_received outcome=half_open reason=syn-ack server=10000 client=null" },
		{ C, ACK, 1, 1, 0, 30000, "state=established outcome=accepted reason=syn-ack" }),
	  { "rtt_server=1 rtt_client=1 connect=30000 server=10000 client=20000 lost=0 syns=1 synacks=1 attempts=2 answered=1 answered_by=only "
	    "known_by=syn end=end closed_by=null turned=0 c.isn=0 s.isn=0 c.ttl=61 s.ttl=55 c.packets=2 s.packets=1 "
	    "c.ip_bytes=80 c.stream=0 s.stream=0 c.payload_max=0 start=0 span=30000 c.first_data=null" } },
	{ "data instead of the ACK",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10000 },
		{ C, PA, 1, 1, 100, 25000, "state=established outcome=accepted" }),
	  { "connect=25000 client=15000 c.payload=100 c.stream=100 c.first_data=25000 c.psh=1" } },
	{ "IPv6", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 7 }, { C, ACK, 1, 1, 0, 9 }),
	  { "connect=9 server=7 client=2 c.ip_bytes=120" }, .ip_version = 6 },
	{ "SYN resent, the SYN/ACK answers the first by its timestamp",
	  STEPS({ C, SYN, 0, 0, 0, 0, .want = NULL, TS(100, 0) },
		{ C, SYN, 0, 0, 0, SECOND, "c.retransmits=1 syns=2 state=syn_sent", TS(1100, 0) },
		{ S, SA, 0, 1, 0, SECOND + 5000, .want = NULL, TS(9, 100) }, { C, ACK, 1, 1, 0, SECOND + 6000 }),
	  { "answered=1 answered_by=timestamp server=1005000 lost=0 connect=1006000 client=1000" } },
	{ "SYN resent, the SYN/ACK answers the second by its timestamp",
	  STEPS({ C, SYN, 0, 0, 0, 0, .want = NULL, TS(100, 0) }, { C, SYN, 0, 0, 0, SECOND, .want = NULL, TS(1100, 0) },
		{ S, SA, 0, 1, 0, SECOND + 5000, .want = NULL, TS(9, 1100) }, { C, ACK, 1, 1, 0, SECOND + 6000 }),
	  { "answered=2 answered_by=timestamp server=5000 lost=1000000 connect=1006000" } },
	{ "SYN resent twice, the second answered",
	  STEPS({ C, SYN, 0, 0, 0, 0, .want = NULL, TS(100, 0) }, { C, SYN, 0, 0, 0, SECOND, .want = NULL, TS(1100, 0) },
		{ C, SYN, 0, 0, 0, 3 * SECOND, .want = NULL, TS(3100, 0) },
		{ S, SA, 0, 1, 0, 3 * SECOND + 10, .want = NULL, TS(9, 1100) }, { C, ACK, 1, 1, 0, 3 * SECOND + 20 }),
	  { "syns=3 answered=2 answered_by=timestamp server=2000010 lost=1000000 connect=3000020" } },
	{ "SYN resent, no timestamps",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { C, SYN, 0, 0, 0, SECOND }, { S, SA, 0, 1, 0, SECOND + 5000 },
		{ C, ACK, 1, 1, 0, SECOND + 6000 }),
	  { "answered=2 answered_by=last server=5000 lost=1000000 connect=1006000" } },
	{ "SYN resent, a TSecr that names none",
	  STEPS({ C, SYN, 0, 0, 0, 0, .want = NULL, TS(100, 0) }, { C, SYN, 0, 0, 0, SECOND, .want = NULL, TS(1100, 0) },
		{ S, SA, 0, 1, 0, SECOND + 5000, .want = NULL, TS(9, 55) }),
	  { "answered=2 answered_by=last server=5000 lost=1000000 connect=null outcome=half_open" } },
	{ "ten SYNs, the last answered by its timestamp",
	  STEPS({ C, SYN, 0, 0, 0, 0, .want = NULL, TS(1, 0) }, { C, SYN, 0, 0, 0, 1000, .want = NULL, TS(2, 0) },
		{ C, SYN, 0, 0, 0, 2000, .want = NULL, TS(3, 0) }, { C, SYN, 0, 0, 0, 3000, .want = NULL, TS(4, 0) },
		{ C, SYN, 0, 0, 0, 4000, .want = NULL, TS(5, 0) }, { C, SYN, 0, 0, 0, 5000, .want = NULL, TS(6, 0) },
		{ C, SYN, 0, 0, 0, 6000, .want = NULL, TS(7, 0) }, { C, SYN, 0, 0, 0, 7000, .want = NULL, TS(8, 0) },
		{ C, SYN, 0, 0, 0, 8000, .want = NULL, TS(9, 0) }, { C, SYN, 0, 0, 0, 9000, .want = NULL, TS(10, 0) },
		{ S, SA, 0, 1, 0, 9500, .want = NULL, TS(9, 10) }),
	  { "syns=10 attempts=8 answered=10 answered_by=timestamp server=500 lost=9000" } },
	{ "SYN/ACK resent",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10000 }, { S, SA, 0, 1, 0, 40000, "s.retransmits=1" },
		{ C, ACK, 1, 1, 0, 45000 }),
	  { "synacks=2 server=10000 client=5000 connect=45000 s.syn=2" } },
	{ "SYN/ACK resent after the ACK does not count for the client's half",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10000 }, { C, ACK, 1, 1, 0, 20000 }, { S, SA, 0, 1, 0, 40000 }),
	  { "synacks=2 server=10000 client=10000 connect=20000" } },
	{ "SYN/ACK of an old connection: its acknowledgment lies outside",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 500, 0, 10000 }), { "server=null client=null synacks=1" } },
	{ "the first ACK was not captured", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10000 }, { S, ACK, 1, 1, 50, 11000 },
						  { C, ACK, 1, 51, 0, 20000 }),
	  { "server=10000 client=null connect=null outcome=accepted" } },
	{ "SYN/ACK with another ISN moves the base",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10000 }, { S, SA, 70000, 1, 0, 20000, "s.isn=70000" },
		{ C, ACK, 1, 70001, 0, 30000 }),
	  { "synacks=2 s.isn=70000 s.stream=0 outcome=accepted client=10000 connect=30000" } },
	{ "fast open: data on the SYN",
	  STEPS({ C, SYN, 0, 0, 100, 0, "c.payload=100 c.fast_open=1", .options = OPTION_FAST_OPEN },
		{ S, SA, 0, 101, 0, 10000 }, { C, ACK, 101, 1, 0, 20000 }),
	  { "server=10000 client=10000 connect=20000 c.stream=100 c.payload=100 s.fast_open=0 c.first_data=0" } },
	{ "fast open: the server takes the SYN without its data",
	  STEPS({ C, SYN, 0, 0, 100, 0, .want = NULL, .options = OPTION_FAST_OPEN }, { S, SA, 0, 1, 0, 10000 },
		{ C, ACK, 1, 1, 100, 20000 }),
	  { "server=10000 client=10000 connect=20000 c.stream=100 c.payload=200" } },
	{ "simultaneous open",
	  STEPS({ C, SYN, 0, 0, 0, 0, "state=syn_sent" }, { S, SYN, 0, 0, 0, 5000, "state=syn_received" },
		{ C, SA, 0, 1, 0, 9000, "outcome=accepted state=established" }, { S, SA, 0, 1, 0, 14000 }),
	  { "outcome=accepted reason=syn-ack state=established turned=0 known_by=syn syns=2 synacks=2" } },
	{ "negotiation",
	  STEPS({ C, SYN | TCP_ECE | TCP_CWR, 0, 0, 0, 0, .want = NULL,
		  .options = OPTION_MSS | OPTION_WINDOW_SCALE | OPTION_SACK_PERMITTED | OPTION_TIMESTAMPS | OPTION_MPTCP,
		  .mss = 1460, .window_scale = 7, .tsval = 5, .mptcp_subtypes = 1 },
		{ S, SA | TCP_ECE, 0, 1, 0, 10, .want = NULL, .options = OPTION_MSS | OPTION_WINDOW_SCALE, .mss = 1400,
		  .window_scale = 15 },
		{ C, ACK, 1, 1, 0, 20, .want = NULL, .window = 100 }, { S, ACK, 1, 1, 0, 30, .want = NULL, .window = 3 }),
	  { "c.mss=1460 c.scale=7 c.sack=1 c.timestamps=1 c.mptcp=1 c.ecn=1 s.mss=1400 s.scale=15 s.sack=0 s.timestamps=0 "
	    "s.mptcp=0 s.ecn=1 c.window_min=12800 c.window_max=12800 s.window_min=49152 s.fast_open=0 c.ece=1 c.cwr=1" } },
	{ "no scaling unless both offer it",
	  STEPS({ C, SYN, 0, 0, 0, 0, .want = NULL, .options = OPTION_WINDOW_SCALE, .window_scale = 7 },
		{ S, SA, 0, 1, 0, 10 }, { C, ACK, 1, 1, 0, 20, .want = NULL, .window = 100 }),
	  { "c.window_min=100 c.window_max=100 c.scale=7 s.scale=null s.mss=null" } },
};
/* clang-format on */

Test(handshake, spans) { scripts_run(spans); }

/* clang-format off */
static const struct script outcomes[] = {
	{ "refused", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, RA, 0, 1, 0, 100, "state=reset outcome=refused" }),
	  { "outcome=refused reason=reset closed_by=server end=closed server=null s.ttl=55 s.rst=1 s.isn=null" } },
	{ "refused after a retry", STEPS({ C, SYN, 0, 0, 0, 0 }, { C, SYN, 0, 0, 0, SECOND }, { S, RA, 0, 1, 0, SECOND + 1 }),
	  { "outcome=refused reason=reset syns=2 answered=null" } },
	{ "unanswered", STEPS({ C, SYN, 0, 0, 0, 0 }, { C, SYN, 0, 0, 0, SECOND }, { C, SYN, 0, 0, 0, 3 * SECOND }),
	  { "outcome=unanswered reason=no-response state=syn_sent syns=3 synacks=0 lost=null answered=null end=end "
	    "c.retransmits=2 s.packets=0 s.stream=null s.payload_max=null s.ttl=null" } },
	{ "half open", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 5 }),
	  { "outcome=half_open reason=syn-ack state=syn_received" } },
	{ "aborted: a scan of an open port", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 5 }, { C, RST, 1, 0, 0, 9 }),
	  { "outcome=aborted reason=syn-ack state=reset closed_by=client client=null connect=null server=5" } },
	{ "accepted, then reset by the client",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 5 }, { C, ACK, 1, 1, 0, 9 }, { C, RA, 1, 1, 0, 20 }),
	  { "outcome=accepted reason=syn-ack state=reset closed_by=client" } },
	{ "midstream", STEPS({ C, PA, 1, 1, 100, 0 }, { S, ACK, 1, 101, 0, 5 }),
	  { "outcome=midstream reason=null handshake=null state=established known_by=port turned=0 c.isn=null c.mss=null "
	    "c.sack=null c.payload=100 c.stream=100 c.window_min=null" } },
	{ "midstream, the server first", STEPS({ S, PA, 1, 1, 100, 0 }, { C, ACK, 1, 101, 0, 5 }),
	  { "outcome=midstream known_by=port turned=0" } },
	{ "midstream, the script's client has the lower port", STEPS({ C, ACK, 1, 1, 9, 0 }),
	  { "outcome=midstream known_by=port turned=1" }, .client_port = 80, .server_port = 1024 },
	{ "midstream, equal ports", STEPS({ S, ACK, 1, 1, 9, 0 }, { C, ACK, 1, 10, 0, 5 }),
	  { "outcome=midstream known_by=first turned=1" }, .client_port = 179, .server_port = 179 },
	{ "from the SYN/ACK on", STEPS({ S, SA, 0, 1, 0, 0, "outcome=half_open" }, { C, ACK, 1, 1, 0, 5 }),
	  { "outcome=accepted known_by=synack turned=0 syns=0 synacks=1 server=null client=5 connect=null answered=null" } },
	{ "the SYN tells, whatever the ports", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 3 }),
	  { "known_by=syn turned=0" }, .client_port = 22, .server_port = 50000 },
	{ "port unreachable after the SYN/ACK is no evidence",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 3 },
		{ C, SYN, 0, 0, 0, 9, .want = NULL, .icmp = true, .icmp_type = 3, .icmp_code = 3 }),
	  { "outcome=half_open reason=syn-ack" } },
	{ "an error that quotes another sequence number is no evidence",
	  STEPS({ C, SYN, 0, 0, 0, 0 },
		{ C, SYN, 7, 0, 0, 9, .want = NULL, .icmp = true, .icmp_type = 3, .icmp_code = 3 }),
	  { "outcome=unanswered reason=no-response" } },
	{ "fragmentation needed is no filter",
	  STEPS({ C, SYN, 0, 0, 0, 0 },
		{ C, SYN, 0, 0, 0, 9, .want = NULL, .icmp = true, .icmp_type = 3, .icmp_code = 4 }),
	  { "outcome=unanswered reason=no-response" } },
};
/* clang-format on */

Test(handshake, outcomes) { scripts_run(outcomes); }

Test(handshake, icmp_reasons)
{
	static const struct {
		__u8 version, type, code;
		const char *want;
	} rows[] = {
		{ 4, 3, 0, "outcome=filtered reason=net-unreach" },
		{ 4, 3, 1, "outcome=filtered reason=host-unreach" },
		{ 4, 3, 2, "outcome=filtered reason=proto-unreach" },
		{ 4, 3, 3, "outcome=filtered reason=port-unreach" },
		{ 4, 3, 9, "outcome=filtered reason=net-prohibited" },
		{ 4, 3, 10, "outcome=filtered reason=host-prohibited" },
		{ 4, 3, 13, "outcome=filtered reason=admin-prohibited" },
		{ 4, 11, 0, "outcome=filtered reason=time-exceeded" },
		{ 4, 11, 1, "outcome=filtered reason=time-exceeded" },
		{ 4, 3, 5, "outcome=unanswered reason=no-response" },
		{ 6, 1, 0, "outcome=filtered state=syn_sent" },
		{ 6, 1, 1, "outcome=filtered reason=admin-prohibited" },
		{ 6, 1, 2, "outcome=filtered" },
		{ 6, 1, 3, "outcome=filtered" },
		{ 6, 1, 4, "outcome=filtered reason=port-unreach" },
		{ 6, 1, 5, "outcome=filtered" },
		{ 6, 1, 6, "outcome=filtered" },
		{ 6, 3, 0, "outcome=filtered reason=time-exceeded" },
		{ 6, 1, 7, "outcome=unanswered reason=no-response" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct script script = {
			"an ICMP error",
			STEPS({ C, SYN, 0, 0, 0, 0 }, { C, SYN, 0, 0, 0, 9, .want = NULL, .icmp = true,
							.icmp_type = rows[i].type, .icmp_code = rows[i].code }),
			{ rows[i].want },
			.ip_version = rows[i].version,
		};

		script_run(&script);
	}
}

/* clang-format off */
static const struct script reuse[] = {
	{ "port reuse after a close",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, ACK, 1, 1, 0, 20 }, { C, FA, 1, 1, 0, 30 },
		{ S, FA, 1, 2, 0, 40 }, { C, ACK, 2, 2, 0, 50, "state=closed" },
		{ C, SYN, 900000, 0, 0, 60, "state=syn_sent c.isn=900000 start=60" }, { S, SA, 800000, 900001, 0, 70 },
		{ C, ACK, 900001, 800001, 0, 80 }),
	  { "state=closed closed_by=client end=closed connect=20", "state=established connect=20 start=60 c.packets=2" } },
	{ "port reuse while established",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, ACK, 1, 1, 0, 20 }, { C, SYN, 5000, 0, 0, 60 }),
	  { "state=established", "state=syn_sent" } },
	{ "a SYN with another ISN is another attempt", STEPS({ C, SYN, 0, 0, 0, 0 }, { C, SYN, 1, 0, 0, 10 }, { C, SYN, 2, 0, 0, 20 }),
	  { "state=syn_sent syns=1", "state=syn_sent syns=1", "state=syn_sent syns=1" } },
	{ "a SYN on the base is resent, even late",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, ACK, 1, 1, 0, 20 }, { C, SYN, 0, 0, 0, 500000 }),
	  { "syns=2 c.retransmits=1 c.syn=2 server=10 client=10 connect=20" } },
	{ "a SYN after midstream data", STEPS({ C, ACK, 1, 1, 10, 0 }, { C, SYN, 70000, 0, 0, 10 }),
	  { "outcome=midstream", "outcome=unanswered c.isn=70000" } },
	{ "the other side reuses the ports",
	  STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, ACK, 1, 1, 0, 20 }, { S, SYN, 5000, 0, 0, 60 }),
	  { "state=established turned=0", "state=syn_sent turned=1" } },
	{ "the SYN is captured after its SYN/ACK",
	  STEPS({ S, SA, 0, 1, 0, 0 }, { C, SYN, 0, 0, 0, 1 }, { C, ACK, 1, 1, 0, 20 }),
	  { "outcome=accepted known_by=syn turned=0 syns=1 synacks=1" } },
	{ "a SYN off what was acknowledged", STEPS({ S, ACK, 1, 1, 0, 0 }, { C, SYN, 50, 0, 0, 10 }),
	  { "outcome=midstream", "outcome=unanswered" } },
	{ "silence never ends a flow", STEPS({ C, SYN, 0, 0, 0, 0 }, { S, SA, 0, 1, 0, 10 }, { C, ACK, 1, 1, 0, 20 },
					     { C, ACK, 1, 1, 5, 90000ULL * SECOND }),
	  { "c.payload=5 span=90000000000" } },
};
/* clang-format on */

Test(handshake, port_reuse) { scripts_run(reuse); }
