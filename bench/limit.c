/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit decode THREADS ARCHIVE     decodes the zstd frames of an archive, into memory
 * limit write THREADS DIR TARGET   makes the files that DIR has in TARGET, an empty folder
 *
 * What no unpacker on so many threads can beat: each does one half of the work alone, with all that
 * has to be known for it listed beforehand, which is not measured. Writing makes folders first,
 * which is not measured either, then files of the right name, mode, size and time, and symbolic
 * links; the bytes come from a buffer that stays in the processor's cache, as decoded ones do. A
 * thread takes one folder's small files at a time. Prints microseconds, those of processor time,
 * and peak KiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#define THREADS_MAX     64
#define WRITE_SIZE      (1024 * 1024) /* of one write(2): larger ones are not faster */
#define LARGE_SIZE      (1024 * 1024) /* a file of this size is a piece of work of its own */
#define COST_OF_FILE    (16 * 1024)   /* making a file takes as long as writing so many bytes */
#define FRAME_PLAIN_MAX (64 << 20)

struct file {
	char *path; /* below DIR */
	const char *name;
	char *link;
	off_t size;
	mode_t mode;
	struct timespec mtime;
};

/* Frames from..to of the archive, or files from..to of one folder. */
struct piece {
	size_t from, to;
	size_t cost;
};

static struct piece *pieces;
static size_t n_pieces;
static atomic_size_t next_piece;

static int archive_fd;
static size_t packed_max, plain_max;

static struct file *files;
static size_t n_files;
static int target_fd;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *need(void *p)
{
	if (!p)
		die("memory");
	return p;
}

static void add_piece(struct piece p)
{
	if ((n_pieces & (n_pieces - 1)) == 0)
		pieces = need(realloc(pieces, (n_pieces ? 2 * n_pieces : 1) * sizeof(*pieces)));
	pieces[n_pieces++] = p;
}

static const struct piece *take_piece(void)
{
	size_t i = atomic_fetch_add(&next_piece, 1);

	return i < n_pieces ? &pieces[i] : NULL;
}

/* Frames */

static void list_frames(const char *path)
{
	struct stat st;
	const char *map;

	archive_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (archive_fd < 0 || fstat(archive_fd, &st) < 0)
		die(path);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, archive_fd, 0);
	if (map == MAP_FAILED)
		die(path);
	for (size_t at = 0, size; at < (size_t)st.st_size; at += size) {
		unsigned long long plain =
			ZSTD_getFrameContentSize(map + at, (size_t)st.st_size - at);

		size = ZSTD_findFrameCompressedSize(map + at, (size_t)st.st_size - at);
		if (ZSTD_isError(size) || plain == ZSTD_CONTENTSIZE_ERROR ||
			plain == ZSTD_CONTENTSIZE_UNKNOWN || plain > FRAME_PLAIN_MAX) {
			errno = EBADMSG;
			die(path);
		}
		if (plain == 0)
			continue;
		add_piece((struct piece){.from = at, .to = at + size});
		packed_max = size > packed_max ? size : packed_max;
		plain_max = plain > plain_max ? (size_t)plain : plain_max;
	}
	munmap((void *)map, (size_t)st.st_size);
}

static void *decode(void *unused)
{
	char *packed = need(malloc(packed_max)), *plain = need(malloc(plain_max));
	ZSTD_DCtx *ctx = need(ZSTD_createDCtx());
	const struct piece *p;

	(void)unused;
	while ((p = take_piece())) {
		size_t size = p->to - p->from;

		if (pread(archive_fd, packed, size, (off_t)p->from) != (ssize_t)size)
			die("read");
		if (ZSTD_isError(ZSTD_decompressDCtx(ctx, plain, plain_max, packed, size))) {
			errno = EBADMSG;
			die("decode");
		}
	}
	ZSTD_freeDCtx(ctx);
	free(plain);
	free(packed);
	return NULL;
}

/* Files */

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void add_file(const FTSENT *f, const char *path)
{
	char link[4096];
	ssize_t n;

	if ((n_files & (n_files - 1)) == 0)
		files = need(realloc(files, (n_files ? 2 * n_files : 1) * sizeof(*files)));
	files[n_files] = (struct file){
		.path = need(strdup(path)),
		.size = S_ISREG(f->fts_statp->st_mode) ? f->fts_statp->st_size : 0,
		.mode = f->fts_statp->st_mode & 07777,
		.mtime = f->fts_statp->st_mtim,
	};
	files[n_files].name = strrchr(files[n_files].path, '/');
	files[n_files].name = files[n_files].name ? files[n_files].name + 1 : files[n_files].path;
	if (S_ISLNK(f->fts_statp->st_mode)) {
		n = readlink(f->fts_accpath, link, sizeof(link) - 1);
		if (n < 0)
			die(path);
		link[n] = '\0';
		files[n_files].link = need(strdup(link));
	}
	n_files++;
}

/* A walk enters folders between files of the one above, so those are put together again. */
static int by_folder(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	size_t nx = (size_t)(x->name - x->path), ny = (size_t)(y->name - y->path);
	int order = memcmp(x->path, y->path, nx < ny ? nx : ny);

	if (order == 0)
		order = (nx > ny) - (nx < ny);
	return order ? order : strcmp(x->name, y->name);
}

static int by_cost(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->cost < y->cost) - (x->cost > y->cost);
}

static int is_same_folder(const struct file *a, const struct file *b)
{
	size_t n = (size_t)(a->name - a->path);

	return n == (size_t)(b->name - b->path) && memcmp(a->path, b->path, n) == 0;
}

static void list_pieces(void)
{
	size_t from = 0, cost = 0;

	for (size_t i = 0; i < n_files; i++) {
		if (i > from &&
			(!is_same_folder(&files[i], &files[from]) || files[i].size >= LARGE_SIZE ||
				files[i - 1].size >= LARGE_SIZE)) {
			add_piece((struct piece){.from = from, .to = i, .cost = cost});
			from = i;
			cost = 0;
		}
		cost += COST_OF_FILE + (size_t)files[i].size;
	}
	if (n_files > 0)
		add_piece((struct piece){.from = from, .to = n_files, .cost = cost});
	qsort(pieces, n_pieces, sizeof(*pieces), by_cost);
}

static void list_files(char *dir, const char *target)
{
	char *const roots[] = {dir, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *f;

	target_fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!walk || target_fd < 0)
		die(target);
	while ((f = fts_read(walk))) {
		const char *path = f->fts_path + strlen(dir) + 1;

		if (f->fts_info == FTS_D && f->fts_level > 0) {
			if (mkdirat(target_fd, path, f->fts_statp->st_mode & 07777) < 0)
				die(path);
		} else if (f->fts_info == FTS_F || f->fts_info == FTS_SL ||
			   f->fts_info == FTS_SLNONE) {
			add_file(f, path);
		}
	}
	fts_close(walk);
	qsort(files, n_files, sizeof(*files), by_folder);
	list_pieces();
}

static void write_file(int dir, const struct file *f, const char *buffer)
{
	const struct timespec times[2] = {f->mtime, f->mtime};
	int fd;

	if (f->link) {
		if (symlinkat(f->link, dir, f->name) < 0 ||
			utimensat(dir, f->name, times, AT_SYMLINK_NOFOLLOW) < 0)
			die(f->path);
		return;
	}
	fd = openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, f->mode);
	if (fd < 0)
		die(f->path);
	for (off_t left = f->size; left > 0;) {
		ssize_t n = write(fd, buffer, left < WRITE_SIZE ? (size_t)left : WRITE_SIZE);

		if (n <= 0)
			die(f->path);
		left -= n;
	}
	if (futimens(fd, times) < 0)
		die(f->path);
	close(fd);
}

static void *write_files(void *unused)
{
	char *buffer = need(malloc(WRITE_SIZE));
	const struct piece *p;

	(void)unused;
	memset(buffer, 'x', WRITE_SIZE);
	while ((p = take_piece())) {
		const struct file *first = &files[p->from];
		int dir = target_fd;

		if (first->name > first->path) {
			char *path =
				need(strndup(first->path, (size_t)(first->name - first->path)));

			dir = openat(target_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
			if (dir < 0)
				die(path);
			free(path);
		}
		for (size_t i = p->from; i < p->to; i++)
			write_file(dir, &files[i], buffer);
		if (dir != target_fd)
			close(dir);
	}
	free(buffer);
	return NULL;
}

static long time_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static void run(void *(*work)(void *), int threads)
{
	pthread_t ids[THREADS_MAX];
	struct rusage usage;
	long wall = time_us(CLOCK_MONOTONIC), cpu = time_us(CLOCK_PROCESS_CPUTIME_ID);

	for (int i = 0; i < threads; i++) {
		errno = pthread_create(&ids[i], NULL, work, NULL);
		if (errno)
			die("thread");
	}
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	wall = time_us(CLOCK_MONOTONIC) - wall;
	cpu = time_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	getrusage(RUSAGE_SELF, &usage);
	printf("%ld %ld %ld\n", wall, cpu, usage.ru_maxrss);
}

int main(int argc, char **argv)
{
	int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;

	umask(0);
	if (threads >= 1 && threads <= THREADS_MAX && argc == 4 && strcmp(argv[1], "decode") == 0) {
		list_frames(argv[3]);
		run(decode, threads);
	} else if (threads >= 1 && threads <= THREADS_MAX && argc == 5 &&
		   strcmp(argv[1], "write") == 0) {
		list_files(argv[3], argv[4]);
		run(write_files, threads);
	} else {
		fprintf(stderr,
			"usage: limit decode THREADS ARCHIVE | limit write THREADS DIR TARGET\n");
		return 2;
	}
	return 0;
}
