/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "p0f.h"

#include <string.h>

#include "text/text.h"

struct line {
	char *at, *end;
};

/* Always leaves room for the end. */
static void put(struct line *line, const char *text)
{
	size_t len = strlen(text), room = (size_t)(line->end - line->at) - 1;

	len = len < room ? len : room;
	memcpy(line->at, text, len);
	line->at += len;
	*line->at = '\0';
}

static void put_number(struct line *line, unsigned int number)
{
	char digits[TEXT_DIGITS + 1];

	digits[text_unsigned(digits, number)] = '\0';
	put(line, digits);
}

/* "mss*10" */
static void put_times(struct line *line, const char *unit, unsigned int times)
{
	put(line, unit);
	put(line, "*");
	put_number(line, times);
}

/* Hosts begin at 32, 64, 128 or 255; the difference is the distance, if it can be one. */
static void put_ttl(struct line *line, unsigned int ttl)
{
	enum { HOPS_MAX = 35 };
	unsigned int first = ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;

	put_number(line, ttl);
	put(line, "+");
	if (first - ttl > HOPS_MAX)
		put(line, "?");
	else
		put_number(line, first - ttl);
}

/* A multiple of the MSS, or of what timestamps leave of it, or of the MTU that it tells of. */
static void put_window(struct line *line, unsigned int window, unsigned int mss, bool timestamps, __u8 ip_version)
{
	enum { MSS_LEAST = 100, TIMESTAMPS_LEN = 12 };
	unsigned int mtu = mss + (ip_version == 4 ? 40 : 60), net = mss - TIMESTAMPS_LEN;

	if (mss < MSS_LEAST || !window)
		put_number(line, window);
	else if (window % mss == 0)
		put_times(line, "mss", window / mss);
	else if (timestamps && window % net == 0)
		put_times(line, "mss", window / net);
	else if (window % mtu == 0)
		put_times(line, "mtu", window / mtu);
	else
		put_number(line, window);
}

static void put_layout(struct line *line, __u64 layout)
{
	static const char *const names[] = {
		[LAYOUT_NOP] = "nop",	      [LAYOUT_MSS] = "mss",
		[LAYOUT_WINDOW_SCALE] = "ws", [LAYOUT_SACK_PERMITTED] = "sok",
		[LAYOUT_SACK] = "sack",	      [LAYOUT_TIMESTAMPS] = "ts",
	};
	const char *between = "";
	int shift = 60;

	while (shift >= 0 && !(layout >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4, between = ",") {
		unsigned int code = layout >> shift & 15, value;

		put(line, between);
		if (code != LAYOUT_END && code != LAYOUT_OTHER) {
			put(line, code <= LAYOUT_TIMESTAMPS && names[code] ? names[code] : "?");
			continue;
		}
		shift -= 8;
		value = shift < 0 ? 0 : layout >> shift & 0xff;
		put(line, code == LAYOUT_END ? "eol+" : "?");
		put_number(line, value);
	}
}

static void put_quirks(struct line *line, __u32 quirks)
{
	static const struct {
		__u32 quirk;
		const char *name;
	} names[] = {
		{ QUIRK_DF, "df" },
		{ QUIRK_ID, "id+" },
		{ QUIRK_NO_ID, "id-" },
		{ QUIRK_ECN, "ecn" },
		{ QUIRK_RESERVED, "0+" },
		{ QUIRK_FLOW_LABEL, "flow" },
		{ QUIRK_SEQ_ZERO, "seq-" },
		{ QUIRK_ACK_NO_FLAG, "ack+" },
		{ QUIRK_ACK_ZERO, "ack-" },
		{ QUIRK_URG_NO_FLAG, "uptr+" },
		{ QUIRK_URG, "urgf+" },
		{ QUIRK_PSH, "pushf+" },
		{ QUIRK_TSVAL_ZERO, "ts1-" },
		{ QUIRK_TSECR, "ts2+" },
		{ QUIRK_OPTIONS_TRAIL, "opt+" },
		{ QUIRK_SCALE, "exws" },
		{ QUIRK_OPTIONS_BAD, "bad" },
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(quirks & names[i].quirk))
			continue;
		put(line, between);
		put(line, names[i].name);
		between = ",";
	}
}

bool p0f_write(char text[P0F_SIZE], const struct record_side *side, __u8 ip_version)
{
	struct line line = { text, text + P0F_SIZE };
	unsigned int mss = side->mss == UNKNOWN ? 0 : (unsigned int)side->mss;
	unsigned int scale = side->window_scale == UNKNOWN ? 0 : (unsigned int)side->window_scale;

	*text = '\0';
	if (side->isn == UNKNOWN || side->syn.option_layout == LAYOUT_FULL)
		return false;
	put_number(&line, ip_version);
	put(&line, ":");
	put_ttl(&line, side->syn.ttl);
	put(&line, ":");
	put_number(&line, side->syn.ip_options);
	put(&line, ":");
	put_number(&line, mss);
	put(&line, ":");
	put_window(&line, side->syn.window, mss, side->timestamps == 1, ip_version);
	put(&line, ",");
	put_number(&line, scale);
	put(&line, ":");
	put_layout(&line, side->syn.option_layout);
	put(&line, ":");
	put_quirks(&line, side->syn.quirks);
	put(&line, side->syn.quirks & QUIRK_PAYLOAD ? ":+" : ":0");
	return true;
}
