/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any octets as a capture file: what is read of it lies within the file, goes through the engine, and the ledger
 * balances; what cannot be read is refused with words. */
#define _GNU_SOURCE /* memfd_create, memmem, fopencookie */
#include <sys/mman.h>

#include "../../user/replay/capture.c"
#include "../../user/replay/pcapng.c"
#include "../../user/replay/progress.c"
#include "../../user/message.c"
#include "../../user/text/text.c"
#include "../unit/plain_body.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct reading {
	struct table table;
	struct ledger ledger;
	struct segment seg;
	const void *file;
	size_t size, octets; /* of the file, and of its packets so far */
};

static void enter(void *context, const struct capture_packet *packet)
{
	struct reading *reading = context;
	unsigned char *frame = malloc(packet->captured ? packet->captured : 1); /* so that an over-read is found */
	int verdict;

	reading->octets += packet->captured;
	require(frame && packet->captured <= packet->len && reading->octets <= reading->size);
	require(memmem(reading->file, reading->size, packet->data,
		       packet->captured)); /* not what a buffer held before */
	memcpy(frame, packet->data, packet->captured);
	verdict = plain_parse(packet->link, frame, packet->captured, packet->len, &reading->seg);
	reading->seg.now_ns = packet->time_ns;
	engine_enter(&reading->table, &reading->ledger, &reading->seg, verdict);
	reading->table.reported = 0;
	require(plain_balances(&reading->ledger));
	free(frame);
}

static void read_all(struct reading *reading, const char *path)
{
	struct capture capture;

	if (capture_open(&capture, path))
		return;
	if (!capture_read(&capture, enter, reading))
		require(capture.error[0]);
	capture_close(&capture);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static struct reading reading;
	char path[32];
	int fd = memfd_create("capture", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reading.file = data;
	reading.size = size;
	reading.octets = 0;
	reading.ledger = (struct ledger){ .seen = 0 };
	plain_open(&reading.table, 1);
	read_all(&reading, path);
	plain_close(&reading.table);
	close(fd);
	return 0;
}
