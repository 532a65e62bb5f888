/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool COUNT PARALLEL PROGRAM [ARG...]
 *
 * Runs a program COUNT times, PARALLEL at a time: so many processes, each a bare loop of
 * posix_spawn(3) and waitpid(2) that does nothing else. Its standard input and output are
 * /dev/null. A program that fails ends it.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT_MAX    1000000
#define PARALLEL_MAX 64

static int run_all(long count, char **argv)
{
	posix_spawn_file_actions_t files;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	for (long i = 0; i < count; i++) {
		int rc = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);

		if (rc != 0) {
			fprintf(stderr, "pool: cannot start '%s': %s\n", argv[0], strerror(rc));
			return 4;
		}
		if (waitpid(pid, &status, 0) != pid || status != 0) {
			fprintf(stderr, "pool: '%s' failed with wait status %d\n", argv[0], status);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	long count = argc > 3 ? strtol(argv[1], NULL, 10) : 0;
	long parallel = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
	int status, failed = 0;

	if (count < 1 || count > COUNT_MAX || parallel < 1 || parallel > PARALLEL_MAX) {
		fprintf(stderr, "usage: pool COUNT PARALLEL PROGRAM [ARG...]\n");
		return 2;
	}
	for (long i = 0; i < parallel; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(run_all(count / parallel + (i < count % parallel), argv + 3));
		if (pid < 0) {
			perror("pool: cannot fork");
			return 4;
		}
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	return failed;
}
