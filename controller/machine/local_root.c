/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/local_root.h"

#include "common/fs.h"
#include "controller/machine/new_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Where the root is built: a folder that every machine has, and that the new root hides anyway. */
#define ROOT "/tmp"

static int in_root(const char *path, char out[static PATH_MAX], struct err *e)
{
	if (snprintf(out, PATH_MAX, ROOT "%s", path) < PATH_MAX)
		return 0;
	return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "cannot show '%s': too long", path);
}

static unsigned long flags_of(const char *path)
{
	static const struct {
		unsigned long st, ms;
	} flag[] = {
		{ST_NOSUID, MS_NOSUID},
		{ST_NODEV, MS_NODEV},
		{ST_NOEXEC, MS_NOEXEC},
		{ST_NOATIME, MS_NOATIME},
		{ST_NODIRATIME, MS_NODIRATIME},
		{ST_RELATIME, MS_RELATIME},
	};
	unsigned long flags = 0;
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(flag); i++) {
		if (st.f_flag & flag[i].st)
			flags |= flag[i].ms;
	}
	return flags;
}

/* "\040" and the like, as in proc(5); in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned c;

		if (from[0] == '\\' && sscanf(from + 1, "%3o", &c) == 1) {
			*to = (char)c;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static bool is_beneath(const char *path, const char *top)
{
	const size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* Before Linux 5.12: one by one, each with the flags it has, some of which it may not lose. */
static int read_only_old(const char *top, struct err *e)
{
	auto_file FILE *f = fopen("/proc/self/mountinfo", "re");
	auto_free char *line = NULL;
	size_t cap = 0;

	if (!f)
		return err_errno(e, "cannot read the list of mounts");
	while (getline(&line, &cap, f) >= 0) {
		auto_free char *path = NULL;

		if (sscanf(line, "%*s %*s %*s %*s %ms", &path) != 1)
			continue;
		unescape(path);
		if (is_beneath(path, top) &&
			mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags_of(path),
				NULL) < 0)
			return err_errno(e, "cannot make '%s' read-only", path);
	}
	return 0;
}

/* With all that is mounted beneath. */
static int make_read_only(const char *path, struct err *e)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno == ENOSYS)
		return read_only_old(path, e);
	return err_errno(e, "cannot make '%s' read-only", path);
}

static int make_file(const char *path, struct err *e)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	return fd < 0 ? err_errno(e, "cannot make '%s'", path) : 0;
}

static int bind_file(const char *path, struct err *e)
{
	char target[PATH_MAX];
	int rc = in_root(path, target, e);

	if (rc == 0)
		rc = make_file(target, e);
	if (rc == 0 && mount(path, target, NULL, MS_BIND, NULL) < 0)
		rc = err_errno(e, "cannot show '%s'", path);
	return rc;
}

static int make_dir(const char *path, mode_t mode, struct err *e)
{
	char target[PATH_MAX];
	int rc = in_root(path, target, e);

	if (rc == 0 && mkdir(target, mode) < 0)
		rc = err_errno(e, "cannot make '%s'", target);
	return rc;
}

static int copy_link(const char *path, struct err *e)
{
	char to[PATH_MAX], target[PATH_MAX];
	int rc = in_root(path, target, e);
	ssize_t n;

	if (rc < 0)
		return rc;
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return err_errno(e, "cannot read '%s'", path);
	to[n] = '\0';
	return symlink(to, target) < 0 ? err_errno(e, "cannot make '%s'", target) : 0;
}

/* An entry of the host's root, read-only. */
static int show(const char *path, struct err *e)
{
	char target[PATH_MAX];
	struct stat st;
	int rc = in_root(path, target, e);

	/* Gone meanwhile, or of a file system that is not for us. */
	if (rc < 0 || lstat(path, &st) < 0)
		return rc;
	if (S_ISLNK(st.st_mode))
		return copy_link(path, e);
	if (S_ISREG(st.st_mode)) {
		rc = bind_file(path, e);
	} else if (S_ISDIR(st.st_mode)) {
		rc = make_dir(path, 0755, e);
		if (rc == 0 && mount(path, target, NULL, MS_BIND | MS_REC, NULL) < 0)
			rc = err_errno(e, "cannot show '%s'", path);
	} else {
		return 0;
	}
	return rc < 0 ? rc : make_read_only(target, e);
}

static const struct {
	const char *path;
	mode_t mode;
} own[] = {
	{"/dev", 0755},
	{"/proc", 0755},
	{"/root", 0700},
	{"/run", 0755},
	{"/shared", 0755}, /* what works there mounts its tmpfs itself */
	{"/tmp", 01777},
};

static bool is_own(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (strcmp(path, own[i].path) == 0)
			return true;
	}
	return false;
}

static int show_host(struct err *e)
{
	auto_dir DIR *d = opendir("/");
	const struct dirent *entry;
	int rc = 0;

	if (!d)
		return err_errno(e, "cannot read '/'");
	while (rc == 0 && (entry = readdir(d))) {
		char path[sizeof(entry->d_name) + 1];

		snprintf(path, sizeof(path), "/%s", entry->d_name);
		if (strcmp(path, "/.") != 0 && strcmp(path, "/..") != 0 && !is_own(path))
			rc = show(path, e);
	}
	return rc;
}

static int make_own(struct err *e)
{
	struct stat st;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(own) && rc == 0; i++)
		rc = make_dir(own[i].path, own[i].mode, e);
	if (rc == 0 && lstat(ROOT "/var/tmp", &st) == 0 && S_ISDIR(st.st_mode) &&
		mount("tmpfs", ROOT "/var/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
		rc = err_errno(e, "cannot mount '/var/tmp'");
	return rc;
}

/* The addresses of name servers are often in /run, which is not the host's here. */
static int show_resolver(struct err *e)
{
	auto_free char *path = realpath("/etc/resolv.conf", NULL);
	char dir[PATH_MAX];
	int rc;

	if (!path || !is_beneath(path, "/run"))
		return 0;
	rc = in_root(path, dir, e);
	if (rc < 0)
		return rc;
	*strrchr(dir, '/') = '\0';
	rc = fs_mkdir_p(AT_FDCWD, dir, 0755, e);
	if (rc == 0)
		rc = bind_file(path, e);
	return rc < 0 || in_root(path, dir, e) < 0 ? rc : make_read_only(dir, e);
}

static int build(const struct new_root_host *h, struct err *e)
{
	int rc;

	if (mount("tmpfs", ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0)
		return err_errno(e, "cannot mount a tmpfs");
	if ((rc = show_host(e)) < 0 || (rc = make_own(e)) < 0 ||
		(rc = new_root_devices(h, ROOT, e)) < 0 || (rc = show_resolver(e)) < 0)
		return rc;
	return new_root_proc(ROOT "/proc", e);
}

int local_root_enter(struct err *e)
{
	struct new_root_host host;
	int rc;

	umask(0);
	rc = new_root_open(&host, e);
	if (rc == 0)
		rc = build(&host, e);
	new_root_close(&host);
	if (rc == 0)
		rc = new_root_move(ROOT, e);
	if (rc == 0)
		rc = new_root_uncover(e);
	umask(022);
	return rc;
}

int local_root_share(struct err *e)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		return err_errno(e, "cannot share the mounts");
	return 0;
}

int local_root_proc(struct err *e)
{
	static const char sys[] = "/proc/sys";
	int rc;

	if (mount(NULL, "/proc", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(e, "cannot part from the other commands' '/proc'");
	rc = new_root_proc("/proc", e);
	if (rc < 0)
		return rc;
	if (mount(sys, sys, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_errno(e, "cannot mount '%s'", sys);
	return make_read_only(sys, e);
}
