/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What both bodies are shown: frames with their time, from the packet table and from captures. */
#ifndef TCPSCOPE_TESTS_FRAME_H
#define TCPSCOPE_TESTS_FRAME_H

#include <stddef.h>

#include "link.h"

enum {
	FRAME_MIN = 14,		/* the kernel's test runs take no less */
	FRAME_LINEAR = 3500,	/* nor more than a page, less some room, in tc */
	FRAME_WIRE_MAX = 65536, /* length on the wire that tc's accept */
};

struct frame {
	const __u8 *bytes;
	__u32 len, wire_len;
	__u64 now_ns;
	__u16 gso_size, gso_segs; /* tc; 0: no super-packet */
};

struct frames {
	struct frame *frame;
	size_t count, room;
	enum link_type link; /* LINK_ETHERNET or LINK_IP */
	bool broken;	     /* the capture goes on, but could not be read */
	size_t left_out;     /* frames that no test run can show: below FRAME_MIN, or their link header leads nowhere */
};

/* Adds a copy of `frame`, which came from a device of type `from`; where that is not frames->link, its link header is
 * replaced by one that is. Returns 0 or -ENOMEM. */
int frames_add(struct frames *frames, enum link_type from, const struct frame *frame);
/* Adds what the capture holds, as far as it can be read. Returns 0 or -errno. */
int frames_read(struct frames *frames, const char *path);
void frames_close(struct frames *frames);

#endif
