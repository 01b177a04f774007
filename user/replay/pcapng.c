/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Blocks of a pcapng file, one after the other. Those that are neither interface nor packet are passed over. */
#include "pcapng.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_INTERFACE = 1, BLOCK_PACKET_OLD = 2, BLOCK_PACKET_SIMPLE = 3, BLOCK_PACKET = 6 };
enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };
enum { BLOCK_HEAD = 8, BLOCK_TAIL = 4, BLOCK_MAX = 1 << 26, ROOM_FIRST = 1 << 16 };
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define NS_PER_S 1000000000ULL

static uint16_t get_u16(const struct pcapng *pcapng, const unsigned char *at)
{
	return (uint16_t)(pcapng->big_endian ? at[0] << 8 | at[1] : at[1] << 8 | at[0]);
}

static uint32_t get_u32(const struct pcapng *pcapng, const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return pcapng->big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? value : __builtin_bswap32(value);
}

static uint64_t get_u64(const struct pcapng *pcapng, const unsigned char *at)
{
	uint64_t first = get_u32(pcapng, at), second = get_u32(pcapng, at + 4);

	return pcapng->big_endian ? first << 32 | second : second << 32 | first;
}

static int fail(struct pcapng *pcapng, const char *error)
{
	pcapng->error = error;
	return -1;
}

static int make_room(struct pcapng *pcapng, size_t len)
{
	size_t room = pcapng->room ? pcapng->room : ROOM_FIRST;
	unsigned char *block;

	if (len <= pcapng->room)
		return 0;
	while (room < len)
		room *= 2;
	block = realloc(pcapng->block, room);
	if (!block)
		return fail(pcapng, "no memory for a block");
	pcapng->block = block;
	pcapng->room = room;
	return 0;
}

/* A section's byte order stands in its first four octets, which are read here and kept. */
static int begin_section(struct pcapng *pcapng, size_t *have)
{
	if (fread(pcapng->block, 1, 4, pcapng->stream) != 4)
		return fail(pcapng, "cut short in a section header");
	pcapng->big_endian = pcapng->block[0] == BYTE_ORDER_MAGIC >> 24;
	if (get_u32(pcapng, pcapng->block) != BYTE_ORDER_MAGIC)
		return fail(pcapng, "a section of unknown byte order");
	pcapng->interfaces = 0;
	*have = 4;
	return 0;
}

/* Reads a block whole: its type and the length of its body. 1, 0 at the end, -1. */
static int read_block(struct pcapng *pcapng, uint32_t *type, uint32_t *len)
{
	unsigned char head[BLOCK_HEAD];
	size_t got = fread(head, 1, sizeof(head), pcapng->stream), have = 0;
	uint32_t size;

	if (got == 0 && !ferror(pcapng->stream))
		return 0;
	if (got != sizeof(head))
		return fail(pcapng, "cut short in a block's header");
	if (make_room(pcapng, ROOM_FIRST))
		return -1;
	*type = get_u32(pcapng, head);
	if (*type == PCAPNG_MAGIC && begin_section(pcapng, &have))
		return -1;
	size = get_u32(pcapng, head + 4);
	if (size < BLOCK_HEAD + BLOCK_TAIL + have || size > BLOCK_MAX || size % 4)
		return fail(pcapng, "a block of impossible length");
	*len = size - BLOCK_HEAD - BLOCK_TAIL;
	size -= BLOCK_HEAD;
	if (make_room(pcapng, size))
		return -1;
	if (fread(pcapng->block + have, 1, size - have, pcapng->stream) != size - have)
		return fail(pcapng, "cut short in the middle of a block");
	if (get_u32(pcapng, pcapng->block + *len) != size + BLOCK_HEAD)
		return fail(pcapng, "a block whose two lengths differ");
	return 1;
}

/* if_tsresol: a negative power of ten, or of two if the high bit is set. 0: finer than can be counted. */
static uint64_t units_per_second(unsigned char resolution)
{
	uint64_t units = 1;

	if (resolution & 0x80)
		return (resolution & 0x7f) < 64 ? 1ULL << (resolution & 0x7f) : 0;
	for (int i = 0; i < resolution; i++) {
		if (units > UINT64_MAX / 10)
			return 0;
		units *= 10;
	}
	return units;
}

static void read_options(const struct pcapng *pcapng, struct pcapng_interface *interface, const unsigned char *at,
			 const unsigned char *end)
{
	while (end - at >= 4) {
		uint32_t code = get_u16(pcapng, at), len = get_u16(pcapng, at + 2), padded = (len + 3) & ~3U;

		at += 4;
		if (code == OPTION_END || end - at < len)
			return;
		if (code == OPTION_TSRESOL && len == 1)
			interface->per_second = units_per_second(at[0]);
		if (code == OPTION_TSOFFSET && len == 8)
			interface->offset_s = (int64_t)get_u64(pcapng, at);
		at += end - at < padded ? end - at : padded;
	}
}

static int read_interface(struct pcapng *pcapng, uint32_t len)
{
	struct pcapng_interface *interface = &pcapng->interface[pcapng->interfaces];

	if (len < 8)
		return fail(pcapng, "an interface block that is too short");
	_Static_assert(PCAPNG_INTERFACES == 1024, "as said");
	if (pcapng->interfaces == PCAPNG_INTERFACES)
		return fail(pcapng, "more than 1,024 interfaces in a section");
	*interface = (struct pcapng_interface){ .per_second = 1000000,
						.linktype = get_u16(pcapng, pcapng->block),
						.snaplen = get_u32(pcapng, pcapng->block + 4) };
	read_options(pcapng, interface, pcapng->block + 8, pcapng->block + len);
	if (!interface->per_second)
		return fail(pcapng, "an interface of impossible time resolution");
	pcapng->interfaces++;
	return 0;
}

static uint64_t time_of(const struct pcapng_interface *interface, uint64_t units)
{
	uint64_t second = units / interface->per_second, rest = units % interface->per_second;

	return (second + (uint64_t)interface->offset_s) * NS_PER_S +
	       (uint64_t)((unsigned __int128)rest * NS_PER_S / interface->per_second);
}

/* A packet block with `len` octets of body: header of 20 octets, or of 4 without interface and time. 1 or -1. */
static int read_packet(struct pcapng *pcapng, uint32_t type, uint32_t len, struct pcapng_packet *packet)
{
	const unsigned char *block = pcapng->block;
	uint32_t header = type == BLOCK_PACKET_SIMPLE ? 4 : 20, number = 0;
	const struct pcapng_interface *interface;

	if (len < header)
		return fail(pcapng, "a packet block that is too short");
	if (type != BLOCK_PACKET_SIMPLE)
		number = type == BLOCK_PACKET ? get_u32(pcapng, block) : get_u16(pcapng, block);
	if (number >= pcapng->interfaces)
		return fail(pcapng, "a packet of an interface that was not described");
	interface = &pcapng->interface[number];
	*packet = (struct pcapng_packet){ .data = block + header, .linktype = interface->linktype };
	packet->len = get_u32(pcapng, block + header - 4);
	if (type == BLOCK_PACKET_SIMPLE) {
		packet->captured = packet->len < len - header ? packet->len : len - header;
		if (interface->snaplen && packet->captured > interface->snaplen)
			packet->captured = interface->snaplen;
		return 1;
	}
	packet->captured = get_u32(pcapng, block + 12);
	packet->time_ns = time_of(interface, (uint64_t)get_u32(pcapng, block + 4) << 32 | get_u32(pcapng, block + 8));
	if (packet->captured > len - header)
		return fail(pcapng, "a packet that is longer than its block");
	return 1;
}

int pcapng_next(struct pcapng *pcapng, struct pcapng_packet *packet)
{
	uint32_t type, len;
	int result;

	while ((result = read_block(pcapng, &type, &len)) > 0) {
		if (type == BLOCK_PACKET || type == BLOCK_PACKET_OLD || type == BLOCK_PACKET_SIMPLE)
			return read_packet(pcapng, type, len, packet);
		if (type == BLOCK_INTERFACE && read_interface(pcapng, len))
			return -1;
	}
	return result;
}

void pcapng_close(struct pcapng *pcapng)
{
	free(pcapng->block);
	pcapng->block = NULL;
	if (pcapng->stream)
		fclose(pcapng->stream);
	pcapng->stream = NULL;
}
