/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/slot.h"

#include "common/buf.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT_FOLDER   ".shared-prep"
#define SLOT_STAMPS   SLOT_FOLDER "/slots"
#define SLOT_PARTIALS SLOT_FOLDER "/partial"
#define SLOT_NEW_LINK SLOT_PARTIALS "/new-link"

/* A stamp that no source has: the slot is being filled. */
#define SLOT_UNFILLED "-"

static void stamp_path(const char *name, char out[static SLOT_PATH])
{
	snprintf(out, SLOT_PATH, SLOT_STAMPS "/%s", name);
}

static void partial_path(const char *name, char out[static SLOT_PATH])
{
	snprintf(out, SLOT_PATH, SLOT_PARTIALS "/%s" SLOT_PARTIAL, name);
}

void slot_partial(const struct slot *s, char out[static SLOT_PATH])
{
	partial_path(s->name, out);
}

/* The directory is asked, not its name, which anybody could make lead elsewhere in a shared one. */
static int own_folder(int shared, const char *name, struct err *e)
{
	auto_close int fd = -1;
	struct stat st;

	if (mkdirat(shared, name, 0755) < 0 && errno != EEXIST)
		return err_errno(e, "slot: cannot make '%s'", name);
	fd = openat(shared, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(
			e, "slot: '%s' is not the directory that it should be: remove it", name);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(e, ERR_SYSTEM, EPERM,
			"slot: '%s' belongs to user %u or others may write to it: remove it", name,
			st.st_uid);
	if (fchmod(fd, 0755) < 0)
		return err_errno(e, "slot: cannot own '%s'", name);
	return 0;
}

int slot_setup(int shared, struct err *e)
{
	static const char *const folder[] = {SLOT_FOLDER, SLOT_STAMPS, SLOT_PARTIALS};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(folder); i++)
		rc = own_folder(shared, folder[i], e);
	return rc;
}

int slot_stamp_file(int fd, const char *digest, char out[static SLOT_STAMP], struct err *e)
{
	struct stat st;

	if (*digest) {
		snprintf(out, SLOT_STAMP, "digest %s", digest);
		return 0;
	}
	if (fstat(fd, &st) < 0)
		return err_errno(e, "slot: cannot examine the source");
	snprintf(out, SLOT_STAMP, "file %ju:%ju %jd %jd.%09ld", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_ctim.tv_sec,
		st.st_ctim.tv_nsec);
	return 0;
}

/* Two lines: the stamp, and the app's name or nothing. */
static int stamp_write(int shared, const struct slot *s, const char *stamp, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(SLOT_STAMP + SLOT_NAME + 2);
	char path[SLOT_PATH];

	stamp_path(s->name, path);
	if (buf_addf(&text, "%s\n%s\n", stamp, s->app) < 0)
		return err_oom(e);
	return fs_write_atomic(shared, path, 0644, buf_str(&text), text.len, e);
}

/* false: none, or not one that this program wrote. */
static bool stamp_read(int shared, const char *name, struct slot *ret)
{
	auto_buf struct buf text = BUF_INIT(SLOT_STAMP + SLOT_NAME + 2);
	struct err ignored = ERR_INIT;
	char path[SLOT_PATH];
	char *line, *end;

	stamp_path(name, path);
	if (fs_read(shared, path, &text, &ignored) < 0 || !text.data)
		return false;
	line = strchr(text.data, '\n');
	end = line ? strchr(line + 1, '\n') : NULL;
	if (!end || line - text.data >= SLOT_STAMP || end - line > SLOT_NAME)
		return false;
	*line = '\0';
	*end = '\0';
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	snprintf(ret->stamp, sizeof(ret->stamp), "%s", text.data);
	snprintf(ret->app, sizeof(ret->app), "%s", line + 1);
	return true;
}

bool slot_is_filled(int shared, const struct slot *s)
{
	struct slot found;
	struct stat st;

	return stamp_read(shared, s->name, &found) && strcmp(found.stamp, s->stamp) == 0 &&
	       fstatat(shared, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode) &&
	       (!*s->app || st.st_uid == geteuid());
}

int slot_begin(int shared, const struct slot *s, struct err *e)
{
	char partial[SLOT_PATH];
	int rc = stamp_write(shared, s, SLOT_UNFILLED, e);

	partial_path(s->name, partial);
	return rc < 0 ? rc : fs_remove_tree(shared, partial, e);
}

int slot_abandon(int shared, const struct slot *s, struct err *e)
{
	char path[SLOT_PATH];
	int rc;

	partial_path(s->name, path);
	rc = fs_remove_tree(shared, path, e);
	stamp_path(s->name, path);
	if (rc == 0 && faccessat(shared, s->name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		unlinkat(shared, path, 0) < 0 && errno != ENOENT)
		rc = err_errno(e, "slot: cannot remove '%s'", path);
	return rc;
}

/* Whatever the archive says, the top directory of a tree belongs to root. */
static int own_tree(int shared, const char *partial, struct err *e)
{
	auto_close int fd = openat(shared, partial, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "slot: cannot open '%s'", partial);
	if (!S_ISDIR(st.st_mode))
		return 0;
	if ((geteuid() == 0 && fchown(fd, 0, 0) < 0) || fchmod(fd, 0755) < 0)
		return err_errno(e, "slot: cannot own '%s'", partial);
	return 0;
}

int slot_commit(int shared, const struct slot *s, struct err *e)
{
	char partial[SLOT_PATH];
	int rc;

	partial_path(s->name, partial);
	rc = own_tree(shared, partial, e);
	if (rc < 0)
		return rc;
	if (renameat2(shared, partial, shared, s->name, RENAME_NOREPLACE) < 0 &&
		(errno != EEXIST ||
			renameat2(shared, partial, shared, s->name, RENAME_EXCHANGE) < 0))
		return err_errno(e, "slot: cannot rename '%s' to '%s'", partial, s->name);
	rc = fs_remove_tree(shared, partial, e);
	return rc < 0 ? rc : stamp_write(shared, s, s->stamp, e);
}

static bool leads_to(int shared, const char *link, const char *name)
{
	char target[SLOT_NAME];
	ssize_t len = readlinkat(shared, link, target, sizeof(target));

	return len == (ssize_t)strlen(name) && strncmp(target, name, (size_t)len) == 0;
}

int slot_link(int shared, const struct slot *s, struct err *e)
{
	struct stat st;
	int rc;

	if (!*s->app || strcmp(s->app, s->name) == 0)
		return 0;
	if (leads_to(shared, s->app, s->name) &&
		fstatat(shared, s->app, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == geteuid())
		return 0;
	rc = fs_remove_tree(shared, SLOT_NEW_LINK, e);
	if (rc < 0)
		return rc;
	if (symlinkat(s->name, shared, SLOT_NEW_LINK) < 0 ||
		(renameat(shared, SLOT_NEW_LINK, shared, s->app) < 0 &&
			renameat2(shared, SLOT_NEW_LINK, shared, s->app, RENAME_EXCHANGE) < 0))
		return err_errno(e, "slot: cannot link '%s' to '%s'", s->app, s->name);
	return fs_remove_tree(shared, SLOT_NEW_LINK, e);
}

static bool is_wanted(const struct slot *wanted, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(wanted[i].name, name) == 0)
			return true;
	return false;
}

/* The link first, so that it never leads nowhere; the stamp last, so that a death in between is
 * swept again. A link under the slot's name is a newer slot's. */
static int slot_remove(int shared, const struct slot *s, struct err *e)
{
	char path[SLOT_PATH];
	struct stat st;
	int rc = 0;

	if (leads_to(shared, s->app, s->name) && unlinkat(shared, s->app, 0) < 0)
		return err_errno(e, "slot: cannot remove the link '%s'", s->app);
	partial_path(s->name, path);
	if (fstatat(shared, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode))
		rc = fs_remove_tree(shared, s->name, e);
	if (rc == 0)
		rc = fs_remove_tree(shared, path, e);
	stamp_path(s->name, path);
	if (rc == 0 && unlinkat(shared, path, 0) < 0)
		rc = err_errno(e, "slot: cannot remove '%s'", path);
	return rc;
}

int slot_sweep(int shared, const struct slot *wanted, size_t n, struct err *e)
{
	auto_dir DIR *stamps = NULL;
	struct slot stale;
	int fd, rc;

	rc = fs_open(shared, SLOT_STAMPS, O_RDONLY | O_DIRECTORY, 0, &fd, e);
	if (rc < 0)
		return rc;
	stamps = fdopendir(fd);
	if (!stamps) {
		close(fd);
		return err_oom(e);
	}
	for (struct dirent *d; rc == 0 && (d = readdir(stamps));)
		if (!is_wanted(wanted, n, d->d_name) && stamp_read(shared, d->d_name, &stale))
			rc = slot_remove(shared, &stale, e);
	return rc;
}
