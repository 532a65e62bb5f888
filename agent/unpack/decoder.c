/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/decoder.h"

#include "common/num.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define IN_SIZE (128 * KIB)

/* Twice what is to be in flight, so that it stays so while a chunk is being used. */
#define AHEAD_BYTES (2 * AHEAD_READS * AHEAD_CHUNK)

void decoder_close(struct decoder *d)
{
	if (d->codec)
		d->codec->close(d->state);
	free(d->in);
	*d = (struct decoder){0};
}

/* Into out what the archive has next, up to len bytes; 0: the end. */
static ssize_t read_some(struct decoder *d, uint8_t *out, size_t len, struct err *e)
{
	ssize_t n;

	if (len > d->end - d->offset)
		len = (size_t)(d->end - d->offset);
	ahead_want(d->input->ahead, d->offset, AHEAD_BYTES);
	do {
		n = pread(d->input->fd, out, len, (off_t)d->offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, "cannot read it");
	d->offset += (uint64_t)n;
	atomic_fetch_add(&d->input->packed, (uint64_t)n);
	return n;
}

/* Keeps the input full, so that a decoder sees the whole of a header. */
static int fill(struct decoder *d, struct err *e)
{
	if (d->in_end || d->in_len >= IN_SIZE / 2)
		return 0;
	memmove(d->in, d->in + d->in_at, d->in_len);
	d->in_at = 0;
	while (d->in_len < IN_SIZE && !d->in_end) {
		ssize_t n = read_some(d, d->in + d->in_len, IN_SIZE - d->in_len, e);

		if (n < 0)
			return (int)n;
		d->in_end = n == 0;
		d->in_len += (size_t)n;
	}
	return 0;
}

static int open_codec(struct decoder *d, const struct codec *codec, struct err *e)
{
	int rc = codec->open(&d->input->params, &d->state, e);

	if (rc == 0)
		d->codec = codec;
	return rc;
}

static int open_input(struct decoder *d, struct decoder_input *input, struct err *e)
{
	*d = (struct decoder){.input = input, .end = INT64_MAX};
	d->in = malloc(IN_SIZE);
	return d->in ? 0 : err_oom(e);
}

int decoder_open(struct decoder *d, struct decoder_input *input, struct err *e)
{
	int rc = open_input(d, input, e);

	if (rc == 0)
		rc = fill(d, e);
	if (rc == 0 && d->in_len == 0)
		rc = err_set(e, ERR_DATA, EBADMSG, "it is empty");
	if (rc == 0)
		rc = open_codec(d, codec_find(d->in, d->in_len), e);
	if (rc < 0)
		decoder_close(d);
	return rc;
}

int decoder_open_parts(
	struct decoder *d, struct decoder_input *input, const struct codec *codec, struct err *e)
{
	int rc = open_input(d, input, e);

	if (rc == 0)
		rc = open_codec(d, codec, e);
	if (rc < 0)
		decoder_close(d);
	d->ended = true;
	return rc;
}

int decoder_begin(struct decoder *d, const struct codec_part *part, struct err *e)
{
	d->part = part;
	d->offset = part->offset;
	d->end = part->offset + part->packed;
	d->in_len = 0;
	d->in_end = false;
	d->ended = false;
	return d->codec->begin(d->state, part, e);
}

/* Neither side moved although all of the input is there. */
static int cut_short(const struct decoder *d, struct err *e)
{
	if (d->part)
		return codec_damaged(e, d->codec, NULL);
	return err_set(e, ERR_DATA, EBADMSG, "it is cut short");
}

/* One call of the codec; returns 1 at the end. */
static int step(struct decoder *d, struct codec_io *io, struct err *e)
{
	const size_t before = io->out_len;
	size_t used;
	int rc;

	io->in = d->in + d->in_at;
	io->in_len = d->in_len;
	io->in_end = d->in_end;
	rc = d->codec->step(d->state, io, e);
	used = d->in_len - io->in_len;
	d->in_at += used;
	d->in_len -= used;
	if (rc == 0 && used == 0 && io->out_len == before && d->in_end)
		return cut_short(d, e);
	if (rc == 1 && d->part && (d->in_len > 0 || d->offset < d->end))
		return codec_damaged(e, d->codec, NULL);
	return rc;
}

ssize_t decoder_read(struct decoder *d, void *out, size_t len, struct err *e)
{
	const struct decoder_input *input = d->input;
	struct codec_io io = {.out = out, .out_len = len};
	int rc = 0;

	while (rc == 0 && !d->ended && io.out_len > 0) {
		if (input->cancelled && input->cancelled(input->ctx))
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
		rc = fill(d, e);
		if (rc == 0)
			rc = step(d, &io, e);
		d->ended = rc == 1;
	}
	return rc < 0 ? rc : (ssize_t)(len - io.out_len);
}
