/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: what one command makes, under an id that everything it creates is tagged with, and a
 * folder of its own for journal and keys: $XDG_STATE_HOME/shared-prep/ID (XDG Base Directory
 * Specification), 0700. The folder stays when the run ends with something left, for `gc`, or built
 * in part, for `--resume`.
 */
#ifndef CONTROLLER_RUN_H
#define CONTROLLER_RUN_H

#include "controller/account/journal.h"

#include <limits.h>

struct project;

#define RUN_ID 37 /* a UUID of version 7, RFC 9562: sorts by time */

#define RUN_INIT                                                                                   \
	{                                                                                          \
		.dirfd = -1, .lockfd = -1, .journal = JOURNAL_INIT                                 \
	}

struct run {
	char id[RUN_ID];
	char dir[PATH_MAX];
	int dirfd;
	int lockfd; /* held while a controller works on it */
	struct journal journal;
};

/* A new one, with what is to be known of it: an object, stolen, that becomes the event "run". */
must_check int run_new(json_t *about, struct run *ret, struct err *e);

/* The same of a command that has a project, of which it keeps what resources are found by later,
 * and "file", unless that is a path that JSON cannot hold. */
must_check int run_begin(
	const char *command, const struct project *p, struct run *ret, struct err *e);

/* One that is there, by its id or a beginning of it that only one has. Kind usage: none, or
 * several; kind transient, -EBUSY: another controller works on it, whose journal as it is now is in
 * *ret. */
must_check int run_open(const char *id, struct run *ret, struct err *e);

void run_close(struct run *r);

#define auto_run __attribute__((cleanup(run_close)))

/* 0: its journal has nothing left. Else kind transient, with the command that removes that. */
must_check int run_left(const struct run *r, struct err *e);

/* Nothing of it is left: removes the folder. */
must_check int run_forget(struct run *r, struct err *e);

/* Ids of all that are there, oldest first; the caller frees each and the list. */
must_check int run_list(char ***ret, size_t *ret_n, struct err *e);
void run_list_free(char **list, size_t n);

/* The event "run" of its journal; NULL where a crash came before it. */
const json_t *run_about(const struct run *r);

#endif
