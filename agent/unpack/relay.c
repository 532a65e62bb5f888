/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/relay.h"

#include <pthread.h>
#include <stdlib.h>

struct part {
	struct relay_slot *first, *last; /* filled */
	bool ended;
};

struct relay {
	pthread_mutex_t lock;
	pthread_cond_t filled, freed;
	struct relay_slot *free;
	struct relay_slot *reading; /* the reader's */
	size_t in_use, ahead;
	size_t n, next, head; /* parts; the one to be taken, the one being read */
	bool stopped;
	size_t failed_part; /* the first of those that failed, SIZE_MAX: none */
	struct err err;
	struct part part[];
};

int relay_open(size_t parts, size_t ahead, struct relay **ret, struct err *e)
{
	struct relay *r = NULL;
	size_t size;

	if (!__builtin_mul_overflow(parts, sizeof(r->part[0]), &size) &&
		!__builtin_add_overflow(size, sizeof(*r), &size))
		r = calloc(1, size);
	if (!r)
		return err_oom(e);
	r->n = parts;
	r->ahead = ahead;
	r->failed_part = SIZE_MAX;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->filled, NULL);
	pthread_cond_init(&r->freed, NULL);
	*ret = r;
	return 0;
}

static void free_slots(struct relay_slot *s)
{
	while (s) {
		struct relay_slot *next = s->next;

		free(s);
		s = next;
	}
}

void relay_close(struct relay *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		free_slots(r->part[i].first);
	free_slots(r->free);
	free(r->reading);
	pthread_cond_destroy(&r->freed);
	pthread_cond_destroy(&r->filled);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void relay_stop(struct relay *r)
{
	pthread_mutex_lock(&r->lock);
	r->stopped = true;
	pthread_cond_broadcast(&r->freed);
	pthread_mutex_unlock(&r->lock);
}

bool relay_take(struct relay *r, size_t *ret_part)
{
	bool any;

	pthread_mutex_lock(&r->lock);
	any = !r->stopped && r->next < r->n && r->failed_part == SIZE_MAX;
	if (any)
		*ret_part = r->next++;
	pthread_mutex_unlock(&r->lock);
	return any;
}

static bool may_use(const struct relay *r, size_t part)
{
	return r->in_use < r->ahead + (part == r->head ? RELAY_RESERVE : 0);
}

int relay_slot(struct relay *r, size_t part, struct relay_slot **ret, struct err *e)
{
	struct relay_slot *s = NULL;
	bool stopped;

	pthread_mutex_lock(&r->lock);
	while (!r->stopped && !may_use(r, part))
		pthread_cond_wait(&r->freed, &r->lock);
	stopped = r->stopped;
	if (!stopped) {
		s = r->free;
		r->free = s ? s->next : NULL;
		r->in_use++;
	}
	pthread_mutex_unlock(&r->lock);
	if (stopped)
		return 0;
	if (!s)
		s = malloc(sizeof(*s));
	if (!s)
		return err_oom(e);
	s->next = NULL;
	s->len = 0;
	*ret = s;
	return 1;
}

/* The lock is held. */
static void give_back(struct relay *r, struct relay_slot *s)
{
	s->next = r->free;
	r->free = s;
	r->in_use--;
	pthread_cond_broadcast(&r->freed);
}

void relay_put(struct relay *r, size_t part, struct relay_slot *s)
{
	struct part *p = &r->part[part];

	pthread_mutex_lock(&r->lock);
	if (s->len == 0) {
		give_back(r, s);
	} else {
		*(p->last ? &p->last->next : &p->first) = s;
		p->last = s;
		if (part == r->head)
			pthread_cond_signal(&r->filled);
	}
	pthread_mutex_unlock(&r->lock);
}

void relay_end(struct relay *r, size_t part, const struct err *e)
{
	pthread_mutex_lock(&r->lock);
	r->part[part].ended = true;
	if (e && part < r->failed_part) {
		r->failed_part = part;
		r->err = *e;
	}
	pthread_cond_signal(&r->filled);
	pthread_mutex_unlock(&r->lock);
}

/* Passes the parts that are read; false: there is nothing to read yet. The lock is held. */
static bool find_head(struct relay *r)
{
	while (r->head < r->n && !r->part[r->head].first) {
		if (!r->part[r->head].ended)
			return false;
		if (r->head == r->failed_part)
			break;
		r->head++;
		pthread_cond_broadcast(&r->freed);
	}
	return true;
}

ssize_t relay_read(struct relay *r, const void **ret, struct err *e)
{
	struct relay_slot *s = NULL;
	bool failed;

	pthread_mutex_lock(&r->lock);
	if (r->reading)
		give_back(r, r->reading);
	while (!find_head(r))
		pthread_cond_wait(&r->filled, &r->lock);
	if (r->head < r->n) {
		struct part *p = &r->part[r->head];

		s = p->first;
		p->first = s ? s->next : NULL;
		if (!p->first)
			p->last = NULL;
	}
	r->reading = s;
	failed = !s && r->head < r->n;
	if (failed)
		*e = r->err;
	pthread_mutex_unlock(&r->lock);
	if (failed)
		return -e->num;
	if (!s)
		return 0;
	*ret = s->data;
	return (ssize_t)s->len;
}
