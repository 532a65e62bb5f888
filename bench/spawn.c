/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn COUNT PROGRAM [ARG...] [-- PROGRAM [ARG...]]
 *
 * Starts the first program COUNT times, after each of them the second, which is not measured.
 * Prints the median of the time from posix_spawn(3) to the end in microseconds, and of the peak
 * memory in KiB (ru_maxrss; not below this program's own). A program that fails ends it.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define COUNT_MAX 10000

static posix_spawn_file_actions_t quiet;

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static void run(char **argv, struct rusage *ret)
{
	pid_t pid;
	int status, rc = posix_spawn(&pid, argv[0], &quiet, NULL, argv, environ);

	if (rc != 0) {
		fprintf(stderr, "spawn: cannot start '%s': %s\n", argv[0], strerror(rc));
		exit(4);
	}
	if (wait4(pid, &status, 0, ret) != pid || status != 0) {
		fprintf(stderr, "spawn: '%s' failed with wait status %d\n", argv[0], status);
		exit(1);
	}
}

static int compare(const void *a, const void *b)
{
	const long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static long median(long *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

int main(int argc, char **argv)
{
	static long us[COUNT_MAX], kib[COUNT_MAX];
	struct rusage usage;
	char **after = NULL;
	int count = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;

	if (count < 1 || count > COUNT_MAX) {
		fprintf(stderr, "usage: spawn COUNT PROGRAM [ARG...] [-- PROGRAM [ARG...]]\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			argv[i] = NULL;
			after = argv + i + 1;
			break;
		}
	}
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < count; i++) {
		long start = now_us();

		run(argv + 2, &usage);
		us[i] = now_us() - start;
		kib[i] = usage.ru_maxrss;
		if (after)
			run(after, &usage);
	}
	printf("%ld %ld\n", median(us, count), median(kib, count));
	return 0;
}
