/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: every fallible function takes a `struct err *e` last, fills it and returns -errno. The
 * kind decides whether to try again and the exit code; the message is for the person who reads the
 * log: value, cause and hint. Needs no allocation.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include "common/auto.h"

#include <stdarg.h>

/* The values are the documented exit codes of both programs. */
enum err_kind {
	ERR_NONE = 0,
	ERR_BUG = 1,
	ERR_USAGE = 2,
	ERR_CONFIG = 3,
	ERR_SYSTEM = 4,    /* disk, memory, permission */
	ERR_TRANSIENT = 5, /* the same may work later */
	ERR_REMOTE = 6,    /* refused by the other side */
	ERR_DATA = 7,      /* bad archive or answer */
	ERR_NO_FIT = 8,    /* archives exist but none fits this machine */
};

struct err {
	enum err_kind kind;
	int num; /* a positive errno */
	char msg[512];
};

#define ERR_INIT                                                                                   \
	{                                                                                          \
		.kind = ERR_NONE                                                                   \
	}

/* Fills *e (cut at 511 bytes) and returns -num; a num of 0 counts as EIO. */
int err_set(struct err *e, enum err_kind kind, int num, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Like err_set() with kind system, num = errno and ": strerror" appended. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the message and returns -e->num; for the caller that knows more. */
int err_ctx(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int err_oom(struct err *e);

/* The exit code of the kind. */
int err_exit_code(const struct err *e);

#endif
