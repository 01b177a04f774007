/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows as scripts: rows of (who, flags, sequence, acknowledgment, length, time) played into the engine, and what the
 * record must say after a step and at the end. A wish is a list of words of script_describe, such as
 * "state=closed c.retransmits=1": times in microseconds, c. the client's side of the script, s. the server's. */
#ifndef TCPSCOPE_TESTS_SCRIPT_H
#define TCPSCOPE_TESTS_SCRIPT_H

#include <stddef.h>

#include "flow.h"
#include "wire.h"

enum script_side { C, S }; /* C has the higher port, unless the script says otherwise */

enum {
	FIN = TCP_FIN,
	SYN = TCP_SYN,
	RST = TCP_RST,
	PSH = TCP_PSH,
	ACK = TCP_ACK,
	SA = TCP_SYN | TCP_ACK,
	FA = TCP_FIN | TCP_ACK,
	RA = TCP_RST | TCP_ACK,
	PA = TCP_PSH | TCP_ACK,
};

enum {
	WINDOW_DEFAULT = 8192, /* of a step that names none */
	WINDOW_ZERO = -1,
	CLIENT_PORT = 40000,
	SERVER_PORT = 443,
	CLIENT_TTL = 61,
	SERVER_TTL = 55,
};

struct step {
	enum script_side from;
	__u16 flags;
	__u32 seq, ack; /* relative to the ISNs of the script; ack counts with the ACK flag only */
	__u32 len;
	__u64 at_us;
	const char *want; /* after this step; may be NULL */
	__s32 window;	  /* 0: WINDOW_DEFAULT */
	__u8 options, window_scale;
	__u16 mss, mptcp_subtypes;
	__u32 tsval, tsecr;
	__u16 segments; /* 0: 1 */
	bool icmp;	/* not a segment: an ICMP error that quotes one of `from` */
	__u8 icmp_type, icmp_code;
};

#define STEPS(...) \
	(const struct step[]){ __VA_ARGS__ }, sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step)

enum { SCRIPT_FLOWS = 3 };

struct script {
	const char *name;
	const struct step *steps;
	size_t step_count;
	const char *want[SCRIPT_FLOWS]; /* of the flows at the end, in order of their births; NULL: there is none */
	__u16 client_port, server_port; /* 0: CLIENT_PORT, SERVER_PORT */
	__u8 ip_version;		/* 0: 4 */
};

/* Plays it with several pairs of ISNs, some that wrap. Fails the running test where a wish is not met. */
void script_run(const struct script *script);

#define scripts_run(scripts) \
	do { \
		for (size_t i_ = 0; i_ < sizeof(scripts) / sizeof((scripts)[0]); i_++) \
			script_run(&(scripts)[i_]); \
	} while (0)

struct record;
enum { DESCRIPTION_MAX = 4096 };
/* The record as words, each with a space before and after. `isn`, the client's and the server's: what isn= is relative to. */
void script_describe(char description[DESCRIPTION_MAX], const struct record *record, const __u32 isn[2]);
/* Fails the running test for each word of `want` that is not in `description`. */
void script_expect(const char *where, const char *description, const char *want);

#endif
