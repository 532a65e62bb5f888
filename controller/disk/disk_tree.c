/* SPDX-License-Identifier: Apache-2.0 */
/* A base that is a root: a copy of it in a folder, and from that a disk. */
#include "common/digest.h"
#include "common/fs.h"
#include "controller/disk/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* Compressed, a root takes a third to a quarter. */
#define COMPRESSION 4

/* What the kernel, firmware and journal take beside. */
#define BESIDE (512 * MIB)

/* A bootstrapped root, roughly. */
#define DEBIAN_BYTES (700 * MIB)

static int tar_need(const char *path, uint64_t *ret, struct err *e)
{
	unsigned char head[DISK_HEAD] = {0};
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || pread(fd, head, sizeof(head), 0) < 0)
		return err_errno(e, "cannot read '%s'", path);
	*ret = (uint64_t)st.st_size * (memcmp(head + 257, "ustar", 5) == 0 ? 1 : COMPRESSION);
	return 0;
}

/* The tree, the image, and where it is qcow2 that too. */
int disk_tree_need(struct disk *d, uint64_t *ret, struct err *e)
{
	struct disk_sum sum = {.bytes = DEBIAN_BYTES};
	int rc = 0;

	if (d->kind == DISK_DIR)
		rc = disk_tree_sum(d->o.base, &sum, e);
	else if (d->kind == DISK_TAR)
		rc = tar_need(d->o.base, &sum.bytes, e);
	if (rc < 0)
		return rc;
	*ret = (sum.bytes + d->o.room) * (d->o.format == IMAGE_QCOW2 ? 3 : 2) + BESIDE;
	return 0;
}

static int make_root(const struct disk *d, struct err *e)
{
	return mkdir(d->root, 0755) < 0 ? err_errno(e, "cannot make '%s'", d->root) : 0;
}

static int unpack_file(struct disk *d, const char *file, struct err *e)
{
	const char *argv[] = {"tar", "--force-local", "--numeric-owner", "--xattrs",
		"--xattrs-include=*", "-xpf", file, "-C", d->root, NULL};
	int rc = make_root(d, e);

	if (rc == 0)
		rc = disk_run(&(struct disk_command){.argv = argv, .kind = ERR_DATA}, e);
	return rc < 0 ? rc : disk_root_arch(d, e);
}

static int unpack(struct disk *d, struct err *e)
{
	return unpack_file(d, d->o.base, e);
}

static int copy(struct disk *d, struct err *e)
{
	char from[PATH_MAX];
	const char *argv[] = {"cp", "-a", "-x", "--reflink=auto", "--", from, d->root, NULL};
	int rc = make_root(d, e);

	if (snprintf(from, sizeof(from), "%s/.", d->o.base) >= (int)sizeof(from))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", d->o.base);
	if (rc == 0)
		rc = disk_run(&(struct disk_command){.argv = argv}, e);
	return rc < 0 ? rc : disk_root_arch(d, e);
}

/* --- debian:SUITE */

/* For a machine in a cloud, whose network comes by DHCP. The recipe is a part of the name under
 * which the result is kept. */
static const char *const recipe[] = {
	"mmdebstrap",
	"--quiet",
	"--variant=minbase",
	"--mode=root",
	"--format=tar",
	"--dpkgopt=force-unsafe-io",
	"--dpkgopt=path-exclude=/usr/share/doc/*",
	"--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*",
	"--aptopt=Acquire::Languages \"none\"",
	("--customize-hook=printf '[Match]\\nName=en* eth*\\n[Network]\\nDHCP=yes\\n'"
	 " >\"$1/etc/systemd/network/80-dhcp.network\""),
	"--customize-hook=chroot \"$1\" systemctl enable systemd-networkd",
	"--customize-hook=: >\"$1/etc/machine-id\"; echo localhost >\"$1/etc/hostname\"",
};

#define INCLUDE                                                                                    \
	"--include=systemd-sysv,dbus,udev,kmod,iproute2,procps,e2fsprogs,ca-certificates,rpm,"     \
	"zstd,linux-image-cloud-"

#define INCLUDE_MAX 65536

static const char *debian_arch(void)
{
	struct utsname u;

	return uname(&u) == 0 && strcmp(u.machine, "aarch64") == 0 ? "arm64" : "amd64";
}

static int cache_folder(char out[static PATH_MAX], struct err *e)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	if (cache && *cache == '/')
		n = snprintf(out, PATH_MAX, "%s/shared-prep", cache);
	else if (home && *home == '/')
		n = snprintf(out, PATH_MAX, "%s/.cache/shared-prep", home);
	else
		return err_set(e, ERR_CONFIG, ENOENT,
			"no place for what is kept: neither XDG_CACHE_HOME nor HOME is set");
	if (n >= PATH_MAX)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "XDG_CACHE_HOME or HOME is too long");
	return 0;
}

int disk_debian_path(struct disk *d, struct err *e)
{
	char folder[PATH_MAX], text[DIGEST_TEXT];
	struct digest digest;
	int rc = cache_folder(folder, e);

	if (rc < 0)
		return rc;
	digest_start(&digest);
	for (size_t i = 0; i < ARRAY_LEN(recipe); i++)
		digest_add(&digest, recipe[i], strlen(recipe[i]) + 1);
	digest_add(&digest, INCLUDE, sizeof(INCLUDE));
	for (size_t i = 0; d->o.packages && i < d->o.packages->len; i++)
		digest_add(&digest, d->o.packages->word[i], strlen(d->o.packages->word[i]) + 1);
	digest_end(&digest, text);
	snprintf(d->cached, sizeof(d->cached), "%s/debian-%.64s-%s-%.12s.tar", folder,
		strchr(d->o.base, ':') + 1, debian_arch(), text);
	return 0;
}

static int add_packages(const struct disk *d, struct buf *include, struct err *e)
{
	int rc = buf_addf(include, "%s%s", INCLUDE, debian_arch());

	for (size_t i = 0; d->o.packages && i < d->o.packages->len && rc == 0; i++)
		rc = buf_addf(include, ",%s", d->o.packages->word[i]);
	return rc < 0 ? err_oom(e) : 0;
}

/* The lock is of the file that is being made. */
static int lock_file(const char *path, int *ret, struct err *e)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_errno(e, "cannot make '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_TRANSIENT, EBUSY, "another controller is making '%s'", path);
	*ret = take_fd(&fd);
	return 0;
}

static int bootstrap(struct disk *d, struct err *e)
{
	char partial[sizeof(d->cached) + 8], folder[PATH_MAX], tmp[PATH_MAX + 16];
	auto_buf struct buf include = BUF_INIT(INCLUDE_MAX);
	const char *argv[ARRAY_LEN(recipe) + 8] = {"env", tmp};
	auto_close int lock = -1;
	size_t n = 2;
	int rc = cache_folder(folder, e);

	if (access(d->cached, F_OK) == 0)
		return 0;
	snprintf(partial, sizeof(partial), "%s.partial", d->cached);
	snprintf(tmp, sizeof(tmp), "TMPDIR=%s", d->work);
	if (rc == 0)
		rc = add_packages(d, &include, e);
	if (rc == 0)
		rc = fs_mkdir_p(AT_FDCWD, folder, 0755, e);
	if (rc == 0)
		rc = disk_room(folder, DEBIAN_BYTES, e);
	if (rc == 0)
		rc = lock_file(partial, &lock, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(recipe); i++)
		argv[n++] = recipe[i];
	argv[n++] = buf_str(&include);
	argv[n++] = strchr(d->o.base, ':') + 1;
	argv[n++] = partial;
	rc = disk_run(&(struct disk_command){.argv = argv, .kind = ERR_TRANSIENT}, e);
	/* What is there under that name is taken for whole, in each bake to come. */
	if (rc == 0 && (fsync(lock) < 0 || rename(partial, d->cached) < 0))
		rc = err_errno(e, "cannot keep '%s'", d->cached);
	if (rc < 0)
		unlink(partial);
	return rc;
}

static int unpack_cached(struct disk *d, struct err *e)
{
	return unpack_file(d, d->cached, e);
}

/* What of it has not reached the disk is not to go there: the image is waited for. */
static int remove_root(struct disk *d, struct err *e)
{
	return fs_remove_tree(d->work_fd, "root", e);
}

const struct disk_step disk_tar_open[] = {
	{"unpack", true, unpack},
	{0},
};

const struct disk_step disk_dir_open[] = {
	{"copy", true, copy},
	{0},
};

const struct disk_step disk_debian_open[] = {
	{"bootstrap", true, bootstrap},
	{"unpack", true, unpack_cached},
	{0},
};

const struct disk_step disk_tree_make[] = {
	{"find what boots it", false, disk_boot_find},
	{"make partitions", false, disk_boot_table},
	{"fill the EFI system partition", false, disk_boot_esp},
	{"fill the root", false, disk_boot_root},
	{"remove what it was filled from", false, remove_root},
	{"write the image", false, disk_write},
	{"put it in its place", false, disk_place},
	{0},
};
