/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE

#include "screen_filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/filter.h"
#include "names/names.h"
#include "text/text.h"
#include "text/words.h"

enum { FLOW_TEXT = 1024, WORD_MAX = 64 };

/* One of these makes a text an expression. */
static const char *const primitives[] = { "host", "net", "port",  "portrange", "src",  "dst",	 "tcp",
					  "ip",	  "ip6", "proto", "len",       "less", "greater" };
static const char *const connectives[] = { "and", "or", "not", "mask" };
/* Names of offsets and flags, as in tcp[tcpflags]. */
static const char *const prefixes[] = { "tcp-", "tcpflags", "icmp", "udp" };

static bool is_among(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

#define IS_AMONG(words, word) is_among(words, sizeof(words) / sizeof((words)[0]), word)

/* The next word into `word`, in lower case; NULL: there is none. A word too long is none of tcpdump's. */
static const char *next_word(const char *at, char word[WORD_MAX])
{
	size_t length = 0;

	while (*at && !isalnum((unsigned char)*at))
		at++;
	if (!*at)
		return NULL;
	for (; isalnum((unsigned char)*at) || (*at && strchr("-_.:", *at)); at++)
		if (length < WORD_MAX - 1)
			word[length++] = (char)tolower((unsigned char)*at);
	word[length] = '\0';
	return at;
}

static bool is_number_or_address(const char *word)
{
	return isdigit((unsigned char)*word) ||
	       (strchr(word, ':') && strspn(word, "0123456789abcdef:.") == strlen(word));
}

static bool is_offset(const char *word)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(word, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static bool begins_any(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(words[i], word, strlen(word)))
			return true;
	return false;
}

#define BEGINS_ANY(words, word) begins_any(words, sizeof(words) / sizeof((words)[0]), word)

enum filter_kind screen_filter_language(const char *text)
{
	char word[WORD_MAX], before[WORD_MAX] = "";
	bool any = false;

	while ((text = next_word(text, word))) {
		bool primitive = IS_AMONG(primitives, word), service = !strcmp(before, "port");

		any |= primitive;
		if (!primitive && !service && !IS_AMONG(connectives, word) && !is_number_or_address(word) &&
		    !is_offset(word))
			return !*text && (BEGINS_ANY(primitives, word) || BEGINS_ANY(connectives, word))
				       ? FILTER_NOTHING
				       : FILTER_PLAIN;
		memcpy(before, word, sizeof(before));
	}
	return any ? FILTER_TCPDUMP : FILTER_PLAIN;
}

static void drop(struct filter **filter)
{
	filter_close(*filter);
	*filter = NULL;
}

int screen_filter_open(struct screen_filter *filter, const char *base)
{
	char why[FILTER_WHY];

	*filter = (struct screen_filter){ .typing = false };
	return base ? filter_try_flows(&filter->base, base, why) : 0;
}

void screen_filter_close(struct screen_filter *filter)
{
	drop(&filter->base);
	drop(&filter->typed);
}

/* What cannot be compiled yet leaves the last one in force. */
static void take_expression(struct screen_filter *filter)
{
	char why[FILTER_WHY];
	struct filter *anew;

	if (filter_try_flows(&anew, filter->text, why)) {
		text_escape(filter->wrong, sizeof(filter->wrong), why);
		return;
	}
	drop(&filter->typed);
	filter->typed = anew;
	filter->kind = FILTER_TCPDUMP;
}

void screen_filter_renew(struct screen_filter *filter)
{
	bool empty = !filter->text[strspn(filter->text, " ")];
	enum filter_kind language = empty ? FILTER_PLAIN : screen_filter_language(filter->text);

	filter->wrong[0] = '\0';
	if (language == FILTER_TCPDUMP) {
		take_expression(filter);
	} else if (language == FILTER_NOTHING && filter->typing) {
		strcpy(filter->wrong, "...");
	} else {
		drop(&filter->typed);
		filter->kind = empty ? FILTER_NOTHING : FILTER_PLAIN;
	}
}

bool screen_filter_wanted(const struct screen_filter *filter) { return filter->base || filter->kind != FILTER_NOTHING; }

/* "www.example.org:80 192.0.2.1:80", or the address alone. Returns the length. */
static size_t endpoint_text(char text[NAMES_ENDPOINT + TEXT_ENDPOINT], struct names *names, const __u8 ip[16],
			    __u8 ip_version, __u16 port)
{
	bool named = names_sought(names, text, ip, ip_version, port);
	size_t at = strlen(text);

	if (!named)
		return at;
	text[at++] = ' ';
	text_endpoint(text + at, ip, ip_version, port);
	return at + strlen(text + at);
}

/* What a flow's row says that does not move: endpoints, words, interface. */
static void flow_text(char text[FLOW_TEXT], const struct record *record, struct names *names)
{
	const struct record_side *client = &record->client, *server = &record->server;
	const char *words[] = { words_state(record->state), words_outcome(record->outcome),
				words_closed_by(record->closed_by) };
	char interface[64];
	size_t at;

	text_escape(interface, sizeof(interface), record->interface ? record->interface : "");
	at = endpoint_text(text, names, client->ip, record->ip_version, client->port);
	text[at++] = ' ';
	at += endpoint_text(text + at, names, server->ip, record->ip_version, server->port);
	snprintf(text + at, FLOW_TEXT - at, " %s %s %s %s %s", words[0] ? words[0] : "", words[1] ? words[1] : "",
		 words[2] ? words[2] : "", record->reason ? record->reason : "", interface);
}

static bool contains_words(const char *text, const char *words)
{
	char word[FILTER_TEXT];
	int used;

	for (; sscanf(words, "%199s%n", word, &used) == 1; words += used)
		if (!strcasestr(text, word))
			return false;
	return true;
}

bool screen_filter_match(void *context, const struct record *record)
{
	const struct screen_filter *filter = context;
	char text[FLOW_TEXT];

	if (filter->base && !filter_match_flow(filter->base, record))
		return false;
	if (filter->kind == FILTER_TCPDUMP)
		return filter_match_flow(filter->typed, record);
	if (filter->kind == FILTER_NOTHING)
		return true;
	flow_text(text, record, filter->names);
	return contains_words(text, filter->text);
}

bool screen_filter_match_service(const struct screen_filter *filter, const __u8 ip[16], __u8 ip_version, __u16 port)
{
	struct record record = { .ip_version = ip_version, .server.port = port };
	char text[NAMES_ENDPOINT + TEXT_ENDPOINT];

	if (filter->kind == FILTER_NOTHING)
		return true;
	if (filter->kind == FILTER_TCPDUMP) {
		memcpy(record.server.ip, ip, sizeof(record.server.ip));
		return filter_match_flow(filter->typed, &record);
	}
	endpoint_text(text, filter->names, ip, ip_version, port);
	return contains_words(text, filter->text);
}
