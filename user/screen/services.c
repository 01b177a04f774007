/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The services that the screen lists: which of them, in which order, at what rate they are asked, and which is picked.
 * Made anew with each picture; screen_services.c draws it. */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screen_page.h"
#include "service_column.h"

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

		anew->rates[i] = (struct service_rate){ *key_of(&anew->list[i]), attempts, 0, 0 };
		if (before->at_ns && seconds > 0 && attempts > had)
			anew->rates[i].rate = (double)(attempts - had) / seconds;
	}
}

const struct statistics_service *services_seen(const struct services *services, size_t place)
{
	return &services->list[services->sight[place]];
}

/* The cursor stays with its service, if that is in sight. */
static void find_cursor(struct services *services)
{
	size_t place = 0;

	while (place < services->sighted && service_key_differs(key_of(services_seen(services, place)), &services->key))
		place++;
	services->picked &= place < services->sighted;
	services->cursor = services->picked ? place : 0;
}

static bool is_falling(const struct services *services)
{
	return (services->column != SERVICE_COLUMN_NAME) != services->reversed;
}

static int compare_names(const struct service_key *x, const struct service_key *y)
{
	int order = memcmp(x->ip, y->ip, sizeof(x->ip));

	return order ? order : (int)x->port - (int)y->port;
}

/* Those without room are last, whichever way the order goes; what is equal stands by its attempts. */
static int compare_places(const void *one, const void *another, void *context)
{
	const struct services *services = context;
	size_t x = *(const size_t *)one, y = *(const size_t *)another;
	double left = services->rates[x].value, right = services->rates[y].value;
	int order = services->column == SERVICE_COLUMN_NAME
			    ? compare_names(key_of(&services->list[x]), key_of(&services->list[y]))
			    : (left > right) - (left < right);

	if (!services->list[x].key != !services->list[y].key)
		return services->list[x].key ? -1 : 1;
	if (order)
		return is_falling(services) ? -order : order;
	return (x > y) - (x < y);
}

static void put_in_order(struct services *services)
{
	for (size_t i = 0; i < services->sighted; i++) {
		size_t place = services->sight[i];
		struct service_rate *rate = &services->rates[place];

		rate->value = service_column_value(services->list[place].service, rate->rate, services->column);
	}
	if (services->sighted)
		qsort_r(services->sight, services->sighted, sizeof(*services->sight), compare_places, services);
}

/* Those without room have no address, and are where there is no filter. */
void services_sift(struct services *services)
{
	services->sighted = 0;
	for (size_t i = 0; i < services->count; i++) {
		const struct service_key *key = key_of(&services->list[i]);

		if (services->filter.kind == FILTER_NOTHING ||
		    (key->ip_version &&
		     screen_filter_match_service(&services->filter, (const __u8 *)key->ip, key->ip_version, key->port)))
			services->sight[services->sighted++] = i;
	}
	put_in_order(services);
	find_cursor(services);
}

void services_order_by(struct services *services, int column, bool reversed)
{
	services->column = column;
	services->reversed = reversed;
	services_sift(services);
}

void services_order_text(const struct services *services, char text[SERVICES_ORDER])
{
	snprintf(text, SERVICES_ORDER, "by %s %s", service_columns[services->column].head,
		 is_falling(services) ? "falling" : "rising");
}

void services_names_came(struct services *services)
{
	if (services->filter.kind == FILTER_PLAIN)
		services_sift(services);
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
	services_sift(services);
}

void services_name(const struct screen *screen, char name[NAMES_ENDPOINT], const struct service_key *key, int width)
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
	services_name(screen, name, services_seen(services, services->cursor)->key, screen->columns / 2);
	return services_seen(services, services->cursor)->service;
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
	services->key = *key_of(services_seen(services, services->cursor));
	return true;
}
