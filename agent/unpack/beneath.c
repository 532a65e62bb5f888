/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define STEP_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

void beneath_init(struct beneath *b, int top, bool walk)
{
	*b = (struct beneath){.top = top, .walk = walk, .cached = -1};
}

void beneath_forget(struct beneath *b)
{
	if (b->cached >= 0)
		close(b->cached);
	b->cached = -1;
}

void beneath_free(struct beneath *b)
{
	beneath_forget(b);
}

static int sys_openat2(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | STEP_FLAGS),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* The next component of *path, which moves behind it; false at the end. */
static bool next_component(const char **path, char name[static NAME_MAX + 1])
{
	size_t len = strcspn(*path, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, *path, len);
	name[len] = '\0';
	*path += len + ((*path)[len] == '/');
	return true;
}

static int walk(int top, const char *path, int flags)
{
	auto_close int fd = openat(top, ".", (*path ? O_PATH : flags) | STEP_FLAGS);
	char name[NAME_MAX + 1];

	while (fd >= 0 && next_component(&path, name)) {
		int next = openat(fd, name, (*path ? O_PATH : flags) | STEP_FLAGS);

		if (next < 0)
			return -errno;
		close(fd);
		fd = next;
	}
	return fd < 0 ? -errno : take_fd(&fd);
}

int beneath_open(struct beneath *b, const char *path, int flags)
{
	int fd = -ENOSYS;

	if (!b->walk)
		fd = sys_openat2(b->top, *path ? path : ".", flags);
	if (fd == -ENOSYS || fd == -EPERM) {
		b->walk = true;
		return walk(b->top, path, flags);
	}
	return fd;
}

/* Opens name in dirfd, making it if it is missing; path[0..len) leads to it. */
static int step(
	struct beneath *b, int dirfd, const char *name, const char *path, size_t len, struct err *e)
{
	char prefix[ENTRY_PATH], quoted[ENTRY_QUOTE];
	int fd = openat(dirfd, name, O_PATH | STEP_FLAGS);
	struct stat st;

	if (fd >= 0)
		return fd;
	if (errno == ENOTDIR || errno == ELOOP) {
		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return entry_refuse_through(e, path, len, S_ISLNK(st.st_mode));
	} else if (errno == ENOENT) {
		snprintf(prefix, sizeof(prefix), "%.*s", (int)len, path);
		if (mkdirat(dirfd, name, S_IRWXU) == 0) {
			if (b->made && b->made(b->ctx, prefix, e) < 0)
				return -e->num;
			fd = openat(dirfd, name, O_PATH | STEP_FLAGS);
		}
	}
	return fd >= 0 ? fd
		       : err_errno(e, "cannot make the directory of %s", entry_quote(path, quoted));
}

/* The slow way: makes what is missing of the first len bytes of path. */
static int make(struct beneath *b, const char *path, size_t len, struct err *e)
{
	auto_close int fd = openat(b->top, ".", O_PATH | STEP_FLAGS);
	char name[NAME_MAX + 1];
	const char *p = path;

	if (fd < 0)
		return err_errno(e, "cannot open the target directory");
	while (p < path + len && next_component(&p, name)) {
		size_t end = (size_t)(p - path);
		int next = step(b, fd, name, path, end > len ? len : end - (p[-1] == '/'), e);

		if (next < 0)
			return next;
		close(fd);
		fd = next;
	}
	return take_fd(&fd);
}

int beneath_parent(struct beneath *b, const char *path, int *ret_fd,
	char ret_name[static NAME_MAX + 1], struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	char dir[ENTRY_PATH];
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", (int)len, path);
	snprintf(ret_name, NAME_MAX + 1, "%s", slash ? slash + 1 : path);
	if (b->cached < 0 || strcmp(dir, b->cached_path) != 0) {
		beneath_forget(b);
		fd = beneath_open(b, dir, O_PATH);
		if (fd < 0)
			fd = make(b, path, len, e);
		if (fd < 0)
			return fd;
		b->cached = fd;
		memcpy(b->cached_path, dir, len + 1);
	}
	*ret_fd = b->cached;
	return 0;
}
