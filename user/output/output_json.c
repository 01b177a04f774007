/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* NDJSON: one object a line, every field of the flow record, null where nothing was observed. */
#include <errno.h>
#include <stdlib.h>

#include "service/assertion.h"
#include "fields.h"
#include "text/json.h"
#include "json_service.h"
#include "output.h"
#include "text/text.h"
#include "text/words.h"

static FILE *out;
static struct json json;

static void put_name(const char *name)
{
	if (name)
		json_text(&json, name);
	else
		json_null(&json);
}

#define KEY_WORD(name, value) (JSON_KEY(&json, name), json_word(&json, value))
#define KEY_UNSIGNED(name, value) (JSON_KEY(&json, name), json_unsigned(&json, value))
#define KEY_SIGNED(name, value) (JSON_KEY(&json, name), json_signed(&json, value))

static void key(struct json *to, struct field_name name)
{
	if (name.text)
		json_key(to, name.text, name.len);
}

static bool emit_object_begin(void *to, struct field_name name, bool known)
{
	key(to, name);
	if (known)
		json_object_begin(to);
	else
		json_null(to);
	return known;
}

static void emit_object_end(void *to) { json_object_end(to); }

static void emit_list_begin(void *to, struct field_name name)
{
	key(to, name);
	json_array_begin(to);
}

static void emit_list_end(void *to) { json_array_end(to); }

static void emit_unknown(void *to, struct field_name name)
{
	key(to, name);
	json_null(to);
}

static void emit_unsigned(void *to, struct field_name name, __u64 value)
{
	key(to, name);
	json_unsigned(to, value);
}

static void emit_signed(void *to, struct field_name name, __s64 value)
{
	key(to, name);
	json_signed(to, value);
}

static void emit_bool(void *to, struct field_name name, bool value)
{
	key(to, name);
	json_bool(to, value);
}

static void emit_word(void *to, struct field_name name, const char *word)
{
	key(to, name);
	json_word(to, word);
}

static void emit_text(void *to, struct field_name name, const char *text)
{
	key(to, name);
	json_text(to, text);
}

static const struct emitter emitter = {
	.object_begin = emit_object_begin,
	.object_end = emit_object_end,
	.list_begin = emit_list_begin,
	.list_end = emit_list_end,
	.put_unknown = emit_unknown,
	.put_unsigned = emit_unsigned,
	.put_signed = emit_signed,
	.put_bool = emit_bool,
	.put_word = emit_word,
	.put_text = emit_text,
};

/* Closes an object of the stream, and writes the line. */
static int line_end(void)
{
	const char *text;
	size_t len;

	json_object_end(&json);
	json_newline(&json);
	text = json_get(&json, &len);
	if (json.failed)
		return -ENOMEM;
	fwrite(text, 1, len, out);
	return output_check(out);
}

static int json_flow(const struct record *record)
{
	json_clear(&json);
	json_object_begin(&json);
	fields_walk(record, &emitter, &json);
	return line_end();
}

/* Opens an object of the stream that is no flow. */
static void line_begin(const char *type)
{
	json_clear(&json);
	json_object_begin(&json);
	KEY_WORD("type", type);
	KEY_UNSIGNED("version", RECORD_VERSION);
}

static void put_counters(const struct ledger *ledger)
{
#define PUT_COUNTER(NAME, name, meaning) KEY_UNSIGNED(#name, ledger->counter[LEDGER_##NAME]);
	LEDGER_COUNTERS(PUT_COUNTER)
#undef PUT_COUNTER
}

static int json_ledger(const struct ledger_record *record)
{
	const struct ledger *ledger = &record->ledger;

	line_begin("ledger");
	JSON_KEY(&json, "interface");
	put_name(record->interface);
	JSON_KEY(&json, "direction");
	put_name(record->direction);
	KEY_UNSIGNED("seen", ledger->seen);
	put_counters(ledger);
	KEY_SIGNED("unaccounted", (__s64)ledger_unaccounted(ledger));
	KEY_UNSIGNED("lost_records", ledger->lost_records);
	JSON_KEY(&json, "detail"); /* what is not part of the sum */
	json_object_begin(&json);
	KEY_UNSIGNED("frames", ledger->frames);
	KEY_UNSIGNED("births", ledger->births);
	KEY_UNSIGNED("evicted", ledger->evicted);
	KEY_UNSIGNED("summarised", ledger->summarised);
	KEY_UNSIGNED("collisions", ledger->collisions);
	json_object_end(&json);
	return line_end();
}

static int json_summary(const struct summary_record *record)
{
	char ip[TEXT_IP];

	line_begin("summary");
	JSON_KEY(&json, "interface");
	put_name(record->interface);
	JSON_KEY(&json, "ip_version");
	if (record->rest) {
		json_null(&json);
		JSON_KEY(&json, "server");
		json_null(&json);
	} else {
		json_unsigned(&json, record->ip_version);
		JSON_KEY(&json, "server");
		json_object_begin(&json);
		KEY_WORD("ip", text_ip(ip, record->ip, record->ip_version));
		KEY_UNSIGNED("port", record->port);
		json_object_end(&json);
	}
	KEY_WORD("outcome", words_outcome(OUTCOME_UNANSWERED));
	KEY_SIGNED("start_ns", record->start_ns);
	KEY_SIGNED("end_ns", record->end_ns);
	KEY_UNSIGNED("flows", record->flows);
	KEY_UNSIGNED("packets", record->packets);
	KEY_UNSIGNED("ip_bytes", record->ip_bytes);
	KEY_UNSIGNED("payload_bytes", record->payload_bytes);
	return line_end();
}

static void put_known(bool known, __u64 value)
{
	if (known)
		json_unsigned(&json, value);
	else
		json_null(&json);
}

static int json_services(const struct statistics *statistics)
{
	static struct service other;
	size_t count;
	struct statistics_service *list = statistics_list(statistics, &other, &count);
	int err = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++) {
		line_begin("service");
		json_service(&json, statistics, &list[i]);
		err = line_end();
	}
	free(list);
	return err;
}

static void put_number(bool known, double number)
{
	if (known)
		json_number(&json, number);
	else
		json_null(&json);
}

static int json_verdict(const struct verdict *verdict)
{
	line_begin("assertion");
	JSON_KEY(&json, "expression");
	put_name(verdict->expression);
	JSON_KEY(&json, "holds");
	json_bool(&json, verdict->holds);
	JSON_KEY(&json, "measured");
	put_name(verdict->known ? verdict->measured : NULL);
	JSON_KEY(&json, "limit");
	put_name(verdict->known ? verdict->limit : NULL);
	JSON_KEY(&json, "measured_value");
	put_number(verdict->known, verdict->measured_value);
	JSON_KEY(&json, "limit_value");
	put_number(verdict->known, verdict->limit_value);
	JSON_KEY(&json, "unseen");
	json_bool(&json, verdict->unseen);
	return line_end();
}

static int json_program(const struct program_record *record)
{
	line_begin("program");
	JSON_KEY(&json, "name");
	json_word(&json, record->name);
	JSON_KEY(&json, "runs");
	put_known(record->timed, record->runs);
	JSON_KEY(&json, "run_ns");
	put_known(record->timed, record->run_ns);
	JSON_KEY(&json, "cpu_frames");
	json_array_begin(&json);
	for (size_t cpu = 0; cpu < record->cpus; cpu++)
		json_unsigned(&json, record->cpu_frames[cpu]);
	json_array_end(&json);
	return line_end();
}

static int json_output_open(const struct output_options *options)
{
	out = options->to;
	return json_open(&json);
}

static int json_output_close(void)
{
	json_close(&json);
	return output_flush(out);
}

const struct output output_json = {
	.name = "json",
	.open = json_output_open,
	.flow = json_flow,
	.ledger = json_ledger,
	.services = json_services,
	.verdict = json_verdict,
	.close = json_output_close,
	.summary = json_summary,
	.program = json_program,
};
