/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/codec.h"

#include "common/num.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* RFC 8878 section 3.1.2: zst and lz4 may begin with frames that a decoder skips, as pzstd's do. */
#define SKIPPABLE_MASK 0xFFFFFFF0U
#define SKIPPABLE      0x184D2A50U
#define SKIPPABLE_HEAD 8

static size_t skipped(const uint8_t *head, size_t len)
{
	size_t at = 0;
	uint32_t field[2];

	while (len - at >= SKIPPABLE_HEAD) {
		memcpy(field, head + at, sizeof(field));
		if ((le32toh(field[0]) & SKIPPABLE_MASK) != SKIPPABLE ||
			le32toh(field[1]) > len - at - SKIPPABLE_HEAD)
			break;
		at += SKIPPABLE_HEAD + le32toh(field[1]);
	}
	return at;
}

const struct codec *codec_find(const void *head, size_t len)
{
	static const struct codec *const known[] = {
		&codec_zst,
		&codec_xz,
		&codec_gz,
		&codec_bz2,
		&codec_lz4,
	};

	const size_t at = skipped(head, len);

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (len - at >= known[i]->magic_len && (at == 0 || known[i]->skips) &&
			memcmp((const uint8_t *)head + at, known[i]->magic, known[i]->magic_len) ==
				0)
			return known[i];
	return &codec_none;
}

int codec_damaged(struct err *e, const struct codec *c, const char *why)
{
	return err_set(e, ERR_DATA, EBADMSG, "its %s data are damaged%s%s", c->name,
		why ? ": " : "", why ? why : "");
}

int codec_too_large(struct err *e, const struct codec *c, const struct codec_params *p)
{
	char limit[NUM_TEXT];

	return err_set(e, ERR_DATA, ENOMEM,
		"its %s decoder asks for more than the allowed %s of memory", c->name,
		num_size_text(p->memory, limit));
}

/* No compression: a plain tar. */
static int none_open(const struct codec_params *p, void **ret, struct err *e)
{
	(void)p;
	(void)e;
	*ret = NULL;
	return 0;
}

static int none_step(void *state, struct codec_io *io, struct err *e)
{
	size_t n = io->in_len < io->out_len ? io->in_len : io->out_len;

	(void)state;
	(void)e;
	memcpy(io->out, io->in, n);
	io->in += n;
	io->in_len -= n;
	io->out += n;
	io->out_len -= n;
	return io->in_end && io->in_len == 0 ? 1 : 0;
}

static void none_close(void *state)
{
	(void)state;
}

const struct codec codec_none = {
	.name = "tar",
	.open = none_open,
	.step = none_step,
	.close = none_close,
};
