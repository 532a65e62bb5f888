/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: archives of ours that lie (forge.h), unpacked in parallel into real directories
 * beneath FUZZ_SCRATCH and verified without writing. Both say the same; one thread and several make
 * the same tree, and so does the engine for other archives, which knows nothing of the index; what
 * is refused leaves nothing, and what lies beside stays as it is. With FUZZ_SHOW it prints what was
 * said of each.
 */
#include "agent/unpack/unpack.h"
#include "common/fs.h"
#include "tests/fuzz/forge.h"
#include "tests/hostile/tree_sum.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	struct unpack_result result;
	struct err err;
	bool good;
	char sum[DIGEST_TEXT]; /* of the tree */
};

static int scratch = -1;
static char scratch_path[4096];

static void remove_scratch(void)
{
	struct err e = ERR_INIT;

	if (fs_remove_tree(AT_FDCWD, scratch_path, &e) < 0)
		fprintf(stderr, "%s\n", e.msg);
}

static void fail(const char *what, const struct outcome *a, const struct outcome *b)
{
	fprintf(stderr, "fuzz_frames: %s\n", what);
	if (a)
		fprintf(stderr, "  %s %s\n", a->good ? "taken" : "refused", a->err.msg);
	if (b)
		fprintf(stderr, "  %s %s\n", b->good ? "taken" : "refused", b->err.msg);
	abort();
}

/* The time of a directory is that of its last new or lost name. */
static void check_surroundings(void)
{
	static struct stat want[2];
	static const char *const path[] = {"outside", "outside/victim"};
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(path); i++) {
		if (fstatat(scratch, path[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			fail("what lies beside is gone", NULL, NULL);
		st.st_atim = (struct timespec){0};
		if (want[i].st_ino == 0)
			want[i] = st;
		if (memcmp(&want[i], &st, sizeof(st)) != 0)
			fail("what lies beside was changed", NULL, NULL);
	}
	if (fstatat(scratch, "new/tree", &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		fail("something was left behind", NULL, NULL);
}

/* outside/victim is what names like "../outside/victim" lead to. */
static void make_scratch(void)
{
	const char *top = getenv("FUZZ_SCRATCH");
	auto_close int victim = -1;

	snprintf(scratch_path, sizeof(scratch_path), "%s/frames.XXXXXX", top ? top : "/tmp");
	if (!mkdtemp(scratch_path))
		abort();
	atexit(remove_scratch);
	scratch = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scratch < 0 || mkdirat(scratch, "outside", 0755) < 0 ||
		mkdirat(scratch, "new", 0755) < 0)
		abort();
	victim = openat(scratch, "outside/victim", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (victim < 0 || write(victim, "untouched", 9) != 9)
		abort();
	check_surroundings();
}

/* threads 0: verify only. */
static void run(int fd, const struct forged *f, unsigned threads, struct outcome *ret)
{
	auto_close int parent = openat(scratch, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct unpack_request r = {
		.archive = fd,
		.name = "fuzz",
		.parent = parent,
		.tree = "tree",
		.strip = f->strip ? "app_c5" : NULL,
		.keep_suid = f->keep_suid,
		.verify = threads == 0,
		.space = UINT64_MAX,
		.inodes = UINT64_MAX,
		.threads = threads ? threads : 2,
		.limits = {.bytes = 64U << 20, .entries = 10000, .decoder_memory = 16U << 20},
	};

	*ret = (struct outcome){.err = ERR_INIT};
	ret->good = unpack_archive(&r, &ret->result, &ret->err) == 0;
	if (getenv("FUZZ_SHOW"))
		fprintf(stderr, "threads %u: %s %s\n", threads, ret->good ? "taken" : "refused",
			ret->err.msg);
	if (ret->err.kind == ERR_BUG)
		fail("a bug says that it is one", ret, NULL);
	if (ret->good && threads > 0) {
		if (tree_sum(parent, "tree", ret->sum, &ret->err) < 0 ||
			fs_remove_tree(parent, "tree", &ret->err) < 0)
			fail("the tree cannot be read", ret, NULL);
	}
	check_surroundings();
}

static void compare(const char *what, const struct outcome *a, const struct outcome *b)
{
	if (a->good != b->good)
		fail(what, a, b);
	if (a->good &&
		(a->result.entries != b->result.entries || a->result.bytes != b->result.bytes ||
			a->result.largest != b->result.largest))
		fail(what, a, b);
	if (a->good && *a->sum && *b->sum && strcmp(a->sum, b->sum) != 0)
		fail(what, a, b);
}

/* The file system may refuse what the format does not: an attribute that is too long for it. */
static bool by_system(const struct outcome *o)
{
	return !o->good && o->err.kind == ERR_SYSTEM;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_close int fd = memfd_create("archive", MFD_CLOEXEC);
	struct outcome verify, many, one, other;
	struct forged f;

	if (scratch < 0)
		make_scratch();
	if (!forge(data, size, &f) ||
		write(fd, f.archive.data, f.archive.len) != (ssize_t)f.archive.len) {
		buf_free(&f.archive);
		return -1;
	}
	buf_free(&f.archive);
	run(fd, &f, 0, &verify);
	run(fd, &f, f.threads, &many);
	if (!by_system(&many) && !by_system(&verify))
		compare("verify and unpack differ", &verify, &many);
	if (!many.good)
		return 0;
	run(fd, &f, 1, &one);
	compare("one thread and several differ", &one, &many);
	if (ftruncate(fd, (off_t)f.trailer) < 0)
		abort();
	run(fd, &f, 1, &other);
	compare("the engines differ", &other, &many);
	return 0;
}
