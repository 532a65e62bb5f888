/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/machine_root.h"

#include "common/fs.h"
#include "controller/arch.h"
#include "controller/machine/machine_local.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define SHELL "/bin/sh"

static int no_root(const char *path, const char *why, struct err *e)
{
	return err_set(e, ERR_CONFIG, ENOENT,
		"'%s' is no root file system for x86_64 or aarch64: its " SHELL " %s", path, why);
}

/* Links in it stay in it. */
static int find_arch(const char *path, const char **ret, struct err *e)
{
	struct err ignored = ERR_INIT;
	auto_close int root = -1;
	auto_close int fd = -1;
	int rc = fs_root(path, &root, e);

	if (rc < 0)
		return rc;
	if (fs_open_file(root, SHELL, &fd, &ignored) < 0)
		return no_root(path, "cannot be opened", e);
	*ret = arch_of_program(fd);
	if (!*ret)
		return no_root(path, "is no program of 64 bits", e);
	return **ret ? 0 : no_root(path, "is for another architecture", e);
}

static int check_root(const char *path, struct err *e)
{
	struct stat host, st;

	if (stat(path, &st) < 0 || stat("/", &host) < 0) {
		err_errno(e, "root file system '%s'", path);
		e->kind = ERR_CONFIG;
		return -e->num;
	}
	if (st.st_dev == host.st_dev && st.st_ino == host.st_ino)
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%s' is the root of this machine: use a copy", path);
	if (geteuid() != 0)
		return err_set(e, ERR_SYSTEM, EPERM,
			"the root file system '%s' can be entered by root alone: use sudo", path);
	return 0;
}

int machine_root_new(const struct machine_root_options *o, struct machine **ret, struct err *e)
{
	const struct machine_local_options local = {
		.name = o->name, .root = o->root, .marker = o->run};
	const char *arch = NULL;
	struct utsname u;
	int rc;

	if ((rc = check_root(o->root, e)) < 0 || (rc = find_arch(o->root, &arch, e)) < 0)
		return rc;
	if (uname(&u) < 0 || strcmp(u.machine, arch) != 0)
		return err_set(e, ERR_NO_FIT, ENOEXEC,
			"'%s' is for %s, this machine is %s: bake it on one that is", o->root, arch,
			u.machine);
	rc = machine_local_new(&local, ret, e);
	if (rc == 0)
		snprintf((*ret)->place, sizeof((*ret)->place), "%.95s", o->root);
	return rc;
}
