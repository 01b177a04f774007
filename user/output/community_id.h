/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Community ID v1, seed 0: a flow's name that Zeek, Suricata and Arkime give it too. */
#ifndef TCPSCOPE_COMMUNITY_ID_H
#define TCPSCOPE_COMMUNITY_ID_H

#include "../../include/record.h"

enum { COMMUNITY_ID_SIZE = 31 }; /* "1:", 28 octets of base64, NUL */

void community_id_write(char id[COMMUNITY_ID_SIZE], const struct record *record);

#endif
