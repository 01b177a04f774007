/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser against the table of packets: verdict, every field, every truncation before a guard page. */
#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../packets.h"
#include "plain_body.h"

static const __u8 client4[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
static const __u8 server4[16] = { [10] = 0xff, 0xff, 198, 51, 100, 2 };
static const __u8 client6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
static const __u8 server6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };

#define expect_field(field) \
	cr_expect_eq(seg->field, want->field, "%s: " #field " is %u, wanted %u", row->name, (unsigned)seg->field, \
		     (unsigned)want->field)

static void expect_endpoints(const struct packet_case *row, const struct segment *seg)
{
	bool four = row->want.ip_version == 4;

	cr_expect_eq(seg->ip_version, row->want.ip_version, "%s: IP version %u", row->name, seg->ip_version);
	cr_expect_arr_eq(seg->source_ip, four ? client4 : client6, 16, "%s: source address", row->name);
	cr_expect_arr_eq(seg->destination_ip, four ? server4 : server6, 16, "%s: destination address", row->name);
	cr_expect_eq(seg->source_port, PACKET_CLIENT_PORT, "%s: source port %u", row->name, seg->source_port);
	cr_expect_eq(seg->destination_port, PACKET_SERVER_PORT, "%s: destination port %u", row->name,
		     seg->destination_port);
	cr_expect_eq(seg->sequence, PACKET_SEQUENCE, "%s: sequence %08x", row->name, seg->sequence);
}

static void expect_options(const struct packet_case *row, const struct segment *seg)
{
	const struct packet_want *want = &row->want;

	expect_field(options);
	expect_field(mss);
	expect_field(window_scale);
	if (want->options & OPTION_TIMESTAMPS) {
		expect_field(tsval);
		expect_field(tsecr);
	}
	expect_field(mptcp_subtypes);
}

static void expect_tunnel(const struct packet_case *row, const struct segment *seg)
{
	const struct packet_want *want = &row->want;

	expect_field(tunnel_kind);
	expect_field(tunnel);
	cr_expect_eq(seg->tunnel_outer != 0, want->nested, "%s: outer %u", row->name, (unsigned)seg->tunnel_outer);
}

static void expect_segment(const struct packet_case *row, const struct segment *seg)
{
	const struct packet_want *want = &row->want;
	__u32 ack = want->flags & TCP_ACK ? PACKET_ACK : 0;

	expect_endpoints(row, seg);
	expect_field(flags);
	expect_field(ip_len);
	expect_field(payload_len);
	expect_field(vlans);
	expect_tunnel(row, seg);
	cr_expect_arr_eq(seg->vlan, want->vlan, sizeof(want->vlan), "%s: VLAN ids", row->name);
	cr_expect_eq(seg->acknowledgment, ack, "%s: acknowledgment %08x", row->name, seg->acknowledgment);
	cr_expect_eq(seg->window, PACKET_WINDOW, "%s: window %u", row->name, seg->window);
	cr_expect_eq(seg->ttl, PACKET_TTL, "%s: TTL %u", row->name, seg->ttl);
	cr_expect_eq(seg->wire_payload_len, want->payload_len > 0xffff ? 0xffff : want->payload_len,
		     "%s: wire payload %u", row->name, seg->wire_payload_len);
	expect_options(row, seg);
}

Test(packets, verdict_and_fields)
{
	for (size_t i = 0; i < packet_case_count; i++) {
		const struct packet_case *row = &packet_cases[i];
		struct segment seg;
		int verdict = plain_parse(row->link, row->bytes, row->len, row->wire_len, &seg);

		cr_expect_eq(verdict, row->verdict, "%s: verdict %d, wanted %d", row->name, verdict, row->verdict);
		if (verdict == LEDGER_IN_FLOWS) {
			expect_segment(row, &seg);
		} else if (verdict == LEDGER_ICMP_ERRORS) {
			expect_endpoints(row, &seg);
			expect_tunnel(row, &seg);
			cr_expect_eq(seg.icmp_type, row->want.icmp_type, "%s: type %u", row->name, seg.icmp_type);
			cr_expect_eq(seg.icmp_code, row->want.icmp_code, "%s: code %u", row->name, seg.icmp_code);
		}
	}
}

Test(packets, table_is_sound)
{
	for (size_t i = 0; i < packet_case_count; i++) {
		const struct packet_case *row = &packet_cases[i];

		cr_expect(row->len > 0 && row->len <= PACKET_BYTES_MAX && row->wire_len >= row->len, "%s", row->name);
		for (size_t k = 0; k < i; k++)
			cr_expect_str_neq(row->name, packet_cases[k].name, "two rows of one name");
	}
}

/* Two pages, the second forbidden: the end of the first is where a captured frame ends. */
static __u8 *guard_map(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	__u8 *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(mprotect(pages + page, page, PROT_NONE), 0);
	return pages + page;
}

/* Cut by the snap length, a packet ends in the counter of the whole one, or says that it is cut. */
static void expect_cut_verdict(const struct packet_case *row, size_t len, int verdict)
{
	bool said = verdict == row->verdict || verdict == LEDGER_TRUNCATED || verdict == LEDGER_MALFORMED_LINK ||
		    (row->verdict == LEDGER_ICMP_ERRORS && verdict == LEDGER_NOT_TCP) ||
		    (verdict == LEDGER_NOT_IP && strstr(row->name, "LLC"));

	cr_expect(said, "%s: verdict %d of the first %zu octets", row->name, verdict, len);
}

Test(packets, every_truncation_at_a_guard_page)
{
	__u8 *guard = guard_map();

	for (size_t i = 0; i < packet_case_count; i++) {
		const struct packet_case *row = &packet_cases[i];

		for (size_t len = 0; len <= row->len; len++) {
			struct segment snapped, runt;

			memcpy(guard - len, row->bytes, len);
			expect_cut_verdict(row, len, plain_parse(row->link, guard - len, len, row->wire_len, &snapped));
			cr_expect(plain_parse(row->link, guard - len, len, len, &runt) < LEDGER_COUNT);
		}
	}
}

/* No link type may read beyond what another's frame offers. */
Test(packets, every_link_type_at_a_guard_page)
{
	__u8 *guard = guard_map();

	for (size_t i = 0; i < packet_case_count; i++) {
		const struct packet_case *row = &packet_cases[i];

		for (int link = LINK_ETHERNET; link <= LINK_PPP; link++)
			for (size_t len = 0; len <= row->len; len++) {
				struct segment seg;
				int verdict;

				memcpy(guard - len, row->bytes, len);
				verdict = plain_parse((enum link_type)link, guard - len, len, len, &seg);
				cr_expect(verdict >= 0 && verdict < LEDGER_FILTERED, "%s", row->name);
			}
	}
}

/* A frame's account does not depend on where the frame lies in memory. */
Test(packets, any_alignment)
{
	static __u8 buffer[PACKET_BYTES_MAX + 8];

	for (size_t i = 0; i < packet_case_count; i++) {
		const struct packet_case *row = &packet_cases[i];

		for (size_t shift = 0; shift < 8; shift++) {
			struct segment seg, again;

			memcpy(buffer + shift, row->bytes, row->len);
			plain_parse(row->link, row->bytes, row->len, row->wire_len, &seg);
			plain_parse(row->link, buffer + shift, row->len, row->wire_len, &again);
			cr_expect_arr_eq(&seg, &again, sizeof(seg), "%s at %zu", row->name, shift);
		}
	}
}
