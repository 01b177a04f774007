/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long a connection may be silent before it is reported and forgotten: live by the kernel's clock, of a capture,
 * where --idle asks for that, by the capture's. */
#ifndef TCPSCOPE_USER_PATIENCE_H
#define TCPSCOPE_USER_PATIENCE_H

#include "../include/shape.h"
#include "../include/types.h"

enum {
	LINGER_S = 2,	/* closed, reset or filtered: TIME-WAIT is longer, but what comes late mostly comes at once */
	ATTEMPT_S = 60, /* a handshake that is not completed */
	IDLE_S = 600,
};

/* `idle_ns`: 0 is IDLE_S. */
static inline struct sweep_policy patience(__u64 idle_ns)
{
	const __u64 attempt_ns = ATTEMPT_S * NS_PER_SEC;

	if (!idle_ns)
		idle_ns = IDLE_S * NS_PER_SEC;
	return (struct sweep_policy){ .linger_ns = LINGER_S * NS_PER_SEC,
				      .attempt_ns = idle_ns < attempt_ns ? idle_ns : attempt_ns,
				      .idle_ns = idle_ns };
}

/* Nothing ends but with everything. */
static inline struct sweep_policy patience_endless(void)
{
	const __u64 endless_ns = ~0ULL >> 2; /* added to any time that is no overflow */

	return (struct sweep_policy){ .linger_ns = endless_ns, .attempt_ns = endless_ns, .idle_ns = endless_ns };
}

#endif
