/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "names.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "../../include/key.h"
#include "clocks.h"
#include "message.h"
#include "text/text.h"
#include "question.h"
#include "zones.h"

enum {
	PLACES = 2 * NAMES_ROOM, /* of the index, a power of two */
	AGAIN_MS = 60000,	 /* an address without a name is asked for again: a server may have been away */
	SLOW_MS = 1000,		 /* no name after so long: nobody answered */
};

enum entry_state { ENTRY_FREE, ENTRY_WANTED, ENTRY_ASKED, ENTRY_NAMED, ENTRY_NAMELESS };

struct entry {
	__u8 ip[16];
	__u8 ip_version;
	enum entry_state state;
	__u32 beside; /* in the same place of the index: number + 1; 0: none */
	__u32 behind; /* among those that are wanted, likewise */
	__u64 at_ms;  /* when it was asked or answered */
	char name[NAME_MAX_LENGTH + 1];
};

struct names {
	int socket;	     /* negative: nobody answers any more */
	__u64 secret[2];     /* so that nobody outside can choose addresses that meet in the index */
	__u32 next;	     /* entries are used in turn */
	__u32 first, last;   /* that are wanted: number + 1; 0: none */
	__u32 wanted, asked; /* how many */
	__s64 patience_ms;   /* what is left of NAMES_WAIT_MS */
	bool waited;	     /* what is printed now was asked for */
	struct zones zones;
	__u32 index[PLACES]; /* number + 1 of the first entry there; 0: none */
	struct entry entries[NAMES_ROOM];
};

struct names *names_open(int socket)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->socket = socket;
	names->patience_ms = NAMES_WAIT_MS;
	/* Of an early kernel without randomness the index is as good as any other. */
	if (getrandom(names->secret, sizeof(names->secret), GRND_NONBLOCK) < 0)
		names->secret[0] = clock_ms();
	return names;
}

void names_close(struct names *names) { free(names); }

int names_descriptor(const struct names *names) { return names ? names->socket : -1; }

/* ---- the index ---- */

static __u32 *place_of(struct names *names, const __u8 ip[16])
{
	unsigned __int128 product;
	__u64 word[2];

	memcpy(word, ip, sizeof(word));
	product = (unsigned __int128)(word[0] ^ names->secret[0]) * (word[1] ^ names->secret[1]);
	return &names->index[((__u64)product ^ (__u64)(product >> 64)) % PLACES];
}

static struct entry *entry_find(struct names *names, const __u8 ip[16])
{
	__u32 number = *place_of(names, ip);

	while (number && memcmp(names->entries[number - 1].ip, ip, 16) != 0)
		number = names->entries[number - 1].beside;
	return number ? &names->entries[number - 1] : NULL;
}

static void entry_forget(struct names *names, const struct entry *entry)
{
	__u32 number = (__u32)(entry - names->entries) + 1, *at = place_of(names, entry->ip);

	while (*at != number)
		at = &names->entries[*at - 1].beside;
	*at = entry->beside;
}

/* In place of the oldest, if it may be forgotten; NULL if not, or if it still waits for its answer. */
static struct entry *entry_new(struct names *names, const __u8 ip[16], __u8 ip_version, bool may_forget)
{
	struct entry *entry = &names->entries[names->next];
	__u32 *place = place_of(names, ip);

	if (entry->state == ENTRY_WANTED || entry->state == ENTRY_ASKED || (entry->state != ENTRY_FREE && !may_forget))
		return NULL;
	if (entry->state != ENTRY_FREE)
		entry_forget(names, entry);
	*entry = (struct entry){ .ip_version = ip_version, .beside = *place };
	memcpy(entry->ip, ip, sizeof(entry->ip));
	*place = names->next + 1;
	names->next = (names->next + 1) % NAMES_ROOM;
	return entry;
}

/* ---- asking ---- */

static void settle(struct entry *entry, enum entry_state state)
{
	entry->state = state;
	entry->at_ms = clock_ms();
}

static void want(struct names *names, struct entry *entry)
{
	__u32 number = (__u32)(entry - names->entries) + 1;

	entry->state = ENTRY_WANTED;
	entry->behind = 0;
	if (names->last)
		names->entries[names->last - 1].behind = number;
	else
		names->first = number;
	names->last = number;
	names->wanted++;
}

/* False: it stays wanted. */
static bool send_question(struct names *names, struct entry *entry)
{
	struct question question = { .number = (__u32)(entry - names->entries), .ip_version = entry->ip_version };

	memcpy(question.ip, entry->ip, sizeof(question.ip));
	if (send(names->socket, &question, sizeof(question), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return false;
	settle(entry, ENTRY_ASKED);
	zones_ask(&names->zones, entry->ip, entry->ip_version);
	names->asked++;
	return true;
}

/* Sends the question if it may be sent now; false: it has to wait. */
static bool try_question(struct names *names, struct entry *entry)
{
	enum zone_word word = zones_word(&names->zones, entry->ip, entry->ip_version, clock_ms());

	if (word == ZONE_SILENT) {
		settle(entry, ENTRY_NAMELESS);
		return true;
	}
	return word == ZONE_FREE && names->asked < QUESTIONS_AT_ONCE && send_question(names, entry);
}

/* In order, but passing over those of a zone that has its share already. */
static void send_wanted(struct names *names)
{
	__u32 *at = &names->first, before = 0, number;

	while ((number = *at) && names->asked < QUESTIONS_AT_ONCE) {
		struct entry *entry = &names->entries[number - 1];

		if (!try_question(names, entry)) {
			before = number;
			at = &entry->behind;
			continue;
		}
		*at = entry->behind;
		names->wanted--;
		if (names->last == number)
			names->last = before;
	}
}

/* What is known of an address, which is asked for if that is nothing. NULL: no room. */
static const struct entry *entry_of(struct names *names, const __u8 ip[16], __u8 ip_version, bool may_forget)
{
	struct entry *entry = entry_find(names, ip);

	if (entry && (entry->state != ENTRY_NAMELESS || names->socket < 0 || clock_ms() - entry->at_ms < AGAIN_MS))
		return entry;
	if (!entry && names->socket >= 0)
		entry = entry_new(names, ip, ip_version, may_forget);
	if (entry && !try_question(names, entry)) /* who waits does so for another's sake */
		want(names, entry);
	return entry;
}

void names_ask(struct names *names, const __u8 ip[16], __u8 ip_version)
{
	if (names)
		entry_of(names, ip, ip_version, true);
}

void names_ask_both(struct names *names, const struct flow_key *key)
{
	for (int end = 0; end < 2; end++)
		names_ask(names, (const __u8 *)key->ip[end], key->ip_version);
}

bool names_awaited(struct names *names, const __u8 ip[16], __u8 ip_version)
{
	const struct entry *entry = names ? entry_of(names, ip, ip_version, true) : NULL;

	return entry && (entry->state == ENTRY_WANTED || entry->state == ENTRY_ASKED);
}

static bool put_endpoint(struct names *names, char text[NAMES_ENDPOINT], const __u8 ip[16], __u8 ip_version, __u16 port,
			 bool may_forget)
{
	const struct entry *entry = NULL;

	if (names)
		entry = names->waited ? entry_find(names, ip) : entry_of(names, ip, ip_version, may_forget);
	if (!entry || entry->state != ENTRY_NAMED) {
		text_endpoint(text, ip, ip_version, port);
		return false;
	}
	snprintf(text, NAMES_ENDPOINT, "%s:%u", entry->name, port);
	return true;
}

bool names_endpoint(struct names *names, char text[NAMES_ENDPOINT], const __u8 ip[16], __u8 ip_version, __u16 port)
{
	return put_endpoint(names, text, ip, ip_version, port, true);
}

bool names_sought(struct names *names, char text[NAMES_ENDPOINT], const __u8 ip[16], __u8 ip_version, __u16 port)
{
	return put_endpoint(names, text, ip, ip_version, port, false);
}

/* ---- answers ---- */

bool names_is_name(const char *text, size_t length)
{
	bool letter = false;

	if (length > NAME_MAX_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool is_letter = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z');

		if (!is_letter && !(text[i] >= '0' && text[i] <= '9') && text[i] != '-' && text[i] != '.' &&
		    text[i] != '_')
			return false;
		letter |= is_letter;
	}
	return letter;
}

/* What comes may be anything: who looks names up reads what servers say. */
static bool enter(struct names *names, const struct answer *answer, size_t size)
{
	struct entry *entry = answer->number < NAMES_ROOM ? &names->entries[answer->number] : NULL;
	bool known;

	if (size < offsetof(struct answer, name) || size != offsetof(struct answer, name) + answer->length || !entry ||
	    entry->state != ENTRY_ASKED)
		return false;
	known = names_is_name(answer->name, answer->length);
	names->asked--;
	zones_answer(&names->zones, entry->ip, entry->ip_version);
	if (!known && clock_ms() - entry->at_ms >= SLOW_MS)
		zones_silence(&names->zones, entry->ip, entry->ip_version, clock_ms() + AGAIN_MS);
	if (known)
		memcpy(entry->name, answer->name, answer->length);
	entry->name[known ? answer->length : 0] = '\0';
	settle(entry, known ? ENTRY_NAMED : ENTRY_NAMELESS);
	return known;
}

static void give_up(struct names *names)
{
	message_put(
		"the process that looks up names has ended; addresses without a name are shown as such from now on");
	names->socket = -1;
	for (size_t i = 0; i < NAMES_ROOM; i++)
		if (names->entries[i].state == ENTRY_WANTED || names->entries[i].state == ENTRY_ASKED)
			settle(&names->entries[i], ENTRY_NAMELESS);
	names->first = names->last = names->wanted = names->asked = 0;
}

bool names_take(struct names *names)
{
	struct answer answer;
	bool news = false;
	ssize_t size;

	if (!names || names->socket < 0)
		return false;
	while ((size = recv(names->socket, &answer, sizeof(answer), MSG_DONTWAIT)) > 0)
		news |= enter(names, &answer, (size_t)size);
	if (size == 0 || (errno != EAGAIN && errno != EINTR))
		give_up(names);
	else
		send_wanted(names);
	return news;
}

void names_wait(struct names *names)
{
	__u64 began = clock_ms();
	__s64 left = names ? names->patience_ms : 0;

	if (names)
		names_take(names);
	while (names && names->wanted + names->asked && left > 0) {
		struct pollfd ready = { .fd = names->socket, .events = POLLIN };

		poll(&ready, 1, (int)left);
		names_take(names);
		left = names->patience_ms - (__s64)(clock_ms() - began);
	}
	if (names) {
		names->patience_ms = left > 0 ? left : 0;
		names->waited = true;
	}
}
