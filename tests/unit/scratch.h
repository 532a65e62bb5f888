/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary directory for one unit test: cmocka's setup makes it, its teardown removes it. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

struct scratch {
	char path[64];
	int fd;
};

int scratch_setup(void **state);
int scratch_teardown(void **state);

/* Makes the folders of path too; a failure ends the test. */
void scratch_write(const struct scratch *t, const char *path, const char *text);
void scratch_read(const struct scratch *t, const char *path, char *out, size_t size);
mode_t scratch_mode(const struct scratch *t, const char *path);

#endif
