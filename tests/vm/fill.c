// SPDX-License-Identifier: Apache-2.0
/*
 * fill KIND DIR   fills DIR (empty, made if need be) with one kind of thing until the file system
 *                 refuses, and prints `kind=K count=N bytes=B errno=NAME`.
 *                 Exit 0: refused with ENOSPC, 1: with anything else, 77: no such kind here.
 * fill hold MIB   touches MIB MiB, prints `ready`, goes on touching every page until
 *                 its standard input is closed.
 *
 * Static, and it allocates nothing while it fills: it runs where memory is short.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define COUNTOF(a)       (sizeof(a) / sizeof((a)[0]))
#define EXIT_UNSUPPORTED 77

static char block[1 << 20];

/* Each makes the n-th thing in the directory and returns the bytes of data in it, or -errno. */

static ssize_t make_block(int dir, size_t n)
{
	static int fd = -1;

	(void)n;
	if (fd < 0)
		fd = openat(dir, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ssize_t written = write(fd, block, sizeof(block));
	return written < 0 ? -errno : written;
}

static int make_file(int dir, const char *name, size_t bytes)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	ssize_t written = write(fd, block, bytes);
	int r = written < 0 ? -errno : (int)written;
	close(fd);
	return r;
}

static ssize_t make_byte(int dir, size_t n)
{
	char name[32];

	snprintf(name, sizeof(name), "%zu", n);
	return make_file(dir, name, 1);
}

static ssize_t make_empty(int dir, size_t n)
{
	char name[32];

	snprintf(name, sizeof(name), "%zu", n);
	return make_file(dir, name, 0);
}

static ssize_t make_long_name(int dir, size_t n)
{
	char name[256];

	snprintf(name, sizeof(name), "%0255zu", n);
	return make_file(dir, name, 0);
}

static ssize_t make_directory(int dir, size_t n)
{
	char name[32];

	snprintf(name, sizeof(name), "%zu", n);
	return mkdirat(dir, name, 0700) < 0 ? -errno : 0;
}

/* The longest target that tmpfs keeps beside the inode, not in a page that size= counts. */
static ssize_t make_symlink(int dir, size_t n)
{
	char name[32], target[128];

	snprintf(name, sizeof(name), "%zu", n);
	snprintf(target, sizeof(target), "%0127zu", n);
	return symlinkat(target, dir, name) < 0 ? -errno : 0;
}

static ssize_t make_link(int dir, size_t n)
{
	char name[32];

	if (n == 0)
		return make_file(dir, "target", 0);
	snprintf(name, sizeof(name), "%zu", n);
	return linkat(dir, "target", dir, name, 0) < 0 ? -errno : 0;
}

static ssize_t make_xattr(int dir, size_t n)
{
	char name[32];

	snprintf(name, sizeof(name), "user.%zu", n);
	return fsetxattr(dir, name, block, 1, XATTR_CREATE) < 0 ? -errno : 0;
}

static const struct kind {
	const char *name;
	ssize_t (*make)(int dir, size_t n);
} kinds[] = {
	{"file", make_block},
	{"bytes", make_byte},
	{"empty", make_empty},
	{"directories", make_directory},
	{"symlinks", make_symlink},
	{"names", make_long_name},
	{"links", make_link},
	{"xattrs", make_xattr},
};

static int fill(const struct kind *kind, const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		perror(path);
		return EXIT_FAILURE;
	}
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		perror(path);
		return EXIT_FAILURE;
	}
	memset(block, 'x', sizeof(block));

	size_t count = 0;
	uint64_t bytes = 0;
	ssize_t made;
	while ((made = kind->make(dir, count)) >= 0) {
		bytes += (uint64_t)made;
		count++;
	}
	int refusal = (int)-made;
	printf("kind=%s count=%zu bytes=%ju errno=%s\n", kind->name, count, (uintmax_t)bytes,
		strerrorname_np(refusal));
	if (refusal == EOPNOTSUPP)
		return EXIT_UNSUPPORTED;
	return refusal == ENOSPC ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int hold(size_t mib)
{
	size_t bytes = mib << 20, page = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	for (char round = 1;; round++) {
		for (size_t i = 0; i < bytes; i += page)
			memory[i] = round;
		if (round == 1) {
			puts("ready");
			fflush(stdout);
		}
		if (poll(&input, 1, 200) > 0)
			return EXIT_SUCCESS;
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "hold") == 0) {
		char *end;
		size_t mib = strtoul(argv[2], &end, 10);
		if (mib > 0 && *end == '\0')
			return hold(mib);
	}
	for (size_t i = 0; argc == 3 && i < COUNTOF(kinds); i++)
		if (strcmp(argv[1], kinds[i].name) == 0)
			return fill(&kinds[i], argv[2]);

	fputs("usage: fill KIND DIR | fill hold MIB\nkinds:", stderr);
	for (size_t i = 0; i < COUNTOF(kinds); i++)
		fprintf(stderr, " %s", kinds[i].name);
	fputs("\n", stderr);
	return 2;
}
