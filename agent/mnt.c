/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/mnt_private.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#define SOURCE       "tmpfs"
#define WORDS        128
#define OPTIONS_TEXT (MNT_OPTIONS * (MNT_OPTION_TEXT + 2))

/* The last complaint in the log of a file system context: "e tmpfs: Bad value for 'size'". */
static void kernel_words(int fs, char words[static WORDS])
{
	char line[WORDS];
	ssize_t n;

	while ((n = read(fs, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		snprintf(words, WORDS, "%s", line[0] && line[1] == ' ' ? line + 2 : line);
	}
}

static int set_option(int fs, const char *option)
{
	char name[MNT_OPTION_TEXT];
	char *value;
	int rc;

	snprintf(name, sizeof(name), "%s", option);
	value = strchr(name, '=');
	if (value)
		*value++ = '\0';
	rc = fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, name, value, 0);
	return rc < 0 ? -errno : 0;
}

#define ALL_OPTIONS ((1U << MNT_OPTIONS) - 1)

/* A superblock with some of the taken options, mounted nowhere; it ends with its descriptor. Made
 * whole, as Linux before 5.4 looks at the options only then. -errno only. */
static int make_superblock(
	const struct mnt_options *o, unsigned which, int *ret_fs, char words[static WORDS])
{
	auto_close int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int rc;

	*words = '\0';
	if (fs < 0)
		return -errno;
	rc = set_option(fs, "source=" SOURCE);
	for (unsigned i = 0; i < o->n_taken && rc == 0; i++) {
		if (which & (1U << i))
			rc = set_option(fs, o->taken[i]);
	}
	if (rc == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		rc = -errno;
	if (rc < 0)
		kernel_words(fs, words);
	else if (ret_fs)
		*ret_fs = take_fd(&fs);
	return rc;
}

/* No such calls, or kept from us by missing privileges or a filter. */
static bool cannot_try(int rc)
{
	return rc == -ENOSYS || rc == -EPERM;
}

static void running_kernel(struct mnt_kernel *k)
{
	struct utsname u;

	*k = (struct mnt_kernel){0};
	if (uname(&u) == 0)
		sscanf(u.release, "%u.%u", &k->major, &k->minor);
	k->huge_pages = access("/sys/kernel/mm/transparent_hugepage/shmem_enabled", F_OK) == 0;
	k->selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
}

/* Each option alone first, so that what is dropped is what is not taken; then all together. */
static void try_each(struct mnt_options *o)
{
	const unsigned required = (1U << MNT_REQUIRED) - 1;
	char words[WORDS];

	for (unsigned i = o->n_taken; i-- > MNT_REQUIRED;) {
		if (make_superblock(o, required | 1U << i, NULL, words) < 0)
			mnt_options_drop(o, i);
	}
	while (o->n_taken > MNT_REQUIRED && make_superblock(o, ALL_OPTIONS, NULL, words) < 0)
		mnt_options_drop(o, o->n_taken - 1);
}

int mnt_probe(
	const struct tmpfs_plan *p, const char *context, struct mnt_options *ret, struct err *e)
{
	struct mnt_options o;
	struct mnt_kernel k;
	char words[WORDS];
	int rc;

	mnt_options_wanted(p, context, &o);
	rc = make_superblock(&o, (1U << MNT_REQUIRED) - 1, NULL, words);
	if (cannot_try(rc)) {
		running_kernel(&k);
		mnt_options_drop_for(&o, &k);
	} else if (rc < 0) {
		return err_set(e, ERR_SYSTEM, -rc, "the kernel does not take '%s,%s': %s",
			o.taken[0], o.taken[1], *words ? words : strerror(-rc));
	} else {
		try_each(&o);
	}
	*ret = o;
	return 0;
}

static int attach(int fs, int dirfd)
{
	auto_close int mount = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

	if (mount < 0)
		return -errno;
	if (move_mount(mount, "", dirfd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/* mount(2) takes no descriptor, but a path to one. */
static void fd_path(int fd, char out[static 32])
{
	snprintf(out, 32, "/proc/self/fd/%d", fd);
}

int mnt_mount_old(int dirfd, const struct mnt_options *o)
{
	static const char flags[] = ",nosuid,nodev";
	char text[OPTIONS_TEXT], target[32];
	struct err ignored = ERR_INIT;

	if (mnt_options_text(o, text, sizeof(text), &ignored) < 0)
		return -E2BIG;
	text[strlen(text) - strlen(flags)] = '\0';
	fd_path(dirfd, target);
	return mount(SOURCE, target, "tmpfs", MS_NOSUID | MS_NODEV, text) < 0 ? -errno : 0;
}

int mnt_mount(const char *path, const struct mnt_options *o, struct err *e)
{
	struct mnt_live live;
	char words[WORDS];
	auto_close int dirfd = -1;
	auto_close int fs = -1;
	int rc = mnt_live(path, &live, e);

	if (rc < 0)
		return rc;
	if (live.mounted)
		return err_set(e, ERR_SYSTEM, EBUSY, "mount '%s': there is a tmpfs already", path);
	dirfd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0)
		return err_errno(e, "mount '%s'", path);
	rc = make_superblock(o, ALL_OPTIONS, &fs, words);
	if (rc == 0)
		rc = attach(fs, dirfd);
	if (rc == -ENOSYS)
		rc = mnt_mount_old(dirfd, o);
	if (rc == -EPERM)
		return err_set(
			e, ERR_SYSTEM, EPERM, "mount '%s': not permitted: run as root", path);
	if (rc < 0)
		return err_set(e, ERR_SYSTEM, -rc, "mount '%s' with %s,%s: %s", path, o->taken[0],
			o->taken[1], *words ? words : strerror(-rc));
	return 0;
}

int mnt_reconfigure(int fd, uint64_t size, uint64_t nr_inodes, char words[static WORDS])
{
	auto_close int fs = fspick(fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
	char option[MNT_OPTION_TEXT];
	int rc;

	*words = '\0';
	if (fs < 0)
		return -errno;
	snprintf(option, sizeof(option), "size=%" PRIu64, size);
	rc = set_option(fs, option);
	snprintf(option, sizeof(option), "nr_inodes=%" PRIu64, nr_inodes);
	if (rc == 0)
		rc = set_option(fs, option);
	if (rc == 0 && fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		rc = -errno;
	if (rc < 0)
		kernel_words(fs, words);
	return rc;
}

static unsigned long live_flags(int fd)
{
	static const struct {
		unsigned long st, ms;
	} flag[] = {
		{ST_NOSUID, MS_NOSUID},
		{ST_NODEV, MS_NODEV},
		{ST_NOEXEC, MS_NOEXEC},
		{ST_SYNCHRONOUS, MS_SYNCHRONOUS},
		{ST_MANDLOCK, MS_MANDLOCK},
		{ST_NOATIME, MS_NOATIME},
		{ST_NODIRATIME, MS_NODIRATIME},
		{ST_RELATIME, MS_RELATIME},
	};
	unsigned long flags = 0;
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return MS_NOSUID | MS_NODEV;
	for (size_t i = 0; i < ARRAY_LEN(flag); i++) {
		if ((unsigned long)st.f_flags & flag[i].st)
			flags |= flag[i].ms;
	}
	return flags;
}

/* MS_REMOUNT sets the flags of the superblock and of this mount alike: read-only of the mount alone
 * must not reach the superblock, and is given back afterwards. */
int mnt_remount(const struct mnt_found *f, uint64_t size, uint64_t nr_inodes)
{
	unsigned long flags = live_flags(f->fd);
	char text[MNT_OPTION_TEXT], target[32];

	fd_path(f->fd, target);
	snprintf(text, sizeof(text), "size=%" PRIu64 ",nr_inodes=%" PRIu64, size, nr_inodes);
	if (mount(NULL, target, NULL, MS_REMOUNT | flags | (f->read_only ? MS_RDONLY : 0), text) <
		0)
		return -errno;
	if (f->mount_read_only && !f->read_only &&
		mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) < 0)
		return -errno;
	return 0;
}

static int say_in_use(const char *path, const struct mnt_live *live, uint64_t size,
	uint64_t nr_inodes, const char *words, struct err *e)
{
	char to[NUM_TEXT], used[NUM_TEXT];

	return err_set(e, ERR_SYSTEM, EBUSY,
		"re-size '%s' to %s and %" PRIu64 " inodes: %s and %" PRIu64
		" inodes are in use%s%s: left as it is",
		path, num_size_text(size, to), nr_inodes, num_size_text(live->used, used),
		live->used_inodes, *words ? ", " : "", words);
}

static int resize_found(const char *path, const struct mnt_found *f, uint64_t size,
	uint64_t nr_inodes, struct err *e)
{
	char words[WORDS] = "";
	int rc;

	if (f->fd < 0)
		return err_set(e, ERR_SYSTEM, ENOENT, "re-size '%s': it is not mounted", path);
	if (size == 0 || nr_inodes == 0)
		return say_in_use(path, &f->live, size, nr_inodes, words, e);
	rc = mnt_reconfigure(f->fd, size, nr_inodes, words);
	if (rc == -ENOSYS)
		rc = mnt_remount(f, size, nr_inodes);
	if (rc == -EINVAL && (size < f->live.used || nr_inodes < f->live.used_inodes))
		return say_in_use(path, &f->live, size, nr_inodes, words, e);
	if (rc == -EPERM)
		return err_set(
			e, ERR_SYSTEM, EPERM, "re-size '%s': not permitted: run as root", path);
	if (rc < 0)
		return err_set(e, ERR_SYSTEM, -rc, "re-size '%s' to %" PRIu64 " bytes: %s", path,
			size, *words ? words : strerror(-rc));
	return 0;
}

int mnt_resize(const char *path, uint64_t size, uint64_t nr_inodes, struct err *e)
{
	struct mnt_found f;
	int rc = mnt_find(path, &f, e);

	if (rc == 0)
		rc = resize_found(path, &f, size, nr_inodes, e);
	auto_close_fn(&f.fd);
	return rc;
}

int mnt_clone(int dirfd, int *ret_fd, struct err *e)
{
	int fd = open_tree(dirfd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (fd < 0 && errno == ENOSYS)
		return err_set(e, ERR_SYSTEM, ENOSYS,
			"looking beneath a mount needs Linux 5.2: unmount first");
	if (fd < 0)
		return err_errno(e, "cannot look beneath the mount");
	*ret_fd = fd;
	return 0;
}

int mnt_unmount(const char *path, bool lazy, struct err *e)
{
	struct mnt_live live;
	int rc = mnt_live(path, &live, e);

	if (rc < 0 || !live.mounted)
		return rc;
	if (umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	if (errno == EBUSY)
		return err_set(e, ERR_SYSTEM, EBUSY,
			"unmount '%s': it is in use: stop what runs from it, or use --lazy", path);
	return err_errno(e, "unmount '%s'", path);
}
