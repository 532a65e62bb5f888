/* SPDX-License-Identifier: Apache-2.0 */
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define CHUNK      65536
#define LINE_BYTES 4096
#define RACES      16

static int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	bool creates = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags,
		.mode = creates ? mode & 07777 : 0,
		.resolve = resolve,
	};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

/* Not in the kernel, or kept from us by a seccomp filter; EPERM may also be about the file. */
static bool openat2_is_missing(void)
{
	int num = errno;
	int fd = -1;

	if (num == EPERM) {
		fd = sys_openat2(AT_FDCWD, ".", O_PATH | O_CLOEXEC, 0, 0);
		if (fd < 0 && errno != EPERM)
			fd = 0;
		else if (fd >= 0)
			close(fd);
	}
	errno = num;
	return num == ENOSYS || (num == EPERM && fd < 0);
}

static int open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	int fd = -1;

	flags |= O_CLOEXEC;
	if (rootfd == AT_FDCWD)
		return openat(rootfd, path, flags, mode);
	/* EAGAIN: something was renamed while ".." was resolved. */
	for (int i = 0; i < RACES; i++) {
		fd = sys_openat2(rootfd, path, flags, mode, RESOLVE_IN_ROOT);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	if (fd >= 0 || !openat2_is_missing())
		return fd;
	path += strspn(path, "/");
	return openat(rootfd, *path ? path : ".", flags, mode);
}

int fs_root(const char *path, int *ret_fd, struct err *e)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "cannot open the root directory '%s'", path);
	*ret_fd = fd;
	return 0;
}

int fs_open(int rootfd, const char *path, int flags, mode_t mode, int *ret_fd, struct err *e)
{
	int fd = open_in_root(rootfd, path, flags, mode);

	if (fd < 0)
		return err_errno(e, "cannot open '%s'", path);
	*ret_fd = fd;
	return 0;
}

int fs_open_file(int rootfd, const char *path, int *ret_fd, struct err *e)
{
	auto_close int fd = -1;
	char again[32];
	struct stat st;
	int file, rc = fs_open(rootfd, path, O_PATH, 0, &fd, e);

	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_DATA, EINVAL, "'%s' is not a file", path);
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	file = open(again, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return err_errno(e, "cannot open '%s'", path);
	*ret_fd = file;
	return 0;
}

bool fs_confines(void)
{
	auto_close int fd =
		sys_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT);

	return fd >= 0;
}

static ssize_t read_some(int fd, void *data, size_t len)
{
	ssize_t n;

	do {
		n = read(fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n;
}

static int read_all(int fd, const char *name, struct buf *out, struct err *e)
{
	for (;;) {
		size_t room = out->max > out->len ? out->max - out->len : 0;
		size_t want = room < CHUNK ? room : CHUNK;
		char beyond;
		ssize_t n;

		if (buf_reserve(out, want) < 0)
			return err_oom(e);
		n = room > 0 ? read_some(fd, out->data + out->len, want)
			     : read_some(fd, &beyond, 1);
		if (n < 0)
			return err_errno(e, "cannot read '%s'", name);
		if (n == 0)
			return 0;
		if (room == 0)
			return err_set(e, ERR_DATA, EFBIG, "'%s' is longer than %zu bytes", name,
				out->max);
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

int fs_read_fd(int fd, const char *name, struct buf *out, struct err *e)
{
	size_t before = out->len;
	int rc = read_all(fd, name, out, e);

	if (rc < 0 && out->data) {
		out->len = before;
		out->data[before] = '\0';
	}
	return rc;
}

int fs_read(int rootfd, const char *path, struct buf *out, struct err *e)
{
	auto_close int fd = -1;
	/* O_NONBLOCK: a FIFO in the place of a file must not hold us up. */
	int rc = fs_open(rootfd, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, &fd, e);

	return rc < 0 ? rc : fs_read_fd(fd, path, out, e);
}

int fs_read_line(int rootfd, const char *path, char *out, size_t size, struct err *e)
{
	char text[LINE_BYTES + 1];
	auto_close int fd = -1;
	size_t len = 0, end, start;
	ssize_t n = 1;
	int rc = fs_open(rootfd, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, &fd, e);

	if (rc < 0)
		return rc;
	while (n > 0 && len < LINE_BYTES && !memchr(text, '\n', len)) {
		n = read_some(fd, text + len, LINE_BYTES - len);
		if (n < 0)
			return err_errno(e, "cannot read '%s'", path);
		len += (size_t)n;
	}
	text[len] = '\0';
	end = strcspn(text, "\n");
	start = strspn(text, " \t\r");
	if (end == LINE_BYTES)
		return err_set(e, ERR_DATA, EFBIG, "the first line of '%s' is too long", path);
	while (end > start && strchr(" \t\r", text[end - 1]))
		end--;
	len = end > start ? end - start : 0;
	if (len >= size)
		return err_set(e, ERR_DATA, EFBIG, "the first line of '%s' is too long", path);
	memcpy(out, text + start, len);
	out[len] = '\0';
	return 0;
}

bool fs_exists(int rootfd, const char *path)
{
	auto_close int fd = open_in_root(rootfd, path, O_PATH, 0);

	return fd >= 0;
}

int fs_open_nameless(const char *dir, int *ret_fd, struct err *e)
{
	char name[PATH_MAX];
	int fd;

	if (snprintf(name, sizeof(name), "%s/nameless.XXXXXX", dir) >= (int)sizeof(name))
		return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "'%s' is too long", dir);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "a file in '%s'", dir);
	unlink(name);
	*ret_fd = fd;
	return 0;
}

int fs_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Splits path at its last component; -errno only. */
static int split(const char *path, char dir[static PATH_MAX], char name[static NAME_MAX + 1])
{
	size_t len = strlen(path);
	size_t start;

	while (len > 0 && path[len - 1] == '/')
		len--;
	for (start = len; start > 0 && path[start - 1] != '/'; start--)
		;
	if (len - start > NAME_MAX || start >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path + start, len - start);
	name[len - start] = '\0';
	snprintf(dir, PATH_MAX, "%.*s", start ? (int)start : 1, start ? path : ".");
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	return 0;
}

static int fail(struct err *e, int rc, const char *verb, const char *path)
{
	errno = -rc;
	return err_errno(e, "cannot %s '%s'", verb, path);
}

int fs_open_parent(int rootfd, const char *path, int *ret_fd, char ret_name[static NAME_MAX + 1],
	struct err *e)
{
	char dir[PATH_MAX], name[NAME_MAX + 1];
	int rc = split(path, dir, name);

	if (rc < 0)
		return fail(e, rc, "use", path);
	rc = fs_open(rootfd, dir, O_PATH | O_DIRECTORY, 0, ret_fd, e);
	if (rc == 0)
		memcpy(ret_name, name, sizeof(name));
	return rc;
}

static int fill(int fd, mode_t mode, const void *data, size_t len)
{
	int rc = fs_write_all(fd, data, len);

	if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = -errno;
	return rc;
}

/* A rename is only durable with its directory; one that we may not read is left to the kernel. */
static int sync_dir(int dirfd)
{
	auto_close int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == EACCES ? 0 : -errno;
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

int fs_write_atomic(
	int rootfd, const char *path, mode_t mode, const void *data, size_t len, struct err *e)
{
	char name[NAME_MAX + 1], temporary[NAME_MAX + 1];
	auto_close int dirfd = -1;
	auto_close int fd = -1;
	int rc = fs_open_parent(rootfd, path, &dirfd, name, e);

	if (rc < 0)
		return rc;
	/* Always the same name, so that what a death leaves is gone after the next run. */
	snprintf(temporary, sizeof(temporary), ".%.240s.new", name);
	if (unlinkat(dirfd, temporary, 0) < 0 && errno != ENOENT)
		return err_errno(e, "cannot write '%s'", path);
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "cannot write '%s'", path);
	rc = fill(fd, mode, data, len);
	if (rc == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
		rc = -errno;
	if (rc < 0)
		unlinkat(dirfd, temporary, 0);
	else
		rc = sync_dir(dirfd);
	return rc < 0 ? fail(e, rc, "write", path) : 0;
}

int fs_write_changed(
	int rootfd, const char *path, mode_t mode, const struct buf *text, struct err *e)
{
	auto_buf struct buf old = BUF_INIT(text->len);
	struct err ignored = ERR_INIT;

	if (fs_read(rootfd, path, &old, &ignored) == 0 && old.len == text->len &&
		memcmp(buf_str(&old), buf_str(text), text->len) == 0)
		return 0;
	return fs_write_atomic(rootfd, path, mode, buf_str(text), text->len, e);
}

static int is_dir(int rootfd, const char *path)
{
	auto_close int fd = open_in_root(rootfd, path, O_PATH | O_DIRECTORY, 0);

	return fd < 0 ? -errno : 0;
}

static int make_dir(int rootfd, const char *path, mode_t mode, struct err *e)
{
	char name[NAME_MAX + 1];
	auto_close int dirfd = -1;
	auto_close int fd = -1;
	int rc = fs_open_parent(rootfd, path, &dirfd, name, e);

	if (rc < 0)
		return rc;
	if (mkdirat(dirfd, name, mode | S_IRWXU) < 0) {
		/* Somebody else was faster, or there is a link that leads nowhere. */
		rc = errno == EEXIST ? is_dir(rootfd, path) : -errno;
		return rc < 0 ? fail(e, rc, "make the directory", path) : 0;
	}
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return err_errno(e, "cannot set the mode of '%s'", path);
	return 0;
}

int fs_mkdir_p(int rootfd, const char *path, mode_t mode, struct err *e)
{
	char prefix[PATH_MAX];
	size_t end = 0;

	if (strlen(path) >= sizeof(prefix))
		return fail(e, -ENAMETOOLONG, "make the directory", path);
	while (path[end]) {
		int rc;

		end += strspn(path + end, "/");
		end += strcspn(path + end, "/");
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		rc = is_dir(rootfd, prefix);
		if (rc == -ENOENT)
			rc = make_dir(rootfd, prefix, mode, e);
		else if (rc < 0)
			rc = fail(e, rc, "make the directory", prefix);
		if (rc < 0)
			return rc;
	}
	return 0;
}
