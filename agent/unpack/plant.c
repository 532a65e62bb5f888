/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/plant.h"

#include "agent/unpack/attrs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

void plant_init(struct plant *p, const struct tree *t)
{
	beneath_init(&p->beneath, tree_top(t), false);
	p->fresh = tree_fresh(t);
}

void plant_free(struct plant *p)
{
	beneath_free(&p->beneath);
}

int plant_file(struct plant *p, const struct entry *n, int *ret_fd, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	char name[NAME_MAX + 1];
	int dirfd, fd;
	int rc = beneath_parent(&p->beneath, n->path, &dirfd, name, e);

	if (rc < 0)
		return rc;
	fd = openat(dirfd, name, flags, fresh_mode(p->fresh, n));
	if (fd < 0 && errno == EEXIST)
		return entry_refuse_twice(e, n->path);
	if (fd < 0)
		return attrs_cannot(e, "make the file", n->path);
	*ret_fd = fd;
	return 0;
}

/* As much as there is in one call: a huge page that a call covers only in part is cleared before.
 */
static int write_at(int fd, const uint8_t *data, size_t len, uint64_t offset, struct err *e)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot write");
		data += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int plant_write(int fd, const struct lean_content *c, uint64_t from, const void *data, size_t len,
	struct err *e)
{
	const uint8_t *p = data;
	int rc = 0;

	while (rc == 0 && len > 0) {
		uint64_t offset;
		size_t n = lean_place(c, from, len, &offset);

		rc = write_at(fd, p, n, offset, e);
		p += n;
		from += n;
		len -= n;
	}
	return rc;
}

int plant_symlink(struct plant *p, const struct entry *n, struct err *e)
{
	char name[NAME_MAX + 1];
	int dirfd;
	int rc = beneath_parent(&p->beneath, n->path, &dirfd, name, e);

	if (rc < 0)
		return rc;
	rc = symlinkat(n->link, dirfd, name);
	if (rc < 0 && errno == EEXIST)
		return entry_refuse_twice(e, n->path);
	if (rc < 0)
		return attrs_cannot(e, "make the link", n->path);
	return attrs_set_at(dirfd, name, n, e);
}
