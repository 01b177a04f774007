/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "slowest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/units.h"

void slowest_close(struct slowest *slowest)
{
	free(slowest->lists);
	*slowest = (struct slowest){ 0 };
}

/* The list of a service, or the empty one where it would be; a quarter is always empty. */
static struct slow_list *slowest_find(const struct slowest *slowest, const struct service_key *key)
{
	__u32 at = service_hash(key) & (SLOWEST_SERVICES - 1);

	while (slowest->lists[at].key.ip_version && service_key_differs(&slowest->lists[at].key, key))
		at = (at + 1) & (SLOWEST_SERVICES - 1);
	return &slowest->lists[at];
}

const struct slow_list *slowest_of(const struct slowest *slowest, const struct service_key *key)
{
	const struct slow_list *list = slowest->lists ? slowest_find(slowest, key) : NULL;

	return list && list->key.ip_version ? list : NULL;
}

bool slowest_admits(const struct slowest *slowest, const struct service_key *key, __s64 connect_ns)
{
	const struct slow_list *list = slowest_of(slowest, key);

	return !list || list->count < SLOWEST || connect_ns >= list->slow[SLOWEST - 1].handshake.connect_ns;
}

static bool slow_same(const struct slow *x, const struct slow *y)
{
	return x->start_ns == y->start_ns && x->port == y->port && !memcmp(x->ip, y->ip, sizeof(x->ip));
}

static void slow_list_remove(struct slow_list *list, const struct slow *slow)
{
	for (__u32 i = 0; i < list->count; i++) {
		if (!slow_same(&list->slow[i], slow))
			continue;
		list->count--;
		memmove(&list->slow[i], &list->slow[i + 1], (list->count - i) * sizeof(*slow));
		return;
	}
}

/* Of two that took as long, the earlier comes first, then the lesser client: whatever order they come in. */
static bool slow_precedes(const struct slow *x, const struct slow *y)
{
	int order;

	if (x->handshake.connect_ns != y->handshake.connect_ns)
		return x->handshake.connect_ns > y->handshake.connect_ns;
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns;
	order = memcmp(x->ip, y->ip, sizeof(x->ip));
	return order ? order < 0 : x->port < y->port;
}

static void slow_list_insert(struct slow_list *list, const struct slow *slow)
{
	__u32 at = list->count;

	while (at > 0 && slow_precedes(slow, &list->slow[at - 1]))
		at--;
	if (at == SLOWEST)
		return;
	if (list->count < SLOWEST)
		list->count++;
	memmove(&list->slow[at + 1], &list->slow[at], (list->count - 1 - at) * sizeof(*slow));
	list->slow[at] = *slow;
}

static void slow_from_record(struct slow *slow, const struct record *record)
{
	*slow = (struct slow){ .start_ns = record->start_ns,
			       .port = record->client.port,
			       .ip_version = record->ip_version,
			       .outcome = record->outcome,
			       .handshake = record->handshake };
	memcpy(slow->ip, record->client.ip, sizeof(slow->ip));
}

int slowest_add(struct slowest *slowest, const struct record *record)
{
	struct service_key key = { .port = record->server.port, .ip_version = record->ip_version };
	struct slow_list *list;
	struct slow slow;

	if (!record->handshake.present || record->handshake.connect_ns < 0)
		return 0;
	if (!slowest->lists)
		slowest->lists = calloc(SLOWEST_SERVICES, sizeof(*slowest->lists));
	if (!slowest->lists)
		return -ENOMEM;
	memcpy(key.ip, record->server.ip, sizeof(key.ip));
	list = slowest_find(slowest, &key);
	if (!list->key.ip_version) {
		if (slowest->used == SLOWEST_SERVICES / 4 * 3)
			return 0;
		slowest->used++;
		list->key = key;
	}
	if (list->count == SLOWEST && record->handshake.connect_ns < list->slow[SLOWEST - 1].handshake.connect_ns)
		return 0;
	slow_from_record(&slow, record);
	slow_list_remove(list, &slow);
	slow_list_insert(list, &slow);
	return 0;
}

/* ---- the sentence ---- */

__attribute__((format(printf, 2, 3))) static void say(char text[SENTENCE], const char *format, ...)
{
	size_t used = strlen(text);
	va_list values;

	va_start(values, format);
	vsnprintf(text + used, SENTENCE - used, format, values);
	va_end(values);
}

static void say_span(char text[SENTENCE], __s64 ns)
{
	char span[UNITS_TEXT];

	units_format(span, units_span_ns, ns);
	say(text, "%s", span);
}

/* How long each SYN before the answered one waited for the next; nothing if one of them was not kept. */
static void say_waits(char text[SENTENCE], const struct record_handshake *handshake)
{
	__s64 syn_ns[ATTEMPTS];
	__u32 syns = 0;

	for (__u32 i = 0; i < handshake->attempts; i++)
		if (!handshake->attempt[i].synack)
			syn_ns[syns++] = handshake->attempt[i].at_ns;
	if (syns < handshake->answered_syn)
		return;
	say(text, " (");
	for (__s64 i = 1; i < handshake->answered_syn; i++) {
		say(text, "%s", i > 1 ? ", " : "");
		say_span(text, syn_ns[i] - syn_ns[i - 1]);
	}
	say(text, ")");
}

static void say_syns(char text[SENTENCE], const struct record_handshake *handshake)
{
	__s64 unanswered = handshake->answered_syn - 1;

	if (unanswered < 1)
		return;
	say(text, "%lld SYN%s unanswered", unanswered, unanswered == 1 ? "" : "s");
	say_waits(text, handshake);
	say(text, ", ");
}

static void say_answered_syn(char text[SENTENCE], const struct record_handshake *handshake, const char *how)
{
	say(text, ", SYN %lld", handshake->answered_syn);
	if (handshake->answered_syn < handshake->syns)
		say(text, " of %u", handshake->syns);
	say(text, " answered (%s)", how);
}

static void say_answer(char text[SENTENCE], const struct record_handshake *handshake)
{
	static const char *const words[] = {
		[ANSWERED_TIMESTAMP] = "timestamp", [ANSWERED_LAST] = "assumed: the last"
	};

	if (handshake->synacks > 1)
		say(text, ", %u SYN/ACKs", handshake->synacks);
	if (handshake->answered_by == ANSWERED_TIMESTAMP || handshake->answered_by == ANSWERED_LAST)
		say_answered_syn(text, handshake, words[handshake->answered_by]);
}

void slow_sentence(char text[SENTENCE], const struct record_handshake *handshake)
{
	text[0] = '\0';
	say(text, "connect ");
	say_span(text, handshake->connect_ns);
	say(text, ": ");
	say_syns(text, handshake);
	say(text, "server ");
	say_span(text, handshake->server_ns);
	say(text, ", client ");
	say_span(text, handshake->client_ns);
	say_answer(text, handshake);
}
