/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the bench asks of its rewriting programs: the one variable of their .bss. */
#ifndef TCPSCOPE_BENCH_ORDER_H
#define TCPSCOPE_BENCH_ORDER_H

struct order {
	__u64 index; /* running number of the packet */
	__u32 flows;
	__u32 in_turn;		 /* flow = index modulo flows; else at random */
	__u32 to_server;	 /* direction of the packet */
	__u32 step;		 /* by how much sequence numbers advance with the index */
	__u32 syn;		 /* the frame is a SYN or SYN/ACK */
	__u32 packets;		 /* in this run */
	__u32 done;		 /* 0 at its start */
	__u32 warm_up;		 /* packets before the clock starts */
	__u32 lines;		 /* of memory that segments are counted in, by xdp_line and tc_line */
	__u64 first_ns, last_ns; /* answer: when the first after those, and the last, began */
};

#endif
