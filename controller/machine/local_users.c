/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/local_users.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_proc(pid_t pid, const char *name, const char *text, struct err *e)
{
	char path[64];
	auto_close int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* Linux wants a map in one write. */
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_errno(e, "cannot give it the users of this machine");
	return 0;
}

/* Root: everybody is who he is. Else we are its root, and there is nobody else. */
static int map_ids(pid_t pid, const char *name, unsigned id, struct err *e)
{
	char ours[64], text[4096] = "";
	unsigned first, count;
	size_t len = 0;
	auto_file FILE *f = NULL;

	snprintf(ours, sizeof(ours), "/proc/self/%s", name);
	if (geteuid() != 0) {
		snprintf(text, sizeof(text), "0 %u 1\n", id);
		return write_proc(pid, name, text, e);
	}
	f = fopen(ours, "re");
	if (!f)
		return err_errno(e, "cannot read '%s'", ours);
	while (len < sizeof(text) - 64 && fscanf(f, "%u %*u %u", &first, &count) == 2)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%u %u %u\n", first, first, count);
	return write_proc(pid, name, text, e);
}

int local_users_map(pid_t pid, struct err *e)
{
	int rc = geteuid() == 0 ? 0 : write_proc(pid, "setgroups", "deny", e);

	if (rc == 0)
		rc = map_ids(pid, "uid_map", geteuid(), e);
	return rc < 0 ? rc : map_ids(pid, "gid_map", getegid(), e);
}

/* Another process has to: what enters a namespace has no rights left outside it. */
static _Noreturn void map_when_told(int told)
{
	struct err e = ERR_INIT;
	char c;

	if (read(told, &c, 1) != 1)
		_exit(1);
	_exit(local_users_map(getppid(), &e) < 0 ? 1 : 0);
}

int local_users_lock(struct err *e)
{
	auto_close int told = -1;
	auto_close int tell = -1;
	int ends[2], status = -1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, "cannot make a pipe");
	told = ends[0];
	tell = ends[1];
	pid = fork();
	if (pid == 0) {
		close(take_fd(&tell));
		map_when_told(told);
	}
	if (pid < 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || write(tell, "", 1) != 1)
		return err_errno(e, "cannot lock its mounts");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0)
		return err_set(e, ERR_SYSTEM, EPERM, "cannot give it its users");
	return 0;
}
