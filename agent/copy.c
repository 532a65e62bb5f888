/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/copy.h"

#include "common/cancel.h"
#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tree deeper than this is a mistake or a loop. */
#define COPY_DEPTH 64
#define COPY_CHUNK (1024 * KIB)

#define COPY_MODE (07777 & ~(S_ISUID | S_ISGID))

/* The names in a directory, sorted, so that a stamp does not depend on their order on disk. */
static int list(int dirfd, const char *name, struct dirent ***ret, struct err *e)
{
	int n = scandirat(dirfd, name, ret, NULL, alphasort);

	return n < 0 ? err_errno(e, "copy: cannot read the directory '%s'", name) : n;
}

static void list_free(struct dirent **entry, int n)
{
	for (int i = 0; i < n; i++)
		free(entry[i]);
	free(entry);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Calls fn for every entry of a directory; the first failure ends it. */
typedef int entry_fn(int dirfd, const char *name, unsigned depth, void *ctx, struct err *e);

static int each_entry(
	int dirfd, const char *name, unsigned depth, entry_fn *fn, void *ctx, struct err *e)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent **entry = NULL;
	int n, rc = 0;

	if (fd < 0)
		return err_errno(e, "copy: cannot open the directory '%s'", name);
	if (depth >= COPY_DEPTH)
		return err_set(e, ERR_DATA, ELOOP, "copy: '%s' is more than %d levels deep", name,
			COPY_DEPTH);
	n = list(fd, ".", &entry, e);
	for (int i = 0; rc == 0 && i < n; i++)
		if (!is_dots(entry[i]->d_name))
			rc = fn(fd, entry[i]->d_name, depth + 1, ctx, e);
	list_free(entry, n < 0 ? 0 : n);
	return n < 0 ? n : rc;
}

static int stamp_entry(int dirfd, const char *name, unsigned depth, void *ctx, struct err *e)
{
	char line[128];
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "copy: cannot examine '%s'", name);
	snprintf(line, sizeof(line), "%u %o %jd %jd.%09ld %ju ", depth, st.st_mode,
		(intmax_t)st.st_size, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
		(uintmax_t)st.st_ino);
	digest_add(ctx, line, strlen(line));
	digest_add(ctx, name, strlen(name) + 1);
	return S_ISDIR(st.st_mode) ? each_entry(dirfd, name, depth, stamp_entry, ctx, e) : 0;
}

int copy_stamp(int dirfd, const char *name, char out[static SLOT_STAMP], struct err *e)
{
	char text[DIGEST_TEXT];
	struct digest d;
	int rc;

	digest_start(&d);
	rc = stamp_entry(dirfd, name, 0, &d, e);
	digest_end(&d, text);
	snprintf(out, SLOT_STAMP, "copy %s", text);
	return rc;
}

static int copy_bytes(int from, int to, const char *name, struct err *e)
{
	auto_free char *chunk = malloc(COPY_CHUNK);
	ssize_t n;
	int rc;

	if (!chunk)
		return err_oom(e);
	while ((n = read(from, chunk, COPY_CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "copy: cannot read '%s'", name);
		if (cancel_requested())
			return err_set(e, ERR_TRANSIENT, ECANCELED, "copy: interrupted");
		rc = fs_write_all(to, chunk, (size_t)n);
		if (rc < 0)
			return err_set(e, ERR_SYSTEM, -rc, "copy: cannot write '%s': %s", name,
				strerror(-rc));
	}
	return 0;
}

/* Owner before mode, as chown clears bits; time last. */
static int copy_attributes(const struct stat *st, int to, const char *as, struct err *e)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};

	if (geteuid() == 0 && fchownat(to, as, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "copy: cannot set the owner of '%s'", as);
	if (!S_ISLNK(st->st_mode) && fchmodat(to, as, st->st_mode & COPY_MODE, 0) < 0)
		return err_errno(e, "copy: cannot set the mode of '%s'", as);
	if (utimensat(to, as, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "copy: cannot set the time of '%s'", as);
	return 0;
}

static int copy_file(int from, const char *name, int to, const char *as, struct err *e)
{
	auto_close int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int out =
		openat(to, as, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (in < 0)
		return err_errno(e, "copy: cannot open '%s'", name);
	if (out < 0)
		return err_errno(e, "copy: cannot create '%s'", as);
	return copy_bytes(in, out, name, e);
}

static int copy_link(int from, const char *name, int to, const char *as, struct err *e)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(from, name, target, sizeof(target) - 1);

	if (len < 0)
		return err_errno(e, "copy: cannot read the link '%s'", name);
	target[len] = '\0';
	if (symlinkat(target, to, as) < 0)
		return err_errno(e, "copy: cannot create the link '%s'", as);
	return 0;
}

static int copy_into(int from, const char *name, unsigned depth, void *ctx, struct err *e);
static int copy_any(
	int from, const char *name, int to, const char *as, unsigned depth, struct err *e);

static int copy_tree(
	int from, const char *name, int to, const char *as, unsigned depth, struct err *e)
{
	auto_close int fd = -1;

	if (mkdirat(to, as, 0700) < 0)
		return err_errno(e, "copy: cannot create the directory '%s'", as);
	fd = openat(to, as, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "copy: cannot open the directory '%s'", as);
	return each_entry(from, name, depth, copy_into, &fd, e);
}

static int copy_into(int from, const char *name, unsigned depth, void *ctx, struct err *e)
{
	const int *to = ctx;

	return copy_any(from, name, *to, name, depth, e);
}

static int copy_any(
	int from, const char *name, int to, const char *as, unsigned depth, struct err *e)
{
	struct stat st;
	int rc;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "copy: cannot examine '%s'", name);
	if (S_ISREG(st.st_mode))
		rc = copy_file(from, name, to, as, e);
	else if (S_ISDIR(st.st_mode))
		rc = copy_tree(from, name, to, as, depth, e);
	else if (S_ISLNK(st.st_mode))
		rc = copy_link(from, name, to, as, e);
	else
		return err_set(e, ERR_DATA, EINVAL,
			"copy: '%s' is neither a file, a directory nor a link", name);
	return rc < 0 ? rc : copy_attributes(&st, to, as, e);
}

int copy_entry(int from, const char *name, int to, const char *as, struct err *e)
{
	return copy_any(from, name, to, as, 0, e);
}
