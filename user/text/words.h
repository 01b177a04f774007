/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words that the record has for its enumerations: one table each, for all outputs. */
#ifndef TCPSCOPE_WORDS_H
#define TCPSCOPE_WORDS_H

#include "record.h"

/* Each NULL where there is nothing to say (nobody, not answered), or for a value that the enumeration has not. */
const char *words_known_by(enum client_known_by known_by);
const char *words_state(enum flow_state state);
const char *words_outcome(enum outcome outcome);
const char *words_end(enum end_reason reason);
const char *words_closed_by(enum closed_by closed_by);
const char *words_answered_by(enum answered_by answered_by);
const char *words_tunnel(enum tunnel_kind kind);
const char *words_counter(enum ledger_counter counter);

#endif
