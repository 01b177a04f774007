/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's machine for tcpdump expressions against libpcap's own: expressions on every packet of the table, at
 * every length, and programs made at random on random frames. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../packets.h"
#include "../../user/filter/filter_kernel.h"
#include "both_machines.h"
#include "random.h"

enum { PROGRAM_MAX = 40, PROGRAMS = 200000, FRAME_MAX = 300 };

static const char *const expressions[] = {
	"tcp",
	"port 443",
	"src port 40000 and dst port 443",
	"host 192.0.2.1",
	"src net 192.0.2.0/24 and not dst net 198.51.100.128/25",
	"net 198.51.0.0 mask 255.255.0.0",
	"ip6 host 2001:db8::1",
	"ip6 and tcp portrange 440-450",
	"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
	"tcp[13] == 2",
	"tcp[tcpflags] == tcp-ack or tcp[tcpflags] == tcp-syn",
	"ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2) != 0",
	"ip[8] * 3 % 7 / 2 > 1 or ip[8] ^ 0x55 == 0x68",
	"tcp[((tcp[12:1] & 0xf0) >> 2):4] >= 0",
	"vlan and port 443",
	"vlan and vlan",
	"mpls and tcp",
	"pppoes and port 443",
	"ether src 02:00:00:00:00:01",
	"ether[0] & 1 = 0 and ip[16] >= 128",
	"less 60",
	"greater 100 and len < 1000",
	"icmp[icmptype] == icmp-unreach or icmp6",
	"ip proto 47 or tcp",
	"not tcp",
};

/* How many lengths of the packet are judged otherwise than by libpcap; `matched` counts those that match. */
static size_t differences(const struct classic_code *code, const struct packet_case *packet, size_t *matched)
{
	size_t different = 0;

	for (__u32 len = 0; len <= packet->len; len++) {
		bool match = libpcap_matches(code, packet->bytes, len, (__u32)packet->wire_len);

		different += match != classic_matches(code, packet->bytes, len, (__u32)packet->wire_len);
		*matched += match;
	}
	return different;
}

Test(classic, expressions_match_as_libpcap_says)
{
	static struct classic_code code[LADDER_LINKS];
	size_t matched;

	for (size_t e = 0; e < sizeof(expressions) / sizeof(*expressions); e++) {
		cr_assert_eq(filter_kernel(code, expressions[e]), 0, "%s", expressions[e]);
		matched = 0;
		for (size_t p = 0; p < packet_case_count; p++) {
			const struct packet_case *packet = &packet_cases[p];

			if (packet->link == LINK_ETHERNET || packet->link == LINK_IP)
				cr_expect_eq(differences(&code[packet->link], packet, &matched), 0, "%s: %s",
					     expressions[e], packet->name);
		}
		cr_expect_gt(matched, 0, "%s matches nothing of the table", expressions[e]);
	}
}

/* libpcap's own machine does not end on such a packet: no program that leads back is taken. */
Test(classic, protochain_is_refused)
{
	static struct classic_code code[LADDER_LINKS];

	cr_expect_neq(filter_kernel(code, "ip proto 47 or ip protochain 6"), 0);
	cr_expect_neq(filter_kernel(code, "ip6 protochain 6"), 0);
}

/* Every instruction that libpcap's machine knows, but for jumps, loads and divisions by a constant. */
static const __u16 plain_codes[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x3c, 0x44, 0x4c,
				     0x54, 0x5c, 0x60, 0x61, 0x80, 0x81, 0x84, 0x9c, 0xa4, 0xac, 0x07, 0x87 };
static const __u16 load_codes[] = { 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xb1 };
static const __u16 shift_codes[] = { 0x64, 0x74 };
static const __u16 jump_codes[] = { 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d };

#define ONE_OF(random, codes) ((codes)[random_below(random, sizeof(codes) / sizeof(*(codes)))])

static struct classic_step random_step(struct random *random, __u32 left)
{
	__u32 kind = random_below(random, 8), k = (__u32)random_next(random) >> random_below(random, 32);

	if (kind < 2)
		return (struct classic_step){ .code = ONE_OF(random, load_codes), .k = k % (CLASSIC_FRAME + 8) };
	if (kind == 2)
		return (struct classic_step){ .code = ONE_OF(random, shift_codes), .k = k % 32 };
	if (kind == 3 && left)
		return (struct classic_step){ .code = ONE_OF(random, jump_codes),
					      .jump_true = (__u8)random_below(random, left),
					      .jump_false = (__u8)random_below(random, left),
					      .k = k % left };
	if (kind == 4) /* division and remainder by a constant, which libpcap takes to be one */
		return (struct classic_step){ .code = random_below(random, 2) ? 0x34 : 0x94, .k = k | 1 };
	return (struct classic_step){ .code = ONE_OF(random, plain_codes), .k = k };
}

static void random_program(struct random *random, struct classic_code *code)
{
	code->count = CLASSIC_MEMORY + 2 + random_below(random, PROGRAM_MAX - 2);
	for (__u32 i = 0; i < CLASSIC_MEMORY; i++) /* libpcap's machine does not clear it */
		code->step[i] = (struct classic_step){ .code = 0x02, .k = i };
	for (__u32 i = CLASSIC_MEMORY; i < code->count - 1; i++) {
		code->step[i] = random_step(random, code->count - 1 - i);
		if ((code->step[i].code & 0x9e) == 0x02 || (code->step[i].code & 0xfe) == 0x60) /* scratch memory */
			code->step[i].k %= CLASSIC_MEMORY;
	}
	code->step[code->count - 1] = (struct classic_step){ .code = 0x16 };
}

Test(classic, random_programs_answer_as_libpcap_says)
{
	static struct classic_code code;
	struct random random = { 7 };
	__u8 frame[FRAME_MAX];
	size_t matched = 0;

	for (int n = 0; n < PROGRAMS; n++) {
		__u32 len = random_below(&random, FRAME_MAX), wire_len = len + random_below(&random, 100);
		bool match;

		random_program(&random, &code);
		for (int i = 0; i < FRAME_MAX; i++)
			frame[i] = (__u8)random_next(&random);
		match = libpcap_matches(&code, frame, len, wire_len);
		matched += match;
		cr_assert_eq(classic_matches(&code, frame, len, wire_len), match, "program %d", n);
	}
	cr_expect(matched > PROGRAMS / 10 && matched < PROGRAMS * 9 / 10, "%zu match", matched);
}

Test(classic, what_is_no_instruction_matches_nothing)
{
	static struct classic_code code = { .count = 1, .step = { { .code = 0xffff, .k = 1 } } };
	static struct classic_code none, beyond = { .count = 2, .step = { { .code = 0x05, .k = 0xfffffff0 } } };
	const __u8 frame[16] = { 0 };

	cr_expect_not(classic_matches(&code, frame, sizeof(frame), sizeof(frame)));
	cr_expect_not(classic_matches(&none, frame, sizeof(frame), sizeof(frame)));
	cr_expect_not(classic_matches(&beyond, frame, sizeof(frame), sizeof(frame)));
}
