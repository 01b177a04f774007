/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of services: what became of connection attempts per server address and port, and the slowest by name. */
#include <stdlib.h>
#include <string.h>

#include "filter_line.h"
#include "screen_page.h"
#include "output/text.h"
#include "output/units.h"

enum { SLOW_ROWS = 6 };

/* ---- the list ---- */

void services_close(struct services *services)
{
	free(services->list);
	free(services->rates);
	free(services->sight);
	services->list = NULL;
	services->rates = NULL;
	services->sight = NULL;
	services->count = services->sighted = 0;
}

static const struct service_key nobody; /* the key of those without room */

static const struct service_key *key_of(const struct statistics_service *row) { return row->key ? row->key : &nobody; }

/* The picture before. */
struct rates {
	struct service_rate *rate;
	size_t count;
	__u64 at_ns;
};

static const struct service_rate *rate_of(const struct rates *rates, const struct service_key *key)
{
	for (size_t i = 0; i < rates->count; i++)
		if (!service_key_differs(&rates->rate[i].key, key))
			return &rates->rate[i];
	return NULL;
}

static void enter_rates(struct services *anew, const struct rates *before)
{
	double seconds = (double)(anew->at_ns - before->at_ns) / (double)NS_PER_SEC;

	for (size_t i = 0; i < anew->count; i++) {
		const struct service_rate *old = rate_of(before, key_of(&anew->list[i]));
		__u64 attempts = service_attempts(anew->list[i].service), had = old ? old->attempts : 0;

		anew->rates[i] = (struct service_rate){ *key_of(&anew->list[i]), attempts, 0 };
		if (before->at_ns && seconds > 0 && attempts > had)
			anew->rates[i].rate = (double)(attempts - had) / seconds;
	}
}

/* That of a place in sight. */
static const struct statistics_service *seen_at(const struct services *services, size_t place)
{
	return &services->list[services->sight[place]];
}

/* The cursor stays with its service, if that is in sight. */
static void find_cursor(struct services *services)
{
	size_t place = 0;

	while (place < services->sighted && service_key_differs(key_of(seen_at(services, place)), &services->key))
		place++;
	services->picked &= place < services->sighted;
	services->cursor = services->picked ? place : 0;
}

/* Which of the list are in sight: those without room have no address, and are where there is no filter. */
static void sift(struct services *services)
{
	services->sighted = 0;
	for (size_t i = 0; i < services->count; i++) {
		const struct service_key *key = key_of(&services->list[i]);

		if (services->filter.kind == FILTER_NOTHING ||
		    (key->ip_version &&
		     screen_filter_match_service(&services->filter, (const __u8 *)key->ip, key->ip_version, key->port)))
			services->sight[services->sighted++] = i;
	}
	find_cursor(services);
}

void services_names_came(struct services *services)
{
	if (services->filter.kind == FILTER_PLAIN)
		sift(services);
}

/* Off the sum goes the latest of those that are old enough, else the oldest: at first none. */
static void renew_recent(struct services *services)
{
	const struct histogram *connect = &services->sum.span[SERVICE_CONNECT];
	__u64 step_ns = RECENT_S * NS_PER_SEC / (RECENT - 1), old_ns = RECENT_S * NS_PER_SEC;
	int oldest = 0, newest = 0, from;

	for (int i = 1; i < RECENT; i++) {
		oldest = services->past[i].at_ns < services->past[oldest].at_ns ? i : oldest;
		newest = services->past[i].at_ns > services->past[newest].at_ns ? i : newest;
	}
	from = oldest;
	for (int i = 0; i < RECENT; i++)
		if (services->at_ns - services->past[i].at_ns >= old_ns &&
		    services->past[i].at_ns > services->past[from].at_ns)
			from = i;
	histogram_since(&services->recent, connect, &services->past[from].connect);
	if (services->at_ns - services->past[newest].at_ns < step_ns)
		return;
	services->past[oldest].at_ns = services->at_ns;
	services->past[oldest].connect = *connect;
}

void services_renew(struct screen *screen)
{
	struct services *services = &screen->services;
	struct rates before = { services->rates, services->count, services->at_ns };

	if (screen->news.pictured_ns == services->at_ns)
		return;
	free(services->list);
	free(services->sight);
	services->list = statistics_list(screen->source.statistics, &services->other, &services->count);
	services->rates = calloc(services->count + 1, sizeof(*services->rates));
	services->sight = calloc(services->count + 1, sizeof(*services->sight));
	services->at_ns = screen->news.pictured_ns;
	if (services->list && services->rates && services->sight)
		enter_rates(services, &before);
	else
		services_close(services);
	free(before.rate);
	statistics_sum(screen->source.statistics, &services->sum);
	renew_recent(services);
	sift(services);
}

static void name_of(const struct screen *screen, char name[NAMES_ENDPOINT], const struct service_key *key, int width)
{
	if (key && key->ip_version)
		screen_endpoint(screen, name, (const __u8 *)key->ip, key->ip_version, key->port, width);
	else
		strcpy(name, "others");
}

const struct service *services_picked(const struct screen *screen, char name[NAMES_ENDPOINT])
{
	const struct services *services = &screen->services;

	strcpy(name, "all services");
	if (!services->picked || services->cursor >= services->sighted)
		return &services->sum;
	name_of(screen, name, seen_at(services, services->cursor)->key, screen->columns / 2);
	return seen_at(services, services->cursor)->service;
}

bool services_move(struct screen *screen, int key)
{
	struct services *services = &screen->services;
	size_t last = services->sighted ? services->sighted - 1 : 0;

	if (key == PAINT_HOME) {
		services->picked = false;
		services->cursor = 0;
		return true;
	}
	if ((key != PAINT_UP && key != 'k' && key != PAINT_DOWN && key != 'j') || !services->sighted)
		return false;
	if (!services->picked)
		services->cursor = 0;
	else if (key == PAINT_DOWN || key == 'j')
		services->cursor += services->cursor < last;
	else
		services->cursor -= services->cursor > 0;
	services->picked = true;
	services->key = *key_of(seen_at(services, services->cursor));
	return true;
}

/* ---- the table ---- */

/* What a column says of a service; the widths make 80 columns with the name's. */
static const struct {
	const char *head;
	int width;
	int outcome; /* a counter of it; negative: another column */
	int from;    /* least width of the terminal that has it */
} table[] = {
	{ "ATTEMPTS", 8, -1, 0 },
	{ "/S", 6, -2, 72 },
	{ "ACCEPT", 6, OUTCOME_ACCEPTED, 100 },
	{ "REFUSE", 6, OUTCOME_REFUSED, 66 },
	{ "FILTER", 6, OUTCOME_FILTERED, 100 },
	{ "NOANSW", 6, OUTCOME_UNANSWERED, 58 },
	{ "HALF", 5, OUTCOME_HALF_OPEN, 110 },
	{ "ABORT", 5, OUTCOME_ABORTED, 110 },
	{ "RETRY", 5, -3, 90 },
	{ "P50", 6, -4, 0 },
	{ "P90", 6, -5, 90 },
	{ "P99", 6, -6, 50 },
	{ "MAX", 6, -7, 72 },
};

static void number_text(char text[UNITS_TEXT], const struct service *service, double rate, int which)
{
	static const __u32 ppm[] = { 500000, 900000, 990000, 1000000 };
	const struct histogram *connect = &service->span[SERVICE_CONNECT];

	if (which >= 0)
		units_format(text, units_count, (__s64)service->counts.outcome[which]);
	else if (which == -1)
		units_format(text, units_count, (__s64)service_attempts(service));
	else if (which == -2)
		units_format(text, units_count, (__s64)(rate + 0.5));
	else if (which == -3)
		units_format(text, units_count, (__s64)service->counts.syn_retries);
	else
		units_format(text, units_span_ns,
			     connect->count ? (__s64)histogram_quantile(connect, ppm[-4 - which]) : -1);
}

static enum paint paint_of(const struct service *service, int which)
{
	bool bad = which == OUTCOME_REFUSED || which == OUTCOME_FILTERED || which == OUTCOME_UNANSWERED;

	if (bad && service->counts.outcome[which])
		return PAINT_BAD;
	return which == -3 && service->counts.syn_retries ? PAINT_ODD : PAINT_PLAIN;
}

/* Column at which the numbers begin, with a blank: the name has what is before. */
static int numbers_at(const struct screen *screen)
{
	int at = screen->columns;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (screen->columns >= table[i].from)
			at -= table[i].width + 1;
	return at;
}

/* NULL: the head. */
static void draw_line(const struct screen *screen, int row, const char *name, const struct service *service,
		      double rate, bool picked)
{
	int at = numbers_at(screen), first;

	paint_text(row, 0, screen->columns, service ? (picked ? PAINT_PICKED : PAINT_PLAIN) : PAINT_HEAD, name);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char text[UNITS_TEXT];

		if (screen->columns < table[i].from)
			continue;
		if (service)
			number_text(text, service, rate, table[i].outcome);
		else
			strcpy(text, table[i].head);
		first = table[i].width - (int)strlen(text);
		paint_text(row, at, 1, picked ? PAINT_PICKED : service ? PAINT_PLAIN : PAINT_HEAD, " ");
		paint_text(row, at + 1 + (first > 0 ? first : 0), -1,
			   picked    ? PAINT_PICKED
			   : service ? paint_of(service, table[i].outcome)
				     : PAINT_HEAD,
			   text);
		at += table[i].width + 1;
	}
}

static void draw_slowest(const struct screen *screen, int top, int bottom)
{
	const struct services *services = &screen->services;
	const struct slow_list *slowest;
	char name[NAMES_ENDPOINT], sentence[SENTENCE];

	if (services->cursor >= services->sighted || !seen_at(services, services->cursor)->key || top >= bottom)
		return;
	slowest = slowest_of(&screen->source.statistics->slowest, seen_at(services, services->cursor)->key);
	name_of(screen, name, seen_at(services, services->cursor)->key, screen->columns / 2);
	paint_format(top++, 0, PAINT_BOLD, "slowest connections to %s", name);
	for (__u32 i = 0; slowest && i < slowest->count && top < bottom; i++) {
		const struct slow *slow = &slowest->slow[i];

		screen_endpoint(screen, name, slow->ip, slow->ip_version, slow->port, screen->columns / 3);
		slow_sentence(sentence, &slow->handshake);
		paint_format(top++, 0, PAINT_PLAIN, "%s %s", name, sentence);
	}
}

/* How many there are, and the filter; nothing without one. Returns the row behind. */
static int draw_filter(const struct services *services, int row)
{
	int at;

	if (!services->filter.typing && services->filter.kind == FILTER_NOTHING)
		return row;
	at = paint_format(row, 0, PAINT_PLAIN, "%zu of %zu services", services->sighted, services->count);
	filter_line_draw(&services->filter, row, at);
	return row + 1;
}

static void services_draw(struct screen *screen, int top, int bottom)
{
	struct services *services = &screen->services;
	int slow = bottom - top > 3 * SLOW_ROWS ? SLOW_ROWS : 0;
	size_t height;

	top = draw_filter(services, top);
	height = (size_t)(bottom - top - 1 - slow);
	if (services->cursor < services->first)
		services->first = services->cursor;
	if (services->cursor >= services->first + height)
		services->first = services->cursor - height + 1;
	draw_line(screen, top, "SERVICE", NULL, 0, false);
	for (size_t i = 0; i < height && services->first + i < services->sighted; i++) {
		size_t place = services->first + i, number = services->sight[place];
		char name[NAMES_ENDPOINT];

		name_of(screen, name, services->list[number].key, numbers_at(screen) - 1);
		draw_line(screen, top + 1 + (int)i, name, services->list[number].service, services->rates[number].rate,
			  place == services->cursor);
	}
	if (!services->count)
		paint_text(top + 1, 0, -1, PAINT_DIM, "no connection attempt yet");
	draw_slowest(screen, bottom - slow, bottom);
}

static void filter_type(struct services *services, int key)
{
	filter_line_key(&services->filter, key);
	sift(services);
}

static bool services_key(struct screen *screen, int key)
{
	struct services *services = &screen->services;

	if (services->filter.typing || (key == PAINT_ESCAPE && services->filter.kind != FILTER_NOTHING)) {
		filter_type(services, key);
		return true;
	}
	if (key == '/') {
		services->filter.typing = true;
		return true;
	}
	if (key == PAINT_ENTER && services->sighted) {
		services_move(screen, services->picked ? PAINT_NO_KEY : PAINT_DOWN);
		screen_turn_to(screen, &page_histogram);
		return true;
	}
	if (key == PAINT_ESCAPE) {
		screen_turn_to(screen, &page_flows);
		return true;
	}
	return services_move(screen, key);
}

const struct page page_services = {
	.name = "services",
	.key = '2',
	.keys = "enter histogram  / filter  up down choose",
	.draw = services_draw,
	.key_pressed = services_key,
};
