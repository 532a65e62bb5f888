/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure SECONDS PROGRAM [ARG...] ['|' PROGRAM [ARG...]]...
 *
 * Runs a pipeline once and prints the time from the first start to the last end, the processor time
 * of all of it, both in microseconds, and its peak memory in KiB. That is the sum over the programs
 * of the pipeline, each with what it started itself and waited for counted as the largest of those
 * (ru_maxrss): exact for one program, too low for a tar that starts its own decoder. The pipeline
 * is killed after SECONDS. A program that fails makes this fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAMS_MAX 8

static volatile sig_atomic_t group;

static void end_group(int signal)
{
	if (group > 0)
		kill(-group, SIGKILL);
	if (signal != SIGALRM)
		_exit(128 + signal);
}

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static long cpu_us(const struct rusage *u)
{
	return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000L + u->ru_utime.tv_usec +
	       u->ru_stime.tv_usec;
}

static int fail(const char *what, const char *name, int num)
{
	fprintf(stderr, "measure: %s '%s': %s\n", what, name, strerror(num));
	return -1;
}

/* Reads from in, writes to out, or to where this program's errors go when that is -1. */
static pid_t start(char **argv, int in, int out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	pid_t pid;
	int rc;

	posix_spawn_file_actions_init(&files);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&files, in, 0);
	else
		posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out >= 0 ? out : 2, 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attr, (pid_t)group);
	rc = posix_spawnp(&pid, argv[0], &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (rc != 0)
		return fail("cannot start", argv[0], rc);
	if (group == 0)
		group = pid;
	return pid;
}

static int start_all(char ***programs, int n, pid_t *ret_pids)
{
	int in = -1;

	for (int i = 0; i < n; i++) {
		int ends[2] = {-1, -1};

		if (i + 1 < n && pipe2(ends, O_CLOEXEC) < 0)
			return fail("no pipe for", programs[i][0], errno);
		ret_pids[i] = start(programs[i], in, ends[1]);
		if (in >= 0)
			close(in);
		if (ends[1] >= 0)
			close(ends[1]);
		in = ends[0];
		if (ret_pids[i] < 0)
			return -1;
	}
	return 0;
}

/* Cuts the arguments apart at each "|". */
static int split(char **argv, char ***ret_programs)
{
	int n = 0;

	ret_programs[n++] = argv;
	for (; *argv; argv++) {
		if (strcmp(*argv, "|") != 0)
			continue;
		*argv = NULL;
		if (n == PROGRAMS_MAX)
			return -1;
		ret_programs[n++] = argv + 1;
	}
	for (int i = 0; i < n; i++) {
		if (!ret_programs[i][0])
			return -1;
	}
	return n;
}

int main(int argc, char **argv)
{
	char **programs[PROGRAMS_MAX];
	pid_t pids[PROGRAMS_MAX];
	unsigned seconds = argc > 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	int n = argc > 2 ? split(argv + 2, programs) : -1;
	long begin, cpu = 0, kib = 0;
	struct rusage usage;
	int status, failed = 0;

	if (n < 1 || seconds == 0) {
		fprintf(stderr, "usage: measure SECONDS PROGRAM [ARG...] ['|' PROGRAM...]...\n");
		return 2;
	}
	signal(SIGALRM, end_group);
	signal(SIGINT, end_group);
	signal(SIGTERM, end_group);
	alarm(seconds);
	begin = now_us();
	if (start_all(programs, n, pids) < 0) {
		end_group(SIGALRM);
		return 4;
	}
	for (int i = 0; i < n; i++) {
		if (wait4(pids[i], &status, 0, &usage) != pids[i] || status != 0) {
			fprintf(stderr, "measure: '%s' failed with wait status %d\n",
				programs[i][0], status);
			failed = 1;
		}
		cpu += cpu_us(&usage);
		kib += usage.ru_maxrss;
	}
	printf("%ld %ld %ld\n", now_us() - begin, cpu, kib);
	return failed;
}
