/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "words.h"

static const char *const known_by_words[] = {
	[CLIENT_BY_SYN] = "syn", [CLIENT_BY_SYNACK] = "synack", [CLIENT_BY_PORT] = "port", [CLIENT_BY_FIRST] = "first"
};
static const char *const state_words[] = {
	[STATE_SYN_SENT] = "syn_sent",	     [STATE_SYN_RECEIVED] = "syn_received",
	[STATE_ESTABLISHED] = "established", [STATE_CLOSING] = "closing",
	[STATE_CLOSED] = "closed",	     [STATE_RESET] = "reset",
};
static const char *const outcome_words[] = {
	[OUTCOME_ACCEPTED] = "accepted",     [OUTCOME_REFUSED] = "refused",	[OUTCOME_FILTERED] = "filtered",
	[OUTCOME_UNANSWERED] = "unanswered", [OUTCOME_HALF_OPEN] = "half_open", [OUTCOME_ABORTED] = "aborted",
	[OUTCOME_MIDSTREAM] = "midstream",
};
static const char *const end_words[] = {
	[END_CLOSED] = "closed",   [END_IDLE] = "idle",	  [END_ACTIVE] = "active",
	[END_EVICTED] = "evicted", [END_MONITOR] = "end", [END_OPEN] = NULL,
};
static const char *const closed_by_words[] = {
	[CLOSED_BY_NOBODY] = NULL, [CLOSED_BY_CLIENT] = "client", [CLOSED_BY_SERVER] = "server"
};
static const char *const answered_words[] = {
	[ANSWERED_NONE] = NULL, [ANSWERED_ONLY] = "only", [ANSWERED_TIMESTAMP] = "timestamp", [ANSWERED_LAST] = "last"
};
static const char *const tunnel_words[] = {
#define TUNNEL_WORD(NAME, name) name,
	TUNNEL_KINDS(TUNNEL_WORD)
#undef TUNNEL_WORD
};
static const char *const counter_words[] = {
#define COUNTER_WORD(NAME, name, meaning) #name,
	LEDGER_COUNTERS(COUNTER_WORD)
#undef COUNTER_WORD
};

#define WORD_OF(words, value) ((size_t)(value) < sizeof(words) / sizeof(*(words)) ? (words)[value] : NULL)

const char *words_known_by(enum client_known_by known_by) { return WORD_OF(known_by_words, known_by); }
const char *words_state(enum flow_state state) { return WORD_OF(state_words, state); }
const char *words_outcome(enum outcome outcome) { return WORD_OF(outcome_words, outcome); }
const char *words_end(enum end_reason reason) { return WORD_OF(end_words, reason); }
const char *words_closed_by(enum closed_by closed_by) { return WORD_OF(closed_by_words, closed_by); }
const char *words_answered_by(enum answered_by answered_by) { return WORD_OF(answered_words, answered_by); }
const char *words_tunnel(enum tunnel_kind kind) { return WORD_OF(tunnel_words, kind); }
const char *words_counter(enum ledger_counter counter) { return WORD_OF(counter_words, counter); }
