/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/spool.h"

#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define ALNUM      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TAKEN_MAX  1000000
#define TAKEN_TEXT 8

struct folder {
	const char *name;
	mode_t mode;
	size_t offset; /* of its descriptor in struct spool */
};

static const struct folder folders[] = {
	{"tmp", 01777, offsetof(struct spool, tmp)},
	{"new", 01777, offsetof(struct spool, new)},
	{"cancel", 01777, offsetof(struct spool, cancel)},
	{"run", 0755, offsetof(struct spool, run)},
	{"done", 0755, offsetof(struct spool, done)},
	{"failed", 0755, offsetof(struct spool, failed)},
};

const char *spool_default(const char *given)
{
	const char *variable = getenv("SHARED_PREP_SPOOL");

	if (given)
		return given;
	return variable && *variable ? variable : SPOOL_DEFAULT;
}

static int open_dir(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The directory is asked, not its name, which anybody could have made in a shared one. */
static int make_folder(int parent, const char *name, mode_t mode, int *ret_fd, struct err *e)
{
	auto_close int fd = -1;
	struct stat st;

	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return err_errno(e, "spool: cannot make '%s'", name);
	fd = open_dir(parent, name);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(
			e, "spool: '%s' is not the directory that it should be: remove it", name);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_SYSTEM, EPERM,
			"spool: '%s' belongs to user %u instead of %u: remove it", name, st.st_uid,
			geteuid());
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return err_errno(e, "spool: cannot set the mode of '%s'", name);
	*ret_fd = take_fd(&fd);
	return 0;
}

int spool_make(int rootfd, const char *path, struct err *e)
{
	char name[NAME_MAX + 1];
	auto_close int parent = -1;
	auto_close int spool = -1;
	int rc = fs_open_parent(rootfd, path, &parent, name, e);

	if (rc == 0)
		rc = make_folder(parent, name, 0755, &spool, e);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(folders); i++) {
		auto_close int fd = -1;

		rc = make_folder(spool, folders[i].name, folders[i].mode, &fd, e);
	}
	return rc;
}

static int absolute(const char *path, char out[static PATH_MAX], struct err *e)
{
	char cwd[PATH_MAX];
	int n;

	if (*path == '/')
		n = snprintf(out, PATH_MAX, "%s", path);
	else if (getcwd(cwd, sizeof(cwd)))
		n = snprintf(out, PATH_MAX, "%s/%s", cwd, path);
	else
		return err_errno(e, "spool: the working directory");
	return n < PATH_MAX ? 0
			    : err_set(e, ERR_USAGE, ENAMETOOLONG, "spool: '%s' is too long", path);
}

int spool_open(int rootfd, const char *path, struct spool *ret, struct err *e)
{
	int rc = absolute(path, ret->path, e);

	if (rc == 0)
		rc = fs_open(rootfd, path, O_RDONLY | O_DIRECTORY, 0, &ret->fd, e);
	if (rc < 0)
		return err_ctx(e, "no spool at '%s'", path);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		int fd = open_dir(ret->fd, folders[i].name);

		if (fd < 0)
			return err_errno(
				e, "no spool at '%s': cannot open '%s'", path, folders[i].name);
		memcpy((char *)ret + folders[i].offset, &fd, sizeof(fd));
	}
	return 0;
}

void spool_close(struct spool *s)
{
	const int fd[] = {s->fd, s->tmp, s->new, s->run, s->done, s->failed, s->cancel};

	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		auto_close_fn(&fd[i]);
	*s = (struct spool)SPOOL_INIT;
}

bool spool_is_name(const char *name)
{
	size_t len = strspn(name, ALNUM "._-");

	return len > 0 && len < SPOOL_NAME && !name[len] && !strchr("._-", *name);
}

bool spool_is_id(const char *id)
{
	char name[SPOOL_NAME];
	size_t len = strcspn(id, "~");
	const char *number = id + len + 1;

	if (!id[len])
		return spool_is_name(id);
	if (len >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)len, id);
	return spool_is_name(name) && *number >= '1' && *number <= '9' &&
	       strspn(number, "0123456789") == strlen(number) && strlen(number) < TAKEN_TEXT;
}

void spool_safe_name(const char *name, char ret[static SPOOL_NAME])
{
	/* FNV-1a. */
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3;
	snprintf(ret, SPOOL_NAME, "bad-%016" PRIx64, h);
}

static bool is_there(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Looked for in the order that jobs go. An ID that was given is that job's: anybody may put another
 * file of its name into new/. */
static enum spool_place find_once(const struct spool *s, const char *id)
{
	const bool queued = is_there(s->new, id);

	if (is_there(s->run, id))
		return SPOOL_RUN;
	if (is_there(s->done, id))
		return SPOOL_DONE;
	if (is_there(s->failed, id))
		return SPOOL_FAILED;
	return queued ? SPOOL_NEW : SPOOL_NOWHERE;
}

enum spool_place spool_find(const struct spool *s, const char *id)
{
	enum spool_place place = find_once(s, id);

	/* One that is queued again goes the other way. */
	return place == SPOOL_NOWHERE ? find_once(s, id) : place;
}

/* run/ID for the first ID that is not taken; -errno. */
static int make_run(const struct spool *s, const char *name, char id[static SPOOL_ID])
{
	for (unsigned n = 1; n < TAKEN_MAX; n++) {
		snprintf(id, SPOOL_ID, n == 1 ? "%s" : "%s~%u", name, n);
		if (is_there(s->done, id) || is_there(s->failed, id))
			continue;
		if (mkdirat(s->run, id, 0700) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

int spool_claim(
	const struct spool *s, const char *name, char ret_id[static SPOOL_ID], struct err *e)
{
	char base[SPOOL_NAME], id[SPOOL_ID], to[SPOOL_ID + sizeof("/submitted")];
	int rc;

	if (spool_is_name(name))
		snprintf(base, sizeof(base), "%s", name);
	else
		spool_safe_name(name, base);
	rc = make_run(s, base, id);
	if (rc == 0) {
		snprintf(to, sizeof(to), "%s/submitted", id);
		if (renameat(s->new, name, s->run, to) < 0) {
			rc = -errno;
			unlinkat(s->run, id, AT_REMOVEDIR);
		}
	}
	if (rc < 0) {
		errno = -rc;
		return err_errno(e, "spool: cannot claim '%s'", name);
	}
	memcpy(ret_id, id, sizeof(id));
	return 0;
}

int spool_finish(const struct spool *s, const char *id, bool done, struct err *e)
{
	if (renameat(s->run, id, done ? s->done : s->failed, id) < 0)
		return err_errno(
			e, "spool: cannot move 'run/%s' to '%s'", id, done ? "done" : "failed");
	return 0;
}

bool spool_is_stopped(const struct spool *s)
{
	return is_there(s->fd, SPOOL_STOP);
}

int spool_stop(const struct spool *s, struct err *e)
{
	auto_close int fd = openat(
		s->fd, SPOOL_STOP, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);

	return fd < 0 ? err_errno(e, "spool: cannot make '%s/" SPOOL_STOP "'", s->path) : 0;
}

int spool_unstop(const struct spool *s, struct err *e)
{
	if (unlinkat(s->fd, SPOOL_STOP, 0) < 0 && errno != ENOENT)
		return err_errno(e, "spool: cannot remove '%s/" SPOOL_STOP "'", s->path);
	return 0;
}

int spool_each(int folder, int (*entry)(const char *name, void *ctx), void *ctx, struct err *e)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		auto_close_fn(&fd);
		return err_errno(e, "spool: cannot read a folder");
	}
	for (;;) {
		const struct dirent *d;
		int rc;

		errno = 0;
		d = readdir(dir);
		if (!d)
			return errno ? err_errno(e, "spool: cannot read a folder") : 0;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		rc = entry(d->d_name, ctx);
		if (rc < 0)
			return rc;
	}
}
