/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is, by its first bytes. qcow2: docs/interop/qcow2.txt of QEMU. */
#include "common/fs.h"
#include "controller/disk/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DEBIAN "debian:"

static const struct {
	size_t at;
	const char *bytes;
	size_t len;
	enum disk_kind kind;
} magic[] = {
	{0, "QFI\xfb", 4, DISK_QCOW2},
	{257, "ustar", 5, DISK_TAR},
	{0, "\x1f\x8b", 2, DISK_TAR},
	{0, "\xfd\x37zXZ\0", 6, DISK_TAR},
	{0, "\x28\xb5\x2f\xfd", 4, DISK_TAR},
	{0, "BZh", 3, DISK_TAR},
	{0, "\x04\x22\x4d\x18", 4, DISK_TAR},
	{512, "EFI PART", 8, DISK_RAW},
	{510, "\x55\xaa", 2, DISK_RAW},
};

/* Formats of others, that qemu-img reads. */
static const struct {
	const char *bytes, *name;
} foreign[] = {
	{"KDMV", "VMDK"},
	{"vhdxfile", "VHDX"},
	{"conectix", "VHD"},
	{"<<< ", "VDI"},
};

int disk_recognise(
	const unsigned char *head, size_t len, const char *path, enum disk_kind *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(magic); i++) {
		if (magic[i].at + magic[i].len <= len &&
			memcmp(head + magic[i].at, magic[i].bytes, magic[i].len) == 0) {
			*ret = magic[i].kind;
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		size_t n = strlen(foreign[i].bytes);

		if (n <= len && memcmp(head, foreign[i].bytes, n) == 0)
			return err_set(e, ERR_CONFIG, EINVAL,
				"'%s' is %s: make it qcow2, by 'qemu-img convert -O qcow2'", path,
				foreign[i].name);
	}
	if (disk_filesystem(head, len))
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%s' is a file system without partitions, which nothing boots: mount "
			"it, and give the directory",
			path);
	return err_set(e, ERR_CONFIG, EINVAL,
		"'%s' is no disk image (raw with partitions, or qcow2) and no tar file", path);
}

static uint64_t big_endian(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* QEMU would read whatever file it names, as root. */
int disk_qcow2_check(
	const unsigned char *head, size_t len, const char *path, uint64_t *ret_size, struct err *e)
{
	uint64_t version;

	if (len < 104)
		return err_set(e, ERR_DATA, EINVAL, "'%s' ends in its header", path);
	version = big_endian(head + 4, 4);
	if (version < 2 || version > 3)
		return err_set(e, ERR_DATA, EINVAL, "'%s' is qcow2 of an unknown version", path);
	if (big_endian(head + 8, 8) != 0)
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%s' is but the changes to another file: make one of both, by "
			"'qemu-img convert'",
			path);
	if (big_endian(head + 32, 4) != 0)
		return err_set(e, ERR_CONFIG, EINVAL, "'%s' is encrypted", path);
	if (version == 3 && big_endian(head + 72, 8) & 4)
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%s' has its data in another file: make one of both, by 'qemu-img "
			"convert'",
			path);
	*ret_size = big_endian(head + 24, 8);
	return 0;
}

static bool is_suite(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz-") == strlen(name);
}

int disk_kind_of(const char *base, enum disk_kind *ret, struct err *e)
{
	unsigned char head[DISK_HEAD];
	auto_close int fd = -1;
	struct stat st;
	ssize_t n;

	if (strncmp(base, DEBIAN, strlen(DEBIAN)) == 0) {
		if (!is_suite(base + strlen(DEBIAN)))
			return err_set(e, ERR_CONFIG, EINVAL,
				"'%s': no suite, as in debian:bookworm", base);
		*ret = DISK_DEBIAN;
		return 0;
	}
	fd = open(base, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_errno(e, "cannot open '%s'", base);
		e->kind = ERR_CONFIG;
		return -e->num;
	}
	if (S_ISDIR(st.st_mode)) {
		*ret = DISK_DIR;
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, EINVAL, "'%s' is no file and no directory", base);
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return err_errno(e, "cannot read '%s'", base);
	return disk_recognise(head, (size_t)n, base, ret, e);
}
