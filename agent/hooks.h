/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the programs of two folders, one after another in the order of the C locale, beside an event
 * loop: nothing here waits. A name in /etc comes instead of the same name in /usr/lib; a link to
 * /dev/null there is none at all.
 *
 * A program runs only if it and its folder belong to root (or to whoever runs this) and nobody else
 * may write to them; what is a hidden file or a leftover of an editor or packager is passed over.
 * All it prints goes to our standard error. It leads a process group, which is killed at the
 * deadline, and what it leaves behind when it ends is killed with it.
 */
#ifndef AGENT_HOOKS_H
#define AGENT_HOOKS_H

#include "common/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define HOOKS_SHIPPED "/usr/lib/shared-prep/interrupt.d"
#define HOOKS_LOCAL   "/etc/shared-prep/interrupt.d"
#define HOOKS_MAX     64

enum hooks_what {
	HOOKS_SKIPPED, /* why says why: a warning */
	HOOKS_BEGUN,
	HOOKS_DONE,        /* exit status 0 */
	HOOKS_FAILED,      /* why: its exit status or signal, or why it could not be started */
	HOOKS_KILLED,      /* at the deadline */
	HOOKS_NOT_STARTED, /* no time was left */
};

struct hooks_event {
	enum hooks_what what;
	char name[NAME_MAX + 1];
	char why[256];
};

struct hooks;

struct hooks_request {
	int rootfd;
	const char *only;       /* the one of this name; NULL: all */
	const char *const *env; /* NAME=VALUE, ends with NULL, copied; added to our environment, of
				 * which hooks do not get what speaks to the service manager */
	uint64_t deadline;      /* clock.h */
};

/* Nothing is started before hooks_next(). No folder or an empty one is success: it is over at once.
 */
must_check int hooks_start(const struct hooks_request *r, struct hooks **ret, struct err *e);

/* Readable when hooks_next() is to be called; stays the same. */
int hooks_fd(const struct hooks *h);

/* true: one event in *ret, call again; false: nothing to be done until the descriptor is readable,
 * or all is over. */
bool hooks_next(struct hooks *h, struct hooks_event *ret);

bool hooks_are_over(const struct hooks *h);

/* An earlier deadline; a later one changes nothing. */
void hooks_hurry(struct hooks *h, uint64_t deadline);

/* Kills what runs; NULL is fine. */
void hooks_free(struct hooks *h);

#endif
