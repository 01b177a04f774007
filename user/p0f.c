/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "p0f.h"

#include <stdarg.h>
#include <stdio.h>

struct line {
	char *at, *end;
};

static void __attribute__((format(printf, 2, 3))) put(struct line *line, const char *format, ...)
{
	va_list values;
	int len;

	va_start(values, format);
	len = vsnprintf(line->at, (size_t)(line->end - line->at), format, values);
	va_end(values);
	if (len > 0)
		line->at += len < line->end - line->at ? len : line->end - line->at - 1;
}

/* Hosts begin at 32, 64, 128 or 255; the difference is the distance, if it can be one. */
static void put_ttl(struct line *line, unsigned int ttl)
{
	enum { HOPS_MAX = 35 };
	unsigned int first = ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;

	if (first - ttl > HOPS_MAX)
		put(line, "%u+?", ttl);
	else
		put(line, "%u+%u", ttl, first - ttl);
}

/* A multiple of the MSS, or of what timestamps leave of it, or of the MTU that it tells of. */
static void put_window(struct line *line, unsigned int window, unsigned int mss, bool timestamps, __u8 ip_version)
{
	enum { MSS_LEAST = 100, TIMESTAMPS_LEN = 12 };
	unsigned int mtu = mss + (ip_version == 4 ? 40 : 60), net = mss - TIMESTAMPS_LEN;

	if (mss < MSS_LEAST || !window)
		put(line, "%u", window);
	else if (window % mss == 0)
		put(line, "mss*%u", window / mss);
	else if (timestamps && window % net == 0)
		put(line, "mss*%u", window / net);
	else if (window % mtu == 0)
		put(line, "mtu*%u", window / mtu);
	else
		put(line, "%u", window);
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

		if (code != LAYOUT_END && code != LAYOUT_OTHER) {
			put(line, "%s%s", between, code <= LAYOUT_TIMESTAMPS && names[code] ? names[code] : "?");
			continue;
		}
		shift -= 8;
		value = shift < 0 ? 0 : layout >> shift & 0xff;
		put(line, code == LAYOUT_END ? "%seol+%u" : "%s?%u", between, value);
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
		put(line, "%s%s", between, names[i].name);
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
	put(&line, "%u:", ip_version);
	put_ttl(&line, side->syn.ttl);
	put(&line, ":%u:%u:", side->syn.ip_options, mss);
	put_window(&line, side->syn.window, mss, side->timestamps == 1, ip_version);
	put(&line, ",%u:", scale);
	put_layout(&line, side->syn.option_layout);
	put(&line, ":");
	put_quirks(&line, side->syn.quirks);
	put(&line, ":%c", side->syn.quirks & QUIRK_PAYLOAD ? '+' : '0');
	return true;
}
