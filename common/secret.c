/* SPDX-License-Identifier: Apache-2.0 */
#include "common/secret.h"

#include <errno.h>
#include <string.h>

int secret_set(struct secret *s, const char *text, size_t len, struct err *e)
{
	char *copy;

	if (len > SECRET_MAX)
		return err_set(e, ERR_DATA, EFBIG, "a secret is longer than %d bytes", SECRET_MAX);
	copy = malloc(len + 1);
	if (!copy)
		return err_oom(e);
	memcpy(copy, text, len);
	copy[len] = '\0';
	secret_free(s);
	s->text_ = copy;
	s->len = len;
	return 0;
}

const char *secret_reveal(const struct secret *s)
{
	return s->text_ ? s->text_ : "";
}

void secret_free(struct secret *s)
{
	if (s->text_)
		explicit_bzero(s->text_, s->len);
	free(s->text_);
	s->text_ = NULL;
	s->len = 0;
}

void secret_take(struct secret *s, struct buf *b)
{
	secret_free(s);
	s->text_ = b->data;
	s->len = b->len;
	*b = (struct buf)BUF_INIT(b->max);
}

void secret_buf_free(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}
