/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that UEFI boots, made without mounting anything: GPT by sfdisk, FAT by mtools, ext4 by
 * mkfs.ext4 -d. The firmware takes \EFI\BOOT\BOOT….EFI, systemd-boot, which takes kernel and initrd
 * from loader/entries/ (Boot Loader Specification of the UAPI group).
 */
#include "common/digest.h"
#include "common/fs.h"
#include "controller/arch.h"
#include "controller/disk/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define ALIGNMENT MIB
#define ESP_SIZE  (256 * MIB) /* at least; what is not used is a hole in the file */
#define ESP_SLACK (32 * MIB)

/* Of the root, beside its files: a quarter of them, and the journal. */
#define ROOT_SLACK      (256 * MIB)
#define BYTES_PER_INODE 16384

static const struct boot_arch {
	const char *arch, *loader, *removable, *console, *root_type;
} boot_archs[] = {
	{"x86_64", "systemd-bootx64.efi", "BOOTX64.EFI", "console=tty0 console=ttyS0,115200n8",
		"4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"},
	{"aarch64", "systemd-bootaa64.efi", "BOOTAA64.EFI",
		"console=tty0 console=ttyS0,115200n8 console=ttyAMA0,115200n8",
		"B921B045-1DF0-41C3-AF44-4C6F280D3FAE"},
};

static const struct boot_arch *arch_of(const struct disk *d)
{
	return &boot_archs[arch_is_arm(d->arch)];
}

static void in_work(const struct disk *d, const char *name, char out[static PATH_MAX + 16])
{
	snprintf(out, PATH_MAX + 16, "%s/%.10s", d->work, name);
}

/* A UUID of version 8 (RFC 9562): the hash of what it is for. */
static void make_uuid(const char *seed, const char *what, char out[static 37])
{
	char hex[DIGEST_TEXT];
	struct digest digest;

	digest_start(&digest);
	digest_add(&digest, seed, strlen(seed) + 1);
	digest_add(&digest, what, strlen(what) + 1);
	digest_end(&digest, hex);
	snprintf(
		out, 37, "%.8s-%.4s-8%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
}

/* --- what is there */

static int copy_loader(const struct disk *d, struct err *e)
{
	char path[PATH_MAX], to[PATH_MAX + 16];
	struct err ignored = ERR_INIT;
	auto_close int rootfd = -1;
	uint64_t size;
	int rc = fs_root(d->root, &rootfd, e);

	if (rc < 0)
		return rc;
	in_work(d, "loader", to);
	snprintf(path, sizeof(path), "/usr/lib/systemd/boot/efi/%s", arch_of(d)->loader);
	if (disk_copy_file(rootfd, path, to, &size, &ignored) == 0 ||
		disk_copy_file(AT_FDCWD, path, to, &size, &ignored) == 0)
		return 0;
	return err_set(e, ERR_SYSTEM, ENOENT,
		"no boot loader, '%s': install systemd-boot-efi (Debian) or systemd-boot-unsigned, "
		"here or in the image",
		path);
}

/* What the times and the UUIDs come from: SOURCE_DATE_EPOCH or the kernel's, and the seed or the
 * digests. */
static int set_identity(struct disk *d, const char *kernel, const char *initrd, struct err *e)
{
	struct disk_layout *l = &d->layout;
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char seed[2 * DIGEST_TEXT] = "", *end = seed;
	auto_close int fd = open(kernel, O_RDONLY | O_CLOEXEC);
	auto_close int fd2 = *initrd ? open(initrd, O_RDONLY | O_CLOEXEC) : -1;
	int rc = 0;

	snprintf(l->epoch, sizeof(l->epoch), "%.20s", epoch && *epoch ? epoch : "1000000000");
	if (!d->o.seed && fd >= 0)
		rc = digest_fd(fd, kernel, seed, e);
	if (!d->o.seed && rc == 0 && fd2 >= 0)
		rc = digest_fd(fd2, initrd, end + DIGEST_TEXT - 1, e);
	if (rc < 0)
		return rc;
	make_uuid(d->o.seed ? d->o.seed : seed, "table", l->table_id);
	make_uuid(d->o.seed ? d->o.seed : seed, "esp", l->esp_id);
	make_uuid(d->o.seed ? d->o.seed : seed, "root", l->root_id);
	make_uuid(d->o.seed ? d->o.seed : seed, "ext4", l->root_uuid);
	return 0;
}

static uint64_t round_up(uint64_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int lay_out(struct disk *d, uint64_t boot_bytes, struct err *e)
{
	struct disk_layout *l = &d->layout;
	struct disk_sum sum;
	char want[NUM_TEXT], have[NUM_TEXT];
	uint64_t least;
	int rc = disk_tree_sum(d->root, &sum, e);

	if (rc < 0)
		return rc;
	least = round_up(sum.bytes + sum.bytes / 8 + ROOT_SLACK / 2);
	if (d->o.size && d->o.size < least)
		return err_set(e, ERR_CONFIG, ENOSPC,
			"size=%s is too small for the root: it needs %s",
			num_size_text(d->o.size, have), num_size_text(least, want));
	l->entries = sum.entries;
	l->esp_start = ALIGNMENT;
	l->esp_size = round_up(boot_bytes + ESP_SLACK);
	if (l->esp_size < ESP_SIZE)
		l->esp_size = ESP_SIZE;
	l->root_start = l->esp_start + l->esp_size;
	l->root_size = round_up(d->o.size ? d->o.size : sum.bytes + sum.bytes / 4 + ROOT_SLACK);
	/* Behind it the table has a copy of itself. */
	l->bytes = l->root_start + l->root_size + ALIGNMENT;
	return 0;
}

int disk_boot_find(struct disk *d, struct err *e)
{
	char kernel[PATH_MAX + 16], initrd[PATH_MAX + 16];
	auto_close int rootfd = -1;
	struct disk_kernel k;
	uint64_t kernel_size = 0, initrd_size = 0;
	int rc = disk_root_kernel(d, &k, e);

	in_work(d, "kernel", kernel);
	in_work(d, "initrd", initrd);
	d->layout.initrd = rc == 0 && *k.initrd;
	d->esp = true;
	if (rc == 0)
		rc = fs_root(d->root, &rootfd, e);
	if (rc == 0)
		rc = disk_copy_file(rootfd, k.kernel, kernel, &kernel_size, e);
	if (rc == 0 && *k.initrd)
		rc = disk_copy_file(rootfd, k.initrd, initrd, &initrd_size, e);
	if (rc == 0)
		rc = copy_loader(d, e);
	if (rc == 0)
		rc = set_identity(d, kernel, *k.initrd ? initrd : "", e);
	return rc < 0 ? rc : lay_out(d, kernel_size + initrd_size, e);
}

/* --- the parts */

int disk_boot_table(struct disk *d, struct err *e)
{
	const struct disk_layout *l = &d->layout;
	const char *argv[] = {
		"sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", d->file, NULL};
	auto_close int fd = open(d->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char script[1024];

	if (fd < 0 || ftruncate(fd, (off_t)l->bytes) < 0)
		return err_errno(e, "cannot make '%s'", d->file);
	snprintf(script, sizeof(script),
		"label: gpt\nlabel-id: %s\nunit: sectors\n"
		"start=%" PRIu64 ", size=%" PRIu64
		", type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=%s, name=esp\n"
		"start=%" PRIu64 ", size=%" PRIu64 ", type=%s, uuid=%s, name=root\n",
		l->table_id, l->esp_start / DISK_SECTOR, l->esp_size / DISK_SECTOR, l->esp_id,
		l->root_start / DISK_SECTOR, l->root_size / DISK_SECTOR, arch_of(d)->root_type,
		l->root_id);
	return disk_run(&(struct disk_command){.argv = argv, .in = script}, e);
}

/* A small text in the work folder, "NAME" there. */
static int write_text(const struct disk *d, const char *name, const char *text, struct err *e)
{
	return fs_write_atomic(d->work_fd, name, 0644, text, strlen(text), e);
}

static int write_entry(const struct disk *d, struct err *e)
{
	const struct disk_layout *l = &d->layout;
	char text[1024];

	/* With its times, EC2's NVMe may be slow without being broken. The kernel alone finds a
	 * partition, but no file system. */
	snprintf(text, sizeof(text),
		"title Linux\nlinux /linux\n%soptions root=%s=%s rw %s "
		"nvme_core.io_timeout=4294967295\n",
		l->initrd ? "initrd /initrd\n" : "", l->initrd ? "UUID" : "PARTUUID",
		l->initrd ? l->root_uuid : l->root_id, arch_of(d)->console);
	return write_text(d, "entry", text, e);
}

/* In the work folder, as the name of an image ends at its first "@@". */
static int mtool(const struct disk *d, const char *const *argv, struct err *e)
{
	char epoch[48];
	const char *full[32] = {"env", "-C", d->work, "MTOOLS_SKIP_CHECK=1", epoch};
	size_t n = 5;

	snprintf(epoch, sizeof(epoch), "SOURCE_DATE_EPOCH=%s", d->layout.epoch);
	while (*argv && n < ARRAY_LEN(full) - 1)
		full[n++] = *argv++;
	return disk_run(&(struct disk_command){.argv = full}, e);
}

/* name: of the work folder. */
static int copy_in(
	const struct disk *d, const char *image, const char *name, const char *to, struct err *e)
{
	const char *argv[] = {"mcopy", "-o", "-i", image, name, to, NULL};

	return mtool(d, argv, e);
}

static int fill_esp(const struct disk *d, const char *image, struct err *e)
{
	char loader[64];
	const char *folders[] = {
		"mmd", "-i", image, "::EFI", "::EFI/BOOT", "::loader", "::loader/entries", NULL};
	int rc = mtool(d, folders, e);

	snprintf(loader, sizeof(loader), "::EFI/BOOT/%s", arch_of(d)->removable);
	if (rc == 0)
		rc = copy_in(d, image, "loader", loader, e);
	if (rc == 0)
		rc = copy_in(d, image, "kernel", "::linux", e);
	if (rc == 0 && d->layout.initrd)
		rc = copy_in(d, image, "initrd", "::initrd", e);
	if (rc == 0)
		rc = copy_in(d, image, "conf", "::loader/loader.conf", e);
	return rc < 0 ? rc : copy_in(d, image, "entry", "::loader/entries/linux.conf", e);
}

int disk_boot_esp(struct disk *d, struct err *e)
{
	const struct disk_layout *l = &d->layout;
	char image[64], sectors[24], serial[12];
	const char *format[] = {"mformat", "-i", image, "-F", "-T", sectors, "-N", serial, "-h",
		"255", "-s", "63", "::", NULL};
	int rc = write_text(d, "conf", "timeout 0\neditor no\n", e);

	snprintf(image, sizeof(image), "%s@@%" PRIu64, strrchr(d->file, '/') + 1, l->esp_start);
	snprintf(sectors, sizeof(sectors), "%" PRIu64, l->esp_size / DISK_SECTOR);
	snprintf(serial, sizeof(serial), "%.8s", l->esp_id);
	if (rc == 0)
		rc = write_entry(d, e);
	if (rc == 0)
		rc = mtool(d, format, e);
	return rc < 0 ? rc : fill_esp(d, image, e);
}

int disk_boot_root(struct disk *d, struct err *e)
{
	const struct disk_layout *l = &d->layout;
	const uint64_t by_size = l->root_size / BYTES_PER_INODE;
	const uint64_t by_files = l->entries + l->entries / 4 + 16384;
	char extended[128], inodes[24], size[24], epoch[48], fake[48];
	const char *argv[] = {"env", epoch, fake, "mkfs.ext4", "-q", "-F", "-d", d->root, "-m", "0",
		"-L", "root", "-U", l->root_uuid, "-N", inodes, "-E", extended, d->file, size,
		NULL};

	snprintf(epoch, sizeof(epoch), "SOURCE_DATE_EPOCH=%s", l->epoch);
	snprintf(fake, sizeof(fake), "E2FSPROGS_FAKE_TIME=%s", l->epoch);
	snprintf(inodes, sizeof(inodes), "%" PRIu64, by_size > by_files ? by_size : by_files);
	snprintf(size, sizeof(size), "%" PRIu64 "k", l->root_size / 1024);
	snprintf(extended, sizeof(extended),
		"hash_seed=%s,offset=%" PRIu64 ",nodiscard,lazy_itable_init=1,root_owner=0:0",
		l->root_uuid, l->root_start);
	return disk_run(&(struct disk_command){.argv = argv}, e);
}
