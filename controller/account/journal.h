/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write-ahead journal of a run: what may cost money or stay behind is written down, and on the
 * disk, before the call that creates it. One JSON object a line, only ever added to; a last line
 * that a crash cut short is taken off. `gc` and `--resume` work from it.
 */
#ifndef CONTROLLER_JOURNAL_H
#define CONTROLLER_JOURNAL_H

#include "common/err.h"
#include "common/json.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_TEXT  128
#define JOURNAL_TOKEN 65 /* EC2 takes 64 characters */

enum journal_state {
	JOURNAL_INTENDED, /* it may be there or not */
	JOURNAL_MADE,     /* it is there, with an id */
	JOURNAL_REFUSED,  /* it was never made */
	JOURNAL_GONE,     /* it was there, and was seen gone */
	JOURNAL_KEPT,     /* it is there, and is to stay: an image */
};

struct journal_entry {
	char kind[32];             /* "instance", "security-group" */
	char token[JOURNAL_TOKEN]; /* client token, or the name that is as good as one; unique */
	char region[32];
	char id[JOURNAL_TEXT]; /* "" before it is made */
	enum journal_state state;
	int64_t time; /* of the intent, seconds since 1970 */
};

struct journal {
	int fd;
	struct journal_entry *entry; /* in the order of their intents */
	size_t n;
	json_t *events; /* array of what journal_event() wrote */
};

#define JOURNAL_INIT                                                                               \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Opens or makes the file, 0600, and reads what is there; kind data: a line that none of us wrote.
 * The caller calls journal_close() in every case. */
must_check int journal_open(int dirfd, const char *name, struct journal *ret, struct err *e);
/* The same of one that another controller writes: it stays as it is, and takes nothing more. */
must_check int journal_read(int dirfd, const char *name, struct journal *ret, struct err *e);
void journal_close(struct journal *j);

#define auto_journal __attribute__((cleanup(journal_close)))

/* On the disk when it returns. */
must_check int journal_intend(
	struct journal *j, const char *kind, const char *token, const char *region, struct err *e);
must_check int journal_made(struct journal *j, const char *token, const char *id, struct err *e);
must_check int journal_refused(struct journal *j, const char *token, struct err *e);
must_check int journal_gone(struct journal *j, const char *token, struct err *e);
/* Once the tag that keeps it is there (RESOURCE_KEEP): what is made counts as left before. */
must_check int journal_kept(struct journal *j, const char *token, struct err *e);

/* Anything else that is to be known later: an object with a member "event" of its own. Steals the
 * reference. */
must_check int journal_event(struct journal *j, json_t *event, struct err *e);
/* The first event of that name; NULL: there is none. */
const json_t *journal_find_event(const struct journal *j, const char *name);

const struct journal_entry *journal_find(const struct journal *j, const char *token);

static inline bool journal_is_left(const struct journal_entry *e)
{
	return e->state == JOURNAL_INTENDED || e->state == JOURNAL_MADE;
}

/* How many are intended or made: 0, and nothing of this run is left. */
size_t journal_open_entries(const struct journal *j);

#endif
