/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bench/jobs does to a spool, and to a folder that something else watches:
 *
 *     fill COUNT FILE SPOOL   writes copies of FILE in SPOOL/tmp and renames them into SPOOL/new
 *     await COUNT FOLDER      waits until a tmpfs's FOLDER holds so many folders
 *     latency COUNT SPOOL     submits jobs one by one, each when the last has been put away, and
 *                             prints the time from rename(2) to its main() in microseconds
 *     stamp                   is the job of that
 *     mark FIFO               writes one byte
 *     marks COUNT FIFO        reads so many
 *
 * What takes longer than 300 s is killed by SIGALRM.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_MAX 300
#define JOB_MAX     4096
#define US          1000L

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void nap(long us)
{
	struct timespec t = {.tv_nsec = us * US};

	nanosleep(&t, NULL);
}

static int fail(const char *what, const char *name)
{
	fprintf(stderr, "spool: cannot %s ", what);
	perror(name);
	return 4;
}

static int write_file(int dir, const char *path, const char *text, size_t len)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = fd < 0 || write(fd, text, len) != (ssize_t)len ? -1 : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

/* Returns when it was renamed, -1 for an error. */
static long long submit(int spool, const char *name, const char *text, size_t len)
{
	char from[64], to[64];
	long long begin;

	snprintf(from, sizeof(from), "tmp/%s", name);
	snprintf(to, sizeof(to), "new/%s", name);
	if (write_file(spool, from, text, len) < 0)
		return -1;
	begin = now_ns();
	return renameat(spool, from, spool, to) < 0 ? -1 : begin;
}

static int fill(long count, const char *file, const char *folder)
{
	int spool = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char name[32], text[JOB_MAX];
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (spool < 0 || len <= 0)
		return fail("read", spool < 0 ? folder : file);
	for (long i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "job-%08ld", i);
		if (submit(spool, name, text, (size_t)len) < 0)
			return fail("submit to", folder);
	}
	return 0;
}

/* A folder has a link from each folder in it, and two more. */
static int await(long count, const char *folder)
{
	struct stat st;

	for (;;) {
		if (stat(folder, &st) < 0)
			return fail("examine", folder);
		if ((long)st.st_nlink - 2 >= count)
			return 0;
		nap(500);
	}
}

/* The time that the job has printed. */
static long long read_stamp(int spool, const char *name)
{
	char path[64], text[32];
	ssize_t n = 0;

	snprintf(path, sizeof(path), "done/%s/stdout", name);
	for (;;) {
		int fd = openat(spool, path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0) {
			n = read(fd, text, sizeof(text) - 1);
			close(fd);
			break;
		}
		nap(1000);
	}
	text[n > 0 ? n : 0] = '\0';
	return strtoll(text, NULL, 10);
}

static int latency(long count, const char *folder)
{
	int spool = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char self[PATH_MAX], name[32], text[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (spool < 0 || n < 0)
		return fail("open", folder);
	n = snprintf(text, sizeof(text), "#!%.*s stamp\n", (int)n, self);
	for (long i = 0; i < count; i++) {
		long long begin, end;

		snprintf(name, sizeof(name), "late-%06ld", i);
		begin = submit(spool, name, text, (size_t)n);
		if (begin < 0)
			return fail("submit to", folder);
		nap(3000);
		end = read_stamp(spool, name);
		if (end <= begin)
			return fail("read the time of", name);
		printf("%lld\n", (end - begin) / US);
		nap(5000);
	}
	return 0;
}

static int stamp(long long now)
{
	printf("%lld\n", now);
	return 0;
}

static int mark(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "", 1) != 1 ? fail("write to", path) : 0;
}

static int marks(long count, const char *path)
{
	/* Not for reading alone: that would end when nobody writes. */
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char text[PIPE_BUF];

	while (count > 0) {
		ssize_t n = read(fd, text, sizeof(text));

		if (n <= 0)
			return fail("read", path);
		count -= n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	long long now = now_ns();
	const char *what = argc > 1 ? argv[1] : "";
	long count = argc > 3 ? strtol(argv[2], NULL, 10) : 0;

	alarm(SECONDS_MAX);
	if (strcmp(what, "stamp") == 0)
		return stamp(now);
	if (strcmp(what, "mark") == 0 && argc == 3)
		return mark(argv[2]);
	if (strcmp(what, "fill") == 0 && argc == 5 && count > 0)
		return fill(count, argv[3], argv[4]);
	if (strcmp(what, "await") == 0 && argc == 4 && count > 0)
		return await(count, argv[3]);
	if (strcmp(what, "latency") == 0 && argc == 4 && count > 0)
		return latency(count, argv[3]);
	if (strcmp(what, "marks") == 0 && argc == 4 && count > 0)
		return marks(count, argv[3]);
	fprintf(stderr, "usage: spool fill|await|latency|stamp|mark|marks ...\n");
	return 2;
}
