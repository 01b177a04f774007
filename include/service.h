/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Per-service statistics: for each server address and port the outcomes of connection attempts, SYN retries,
 * histograms of connect, server and client time, and what the connections sent, lost and resent.
 *
 * A flow that began with a handshake counts once: when it leaves the flow table, swept or evicted, whether its record
 * found room or not. So the sums equal the number of handshakes where records were lost, and no packet pays for it.
 * What is evicted is counted by who evicts, what is swept by who reads it (handover.h): each has sets of its own, which
 * are added up (service_set_merge). Who wants the flows still open, too, adds them to a copy (service_set_count).
 *
 * The table is set-associative: SERVICE_SETS sets of SERVICE_WAYS services, and in each set one more entry, `other`,
 * for the services that found no room. A service whose handshakes never gave a time (scanned or flooded ports) gives
 * way to one that has one, its counts going to `other`. So the number of services is bounded and nothing is lost. The
 * hash has no secret: whoever fills a set sends services to `other`, no more.
 *
 * All of a set of the evicted is written under its lock, so it is exact; the other sets have one writer. A reader that
 * takes no lock may see a handshake of which some counters are in and others not yet; after the programs are detached
 * it sees all. */
#ifndef TCPSCOPE_SERVICE_H
#define TCPSCOPE_SERVICE_H

#include "histogram.h"
#include "outcome.h"

enum {
	SERVICE_SETS = 64, /* a power of two */
	SERVICE_WAYS = 8,
	SERVICE_OTHER = SERVICE_WAYS, /* the way of those that found no room */
};

/* An outcome that no record has, in the place of midstream, which is counted nowhere: unanswered or half open, but the
 * watch ended, or a picture was made, before its sender would have lost patience. */
enum {
	SERVICE_PENDING = OUTCOME_MIDSTREAM,
	SERVICE_PATIENCE_MS = 1000, /* RFC 6298, 2.1: until a SYN is sent again */
};

enum service_span { SERVICE_CONNECT, SERVICE_SERVER, SERVICE_CLIENT, SERVICE_SPANS };

/* All zeros: none. */
struct service_key {
	__u64 ip[2]; /* 16 octets, IPv4 as ::ffff:a.b.c.d */
	__u16 port;
	__u8 ip_version; /* 4 or 6 */
	__u8 reserved[5];
};

/* What one side sent: the sums of the record's fields of these names. */
struct service_traffic {
	__u64 packets, payload_bytes;
	__u64 analysis[ANALYSIS_COUNT];
};

enum service_side { SERVICE_FROM_CLIENT, SERVICE_FROM_SERVER, SERVICE_SIDES };

struct service_counts {
	__u64 outcome[OUTCOMES];	    /* by enum outcome and SERVICE_PENDING; their sum is the attempts */
	__u64 filtered[FILTER_REASON_ROOM]; /* by enum filter_reason; the sum is outcome[OUTCOME_FILTERED] */
	__u64 syn_retries, synack_retries;  /* beyond the first of each attempt */
	__u64 delayed;			    /* attempts of which a SYN before the answered one was lost */
	__u64 lost_ns;			    /* the time that cost them: first SYN to answered SYN */
	__u64 reset;			    /* of the accepted: those that a RST ended, not a FIN of each side */
	struct service_traffic traffic[SERVICE_SIDES];
};

/* All zeros: no handshake. */
struct service {
	struct service_counts counts;
	struct histogram span[SERVICE_SPANS]; /* connect_ns, server_ns, client_ns of the record, where known */
};

struct service_set {
	struct service_key key[SERVICE_WAYS];
	struct service way[SERVICE_WAYS + 1]; /* the last: SERVICE_OTHER */
};

/* What one handshake adds. */
struct service_sample {
	struct service_key key;
	__u32 outcome, filtered;
	__u32 syn_retries, synack_retries;
	__u64 lost_ns;
	__u64 span_ns[SERVICE_SPANS];
	__u32 bucket[SERVICE_SPANS]; /* HISTOGRAM_BUCKETS: unknown span */
	__u32 reset;		     /* accepted, and a RST ended it: 1 */
	struct service_traffic traffic[SERVICE_SIDES];
};

struct service_span_before {
	__u64 count, sum_ns, max_ns, bucket;
	__u64 at; /* number of that bucket; HISTOGRAM_BUCKETS: none */
};

/* What there was where a count is about to change a set. */
struct service_before {
	__u32 set, way;
	__u32 settles;		      /* 1: the way goes to another service */
	struct service_key key;	      /* of the way, if it does */
	struct service_counts other;  /* of SERVICE_OTHER, if it does */
	struct service_counts counts; /* of the way */
	struct service_span_before span[SERVICE_SPANS];
};

/* False midstream: then it counts nowhere. */
INLINE bool service_sample_of(struct service_sample *sample, const struct report *report);
INLINE __u32 service_hash(const struct service_key *key);
/* The set of a service: below SERVICE_SETS. */
INLINE __u32 service_set_of(const struct service_key *key);
/* Counts a handshake in its set; the caller keeps others away. */
INLINE void service_set_count(struct service_set *set, const struct service_sample *sample);
/* Notes what counting will change in a set, number `number`; undoes what was done of it since. */
INLINE void service_remember(struct service_before *before, const struct service_set *set, __u32 number,
			     const struct service_sample *sample);
INLINE void service_undo(const struct service_before *before, struct service_set *set);
/* Adds all counts of a set to those of another one with the same number. */
INLINE void service_set_merge(struct service_set *to, const struct service_set *from);
INLINE __u64 service_attempts(const struct service *service);
/* Has anything been counted in it? */
INLINE bool service_set_used(const struct service_set *set);
INLINE void service_merge(struct service *to, const struct service *from);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE void service_sample_span(struct service_sample *sample, enum service_span span, __u64 from, __u64 to)
{
	bool known = from && to && to >= from; /* a capture's clock may run back */

	sample->span_ns[span] = known ? to - from : 0;
	sample->bucket[span] = known ? histogram_bucket(to - from) : HISTOGRAM_BUCKETS;
}

INLINE void service_sample_key(struct service_key *key, const struct flow_key *flow, __u32 server)
{
	*key = (struct service_key){ .ip = { flow->ip[server & 1][0], flow->ip[server & 1][1] },
				     .port = flow->port[server & 1],
				     .ip_version = flow->ip_version };
}

INLINE bool service_is_pending(const struct report *report, enum outcome outcome)
{
	return (outcome == OUTCOME_UNANSWERED || outcome == OUTCOME_HALF_OPEN) &&
	       (report->reason == END_MONITOR || report->reason == END_OPEN) && report->silent_ms < SERVICE_PATIENCE_MS;
}

INLINE void service_sample_traffic(struct service_traffic *traffic, const struct report *report, __u32 side)
{
	const struct half_facts *facts = &report->facts.half[side & 1];
	const struct tally *tally = &report->flow.tally[side & 1];

	traffic->packets = facts->packets + tally_get(tally, TALLY_PACKETS);
	traffic->payload_bytes = facts->payload_bytes + tally->payload_bytes;
	for (int i = 0; i < ANALYSIS_COUNT; i++)
		traffic->analysis[i] = half_analysis(facts, tally, (enum analysis_counter)i);
}

/* The same derivation as record_make_handshake's. */
INLINE bool service_sample_of(struct service_sample *sample, const struct report *report)
{
	enum client_known_by known_by;
	__u32 which = outcome_client(report, &known_by);
	const struct facts *facts = &report->facts;
	const struct half_facts *client = &facts->half[which & 1], *server = &facts->half[~which & 1];
	__u64 answered_ns = facts->answered_by ? facts->answered_syn_ns : 0;
	enum outcome outcome = outcome_of(report, which);
	__u32 syns = client->syns + server->syns, synacks = client->synacks + server->synacks;
	__u32 first_syns = (client->syns != 0) + (server->syns != 0),
	      first_synacks = (client->synacks != 0) + (server->synacks != 0);

	if (outcome == OUTCOME_MIDSTREAM)
		return false;
	service_sample_key(&sample->key, &report->facts.key, ~which & 1);
	sample->outcome = service_is_pending(report, outcome) ? SERVICE_PENDING : outcome;
	sample->filtered = outcome == OUTCOME_FILTERED ? outcome_filter_reason(report) : FILTER_NONE;
	sample->syn_retries = syns - first_syns;
	sample->synack_retries = synacks - first_synacks;
	service_sample_span(sample, SERVICE_CONNECT, client->syn_first_ns, client->shook_ns);
	service_sample_span(sample, SERVICE_SERVER, answered_ns, server->synack_first_ns);
	service_sample_span(sample, SERVICE_CLIENT, server->synack_last_ns, client->shook_ns);
	sample->lost_ns = answered_ns > client->syn_first_ns && client->syn_first_ns
				  ? answered_ns - client->syn_first_ns
				  : 0;
	sample->reset = outcome == OUTCOME_ACCEPTED && outcome_state(report, which) == STATE_RESET;
	service_sample_traffic(&sample->traffic[SERVICE_FROM_CLIENT], report, which);
	service_sample_traffic(&sample->traffic[SERVICE_FROM_SERVER], report, ~which);
	return true;
}

INLINE __u32 service_hash(const struct service_key *key)
{
	const __u64 odd =
		0x9e3779b97f4a7c15ULL; /* 2^64 over the golden ratio: Fibonacci hashing (Knuth, TAOCP 3, 6.4) */
	__u64 mixed = (key->ip[0] ^ ((key->ip[1] * odd) ^ key->port)) * odd;

	return (__u32)((mixed ^ mixed >> 29) * odd >> 32);
}

INLINE __u32 service_set_of(const struct service_key *key) { return service_hash(key) & (SERVICE_SETS - 1); }

/* 1 if x is not 0. Ways are sought by arithmetic: eight of branches are more than a verifier follows. */
INLINE __u32 service_any(__u64 x) { return (__u32)((x | (0 - x)) >> 63); }

INLINE __u64 service_key_differs(const struct service_key *x, const struct service_key *y)
{
	return (x->ip[0] ^ y->ip[0]) | (x->ip[1] ^ y->ip[1]) | (x->port ^ y->port) | (x->ip_version ^ y->ip_version);
}

INLINE __u64 service_times(const struct service *service)
{
	return service->span[SERVICE_CONNECT].count | service->span[SERVICE_SERVER].count |
	       service->span[SERVICE_CLIENT].count;
}

INLINE bool service_sample_has_times(const struct service_sample *sample)
{
	return sample->bucket[SERVICE_CONNECT] < HISTOGRAM_BUCKETS ||
	       sample->bucket[SERVICE_SERVER] < HISTOGRAM_BUCKETS || sample->bucket[SERVICE_CLIENT] < HISTOGRAM_BUCKETS;
}

INLINE void service_add_words(__u64 *to, const __u64 *from, __u32 words)
{
	for (__u32 i = 0; i < words; i++)
		to[i] += from[i];
}

INLINE void service_counts_merge(struct service_counts *to, const struct service_counts *from)
{
	service_add_words((__u64 *)to, (const __u64 *)from, sizeof(*to) / sizeof(__u64));
}

/* The lowest way of a mask, SERVICE_OTHER if it is empty. */
INLINE __u32 service_first(__u32 ways) { return (__u32)__builtin_ctz(ways | 1u << SERVICE_OTHER); }

/* A service of the set that gave no time yet, or SERVICE_OTHER. */
INLINE __u32 service_timeless(const struct service_set *set)
{
	__u32 timeless = 0;

	for (__u32 way = 0; way < SERVICE_WAYS; way++)
		timeless |= (service_any(service_times(&set->way[way])) ^ 1) << way;
	return service_first(timeless);
}

/* The way where the service is, or may be; SERVICE_OTHER if there is no room. */
INLINE __u32 service_way(const struct service_set *set, const struct service_sample *sample)
{
	__u32 same = 0, none = 0;

	for (__u32 way = 0; way < SERVICE_WAYS; way++) {
		same |= (service_any(service_key_differs(&set->key[way], &sample->key)) ^ 1) << way;
		none |= (service_any(set->key[way].ip_version) ^ 1) << way;
	}
	if (likely(same))
		return service_first(same);
	if (!none && service_sample_has_times(sample))
		return service_timeless(set);
	return service_first(none);
}

/* Makes a way that of the sample's service. Who had it goes to `other`; it has counts only. */
INLINE void service_settle(struct service_set *set, __u32 way, const struct service_sample *sample)
{
	if (way >= SERVICE_WAYS)
		return;
	opaque(way); /* a bound that the verifier keeps */
	if (likely(!service_key_differs(&set->key[way & (SERVICE_WAYS - 1)], &sample->key)))
		return;
	service_counts_merge(&set->way[SERVICE_OTHER].counts, &set->way[way & (SERVICE_WAYS - 1)].counts);
	set->way[way & (SERVICE_WAYS - 1)].counts = (struct service_counts){};
	set->key[way & (SERVICE_WAYS - 1)] = sample->key;
}

INLINE void service_add(struct service *service, const struct service_sample *sample)
{
	service->counts.outcome[at_most(sample->outcome, OUTCOMES - 1)]++;
	if (sample->outcome == OUTCOME_FILTERED)
		service->counts.filtered[sample->filtered & (FILTER_REASON_ROOM - 1)]++;
	service->counts.syn_retries += sample->syn_retries;
	service->counts.synack_retries += sample->synack_retries;
	service->counts.delayed += sample->lost_ns != 0;
	service->counts.lost_ns += sample->lost_ns;
	service->counts.reset += sample->reset;
	for (int i = 0; i < SERVICE_SIDES; i++)
		service_add_words((__u64 *)&service->counts.traffic[i], (const __u64 *)&sample->traffic[i],
				  sizeof(struct service_traffic) / sizeof(__u64));
	for (int i = 0; i < SERVICE_SPANS; i++)
		histogram_add_at(&service->span[i], sample->bucket[i], sample->span_ns[i]);
}

INLINE void service_set_count(struct service_set *set, const struct service_sample *sample)
{
	__u32 way = service_way(set, sample);

	opaque(way);
	if (way > SERVICE_OTHER) /* a bound that the verifier keeps, also that of 6.1 */
		return;
	service_settle(set, way, sample);
	service_add(&set->way[way], sample);
}

INLINE void service_remember(struct service_before *before, const struct service_set *set, __u32 number,
			     const struct service_sample *sample)
{
	__u32 way = service_way(set, sample);
	const struct service *service = &set->way[way];

	before->set = number;
	before->way = way;
	before->settles = way < SERVICE_WAYS && service_any(service_key_differs(&set->key[way], &sample->key));
	before->counts = service->counts;
	if (before->settles) {
		before->key = set->key[way];
		before->other = set->way[SERVICE_OTHER].counts;
	}
	for (int i = 0; i < SERVICE_SPANS; i++) {
		const struct histogram *span = &service->span[i];
		__u32 bucket = sample->bucket[i] % (HISTOGRAM_BUCKETS + 1);

		before->span[i] = (struct service_span_before){ span->count, span->sum_ns, span->max_ns,
								bucket < HISTOGRAM_BUCKETS ? span->bucket[bucket] : 0,
								bucket };
	}
}

INLINE void service_undo(const struct service_before *before, struct service_set *set)
{
	__u32 way = before->way % (SERVICE_WAYS + 1);
	struct service *service = &set->way[way];

	service->counts = before->counts;
	if (before->settles && way < SERVICE_WAYS) {
		set->key[way] = before->key;
		set->way[SERVICE_OTHER].counts = before->other;
	}
	for (int i = 0; i < SERVICE_SPANS; i++) {
		struct histogram *span = &service->span[i];

		span->count = before->span[i].count;
		span->sum_ns = before->span[i].sum_ns;
		span->max_ns = before->span[i].max_ns;
		if (before->span[i].at < HISTOGRAM_BUCKETS)
			span->bucket[before->span[i].at] = before->span[i].bucket;
	}
}

INLINE __u64 service_attempts(const struct service *service)
{
	__u64 sum = 0;

	for (int i = 0; i < OUTCOMES; i++)
		sum += service->counts.outcome[i];
	return sum;
}

INLINE bool service_set_used(const struct service_set *set)
{
	__u64 used = service_attempts(&set->way[SERVICE_OTHER]);

	for (int way = 0; way < SERVICE_WAYS; way++)
		used |= set->key[way].ip_version;
	return used;
}

INLINE void service_merge(struct service *to, const struct service *from)
{
	service_counts_merge(&to->counts, &from->counts);
	for (int i = 0; i < SERVICE_SPANS; i++)
		histogram_merge(&to->span[i], &from->span[i]);
}

INLINE void service_set_merge(struct service_set *to, const struct service_set *from)
{
	for (__u32 way = 0; way < SERVICE_WAYS; way++) {
		const __u32 span = service_times(&from->way[way]) ? 0 : HISTOGRAM_BUCKETS;
		const struct service_sample sample = { .key = from->key[way], .bucket = { span, span, span } };
		__u32 into = service_way(to, &sample);

		if (!from->key[way].ip_version)
			continue;
		service_settle(to, into, &sample);
		service_merge(&to->way[into], &from->way[way]);
	}
	service_merge(&to->way[SERVICE_OTHER], &from->way[SERVICE_OTHER]);
}

#endif
