/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/new_root.h"

#include "common/auto.h"
#include "common/num.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const nodes[NEW_ROOT_NODES] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};

int new_root_open(struct new_root_host *ret, struct err *e)
{
	for (size_t i = 0; i < NEW_ROOT_NODES; i++)
		ret->node[i] = -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(e, "cannot part from the host's mounts");
	for (size_t i = 0; i < NEW_ROOT_NODES; i++) {
		ret->node[i] = open(nodes[i], O_PATH | O_CLOEXEC);
		if (ret->node[i] < 0)
			return err_errno(e, "cannot open '%s'", nodes[i]);
	}
	return 0;
}

void new_root_close(struct new_root_host *h)
{
	for (size_t i = 0; i < NEW_ROOT_NODES; i++)
		auto_close_fn(&h->node[i]);
}

static int show_node(int node, const char *path, struct err *e)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	char from[32];

	if (fd < 0)
		return err_errno(e, "cannot make '%s'", path);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", node);
	if (mount(from, path, NULL, MS_BIND, NULL) < 0)
		return err_errno(e, "cannot show '%s'", path);
	return 0;
}

static int make_pts(const char *top, struct err *e)
{
	char shm[PATH_MAX], pts[PATH_MAX];

	snprintf(shm, sizeof(shm), "%s/dev/shm", top);
	snprintf(pts, sizeof(pts), "%s/dev/pts", top);
	if (mkdir(shm, 01777) < 0 || mkdir(pts, 0755) < 0)
		return err_errno(e, "cannot make '%s' and '%s'", shm, pts);
	if (mount("devpts", pts, "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666,mode=620") < 0)
		return err_errno(e, "cannot mount '%s'", pts);
	return 0;
}

int new_root_devices(const struct new_root_host *h, const char *top, struct err *e)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
		{"pts/ptmx", "/dev/ptmx"},
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < NEW_ROOT_NODES; i++) {
		int rc;

		snprintf(path, sizeof(path), "%s%s", top, nodes[i]);
		rc = show_node(h->node[i], path, e);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		snprintf(path, sizeof(path), "%s%s", top, links[i][1]);
		if (symlink(links[i][0], path) < 0)
			return err_errno(e, "cannot make '%s'", path);
	}
	return make_pts(top, e);
}

int new_root_proc(const char *path, struct err *e)
{
	if (mount("proc", path, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_errno(e, "cannot mount '%s'", path);
	return 0;
}

int new_root_move(const char *dir, struct err *e)
{
	if (chdir(dir) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_errno(e, "cannot change the root to '%s'", dir);
	return 0;
}

int new_root_uncover(struct err *e)
{
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_errno(e, "cannot take off the host's root");
	return 0;
}
