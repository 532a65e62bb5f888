/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root is entered first and furnished then, so that no link in it leads to the host. Until it
 * is furnished the host's root lies above it, where descriptors of the host's devices can still be
 * mounted from.
 */
#include "controller/machine/root_enter.h"

#include "common/buf.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/machine/new_root.h"
#include "controller/machine/userdata.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOLVER     "/etc/resolv.conf"
#define POLICY       "/usr/sbin/policy-rc.d"
#define RESOLVER_MAX 65536
#define SECURE       (MS_NOSUID | MS_NODEV)

/* The host's name servers. One without has no network, or asks itself. */
static void read_resolver(struct buf *ret)
{
	struct err ignored = ERR_INIT;

	(void)!fs_read(AT_FDCWD, RESOLVER, ret, &ignored);
}

/* It lies at the same place as the host's root. */
static int move_there(const char *dir, struct err *e)
{
	if (mount(dir, dir, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_errno(e, "cannot change the root to '%s'", dir);
	return new_root_move(dir, e);
}

static int mount_all(struct err *e)
{
	static const struct {
		const char *path, *type;
		unsigned long flags;
		const char *data;
	} rows[] = {
		{"/proc", "proc", SECURE | MS_NOEXEC, NULL},
		{"/sys", "sysfs", SECURE | MS_NOEXEC | MS_RDONLY, NULL},
		{"/dev", "tmpfs", MS_NOSUID, "mode=755"},
		{"/run", "tmpfs", SECURE, "mode=755"},
		{"/tmp", "tmpfs", SECURE, "mode=1777"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* A root that is to boot has them. */
		if (mkdir(rows[i].path, 0755) < 0 && errno != EEXIST)
			return err_errno(e, "cannot make '%s'", rows[i].path);
		if (mount(rows[i].type, rows[i].path, rows[i].type, rows[i].flags, rows[i].data) <
			0)
			return err_errno(e, "cannot mount '%s'", rows[i].path);
	}
	return 0;
}

static int write_file(const char *path, mode_t mode, const char *text, size_t len, struct err *e)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	int rc = fd < 0 ? -errno : fs_write_all(fd, text, len);

	if (rc == 0 && fchmod(fd, mode) < 0)
		rc = -errno;
	if (rc < 0) {
		errno = -rc;
		return err_errno(e, "cannot write '%s'", path);
	}
	return 0;
}

/* What a controller that was killed has left here; neither file says anything when it is empty. */
static bool is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size == 0;
}

/* Above the file of that name, which is made where there is none, and then noted. */
static int cover(const char *path, const char *with, struct buf *made, struct err *e)
{
	/* A FIFO there would keep us waiting. */
	auto_close int fd =
		open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "cannot make '%s'", path);
	if (is_ours(&st) && buf_addf(made, "%s\n", path) < 0)
		return err_oom(e);
	if (mount(with, path, NULL, MS_BIND, NULL) < 0)
		return err_errno(e, "cannot cover '%s'", path);
	return 0;
}

/* A link to where a resolver would write leads into our /run. */
static int make_resolver(const struct buf *resolver, struct buf *made, struct err *e)
{
	static const char copy[] = "/run/shared-prep-resolv.conf";
	char to[PATH_MAX];
	ssize_t n = readlink(RESOLVER, to, sizeof(to) - 1);
	int rc = write_file(copy, 0644, buf_str(resolver), resolver->len, e);

	if (rc < 0 || n < 0)
		return rc < 0 ? rc : cover(RESOLVER, copy, made, e);
	to[n] = '\0';
	/* Where it leads elsewhere, that is there or it is of no use. */
	if (strncmp(to, "/run/", 5) != 0 && strncmp(to, "../run/", 7) != 0)
		return 0;
	n = strrchr(to, '/') - to;
	to[n] = '\0';
	rc = fs_mkdir_p(AT_FDCWD, to[0] == '.' ? to + 2 : to, 0755, e);
	to[n] = '/';
	return rc < 0 ? rc
		      : write_file(to[0] == '.' ? to + 2 : to, 0644, buf_str(resolver),
				resolver->len, e);
}

/* What invoke-rc.d(8) asks before it starts a service; 101: it is not to. */
static int make_policy(struct buf *made, struct err *e)
{
	static const char policy[] = "#!/bin/sh\nexit 101\n", copy[] = "/run/shared-prep-policy";
	int rc = write_file(copy, 0755, policy, sizeof(policy) - 1, e);

	if (rc < 0 || access("/usr/sbin/invoke-rc.d", F_OK) < 0)
		return rc;
	return cover(POLICY, copy, made, e);
}

static int furnish(const struct new_root_host *h, const struct buf *resolver, const char *marker,
	struct err *e)
{
	auto_buf struct buf made = BUF_INIT(4096);
	int rc;

	if ((rc = mount_all(e)) < 0 || (rc = new_root_devices(h, "", e)) < 0 ||
		(rc = make_resolver(resolver, &made, e)) < 0 || (rc = make_policy(&made, e)) < 0 ||
		(rc = write_file(ROOT_MADE, 0644, buf_str(&made), made.len, e)) < 0)
		return rc;
	return write_file(USERDATA_MARKER, 0644, marker, strlen(marker), e);
}

int root_enter(const char *dir, const char *marker, struct err *e)
{
	auto_buf struct buf resolver = BUF_INIT(RESOLVER_MAX);
	struct new_root_host host;
	int rc;

	umask(0);
	rc = new_root_open(&host, e);
	read_resolver(&resolver);
	if (rc == 0)
		rc = move_there(dir, e);
	if (rc == 0)
		rc = furnish(&host, &resolver, marker, e);
	new_root_close(&host);
	if (rc == 0)
		rc = new_root_uncover(e);
	umask(022);
	return rc;
}

static const char *const made_files[] = {RESOLVER, POLICY};

/* 0: it is there, as a file, a link or whatever. */
static int find(int root, const char *path, int *ret_parent, char name[static NAME_MAX + 1],
	struct stat *ret)
{
	struct err ignored = ERR_INIT;
	int rc = fs_open_parent(root, path, ret_parent, name, &ignored);

	if (rc == 0 && fstatat(*ret_parent, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
		rc = -errno;
	return rc;
}

unsigned root_lacks(const char *dir)
{
	struct err ignored = ERR_INIT;
	auto_close int root = -1;
	unsigned lacks = 0;

	if (fs_root(dir, &root, &ignored) < 0)
		return 0;
	for (unsigned i = 0; i < ARRAY_LEN(made_files); i++) {
		auto_close int parent = -1;
		char name[NAME_MAX + 1];
		struct stat st;

		int rc = find(root, made_files[i], &parent, name, &st);

		if (rc == -ENOENT || (rc == 0 && is_ours(&st)))
			lacks |= 1U << i;
	}
	return lacks;
}

void root_leave(const char *dir, unsigned lacks)
{
	struct err ignored = ERR_INIT;
	auto_close int root = -1;

	if (fs_root(dir, &root, &ignored) < 0)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(made_files); i++) {
		auto_close int parent = -1;
		char name[NAME_MAX + 1];
		struct stat st;

		if (lacks & 1U << i && find(root, made_files[i], &parent, name, &st) == 0 &&
			is_ours(&st))
			unlinkat(parent, name, 0);
	}
}
