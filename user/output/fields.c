/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "fields.h"

#include "community_id.h"
#include "p0f.h"
#include "text/text.h"
#include "text/words.h"

struct walk {
	const struct emitter *emitter;
	void *to;
};

#define NAME(name) ((struct field_name){ name, sizeof(name) - 1 })
#define ITEM ((struct field_name){ NULL, 0 })

static void put_unsigned(const struct walk *walk, struct field_name name, __u64 value)
{
	walk->emitter->put_unsigned(walk->to, name, value);
}

static void put_signed(const struct walk *walk, struct field_name name, __s64 value)
{
	walk->emitter->put_signed(walk->to, name, value);
}

static void put_known(const struct walk *walk, struct field_name name, __s64 value)
{
	if (value == UNKNOWN)
		walk->emitter->put_unknown(walk->to, name);
	else
		walk->emitter->put_signed(walk->to, name, value);
}

static void put_known_bool(const struct walk *walk, struct field_name name, __s64 value)
{
	if (value == UNKNOWN)
		walk->emitter->put_unknown(walk->to, name);
	else
		walk->emitter->put_bool(walk->to, name, value != 0);
}

static void put_word(const struct walk *walk, struct field_name name, const char *word)
{
	if (word)
		walk->emitter->put_word(walk->to, name, word);
	else
		walk->emitter->put_unknown(walk->to, name);
}

static void put_text(const struct walk *walk, struct field_name name, const char *text)
{
	if (text)
		walk->emitter->put_text(walk->to, name, text);
	else
		walk->emitter->put_unknown(walk->to, name);
}

static bool object_begin(const struct walk *walk, struct field_name name, bool known)
{
	return walk->emitter->object_begin(walk->to, name, known);
}

static void object_end(const struct walk *walk) { walk->emitter->object_end(walk->to); }

#define UNSIGNED(field, value) put_unsigned(walk, NAME(field), value)
#define SIGNED(field, value) put_signed(walk, NAME(field), value)
#define KNOWN(field, value) put_known(walk, NAME(field), value)
#define KNOWN_BOOL(field, value) put_known_bool(walk, NAME(field), value)
#define WORD(field, value) put_word(walk, NAME(field), value)

static void put_attempts(const struct walk *walk, const struct record_handshake *handshake)
{
	walk->emitter->list_begin(walk->to, NAME("attempts"));
	for (__u32 i = 0; i < handshake->attempts; i++) {
		if (!object_begin(walk, ITEM, true))
			continue;
		WORD("kind", handshake->attempt[i].synack ? "synack" : "syn");
		SIGNED("at_ns", handshake->attempt[i].at_ns);
		object_end(walk);
	}
	walk->emitter->list_end(walk->to);
}

static void put_handshake(const struct walk *walk, const struct record_handshake *handshake)
{
	if (!object_begin(walk, NAME("handshake"), handshake->present))
		return;
	KNOWN("connect_ns", handshake->connect_ns);
	KNOWN("server_ns", handshake->server_ns);
	KNOWN("client_ns", handshake->client_ns);
	KNOWN("lost_ns", handshake->lost_ns);
	UNSIGNED("syns", handshake->syns);
	UNSIGNED("synacks", handshake->synacks);
	KNOWN("answered_syn", handshake->answered_syn);
	WORD("answered_by", words_answered_by(handshake->answered_by));
	put_attempts(walk, handshake);
	object_end(walk);
}

static void put_rtt(const struct walk *walk, struct field_name name, const struct record_rtt *rtt)
{
	if (!object_begin(walk, name, rtt->samples != 0))
		return;
	UNSIGNED("samples", rtt->samples);
	UNSIGNED("by_timestamp", rtt->by_timestamp);
	SIGNED("min_ns", rtt->min_ns);
	SIGNED("mean_ns", rtt->mean_ns);
	SIGNED("max_ns", rtt->max_ns);
	SIGNED("resolution_ns", rtt->resolution_ns);
	object_end(walk);
}

static void put_rtts(const struct walk *walk, const struct record *record)
{
	if (!object_begin(walk, NAME("rtt"), true))
		return;
	put_rtt(walk, NAME("server"), &record->rtt_server);
	put_rtt(walk, NAME("client"), &record->rtt_client);
	object_end(walk);
}

static void put_zeek(const struct walk *walk, const struct record_zeek *zeek)
{
	if (!object_begin(walk, NAME("zeek"), true))
		return;
	WORD("conn_state", zeek->conn_state);
	WORD("history", zeek->history);
	UNSIGNED("missed_bytes", zeek->missed_bytes);
	object_end(walk);
}

static void put_p0f(const struct walk *walk, const struct record *record)
{
	char text[P0F_SIZE];

	if (!object_begin(walk, NAME("p0f"), true))
		return;
	WORD("client", p0f_write(text, &record->client, record->ip_version) ? text : NULL);
	WORD("server", p0f_write(text, &record->server, record->ip_version) ? text : NULL);
	object_end(walk);
}

static void put_flags(const struct walk *walk, const struct record_side *side)
{
	if (!object_begin(walk, NAME("flags"), true))
		return;
	UNSIGNED("fin", side->flags.fin);
	UNSIGNED("syn", side->flags.syn);
	UNSIGNED("rst", side->flags.rst);
	UNSIGNED("psh", side->flags.psh);
	UNSIGNED("ack", side->flags.ack);
	UNSIGNED("urg", side->flags.urg);
	UNSIGNED("ece", side->flags.ece);
	UNSIGNED("cwr", side->flags.cwr);
	UNSIGNED("ae", side->flags.ae);
	object_end(walk);
}

static void put_negotiated(const struct walk *walk, const struct record_side *side)
{
	KNOWN("isn", side->isn);
	KNOWN("mss", side->mss);
	KNOWN("window_scale", side->window_scale);
	KNOWN_BOOL("sack_permitted", side->sack_permitted);
	KNOWN_BOOL("timestamps", side->timestamps);
	KNOWN_BOOL("fast_open", side->fast_open);
	KNOWN_BOOL("mptcp", side->mptcp);
	KNOWN_BOOL("ecn", side->ecn);
}

static void put_analysis(const struct walk *walk, const struct record_side *side)
{
#define PUT_ANALYSIS(NAME_OF_IT, name) UNSIGNED(#name, side->analysis[ANALYSIS_##NAME_OF_IT]);
	ANALYSIS_COUNTERS(PUT_ANALYSIS)
#undef PUT_ANALYSIS
}

static void put_side(const struct walk *walk, struct field_name name, const struct record_side *side, __u8 ip_version)
{
	char ip[TEXT_IP];

	if (!object_begin(walk, name, true))
		return;
	WORD("ip", text_ip(ip, side->ip, ip_version));
	UNSIGNED("port", side->port);
	UNSIGNED("packets", side->packets);
	UNSIGNED("ip_bytes", side->ip_bytes);
	UNSIGNED("payload_bytes", side->payload_bytes);
	KNOWN("stream_bytes", side->stream_bytes);
	put_flags(walk, side);
	put_negotiated(walk, side);
	KNOWN("ttl", side->ttl);
	KNOWN("window_min", side->window_min);
	KNOWN("window_max", side->window_max);
	KNOWN("payload_max", side->payload_max);
	put_analysis(walk, side);
	KNOWN("first_data_ns", side->first_data_ns);
	UNSIGNED("ce", side->ce);
	UNSIGNED("cpu_handovers", side->cpu_handovers);
	object_end(walk);
}

static void put_origin(const struct walk *walk, const struct record *record)
{
	char id[COMMUNITY_ID_SIZE];

	WORD("type", "flow");
	UNSIGNED("version", RECORD_VERSION);
	community_id_write(id, record);
	WORD("community_id", id);
	SIGNED("start_ns", record->start_ns);
	SIGNED("end_ns", record->end_ns);
	SIGNED("end_resolution_ns", record->end_resolution_ns);
	put_text(walk, NAME("interface"), record->interface);
	walk->emitter->list_begin(walk->to, NAME("vlan"));
	for (int i = 0; i < record->vlans; i++)
		put_unsigned(walk, ITEM, record->vlan[i]);
	walk->emitter->list_end(walk->to);
	if (object_begin(walk, NAME("tunnel"), record->tunnel_kind != TUNNEL_NONE)) {
		WORD("kind", words_tunnel(record->tunnel_kind));
		KNOWN("id", record->tunnel_id);
		object_end(walk);
	}
	UNSIGNED("ip_version", record->ip_version);
}

static void put_story(const struct walk *walk, const struct record *record)
{
	WORD("client_known_by", words_known_by(record->client_known_by));
	WORD("state", words_state(record->state));
	WORD("outcome", words_outcome(record->outcome));
	WORD("reason", record->reason);
	WORD("end_reason", words_end(record->end_reason));
	WORD("closed_by", words_closed_by(record->closed_by));
	put_handshake(walk, &record->handshake);
	put_rtts(walk, record);
	put_zeek(walk, &record->zeek);
	put_p0f(walk, record);
}

static void put_observed_side(const struct walk *walk, struct field_name name, const struct record_side *side)
{
	if (!object_begin(walk, name, true))
		return;
	UNSIGNED("packets", side->packets);
	UNSIGNED("ip_bytes", side->ip_bytes);
	UNSIGNED("payload_bytes", side->payload_bytes);
	KNOWN("ttl", side->ttl);
	UNSIGNED("retransmits", side->analysis[ANALYSIS_RETRANSMITS]);
	UNSIGNED("fast_retransmits", side->analysis[ANALYSIS_FAST_RETRANSMITS]);
	UNSIGNED("spurious_retransmits", side->analysis[ANALYSIS_SPURIOUS_RETRANSMITS]);
	UNSIGNED("out_of_order", side->analysis[ANALYSIS_OUT_OF_ORDER]);
	UNSIGNED("lost_segments", side->analysis[ANALYSIS_LOST_SEGMENTS]);
	object_end(walk);
}

static void put_observation(const struct walk *walk, const struct record *record)
{
	const struct record_handshake *handshake = &record->handshake;

	if (!object_begin(walk, ITEM, true))
		return;
	put_text(walk, NAME("interface"), record->interface);
	SIGNED("start_ns", record->start_ns);
	SIGNED("end_ns", record->end_ns);
	WORD("end_reason", words_end(record->end_reason));
	KNOWN("connect_ns", handshake->present ? handshake->connect_ns : UNKNOWN);
	KNOWN("server_ns", handshake->present ? handshake->server_ns : UNKNOWN);
	KNOWN("client_ns", handshake->present ? handshake->client_ns : UNKNOWN);
	put_observed_side(walk, NAME("client"), &record->client);
	put_observed_side(walk, NAME("server"), &record->server);
	object_end(walk);
}

static void put_observations(const struct walk *walk, const struct record *record)
{
	if (!record->observations) {
		walk->emitter->put_unknown(walk->to, NAME("observations"));
		return;
	}
	walk->emitter->list_begin(walk->to, NAME("observations"));
	for (int i = 0; i < record->observations; i++)
		put_observation(walk, record->observation[i]);
	walk->emitter->list_end(walk->to);
}

void fields_walk(const struct record *record, const struct emitter *emitter, void *to)
{
	const struct walk walk = { .emitter = emitter, .to = to };

	put_origin(&walk, record);
	put_story(&walk, record);
	put_side(&walk, NAME("client"), &record->client, record->ip_version);
	put_side(&walk, NAME("server"), &record->server, record->ip_version);
	put_observations(&walk, record);
}
