/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/cpus.h"
#include "agent/unpack/unpack.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/progress.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

struct unpack_options {
	bool allow_devices;
	bool keep_suid;
	bool quiet;
	uint64_t max_bytes;
	uint64_t max_entries;
	uint64_t threads;
};

static const struct opt opts[] = {
	{OPT_FLAG, 0, "allow-devices", offsetof(struct unpack_options, allow_devices), NULL,
		"make devices and FIFOs too"},
	{OPT_FLAG, 0, "keep-suid", offsetof(struct unpack_options, keep_suid), NULL,
		"keep the setuid and setgid bits of files"},
	{OPT_SIZE, 0, "max-bytes", offsetof(struct unpack_options, max_bytes), "SIZE",
		"refuse an archive whose files are larger together"},
	{OPT_U64, 0, "max-entries", offsetof(struct unpack_options, max_entries), "N",
		"refuse an archive with more entries"},
	{OPT_U64, 0, "threads", offsetof(struct unpack_options, threads), "N",
		"as many threads (default: as many as CPUs are allowed)"},
	{OPT_FLAG, 'q', "quiet", offsetof(struct unpack_options, quiet), NULL, "show no progress"},
	{0},
};

static void on_progress(uint64_t bytes, void *ctx)
{
	progress_update(ctx, bytes);
}

static bool on_cancel(void *ctx)
{
	(void)ctx;
	return cancel_requested();
}

/* "." has no parent that names it. */
static int open_parent(const char *dir, int *ret_fd, char name[static NAME_MAX + 1], struct err *e)
{
	if (strcmp(dir, ".") != 0 && strcmp(dir, "./") != 0)
		return fs_open_parent(AT_FDCWD, dir, ret_fd, name, e);
	snprintf(name, NAME_MAX + 1, ".");
	return fs_open(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0, ret_fd, e);
}

/* What is free where the tree goes: in an existing directory, which may be a mount, or beside it.
 */
static int read_space(int parent, const char *name, struct unpack_request *r, struct err *e)
{
	auto_close int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statvfs fs;

	if (fstatvfs(fd >= 0 ? fd : parent, &fs) < 0)
		return err_errno(e, "unpack: cannot examine the target's file system");
	r->space = (uint64_t)fs.f_bavail * fs.f_frsize;
	r->inodes = fs.f_files > 0 ? (uint64_t)fs.f_favail : UINT64_MAX;
	return 0;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct unpack_options *o = options;
	const char *file = operands->argv[0];
	auto_close int archive = -1;
	auto_close int parent = -1;
	char tree[NAME_MAX + 1], what[300];
	struct unpack_result result;
	struct progress progress;
	struct unpack_request r = {
		.name = file,
		.tree = tree,
		.allow_devices = o->allow_devices,
		.keep_suid = o->keep_suid,
		.limits = unpack_default_limits,
		.threads = cpus_threads(o->threads),
		.progress = on_progress,
		.cancelled = on_cancel,
		.ctx = &progress,
	};
	struct stat st;
	int rc = fs_open(AT_FDCWD, file, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &archive, e);

	if (rc == 0)
		rc = open_parent(operands->argv[1], &parent, tree, e);
	if (rc == 0)
		rc = read_space(parent, tree, &r, e);
	if (rc < 0)
		return rc;
	if (o->max_bytes)
		r.limits.bytes = o->max_bytes;
	if (o->max_entries)
		r.limits.entries = o->max_entries;
	r.archive = archive;
	r.parent = parent;
	snprintf(what, sizeof(what), "unpack '%.250s'", file);
	cancel_setup();
	progress_start(
		&progress, what, fstat(archive, &st) == 0 ? (uint64_t)st.st_size : 0, o->quiet);
	rc = unpack_archive(&r, &result, e);
	progress_end(&progress);
	return rc;
}

const struct command cmd_unpack = {
	.name = "unpack",
	.operands = "ARCHIVE DIR",
	.summary = "unpack an archive safely into a new or empty directory",
	.opts = opts,
	.options_size = sizeof(struct unpack_options),
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
