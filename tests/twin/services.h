/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The services of either body. */
#ifndef TCPSCOPE_TESTS_SERVICES_H
#define TCPSCOPE_TESTS_SERVICES_H

#include <string.h>

#include "service.h"

/* `sets`: SERVICE_SETS. Those that were never used are not written: most are pages nobody has touched. */
static inline void services_clear(struct service_set *sets)
{
	for (__u32 set = 0; set < SERVICE_SETS; set++)
		if (service_set_used(&sets[set]))
			memset(&sets[set], 0, sizeof(*sets));
}

#endif
