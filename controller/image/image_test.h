/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a machine image does what it is for: a table of checks (image_test_table.c) that are run
 * on a machine that has booted it, wherever that is. The first that fails ends it.
 */
#ifndef CONTROLLER_IMAGE_TEST_H
#define CONTROLLER_IMAGE_TEST_H

#include "common/buf.h"
#include "common/json.h"
#include "controller/machine/machine.h"

#define IMAGE_TEST_MAX 16

struct image_check {
	const char *name;
	/* For sh, as root, behind image_check_start. What it prints last is the detail; NULL: the
	 * user's own, which is its standard input there. */
	const char *script;
	const char *means; /* that it fails: "the agent is not enabled" */
	uint64_t limit;    /* ns */
};

extern const char image_check_start[];
extern const struct image_check image_checks[];
extern const size_t n_image_checks;

struct image_result {
	const struct image_check *check;
	bool ok;
	uint64_t took; /* ns */
	char detail[256];
};

struct image_results {
	struct image_result item[IMAGE_TEST_MAX];
	size_t n; /* that were run */
};

struct image_test {
	struct machine *machine; /* started; it need not be ready */
	const char *check;       /* path of the user's script, or "" */
	uint64_t deadline;       /* clock.h, of all together */
	int log;                 /* gets what the checks print; -1: nothing does */
	/* May be NULL. r: of a check that has ended, NULL: name begins, or goes on. While the
	 * machine starts, name is what it says of that. */
	void (*say)(void *ctx, const char *name, const struct image_result *r);
	void *ctx;
};

/* Waits until it is ready and runs them. *ret is filled in any case. Kind data: a check has failed,
 * "check 'NAME': …"; -ECANCELED, kind transient: we are asked to end. */
must_check int image_test_run(const struct image_test *t, struct image_results *ret, struct err *e);

/* [{name, ok, seconds, detail}]; NULL: no memory. */
json_t *image_test_json(const struct image_results *r);

#endif
