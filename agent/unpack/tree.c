/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/tree.h"

#include "agent/unpack/attrs.h"
#include "agent/unpack/beneath.h"
#include "agent/unpack/dirs.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define IMPLIED_MODE 0755

struct tree {
	int parent; /* not owned */
	char name[NAME_MAX + 1];
	bool was_there; /* the top directory, empty */
	mode_t old_mode;
	int top;
	int file; /* being written, -1: none */
	struct fresh fresh;
	struct beneath beneath;
	struct dirs dirs;
};

/* A directory that the tar implies. */
static int on_made(void *ctx, const char *path, struct err *e)
{
	struct tree *t = ctx;

	return dirs_add(&t->dirs, path, &(struct dirs_attr){.mode = IMPLIED_MODE}, e);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Calls fn for what top holds until it returns other than 0. */
static int each_child(int top, int (*fn)(int, const char *, struct err *), struct err *e)
{
	int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	int rc = 0;

	if (!dir && fd >= 0)
		close(fd);
	if (!dir)
		return err_errno(e, "cannot read the target directory");
	while (rc == 0 && (d = readdir(dir)))
		if (!is_dots(d->d_name))
			rc = fn(top, d->d_name, e);
	return rc;
}

static int refuse_child(int top, const char *name, struct err *e)
{
	char quoted[ENTRY_QUOTE];

	(void)top;
	return err_set(e, ERR_USAGE, ENOTEMPTY,
		"the target directory is not empty (it holds %s): name a new one",
		entry_quote(name, quoted));
}

static int remove_child(int top, const char *name, struct err *e)
{
	return fs_remove_tree(top, name, e);
}

/* The top directory is private until the end; one of somebody else stays as it is. */
static int open_top(struct tree *t, struct err *e)
{
	struct stat st;

	if (mkdirat(t->parent, t->name, S_IRWXU) < 0) {
		if (errno != EEXIST)
			return attrs_cannot(e, "make the directory", t->name);
		t->was_there = true;
	}
	t->top = openat(t->parent, t->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->top < 0 || fstat(t->top, &st) < 0)
		return attrs_cannot(e, "open the directory", t->name);
	t->old_mode = t->was_there ? st.st_mode & 07777 : IMPLIED_MODE;
	if (!t->was_there)
		return 0;
	if (each_child(t->top, refuse_child, e) < 0)
		return -e->num;
	if (fchmod(t->top, S_IRWXU) < 0 && errno != EPERM)
		return attrs_cannot(e, "change the mode of", t->name);
	return 0;
}

int tree_open(int parent, const char *name, bool walk, struct tree **ret, struct err *e)
{
	struct tree *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return err_oom(e);
	t->parent = parent;
	t->file = -1;
	t->top = -1;
	snprintf(t->name, sizeof(t->name), "%s", name);
	dirs_init(&t->dirs);
	rc = open_top(t, e);
	if (rc == 0)
		fresh_read(t->top, &t->fresh);
	beneath_init(&t->beneath, t->top, walk);
	t->beneath.made = on_made;
	t->beneath.ctx = t;
	if (rc == 0)
		rc = dirs_add(&t->dirs, "", &(struct dirs_attr){.mode = t->old_mode}, e);
	if (rc == 0) {
		*ret = t;
		return 0;
	}
	if (t->top >= 0 && !t->was_there)
		unlinkat(parent, name, AT_REMOVEDIR);
	tree_close(t);
	return rc;
}

void tree_close(struct tree *t)
{
	if (!t)
		return;
	beneath_free(&t->beneath);
	dirs_free(&t->dirs);
	if (t->file >= 0)
		close(t->file);
	if (t->top >= 0)
		close(t->top);
	free(t);
}

/* Removes what an earlier entry left under this name. */
static int make_room(int dirfd, const char *name, const char *path, struct err *e)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : attrs_cannot(e, "examine", path);
	if (!S_ISDIR(st.st_mode))
		return unlinkat(dirfd, name, 0) < 0 ? attrs_cannot(e, "replace", path) : 0;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return entry_refuse_replace(e, path);
	return attrs_cannot(e, "replace", path);
}

int tree_set_dir(struct tree *t, const struct entry *n, struct err *e)
{
	const struct dirs_attr attr = {
		.mode = n->mode,
		.whole = true,
		.uid = (uid_t)n->uid,
		.gid = (gid_t)n->gid,
		.mtime = n->mtime,
		.xattr = n->xattr,
		.n_xattrs = n->n_xattrs,
	};

	return dirs_add(&t->dirs, n->path, &attr, e);
}

int tree_make_dir(struct tree *t, const char *path, struct err *e)
{
	char name[NAME_MAX + 1];
	int dirfd;
	int rc = beneath_parent(&t->beneath, path, &dirfd, name, e);

	if (rc == 0 && mkdirat(dirfd, name, S_IRWXU) < 0)
		rc = attrs_cannot(e, "make the directory", path);
	return rc;
}

int tree_top(const struct tree *t)
{
	return t->top;
}

const struct fresh *tree_fresh(const struct tree *t)
{
	return &t->fresh;
}

static int add_dir(
	struct tree *t, int dirfd, const char *name, const struct entry *n, struct err *e)
{
	struct stat st;

	if (*n->path && mkdirat(dirfd, name, S_IRWXU) < 0) {
		if (errno != EEXIST || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return attrs_cannot(e, "make the directory", n->path);
		if (!S_ISDIR(st.st_mode)) {
			if (make_room(dirfd, name, n->path, e) < 0)
				return -e->num;
			if (mkdirat(dirfd, name, S_IRWXU) < 0)
				return attrs_cannot(e, "make the directory", n->path);
		}
	}
	return tree_set_dir(t, n, e);
}

static int add_file(
	struct tree *t, int dirfd, const char *name, const struct entry *n, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	t->file = openat(dirfd, name, flags, fresh_mode(&t->fresh, n));
	if (t->file < 0 && errno == EEXIST) {
		if (make_room(dirfd, name, n->path, e) < 0)
			return -e->num;
		t->file = openat(dirfd, name, flags, fresh_mode(&t->fresh, n));
	}
	return t->file < 0 ? attrs_cannot(e, "make the file", n->path) : 0;
}

/* The file that a hard link means: its directory and what it is. */
static int find_target(struct tree *t, const struct entry *n, int *ret_fd,
	char name[static NAME_MAX + 1], struct stat *ret, struct err *e)
{
	char dir[ENTRY_PATH];
	const char *slash = strrchr(n->link, '/');
	auto_close int fd = -1;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - n->link) : 0, n->link);
	snprintf(name, NAME_MAX + 1, "%s", slash ? slash + 1 : n->link);
	fd = beneath_open(&t->beneath, dir, O_PATH);
	if (fd < 0 || fstatat(fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
		return entry_refuse_target(e, n, false);
	if (!S_ISREG(ret->st_mode))
		return entry_refuse_target(e, n, true);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int add_hardlink(
	struct tree *t, int dirfd, const char *name, const struct entry *n, struct err *e)
{
	char target[NAME_MAX + 1];
	auto_close int fd = -1;
	struct stat st, there;
	int rc = find_target(t, n, &fd, target, &st, e);

	if (rc < 0)
		return rc;
	if (fstatat(dirfd, name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
		if (there.st_ino == st.st_ino && there.st_dev == st.st_dev)
			return 0;
		rc = make_room(dirfd, name, n->path, e);
		if (rc < 0)
			return rc;
	}
	return linkat(fd, target, dirfd, name, 0) < 0 ? attrs_cannot(e, "link", n->path) : 0;
}

static int add_special(int dirfd, const char *name, const struct entry *n, struct err *e)
{
	mode_t type = n->kind == ENTRY_FIFO ? S_IFIFO : n->kind == ENTRY_CHAR ? S_IFCHR : S_IFBLK;
	int rc = make_room(dirfd, name, n->path, e);

	if (rc < 0)
		return rc;
	if (n->kind == ENTRY_SYMLINK)
		rc = symlinkat(n->link, dirfd, name);
	else
		rc = mknodat(dirfd, name, type | S_IRUSR | S_IWUSR, n->device);
	return rc < 0 ? attrs_cannot(e, "make", n->path) : attrs_set_at(dirfd, name, n, e);
}

int tree_add(struct tree *t, const struct entry *n, struct err *e)
{
	char name[NAME_MAX + 1];
	int dirfd;
	int rc = beneath_parent(&t->beneath, n->path, &dirfd, name, e);

	if (rc < 0)
		return rc;
	switch (n->kind) {
	case ENTRY_DIR:
		return add_dir(t, dirfd, name, n, e);
	case ENTRY_FILE:
		return add_file(t, dirfd, name, n, e);
	case ENTRY_HARDLINK:
		return add_hardlink(t, dirfd, name, n, e);
	case ENTRY_SYMLINK:
	case ENTRY_FIFO:
	case ENTRY_CHAR:
	case ENTRY_BLOCK:
		return add_special(dirfd, name, n, e);
	case ENTRY_OTHER:
		break;
	}
	return err_set(e, ERR_BUG, EINVAL, "an entry was not checked");
}

int tree_write(struct tree *t, const void *data, size_t len, uint64_t offset, struct err *e)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = pwrite(t->file, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot write");
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int tree_end_file(struct tree *t, const struct entry *n, struct err *e)
{
	auto_close int fd = take_fd(&t->file);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return attrs_cannot(e, "examine", n->path);
	if ((uint64_t)st.st_size != n->size && ftruncate(fd, (off_t)n->size) < 0)
		return attrs_cannot(e, "set the size of", n->path);
	return attrs_set(fd, n, &t->fresh, e);
}

int tree_finish(struct tree *t, struct err *e)
{
	beneath_forget(&t->beneath);
	return dirs_apply(&t->dirs, &t->beneath, e);
}

int tree_abort(struct tree *t, struct err *e)
{
	int rc;

	beneath_forget(&t->beneath);
	if (!t->was_there)
		return fs_remove_tree(t->parent, t->name, e);
	rc = each_child(t->top, remove_child, e);
	if (rc == 0 && fchmod(t->top, t->old_mode) < 0 && errno != EPERM)
		rc = attrs_cannot(e, "change the mode of", t->name);
	return rc;
}
