/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/replay/capture.h"

/* Finds the IP header; writes the link header that frames->link wants to `header` and returns its length, or -1. */
static int replace_link(const struct frames *frames, enum link_type from, struct frame *frame, __u8 header[FRAME_MIN])
{
	struct cursor at = { .data = frame->bytes, .end = frame->bytes + frame->len, .wire_len = frame->wire_len };
	struct segment seg = {};
	int len = frames->link == LINK_ETHERNET ? FRAME_MIN : 0;

	if (from == frames->link)
		return 0;
	if (link_parse(from, &at, &seg) != LEDGER_IN_FLOWS || at.offset > frame->len || at.offset > frame->wire_len)
		return -1;
	memcpy(header, "\x02\0\0\0\0\2\x02\0\0\0\0\1", 12);
	header[12] = (__u8)(at.ethertype >> 8);
	header[13] = (__u8)at.ethertype;
	frame->bytes += at.offset;
	frame->len -= at.offset;
	frame->wire_len -= at.offset;
	return len;
}

static int make_room(struct frames *frames)
{
	size_t room = frames->room ? frames->room * 2 : 64;
	struct frame *more;

	if (frames->count < frames->room)
		return 0;
	more = realloc(frames->frame, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	frames->frame = more;
	frames->room = room;
	return 0;
}

int frames_add(struct frames *frames, enum link_type from, const struct frame *original)
{
	struct frame frame = *original;
	__u8 header[FRAME_MIN], *bytes;
	int header_len = replace_link(frames, from, &frame, header);

	if (header_len < 0 || frame.len + (__u32)header_len < FRAME_MIN) {
		frames->left_out++;
		return 0;
	}
	bytes = malloc(frame.len + (__u32)header_len);
	if (!bytes || make_room(frames)) {
		free(bytes);
		return -ENOMEM;
	}
	memcpy(bytes, header, (__u32)header_len);
	memcpy(bytes + header_len, frame.bytes, frame.len);
	frame.bytes = bytes;
	frame.len += (__u32)header_len;
	frame.wire_len += (__u32)header_len;
	if (frame.wire_len > FRAME_WIRE_MAX)
		frame.wire_len = FRAME_WIRE_MAX;
	if (frame.len > frame.wire_len)
		frame.len = frame.wire_len;
	frames->frame[frames->count++] = frame;
	return 0;
}

/* What a capture is read into. */
struct reading {
	struct frames *frames;
	struct capture *capture;
	int err;
};

static void add_packet(void *context, const struct capture_packet *packet)
{
	struct reading *reading = context;
	const struct frame frame = {
		.bytes = packet->data, .len = packet->captured, .wire_len = packet->len, .now_ns = packet->time_ns
	};

	if (!reading->err)
		reading->err = frames_add(reading->frames, packet->link, &frame);
	if (reading->err)
		capture_stop(reading->capture);
}

int frames_read(struct frames *frames, const char *path)
{
	struct capture capture;
	struct reading reading = { .frames = frames, .capture = &capture };

	reading.err = capture_open(&capture, path);
	if (reading.err)
		return reading.err;
	frames->broken = !capture_read(&capture, add_packet, &reading);
	capture_close(&capture);
	return reading.err;
}

void frames_close(struct frames *frames)
{
	for (size_t i = 0; i < frames->count; i++)
		free((void *)frames->frame[i].bytes);
	free(frames->frame);
	*frames = (struct frames){};
}
