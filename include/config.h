/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space and the kernel programs agree on, beside the records: sizes fixed at load, and the shared words of
 * the sweep. */
#ifndef TCPSCOPE_CONFIG_H
#define TCPSCOPE_CONFIG_H

#include "handover.h"
#include "ledger.h"
#include "options.h"

enum {
	INTERFACES = 64,	  /* watched at once */
	INTERFACE_INDEXES = 4096, /* direct-mapped: ifindex modulo this */
	CLOCK_EXACT_LOG2 = 8,
	CLOCK_EXACT = 1 << CLOCK_EXACT_LOG2, /* frames a jiffy and CPU that each read the fine clock */
	CLOCK_SHARED_LOG2 = 4,		     /* beyond, 2^4 frames share one reading; */
	CLOCK_RUSH = 384, /* beyond so many readings, 2^6 do, if they came within 512 ns of each other */
	CLOCK_RUSH_LOG2 = 6,
	CLOCK_RUSH_NS = 512,
};

enum interface_direction { DIRECTION_INGRESS, DIRECTION_EGRESS, DIRECTIONS };

/* One entry of the map `interfaces`. */
struct interface {
	__u32 ifindex; /* 0: none */
	__u16 number;  /* ours, in keys and ledgers */
	__u8 link;     /* enum link_type: LINK_ETHERNET or LINK_IP */
	__u8 zero;     /* 0: struct cursor's, unknown to the verifier */
	__u32 draws;   /* LADDER_PICKED: 1 while a ladder is drawn of a flow in it */
};

/* Whose segments go to user space as rungs of a ladder (bpf/ladder.h). */
enum ladder_choice {
	LADDER_NONE,
	LADDER_EXPRESSION, /* of the connections that the user's expression chose, from the start */
	LADDER_PICKED, /* of one flow, which user space picks and drops as it goes; else of none, at the cost of a branch */
};

/* Read-only once loaded, beside the table's shape. */
struct config {
	__u32 ladder;	  /* enum ladder_choice */
	__u32 tap;	  /* what arrives by XDP is dropped once it is counted: the one verdict that is not pass */
	__u32 alone;	  /* one interface is watched, number 0: a frame need not be asked where it is from */
	__u32 test_clock; /* tests: time and wire length come with the packet (struct test_metadata, __sk_buff.tstamp) */
};

/* What a test puts before the packet, in XDP metadata. */
struct test_metadata {
	__u64 now_ns;
	__u32 wire_len;
	__u32 reserved;
};

/* Where one layer of tunnels ends and the next begins (LINK_INNER), as in struct cursor. */
struct layer {
	__u32 link; /* enum link_type */
	__u32 wire_len, offset;
	__u16 ethertype;
	__u16 in_ip;
};

/* Per CPU, interface and direction. */
struct hook_state {
	struct ledger ledger;
	__u64 tick;		    /* jiffies of the last segment */
	__u64 tick_ns;		    /* the first reading of the fine clock since (bpf/clock.h) */
	__u32 readings;		    /* and how many there were */
	__u32 sharing;		    /* frames that share the last of them, this one and those to come */
	__u32 shared_log2;	    /* how many they are: 2^shared_log2 */
	__u32 strays;		    /* flows that were away from home since (table_find_home) */
	struct stamp stamp;	    /* of the frame at hand; now_ns the last reading of the fine clock */
	struct interface interface; /* as it was at the tick */
	struct options_copy scratch;
	struct layer layer;
	struct segment segment; /* the one at hand: the stack is small */
};

#endif
