/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/source.h"

#include "agent/unpack/decoder.h"
#include "agent/unpack/relay.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

struct source_worker {
	struct source *source;
	struct decoder decoder;
	pthread_t thread;
};

struct source {
	struct source_request request;
	struct decoder_input input;
	struct codec_parts parts;     /* none: the archive is one */
	struct source_worker *worker; /* the first's decoder is at the start of the archive */
	size_t open, running;         /* workers */
	struct relay *relay;          /* NULL: the caller's thread decodes */
	uint8_t *out;                 /* without relay: RELAY_SLOT bytes */
	uint64_t plain, allowed;
};

static void stop_workers(struct source *s)
{
	if (s->relay)
		relay_stop(s->relay);
	while (s->running > 0)
		pthread_join(s->worker[--s->running].thread, NULL);
	relay_close(s->relay);
	s->relay = NULL;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	stop_workers(s);
	while (s->open > 0)
		decoder_close(&s->worker[--s->open].decoder);
	ahead_close(s->input.ahead);
	free(s->worker);
	free(s->parts.part);
	free(s->out);
	free(s);
}

/* All that the decoder gives. */
static int hand_over(struct decoder *d, struct relay *r, size_t part, struct err *e)
{
	struct relay_slot *slot;
	ssize_t n = RELAY_SLOT;

	while (n == RELAY_SLOT) {
		int rc = relay_slot(r, part, &slot, e);

		if (rc <= 0)
			return rc;
		n = decoder_read(d, slot->data, RELAY_SLOT, e);
		slot->len = n > 0 ? (size_t)n : 0;
		relay_put(r, part, slot);
	}
	return n < 0 ? (int)n : 0;
}

static void *work(void *arg)
{
	struct source_worker *w = arg;
	struct source *s = w->source;
	size_t part;

	while (relay_take(s->relay, &part)) {
		struct err e = ERR_INIT;
		int rc = 0;

		if (s->parts.n > 0)
			rc = decoder_begin(&w->decoder, &s->parts.part[part], &e);
		if (rc == 0)
			rc = hand_over(&w->decoder, s->relay, part, &e);
		relay_end(s->relay, part, rc < 0 ? &e : NULL);
	}
	return NULL;
}

/* Every decoder but one may have a part waiting, as far as the memory goes. */
static size_t count_workers(const struct source *s, uint64_t slots)
{
	const uint64_t memory = s->request.params.memory;
	uint64_t n = 1, used = s->parts.memory, each;

	if (__builtin_mul_overflow(slots, RELAY_SLOT, &each) ||
		__builtin_add_overflow(each, s->parts.memory, &each))
		return 1;
	while (n < s->request.threads && n < s->parts.n && used < memory && memory - used >= each) {
		used += each;
		n++;
	}
	return (size_t)n;
}

/* Fewer decoders are as good. */
static size_t open_workers(struct source *s, size_t n)
{
	struct source_worker *w = realloc(s->worker, n * sizeof(*w));
	struct err ignored = ERR_INIT;

	if (w)
		s->worker = w;
	while (w && s->open < n) {
		if (decoder_open_parts(
			    &w[s->open].decoder, &s->input, s->worker->decoder.codec, &ignored) < 0)
			break;
		s->open++;
	}
	return s->open;
}

/* Without a thread the caller decodes. */
static int start_workers(struct source *s, struct err *e)
{
	const uint64_t slots = s->parts.largest / RELAY_SLOT + 1;
	const size_t n = s->parts.n > 0 ? open_workers(s, count_workers(s, slots)) : 1;
	int rc = relay_open(s->parts.n > 0 ? s->parts.n : 1, (n - 1) * slots, &s->relay, e);

	if (rc < 0)
		return rc;
	while (s->running < n) {
		s->worker[s->running].source = s;
		if (pthread_create(
			    &s->worker[s->running].thread, NULL, work, &s->worker[s->running]) != 0)
			break;
		s->running++;
	}
	if (s->running == 0)
		stop_workers(s);
	return 0;
}

static int find_parts(struct source *s, struct err *e)
{
	const struct codec *c = s->worker->decoder.codec;
	struct codec_file f = {.fd = s->request.fd, .ahead = s->input.ahead};
	struct stat st;

	if (!c->split || fstat(f.fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	f.size = (uint64_t)st.st_size;
	return c->split(&f, &s->request.params, &s->parts, e);
}

static int open_first(struct source *s, struct err *e)
{
	int rc = ahead_open(s->request.fd, &s->input.ahead, e);

	if (rc == 0)
		rc = decoder_open(&s->worker->decoder, &s->input, e);
	s->open = rc == 0;
	if (rc == 0 && s->request.threads > 1)
		rc = find_parts(s, e);
	if (rc == 0 && s->request.threads > 1)
		rc = start_workers(s, e);
	return rc;
}

int source_open(const struct source_request *r, struct source **ret, struct err *e)
{
	struct source *s = calloc(1, sizeof(*s));
	int rc;

	if (s) {
		s->worker = calloc(1, sizeof(*s->worker));
		s->out = malloc(RELAY_SLOT);
	}
	if (!s || !s->worker || !s->out) {
		source_close(s);
		return err_oom(e);
	}
	s->request = *r;
	s->input.fd = r->fd;
	s->input.params = r->params;
	s->input.cancelled = r->cancelled;
	s->input.ctx = r->ctx;
	rc = open_first(s, e);
	if (rc < 0)
		source_close(s);
	else
		*ret = s;
	return rc;
}

void source_allow(struct source *s, uint64_t bytes)
{
	s->allowed = bytes;
}

uint64_t source_plain(const struct source *s)
{
	return s->plain;
}

const char *source_format(const struct source *s)
{
	return s->worker->decoder.codec->name;
}

ssize_t source_read(struct source *s, const void **ret, struct err *e)
{
	const struct source_request *r = &s->request;
	ssize_t n;

	if (r->cancelled && r->cancelled(r->ctx))
		return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	if (s->relay)
		n = relay_read(s->relay, ret, e);
	else
		n = decoder_read(&s->worker->decoder, s->out, RELAY_SLOT, e);
	if (n < 0)
		return n;
	if (r->progress)
		r->progress(atomic_load(&s->input.packed), r->ctx);
	s->plain += (uint64_t)n;
	if (s->plain > s->allowed)
		return err_set(e, ERR_DATA, E2BIG, "it unpacks to more than is allowed");
	if (!s->relay)
		*ret = s->out;
	return n;
}
