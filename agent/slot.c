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
#define SLOT_NEW_LINK SLOT_FOLDER "/new-link"

/* A stamp that no source has: the slot is being filled. */
#define SLOT_UNFILLED "-"

#define SLOT_PATH (SLOT_NAME + 64)

static void stamp_path(const char *name, char out[static SLOT_PATH])
{
	snprintf(out, SLOT_PATH, SLOT_STAMPS "/%s", name);
}

static void partial_name(const char *name, char out[static SLOT_PATH])
{
	snprintf(out, SLOT_PATH, "%s" SLOT_PARTIAL, name);
}

/* A folder of the agent's own: an unprivileged run by hand (tests) leaves it to the caller. */
static int own_folder(int shared, const char *name, struct err *e)
{
	int rc = fs_mkdir_p(shared, name, 0755, e);

	if (rc < 0)
		return rc;
	if (fchmodat(shared, name, 0755, 0) < 0 ||
		(geteuid() == 0 && fchownat(shared, name, 0, 0, AT_SYMLINK_NOFOLLOW) < 0))
		return err_errno(e, "slot: cannot own '%s'", name);
	return 0;
}

int slot_setup(int shared, struct err *e)
{
	int rc = own_folder(shared, SLOT_FOLDER, e);

	return rc < 0 ? rc : own_folder(shared, SLOT_STAMPS, e);
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
	       fstatat(shared, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode);
}

int slot_begin(int shared, const struct slot *s, struct err *e)
{
	char partial[SLOT_PATH];
	int rc = stamp_write(shared, s, SLOT_UNFILLED, e);

	partial_name(s->name, partial);
	return rc < 0 ? rc : fs_remove_tree(shared, partial, e);
}

int slot_abandon(int shared, const struct slot *s, struct err *e)
{
	char path[SLOT_PATH];
	int rc;

	partial_name(s->name, path);
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
	struct stat st;

	if (fstatat(shared, partial, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "slot: '%s' is gone", partial);
	return S_ISDIR(st.st_mode) ? own_folder(shared, partial, e) : 0;
}

int slot_commit(int shared, const struct slot *s, struct err *e)
{
	char partial[SLOT_PATH];
	int rc;

	partial_name(s->name, partial);
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

int slot_link(int shared, const struct slot *s, struct err *e)
{
	char target[SLOT_NAME];
	ssize_t len;
	int rc;

	if (!*s->app || strcmp(s->app, s->name) == 0)
		return 0;
	len = readlinkat(shared, s->app, target, sizeof(target));
	if (len == (ssize_t)strlen(s->name) && strncmp(target, s->name, (size_t)len) == 0)
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
	char target[SLOT_NAME], path[SLOT_PATH];
	ssize_t len = readlinkat(shared, s->app, target, sizeof(target));
	struct stat st;
	int rc = 0;

	if (len == (ssize_t)strlen(s->name) && strncmp(target, s->name, (size_t)len) == 0 &&
		unlinkat(shared, s->app, 0) < 0)
		return err_errno(e, "slot: cannot remove the link '%s'", s->app);
	partial_name(s->name, path);
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
