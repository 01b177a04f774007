/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The exporter's hot path: a flow record has some 130 values. A generator that checks each call and grows its text by
 * pieces takes three times as long. */
#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
	ROOM_FIRST = 8192,
	NUMBER_TEXT = 32,
	AROUND_MAX = 6,	 /* comma, quotes of key and value, colon */
	ESCAPED_MAX = 6, /* \u001f, of one octet */
};

static char *json_grow(struct json *json, size_t len)
{
	size_t room = json->room;
	char *larger;

	while (room - json->used < len)
		room *= 2;
	larger = realloc(json->text, room);
	if (!larger) {
		json->failed = true;
		return NULL;
	}
	json->text = larger;
	json->room = room;
	return larger + json->used;
}

/* Room for `len` more octets; NULL if there is no memory. */
static inline char *json_reserve(struct json *json, size_t len)
{
	return len <= json->room - json->used ? json->text + json->used : json_grow(json, len);
}

/* Room for a value of up to `len` octets, after what comes before it: a comma, unless it is the first of its object or
 * array, and its key. NULL if there is no memory. */
static inline char *json_begin(struct json *json, size_t len)
{
	char *at = json_reserve(json, json->key_len + len + AROUND_MAX);
	char before = json->used ? json->text[json->used - 1] : '{';

	if (!at)
		return NULL;
	if (before != '{' && before != '[')
		*at++ = ',';
	if (json->key) {
		*at++ = '"';
		text_copy(at, json->key, json->key_len);
		at += json->key_len;
		*at++ = '"';
		*at++ = ':';
		json_key(json, NULL, 0);
	}
	return at;
}

static void json_written(struct json *json, const char *end) { json->used = (size_t)(end - json->text); }

int json_open(struct json *json)
{
	*json = (struct json){ .text = malloc(ROOM_FIRST), .room = ROOM_FIRST };
	return json->text ? 0 : -ENOMEM;
}

void json_close(struct json *json)
{
	free(json->text);
	*json = (struct json){ .text = NULL };
}

void json_clear(struct json *json)
{
	json->used = 0;
	json_key(json, NULL, 0);
	json->failed = false;
}

const char *json_get(struct json *json, size_t *len)
{
	*len = json->used;
	return json->text;
}

/* A value that is written as it stands. */
static void json_put(struct json *json, const char *text, size_t len)
{
	char *at = json_begin(json, len);

	if (!at)
		return;
	text_copy(at, text, len);
	json_written(json, at + len);
}

static void json_end(struct json *json, char closing)
{
	char *at = json_reserve(json, 1);

	if (!at)
		return;
	*at++ = closing;
	json_written(json, at);
}

void json_object_begin(struct json *json) { json_put(json, "{", 1); }
void json_object_end(struct json *json) { json_end(json, '}'); }
void json_array_begin(struct json *json) { json_put(json, "[", 1); }
void json_array_end(struct json *json) { json_end(json, ']'); }
void json_null(struct json *json) { json_put(json, "null", 4); }
void json_bool(struct json *json, bool value) { json_put(json, value ? "true" : "false", value ? 4 : 5); }
void json_newline(struct json *json) { json_end(json, '\n'); }

void json_unsigned(struct json *json, __u64 value)
{
	char *at = json_begin(json, TEXT_DIGITS);

	if (!at)
		return;
	json_written(json, at + text_unsigned(at, value));
}

void json_signed(struct json *json, __s64 value)
{
	char *at = json_begin(json, TEXT_DIGITS);

	if (!at)
		return;
	json_written(json, at + text_signed(at, value));
}

void json_number(struct json *json, double value)
{
	char text[NUMBER_TEXT];

	if (isfinite(value))
		json_put(json, text, (size_t)snprintf(text, sizeof(text), "%.15g", value));
	else
		json_null(json);
}

void json_word(struct json *json, const char *word)
{
	size_t len = strlen(word);
	char *at = json_begin(json, len);

	if (!at)
		return;
	*at++ = '"';
	text_copy(at, word, len);
	at += len;
	*at++ = '"';
	json_written(json, at);
}

/* RFC 8259, 7: quote, backslash and controls are escaped. */
static char *json_escape(char *at, unsigned char octet)
{
	if (octet == '"' || octet == '\\') {
		*at++ = '\\';
		*at++ = (char)octet;
		return at;
	}
	if (octet < 0x20)
		return at + sprintf(at, "\\u%04x", octet);
	return text_utf8(at, octet);
}

void json_text(struct json *json, const char *text)
{
	char *at = json_begin(json, ESCAPED_MAX * strlen(text) + 1); /* sprintf ends with a NUL */

	if (!at)
		return;
	*at++ = '"';
	for (; *text; text++)
		at = json_escape(at, (unsigned char)*text);
	*at++ = '"';
	json_written(json, at);
}
