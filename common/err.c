/* SPDX-License-Identifier: Apache-2.0 */
#include "common/err.h"

#include <errno.h>
#include <string.h>

/* Formats into *e by way of a copy: an argument may be the old e->msg. */
static void set_msg(struct err *e, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void set_msg(struct err *e, const char *fmt, va_list ap)
{
	char text[sizeof(e->msg)];

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	memcpy(e->msg, text, sizeof(text));
}

static void append(struct err *e, const char *s)
{
	size_t len = strlen(e->msg);
	size_t room = sizeof(e->msg) - 1 - len;
	size_t add = strnlen(s, room);

	memcpy(e->msg + len, s, add);
	e->msg[len + add] = '\0';
}

int err_set(struct err *e, enum err_kind kind, int num, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_msg(e, fmt, ap);
	va_end(ap);
	e->kind = kind;
	e->num = num ? abs(num) : EIO;
	return -e->num;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int num = errno ? errno : EIO;
	char reason[128];
	va_list ap;

	va_start(ap, fmt);
	set_msg(e, fmt, ap);
	va_end(ap);
	append(e, ": ");
	append(e, strerror_r(num, reason, sizeof(reason)));
	e->kind = ERR_SYSTEM;
	e->num = num;
	return -num;
}

int err_ctx(struct err *e, const char *fmt, ...)
{
	char cause[sizeof(e->msg)];
	va_list ap;

	memcpy(cause, e->msg, sizeof(cause));
	va_start(ap, fmt);
	set_msg(e, fmt, ap);
	va_end(ap);
	append(e, ": ");
	append(e, cause);
	return -e->num;
}

int err_oom(struct err *e)
{
	return err_set(e, ERR_SYSTEM, ENOMEM, "not enough memory");
}

int err_exit_code(const struct err *e)
{
	return (int)e->kind;
}
