/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"
#include "common/fs.h"
#include "controller/disk/disk_private.h"
#include "controller/disk/work_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const struct disk_program image_programs[] = {
	{"cp", "coreutils"},
	{"qemu-img", "qemu-utils"},
	{"sfdisk", "fdisk"},
	{"e2fsck", "e2fsprogs"},
	{"resize2fs", "e2fsprogs"},
};

static const struct disk_program tree_programs[] = {
	{"cp", "coreutils"},
	{"tar", "tar"},
	{"sfdisk", "fdisk"},
	{"mkfs.ext4", "e2fsprogs"},
	{"mformat", "mtools"},
	{"mcopy", "mtools"},
	{"qemu-img", "qemu-utils"},
};

static const struct disk_program debian_programs[] = {{"mmdebstrap", "mmdebstrap"}};

static const struct {
	const struct disk_step *open, *make;
	const struct disk_program *program;
	size_t n_programs;
} kinds[] = {
	[DISK_RAW] = {disk_image_open, disk_image_make, image_programs, ARRAY_LEN(image_programs)},
	[DISK_QCOW2] = {disk_image_open, disk_image_make, image_programs,
		ARRAY_LEN(image_programs)},
	[DISK_TAR] = {disk_tar_open, disk_tree_make, tree_programs, ARRAY_LEN(tree_programs)},
	[DISK_DIR] = {disk_dir_open, disk_tree_make, tree_programs, ARRAY_LEN(tree_programs)},
	[DISK_DEBIAN] = {disk_debian_open, disk_tree_make, tree_programs, ARRAY_LEN(tree_programs)},
};

static int run_steps(struct disk *d, const struct disk_step *s, struct err *e)
{
	int rc = 0;

	for (; s->name && rc == 0; s++) {
		char text[PATH_MAX + 64];

		if (cancel_requested())
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
		snprintf(text, sizeof(text), "%s%s%s%s", s->name, s->of_base ? " '" : "",
			s->of_base ? d->o.base : "", s->of_base ? "'" : "");
		if (d->o.say)
			d->o.say(d->o.ctx, text);
		rc = s->run(d, e);
		if (rc < 0)
			return err_ctx(e, "%s", text);
	}
	return rc;
}

/* Of the result: the folder that it is in. */
static void folder_of(const char *path, char out[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(out, PATH_MAX, ".");
	else
		snprintf(out, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static int set_paths(struct disk *d, struct err *e)
{
	/* For programs, that it is neither an option nor has a protocol. */
	const char *here = *d->o.result == '/' ? "" : "./";

	if (snprintf(d->work, sizeof(d->work), "%s%s.partial", here, d->o.result) >=
		(int)sizeof(d->work))
		return err_set(e, ERR_USAGE, ENAMETOOLONG, "'%s' is too long", d->o.result);
	snprintf(d->file, sizeof(d->file), "%s/disk", d->work);
	snprintf(d->root, sizeof(d->root), "%s/root", d->work);
	snprintf(d->out, sizeof(d->out), "%s/out", d->work);
	return d->kind == DISK_DEBIAN ? disk_debian_path(d, e) : 0;
}

static int check_room(struct disk *d, struct err *e)
{
	const bool tree = d->kind != DISK_RAW && d->kind != DISK_QCOW2;
	char folder[PATH_MAX];
	uint64_t need;
	int rc = tree ? disk_tree_need(d, &need, e) : disk_image_need(d, &need, e);

	folder_of(d->o.result, folder);
	return rc < 0 ? rc : disk_room(folder, need, e);
}

static int take_work(struct disk *d, struct err *e)
{
	int rc = work_folder_take(d->work, &d->work_fd, e);

	return rc < 0 ? rc : work_folder_clear(d->work_fd, e);
}

static int begin(struct disk *d, struct err *e)
{
	int rc = disk_kind_of(d->o.base, &d->kind, e);

	if (rc == 0)
		rc = disk_programs(kinds[d->kind].program, kinds[d->kind].n_programs, e);
	if (rc == 0)
		rc = set_paths(d, e);
	if (rc == 0 && d->kind == DISK_DEBIAN && access(d->cached, F_OK) < 0)
		rc = disk_programs(debian_programs, ARRAY_LEN(debian_programs), e);
	if (rc == 0)
		rc = check_room(d, e);
	if (rc == 0)
		rc = take_work(d, e);
	return rc < 0 ? rc : run_steps(d, kinds[d->kind].open, e);
}

int disk_open(const struct disk_options *o, struct disk **ret, struct err *e)
{
	struct disk *d;
	int rc;

	if (geteuid() != 0)
		return err_set(e, ERR_SYSTEM, EPERM,
			"disk images are made by root, for the owners of their files: use sudo");
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_oom(e);
	d->o = *o;
	d->work_fd = -1;
	rc = begin(d, e);
	if (rc < 0)
		disk_close(d);
	else
		*ret = d;
	return rc;
}

const char *disk_root(const struct disk *d)
{
	return d->root;
}

const char *disk_arch(const struct disk *d)
{
	return d->arch;
}

bool disk_has_esp(const struct disk *d)
{
	return d->esp;
}

int disk_make(struct disk *d, struct err *e)
{
	return run_steps(d, kinds[d->kind].make, e);
}

void disk_close(struct disk *d)
{
	struct err ignored = ERR_INIT;

	if (!d)
		return;
	if (d->mounted)
		disk_detach(d->root);
	if (d->work_fd >= 0) {
		/* What cannot be removed is for the next one to report. */
		if (work_folder_clear(d->work_fd, &ignored) == 0)
			(void)!rmdir(d->work);
		close(d->work_fd);
	}
	free(d);
}

/* --- the last steps of both kinds */

int disk_write(struct disk *d, struct err *e)
{
	const char *argv[] = {
		"qemu-img", "convert", "-f", "raw", "-O", "qcow2", d->file, d->out, NULL};

	if (d->o.format == IMAGE_QCOW2)
		return disk_run(&(struct disk_command){.argv = argv}, e);
	if (rename(d->file, d->out) < 0)
		return err_errno(e, "cannot rename '%s'", d->file);
	return 0;
}

int disk_place(struct disk *d, struct err *e)
{
	auto_close int fd = open(d->out, O_RDONLY | O_CLOEXEC);
	auto_close int dirfd = -1;
	char folder[PATH_MAX];

	folder_of(d->o.result, folder);
	dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0644) < 0 || (!d->o.transient && fsync(fd) < 0))
		return err_errno(e, "cannot write '%s'", d->out);
	if (dirfd < 0 || rename(d->out, d->o.result) < 0 || (!d->o.transient && fsync(dirfd) < 0))
		return err_errno(e, "cannot make '%s'", d->o.result);
	return 0;
}
