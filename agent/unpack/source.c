/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/source.h"

#include "common/num.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define IN_SIZE  (128 * KIB)
#define OUT_SIZE (256 * KIB)

struct source {
	struct source_request request;
	const struct codec *codec;
	void *state;
	uint8_t *in; /* IN_SIZE bytes; in_len from in_at are not used yet */
	size_t in_at, in_len;
	bool in_end;
	uint64_t offset; /* in the archive */
	uint8_t *out;
	uint64_t plain, allowed;
	bool ended;
};

void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->codec)
		s->codec->close(s->state);
	free(s->in);
	free(s->out);
	free(s);
}

/* Keeps the input full, so that a decoder sees the whole of a header. */
static int fill(struct source *s, struct err *e)
{
	if (s->in_end || s->in_len >= IN_SIZE / 2)
		return 0;
	memmove(s->in, s->in + s->in_at, s->in_len);
	s->in_at = 0;
	while (s->in_len < IN_SIZE && !s->in_end) {
		ssize_t n = pread(
			s->request.fd, s->in + s->in_len, IN_SIZE - s->in_len, (off_t)s->offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read it");
		s->in_end = n == 0;
		s->in_len += (size_t)n;
		s->offset += (uint64_t)n;
	}
	if (s->request.progress)
		s->request.progress(s->offset, s->request.ctx);
	return 0;
}

int source_open(const struct source_request *r, struct source **ret, struct err *e)
{
	struct source *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (s) {
		s->in = malloc(IN_SIZE);
		s->out = malloc(OUT_SIZE);
	}
	if (!s || !s->in || !s->out) {
		source_close(s);
		return err_oom(e);
	}
	s->request = *r;
	rc = fill(s, e);
	if (rc == 0 && s->in_len == 0)
		rc = err_set(e, ERR_DATA, EBADMSG, "it is empty");
	if (rc == 0) {
		const struct codec *c = codec_find(s->in, s->in_len);

		rc = c->open(&r->params, &s->state, e);
		if (rc == 0)
			s->codec = c;
	}
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
	return s->codec->name;
}

/* One call of the decoder; returns 1 at the end. */
static int step(struct source *s, struct codec_io *io, struct err *e)
{
	const size_t before = io->out_len;
	size_t used;
	int rc;

	io->in = s->in + s->in_at;
	io->in_len = s->in_len;
	io->in_end = s->in_end;
	rc = s->codec->step(s->state, io, e);
	used = s->in_len - io->in_len;
	s->in_at += used;
	s->in_len -= used;
	if (rc == 0 && used == 0 && io->out_len == before && s->in_end)
		return err_set(e, ERR_DATA, EBADMSG, "it is cut short");
	return rc;
}

ssize_t source_read(struct source *s, const void **ret, struct err *e)
{
	struct codec_io io = {.out = s->out, .out_len = OUT_SIZE};
	int rc = 0;

	if (s->request.cancelled && s->request.cancelled(s->request.ctx))
		return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	while (rc == 0 && !s->ended && io.out_len > 0) {
		rc = fill(s, e);
		if (rc == 0)
			rc = step(s, &io, e);
		if (rc == 1) {
			s->ended = true;
			rc = 0;
		}
	}
	if (rc < 0)
		return rc;
	s->plain += OUT_SIZE - io.out_len;
	if (s->plain > s->allowed)
		return err_set(e, ERR_DATA, E2BIG, "it unpacks to more than is allowed");
	*ret = s->out;
	return (ssize_t)(OUT_SIZE - io.out_len);
}
