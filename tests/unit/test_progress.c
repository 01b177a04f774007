/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the line of progress says. */
#include <criterion/criterion.h>

#include "../../user/replay/progress.h"

#define GB 1000000000ULL

Test(progress, rate_and_time_left)
{
	static const struct {
		uint64_t done, ms;
		const char *want;
	} rows[] = {
		{ 0, 10, "a.pcap:  0 % of 4000 MB" },
		{ 1 << 20, 40, "a.pcap:  0 % of 4000 MB" },
		{ GB, 4000, "a.pcap: 25 % of 4000 MB, 250 MB/s, 0:12 left" },
		{ GB / 100, 4000, "a.pcap:  0 % of 4000 MB, 2.5 MB/s, 26:36 left" },
		{ GB / 1000, 4000, "a.pcap:  0 % of 4000 MB, 0.2 MB/s, 4:26:36 left" },
		{ 4 * GB, 4000, "a.pcap: 100 % of 4000 MB, 1000 MB/s, 0:00 left" },
		{ 5 * GB, 5000, "a.pcap: 100 % of 4000 MB, 1000 MB/s, 0:00 left" }, /* it has grown */
	};
	struct progress progress;
	char text[PROGRESS_TEXT];

	progress_begin(&progress, "a.pcap", 4 * GB, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		progress_text(text, &progress, rows[i].done, 1000 + rows[i].ms);
		cr_expect_str_eq(text, rows[i].want, "'%s', wanted '%s'", text, rows[i].want);
	}
}

Test(progress, a_name_commands_no_terminal_and_fits)
{
	struct progress progress;
	char text[PROGRESS_TEXT];

	progress_begin(&progress, "\033[31mred, and so long a name that it would fill the line.pcap", GB, 0);
	progress_text(text, &progress, GB / 2, 1000);
	cr_assert_str_eq(text, "\\x1b[31mred, and so.. fill the line.pcap: 50 % of 1000 MB, 500 MB/s, 0:01 left", "%s",
			 text);
}
