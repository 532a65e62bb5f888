/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damage HOW DIR ARCHIVE COUNT SEED: unpacks ARCHIVE beneath DIR with one thing wrong at a time.
 *
 *   cut         cut short at every multiple of 4 KiB, around each frame of ours, and at the last
 *               COUNT bytes
 *   flip        COUNT bits flipped, each at a random place
 *   flip-blind  the same of a format without checksums: the tree may be another
 *
 * Each is refused as bad data, leaves nothing, and is refused by verify too; or it gives the tree
 * of the sound archive. Prints how many were what; a wrong one ends it with status 1.
 */
#include "agent/archive.h"
#include "agent/unpack/unpack.h"
#include "common/digest.h"
#include "common/fs.h"
#include "common/num.h"
#include "tests/hostile/tree_sum.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define WORKERS 2
#define STEP    4096

struct damage {
	const char *dir;
	const char *archive;
	bool cut, blind;
	uint64_t count, seed;

	int memory;      /* a copy of the archive */
	uint64_t size;   /* of it */
	uint64_t *where; /* bytes left, or bits */
	size_t n;
	char want[DIGEST_TEXT];
	uint64_t refused, same, other;
};

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

static int copy_archive(struct damage *d, struct err *e)
{
	auto_buf struct buf all = BUF_INIT(64 * MIB);

	if (fs_read(AT_FDCWD, d->archive, &all, e) < 0)
		return -e->num;
	d->memory = memfd_create("archive", MFD_CLOEXEC);
	if (d->memory < 0 || write(d->memory, all.data, all.len) != (ssize_t)all.len)
		return err_errno(e, "cannot copy '%s'", d->archive);
	d->size = all.len;
	return 0;
}

static int downwards(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static void add_cut(struct damage *d, uint64_t at)
{
	if (at < d->size)
		d->where[d->n++] = at;
}

static int plan_cuts(struct damage *d, struct err *e)
{
	struct archive_index index = {0};
	int rc = archive_read_trailer(d->memory, d->archive, NULL, &index, e);

	if (rc < 0 && rc != -ENODATA)
		return rc;
	d->where = calloc(
		d->size / STEP + d->count + 3 * (size_t)index.n_frames + 16, sizeof(*d->where));
	if (!d->where)
		return err_oom(e);
	for (uint64_t at = 0; at < d->size; at += STEP)
		add_cut(d, at);
	for (uint64_t i = 1; i <= d->count && i <= d->size; i++)
		add_cut(d, d->size - i);
	for (uint32_t k = 0; k < index.n_frames; k++)
		for (uint64_t i = 0; i < 3; i++)
			add_cut(d, index.frame[k].offset + index.frame[k].packed - 1 + i);
	archive_index_free(&index);
	qsort(d->where, d->n, sizeof(*d->where), downwards);
	return 0;
}

static int plan_flips(struct damage *d, struct err *e)
{
	uint64_t state = d->seed;

	d->n = d->count;
	d->where = calloc(d->n + 1, sizeof(*d->where));
	if (!d->where)
		return err_oom(e);
	for (size_t i = 0; i < d->n; i++)
		d->where[i] = next_random(&state) % (8 * d->size);
	return 0;
}

static int flip(const struct damage *d, uint64_t bit, struct err *e)
{
	off_t at = (off_t)(bit / 8);
	uint8_t byte;

	if (pread(d->memory, &byte, 1, at) != 1)
		return err_errno(e, "cannot read the copy");
	byte ^= (uint8_t)(1U << bit % 8);
	return pwrite(d->memory, &byte, 1, at) == 1 ? 0 : err_errno(e, "cannot write the copy");
}

static int run(
	const struct damage *d, int parent, const char *tree, unsigned threads, struct err *e)
{
	const struct unpack_request r = {
		.archive = d->memory,
		.name = d->archive,
		.parent = parent,
		.tree = tree,
		.keep_suid = true,
		.verify = tree == NULL,
		.space = UINT64_MAX,
		.inodes = UINT64_MAX,
		.threads = threads,
		.limits = unpack_default_limits,
	};
	struct unpack_result result;

	return unpack_archive(&r, &result, e);
}

/* The copy is damaged. Returns 0 where that does no harm. */
static int judge(struct damage *d, int parent, const char *tree, size_t i, struct err *e)
{
	struct err unpack = ERR_INIT, verify = ERR_INIT;
	const unsigned threads = (unsigned)(1 + i % 3);
	const int u = run(d, parent, tree, threads, &unpack);
	const int v = run(d, parent, NULL, threads, &verify);
	char sum[DIGEST_TEXT];
	struct stat st;

	if ((u < 0) != (v < 0))
		return err_set(e, ERR_BUG, EINVAL, "unpack and verify differ: '%s' / '%s'",
			unpack.msg, verify.msg);
	if (u < 0) {
		d->refused++;
		if (unpack.kind != ERR_DATA || verify.kind != ERR_DATA)
			return err_set(e, ERR_BUG, EINVAL, "not as bad data: %s", unpack.msg);
		if (fstatat(parent, tree, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
			return err_set(e, ERR_BUG, EEXIST, "something was left behind");
		return 0;
	}
	if (tree_sum(parent, tree, sum, e) < 0 || fs_remove_tree(parent, tree, e) < 0)
		return -e->num;
	if (strcmp(sum, d->want) == 0)
		d->same++;
	else if (d->blind)
		d->other++;
	else
		return err_set(e, ERR_BUG, EINVAL, "a wrong tree was called right");
	return 0;
}

static int damage_one(struct damage *d, int parent, const char *tree, size_t i, struct err *e)
{
	const uint64_t at = d->where[i];
	int rc = 0;

	if (d->cut && ftruncate(d->memory, (off_t)at) < 0)
		return err_errno(e, "cannot cut the copy");
	if (!d->cut)
		rc = flip(d, at, e);
	if (rc == 0)
		rc = judge(d, parent, tree, i, e);
	if (rc < 0)
		return err_ctx(e, "%s %" PRIu64, d->cut ? "cut at byte" : "flipped bit", at);
	return d->cut ? 0 : flip(d, at, e);
}

/* Each worker has a copy and a share of the places. */
static int work(struct damage *d, unsigned worker, int report)
{
	auto_close int parent = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = ERR_INIT;
	uint64_t counts[3];
	char tree[32];
	int rc = copy_archive(d, &e);

	snprintf(tree, sizeof(tree), "damaged.%u", worker);
	for (size_t i = worker; rc == 0 && i < d->n; i += WORKERS)
		rc = damage_one(d, parent, tree, i, &e);
	if (rc < 0)
		fprintf(stderr, "damage: %s\n", e.msg);
	counts[0] = d->refused;
	counts[1] = d->same;
	counts[2] = d->other;
	return write(report, counts, sizeof(counts)) == sizeof(counts) && rc == 0 ? 0 : 1;
}

static int prepare(struct damage *d, struct err *e)
{
	auto_close int parent = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = parent < 0 ? err_errno(e, "cannot open '%s'", d->dir) : copy_archive(d, e);

	if (rc == 0)
		rc = run(d, parent, "sound", 2, e);
	if (rc == 0)
		rc = tree_sum(parent, "sound", d->want, e);
	if (rc == 0)
		rc = fs_remove_tree(parent, "sound", e);
	if (rc == 0)
		rc = d->cut ? plan_cuts(d, e) : plan_flips(d, e);
	return rc;
}

static int run_workers(struct damage *d)
{
	int pipes[2], failed = 0, status;
	uint64_t counts[3];

	if (pipe(pipes) < 0)
		return 1;
	for (unsigned i = 0; i < WORKERS; i++)
		if (fork() == 0)
			_exit(work(d, i, pipes[1]));
	close(pipes[1]);
	while (read(pipes[0], counts, sizeof(counts)) == sizeof(counts)) {
		d->refused += counts[0];
		d->same += counts[1];
		d->other += counts[2];
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	printf("%zu: %" PRIu64 " refused, %" PRIu64 " without effect, %" PRIu64 " another tree\n",
		d->n, d->refused, d->same, d->other);
	return failed || d->refused + d->same + d->other != d->n;
}

int main(int argc, char **argv)
{
	struct damage d = {.memory = -1};
	struct err e = ERR_INIT;
	int rc;

	if (argc != 6 || num_u64(argv[4], 0, 1000000, &d.count, &e) < 0 ||
		num_u64(argv[5], 0, UINT64_MAX, &d.seed, &e) < 0) {
		fprintf(stderr, "usage: damage cut|flip|flip-blind DIR ARCHIVE COUNT SEED\n");
		return 2;
	}
	d.cut = strcmp(argv[1], "cut") == 0;
	d.blind = strcmp(argv[1], "flip-blind") == 0;
	d.dir = argv[2];
	d.archive = argv[3];
	if (prepare(&d, &e) < 0) {
		fprintf(stderr, "damage: %s\n", e.msg);
		return 1;
	}
	rc = run_workers(&d);
	free(d.where);
	return rc;
}
