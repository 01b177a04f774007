/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A ladder as text: time, arrow with flags, numbers, options in words, marks. */
#include "ladder.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "text.h"

enum { ARROW = 28, LABEL_TEXT = 64, TIME_TEXT = 40 };

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

static void put_options(FILE *to, const struct ladder_step *step)
{
	if (step->options & OPTION_MSS)
		fprintf(to, " mss %u", step->mss);
	if (step->options & OPTION_WINDOW_SCALE)
		fprintf(to, " wscale %u", step->window_scale);
	if (step->options & OPTION_SACK_PERMITTED)
		fputs(" sack-permitted", to);
	if (step->options & OPTION_SACK)
		fputs(" sack", to);
	if (step->options & OPTION_TIMESTAMPS)
		fprintf(to, " ts %u/%u", step->tsval, step->tsecr);
	if (step->options & OPTION_FAST_OPEN)
		fputs(" fast-open", to);
	if (step->options & OPTION_MPTCP)
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

static void put_step(FILE *to, const struct ladder_step *step, __u64 start_ns, __u8 client)
{
	__s64 since = (__s64)(step->now_ns - start_ns);
	__u64 distance = since < 0 ? 0 - (__u64)since : (__u64)since;

	fprintf(to, "%s%4llu.%06llu ", since < 0 ? "-" : " ", distance / NS_PER_SEC, distance % NS_PER_SEC / 1000);
	put_arrow(to, step->flags, step->direction == client);
	fprintf(to, " seq %u", step->seq);
	if (step->flags & TCP_ACK)
		fprintf(to, " ack %u", step->ack);
	fprintf(to, " len %u win %u", step->len, step->window);
	put_options(to, step);
	put_marks(to, step->marks);
	fputc('\n', to);
}

static void put_connection(const struct ladder *ladder, const struct ladder_connection *connection, FILE *to,
			   __s64 epoch_ns)
{
	const __u8 client = connection->client, server = client ^ 1;
	__u64 first_ns = ladder->steps[connection->first].now_ns;
	__s64 unix_ns = (__s64)first_ns + epoch_ns;
	time_t seconds = (time_t)(unix_ns / (__s64)NS_PER_SEC);
	char one[TEXT_ENDPOINT], other[TEXT_ENDPOINT], when[TIME_TEXT] = "?";
	struct tm parts;

	text_endpoint(one, (const __u8 *)connection->ip[client], connection->ip_version, connection->port[client]);
	text_endpoint(other, (const __u8 *)connection->ip[server], connection->ip_version, connection->port[server]);
	if (gmtime_r(&seconds, &parts))
		strftime(when, sizeof(when), "%F %T", &parts);
	fprintf(to, "%s -> %s, from %s.%06lld UTC\n", one, other, when, unix_ns % (__s64)NS_PER_SEC / 1000);
	for (__u32 at = connection->first; at != LADDER_STEPS; at = ladder->steps[at].next)
		put_step(to, &ladder->steps[at], first_ns, client);
}

int ladder_print(const struct ladder *ladder, FILE *to, __s64 epoch_ns)
{
	bool between = false;

	for (__u32 i = 0; i < ladder->connection_count; i++) {
		if (ladder->connections[i].first == LADDER_STEPS) /* chosen when there was no more room */
			continue;
		if (between)
			fputc('\n', to);
		put_connection(ladder, &ladder->connections[i], to, epoch_ns);
		between = true;
	}
	if (ladder->dropped)
		fprintf(to, "%llu segments more are not shown: there is room for %d\n", ladder->dropped, LADDER_STEPS);
	if (ladder->failed)
		return -ENOMEM;
	return ferror(to) ? -EIO : 0;
}
