/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 16384, DIGITS_MAX = 20 };

/* Where `len` more octets may be written; NULL: no memory. */
static char *json_reserve(struct json *json, size_t len)
{
	size_t room = json->room ? json->room : ROOM_FIRST;
	char *text;

	if (json->failed)
		return NULL;
	if (json->room - json->len >= len)
		return json->text + json->len;
	while (room - json->len < len)
		room *= 2;
	text = realloc(json->text, room);
	if (!text) {
		json->failed = true;
		return NULL;
	}
	json->text = text;
	json->room = room;
	return text + json->len;
}

static void json_append(struct json *json, const char *from, size_t len)
{
	char *to = json_reserve(json, len);

	if (!to)
		return;
	memcpy(to, from, len);
	json->len += len;
}

static void json_char(struct json *json, char c) { json_append(json, &c, 1); }

static void json_element(struct json *json)
{
	if (json->comma)
		json_char(json, ',');
	json->comma = true;
}

void json_close(struct json *json)
{
	free(json->text);
	*json = (struct json){ .text = NULL };
}

void json_clear(struct json *json)
{
	json->len = 0;
	json->comma = json->failed = false;
}

void json_key(struct json *json, const char *quoted, size_t len)
{
	json_element(json);
	json_append(json, quoted, len);
	json->comma = false;
}

static void json_begin(struct json *json, char bracket)
{
	json_element(json);
	json_char(json, bracket);
	json->comma = false;
}

static void json_end(struct json *json, char bracket)
{
	json_char(json, bracket);
	json->comma = true;
}

void json_object_begin(struct json *json) { json_begin(json, '{'); }
void json_object_end(struct json *json) { json_end(json, '}'); }
void json_array_begin(struct json *json) { json_begin(json, '['); }
void json_array_end(struct json *json) { json_end(json, ']'); }

void json_null(struct json *json)
{
	json_element(json);
	json_append(json, "null", 4);
}

void json_bool(struct json *json, bool value)
{
	json_element(json);
	json_append(json, value ? "true" : "false", value ? 4 : 5);
}

void json_unsigned(struct json *json, __u64 value)
{
	char digits[DIGITS_MAX], *at = digits + sizeof(digits);

	json_element(json);
	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	json_append(json, at, (size_t)(digits + sizeof(digits) - at));
}

void json_signed(struct json *json, __s64 value)
{
	if (value < 0) {
		json_element(json);
		json_char(json, '-');
		json->comma = false;
	}
	json_unsigned(json, value < 0 ? 0 - (__u64)value : (__u64)value);
}

void json_word(struct json *json, const char *word)
{
	json_element(json);
	json_char(json, '"');
	json_append(json, word, strlen(word));
	json_char(json, '"');
}

void json_text(struct json *json, const char *text)
{
	char escape[7];

	json_element(json);
	json_char(json, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
			json_char(json, *text);
		} else {
			snprintf(escape, sizeof(escape), "\\u%04x", c);
			json_append(json, escape, sizeof(escape) - 1);
		}
	}
	json_char(json, '"');
}

void json_newline(struct json *json)
{
	json_char(json, '\n');
	json->comma = false;
}
