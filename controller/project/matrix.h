/* SPDX-License-Identifier: Apache-2.0 */
/* What a project makes: an archive for each app, target and flag set, and who builds what together.
 * Pure. */
#ifndef CONTROLLER_MATRIX_H
#define CONTROLLER_MATRIX_H

#include "controller/project/project.h"
#include "controller/project/target.h"

#define MATRIX_MAX      4096 /* archives */
#define MATRIX_KEY      192  /* APP_KEY */
#define MATRIX_WHY      400
#define MATRIX_ATTEMPTS 3 /* a build whose worker is lost begins again elsewhere */

enum build_state { BUILD_WAITING, BUILD_RUNNING, BUILD_DONE, BUILD_FAILED };

/* One archive. */
struct build {
	const struct project_app *app;
	const struct project_flags *flags;
	const struct project_target *named; /* its [target]; or NULL */
	struct target target;
	char key[MATRIX_KEY]; /* APP_KEY: of the prefix and the archive */
	enum build_state state;
	unsigned attempts;
	char digest[65];      /* SHA-256 of the archive, hexadecimal, when done */
	uint64_t bytes;       /* its size */
	uint64_t took;        /* ns, of the script */
	char place[96];       /* where it was built */
	char why[MATRIX_WHY]; /* it failed; "" */
	enum err_kind kind;   /* it failed for want of a machine; none: by itself */
	bool told;            /* the user knows of its end */
};

/* An app's builds for the same kind of CPU: they share a worker, one after the other. */
struct crew {
	struct build **build;
	size_t n;
};

struct matrix {
	struct build *build; /* by app, target and flag set, each in the order of the file */
	size_t n;
	struct crew *crew;
	size_t n_crews;
};

/* What of the project is wanted: names; where there are none, all. */
struct matrix_choice {
	const char *const *app, *const *target, *const *flags;
	size_t n_apps, n_targets, n_flags;
};

/* Kind usage: a choice that leaves nothing, or names what is not in the project. The project
 * outlives *ret; the caller calls matrix_free() in every case. */
must_check int matrix_make(
	const struct project *p, const struct matrix_choice *c, struct matrix *ret, struct err *e);
void matrix_free(struct matrix *m);

#define auto_matrix __attribute__((cleanup(matrix_free)))

size_t matrix_count(const struct matrix *m, enum build_state state);
size_t crew_count(const struct crew *c, enum build_state state);

/* Its [target], where that says on which types to build: then it has a crew of its own; or NULL. */
const struct project_target *build_types(const struct build *b);

/* "octave_znver4 (fast)", or without the flag set where it is "default". */
const char *build_name(const struct build *b, char *out, size_t size);

/* 0: none has failed. Where all that did had no machine for the same kind of reason it is of that
 * kind, with what the first was told; else system. dist: where the logs are. */
must_check int matrix_verdict(const struct matrix *m, const char *dist, struct err *e);

#endif
