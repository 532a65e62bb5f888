/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/scratch.h"

#include "common/fs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

int scratch_setup(void **state)
{
	struct scratch *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	snprintf(t->path, sizeof(t->path), "/tmp/shared-prep-test.XXXXXX");
	if (!mkdtemp(t->path))
		return -1;
	t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = t;
	return t->fd < 0 ? -1 : 0;
}

int scratch_teardown(void **state)
{
	struct scratch *t = *state;
	struct err e = ERR_INIT;
	int rc = fs_remove_tree(AT_FDCWD, t->path, &e);

	close(t->fd);
	free(t);
	return rc;
}

void scratch_write(const struct scratch *t, const char *path, const char *text)
{
	const char *slash = strrchr(path, '/');
	struct err e = ERR_INIT;

	if (slash) {
		char *folder = strndup(path, (size_t)(slash - path));

		assert_int_equal(fs_mkdir_p(t->fd, folder, 0755, &e), 0);
		free(folder);
	}
	assert_int_equal(fs_write_atomic(t->fd, path, 0644, text, strlen(text), &e), 0);
}

void scratch_read(const struct scratch *t, const char *path, char *out, size_t size)
{
	auto_buf struct buf text = BUF_INIT(size - 1);
	struct err e = ERR_INIT;

	assert_int_equal(fs_read(t->fd, path, &text, &e), 0);
	snprintf(out, size, "%s", buf_str(&text));
}

mode_t scratch_mode(const struct scratch *t, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(t->fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode;
}
