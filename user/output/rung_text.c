/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rung_text.h"

#include <string.h>

#include "../../include/wire.h"

enum { ARROW = 28, LABEL_TEXT = 64 };

static const struct {
	__u16 flag;
	const char *name;
} flags[] = { { TCP_FIN, "FIN" }, { TCP_SYN, "SYN" }, { TCP_RST, "RST" }, { TCP_PSH, "PSH" }, { TCP_ACK, "ACK" },
	      { TCP_URG, "URG" }, { TCP_ECE, "ECE" }, { TCP_CWR, "CWR" }, { TCP_AE, "AE" } };

static const char *const marks[ANALYSIS_COUNT] = {
	[ANALYSIS_RETRANSMITS] = "retransmission",
	[ANALYSIS_FAST_RETRANSMITS] = "fast retransmission",
	[ANALYSIS_SPURIOUS_RETRANSMITS] = "spurious retransmission",
	[ANALYSIS_OUT_OF_ORDER] = "out of order",
	[ANALYSIS_DUPLICATE_ACKS] = "duplicate ACK",
	[ANALYSIS_LOST_SEGMENTS] = "segment before it lost",
	[ANALYSIS_ACKED_UNSEEN] = "acknowledges what was not seen",
	[ANALYSIS_ZERO_WINDOWS] = "zero window",
	[ANALYSIS_ZERO_WINDOW_PROBES] = "zero window probe",
	[ANALYSIS_WINDOW_UPDATES] = "window update",
	[ANALYSIS_WINDOW_FULL] = "window full",
	[ANALYSIS_KEEP_ALIVES] = "keep-alive",
	[ANALYSIS_KEEP_ALIVE_ACKS] = "keep-alive ACK",
};

static void write_flags(char label[LABEL_TEXT], __u16 set)
{
	size_t used = 0;

	label[0] = '\0';
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (set & flags[i].flag)
			used += (size_t)snprintf(label + used, LABEL_TEXT - used, "%s%s", used ? ", " : "",
						 flags[i].name);
}

/* "--- SYN, ACK --->": the flags in the middle. */
static void put_arrow(FILE *to, __u16 set, bool of_client)
{
	static const char dashes[] = "----------------------------------------";
	char label[LABEL_TEXT];
	int length, left;

	write_flags(label, set);
	length = (int)strlen(label) + 2; /* and blanks */
	left = length < ARROW ? (ARROW - length) / 2 : 1;
	fprintf(to, "%s%.*s %s %.*s%s", of_client ? "" : "<", left, dashes, label,
		length + left < ARROW ? ARROW - length - left : 1, dashes, of_client ? ">" : "");
}

static void put_options(FILE *to, const struct rung_segment *segment)
{
	if (segment->options & OPTION_MSS)
		fprintf(to, " mss %u", segment->mss);
	if (segment->options & OPTION_WINDOW_SCALE)
		fprintf(to, " wscale %u", segment->window_scale);
	if (segment->options & OPTION_SACK_PERMITTED)
		fputs(" sack-permitted", to);
	if (segment->options & OPTION_SACK)
		fputs(" sack", to);
	if (segment->options & OPTION_TIMESTAMPS)
		fprintf(to, " ts %u/%u", segment->tsval, segment->tsecr);
	if (segment->options & OPTION_FAST_OPEN)
		fputs(" fast-open", to);
	if (segment->options & OPTION_MPTCP)
		fputs(" mptcp", to);
}

static void put_marks(FILE *to, __u16 set)
{
	const char *before = "  [";

	for (int i = 0; i < ANALYSIS_COUNT; i++) {
		if (!(set >> i & 1))
			continue;
		fprintf(to, "%s%s", before, marks[i]);
		before = ", ";
	}
	if (set)
		fputc(']', to);
}

void rung_put(FILE *to, const struct rung_segment *segment, __u64 start_ns, __u32 client)
{
	__s64 since = (__s64)(segment->now_ns - start_ns);
	__u64 distance = since < 0 ? 0 - (__u64)since : (__u64)since;
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%s%llu", since < 0 ? "-" : "", distance / NS_PER_SEC);
	fprintf(to, "%5s.%06llu ", seconds, distance % NS_PER_SEC / 1000);
	put_arrow(to, segment->flags, segment->direction == client);
	fprintf(to, " seq %u", segment->seq);
	if (segment->flags & TCP_ACK)
		fprintf(to, " ack %u", segment->ack);
	fprintf(to, " len %u win %u", segment->len, segment->window);
	if (segment->segments > 1)
		fprintf(to, " (%u segments)", segment->segments);
	put_options(to, segment);
	put_marks(to, segment->marks);
}
