/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/qemu_boot.h"

#include "common/num.h"
#include "controller/arch.h"
#include "controller/child.h"
#include "controller/disk/disk.h"
#include "controller/machine/qemu_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#define ARGS 64
#define TEXT 1024

/* Where distributions have the firmware: code, and variables that are to be copied. */
static const struct {
	const char *arch, *code, *variables;
} firmware[] = {
	{"x86_64", "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
	{"x86_64", "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	{"x86_64", "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
	{"aarch64", "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
	{"aarch64", "/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw",
		"/usr/share/edk2/aarch64/vars-template-pflash.raw"},
};

/* A command line that is put together. */
struct line {
	const char *argv[ARGS];
	size_t n;
	char text[16][TEXT];
	size_t n_texts;
};

static void add(struct line *l, const char *word)
{
	if (l->n < ARGS - 1)
		l->argv[l->n++] = word;
}

static void add_pair(struct line *l, const char *option, const char *value)
{
	add(l, option);
	add(l, value);
}

__attribute__((format(printf, 3, 4))) static void add_text(
	struct line *l, const char *option, const char *fmt, ...)
{
	char *text = l->text[l->n_texts++];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, TEXT, fmt, args);
	va_end(args);
	add_pair(l, option, text);
}

static bool is_native(const char *arch)
{
	struct utsname u;

	return uname(&u) == 0 && strcmp(u.machine, arch) == 0;
}

static int add_firmware(struct line *l, const char *arch, struct err *e)
{
	const bool arm = arch_is_arm(arch);

	for (size_t i = 0; i < ARRAY_LEN(firmware); i++) {
		if (strcmp(firmware[i].arch, arch) != 0 || access(firmware[i].code, R_OK) < 0)
			continue;
		add_text(l, "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=%s",
			firmware[i].code);
		add_text(l, "-drive", "if=pflash,unit=1,format=raw,snapshot=on,file=%s",
			firmware[i].variables);
		return 0;
	}
	return err_set(e, ERR_SYSTEM, ENOENT,
		"no UEFI for QEMU, '%s': install %s (Debian) or edk2-%s",
		arm ? firmware[3].code : firmware[0].code, arm ? "qemu-efi-aarch64" : "ovmf",
		arm ? "aarch64" : "ovmf");
}

static void add_processor(struct line *l, const struct qemu_boot *b, const char *arch)
{
	const bool arm = arch_is_arm(arch);
	const bool kvm = b->kvm && is_native(arch);

	add_pair(l, "-M", arm ? "virt" : "q35");
	add_pair(l, "-accel", kvm ? "kvm" : "tcg,thread=multi");
	add_pair(l, "-cpu", kvm ? "host" : arm ? "max,pauth-impdef=on" : "max,la57=off");
	add_text(l, "-smp", "%u", b->cpus);
	add_text(l, "-m", "%" PRIu64, (uint64_t)(b->memory / MIB));
}

static void add_devices(struct line *l, const struct qemu_boot *b, int disk)
{
	add_text(l, "-drive",
		"file=/proc/self/fd/%d,if=none,id=disk,format=raw,cache=unsafe,file.locking=off",
		disk);
	add_pair(l, "-device", "virtio-blk-pci,drive=disk,bootindex=0");
	add_pair(l, "-device", "virtio-rng-pci");
	add_pair(l, "-chardev", "stdio,id=console,signal=off");
	add_pair(l, "-serial", "chardev:console");
	add_text(l, "-chardev", "socket,id=talk,fd=%d,server=on,wait=off", QEMU_BOOT_SOCKET);
	add_pair(l, "-device", "virtio-serial-pci");
	add_pair(l, "-device", "virtserialport,chardev=talk,name=" QEMU_GUEST_PORT);
	if (!*b->type)
		return;
	add_text(l, "-smbios", "type=1,manufacturer=Amazon EC2,product=%s", b->type);
	add_pair(l, "-smbios", "type=2,asset=i-0123456789abcdef0");
}

static int make_line(
	struct line *l, const struct qemu_boot *b, const struct disk *d, int disk, struct err *e)
{
	const char *arch = disk_arch(d);

	add(l, arch_is_arm(arch) ? "qemu-system-aarch64" : "qemu-system-x86_64");
	add(l, "-nodefaults");
	add(l, "-no-user-config");
	add(l, "-no-reboot");
	add_pair(l, "-display", "none");
	add_pair(l, "-nic", "none");
	add_processor(l, b, arch);
	add_devices(l, b, disk);
	return disk_has_esp(d) ? add_firmware(l, arch, e) : 0;
}

/* Without a name: it is gone with who has it open. */
static int open_copy(const char *path, int *ret, struct err *e)
{
	/* QEMU inherits it. */
	int fd = open(path, O_RDWR);

	if (fd < 0)
		return err_errno(e, "cannot open '%s'", path);
	if (unlink(path) < 0) {
		close(fd);
		return err_errno(e, "cannot remove '%s'", path);
	}
	*ret = fd;
	return 0;
}

static int prepare(const struct qemu_boot *b, struct line *l, struct err *e)
{
	char copy[PATH_MAX];
	struct disk *d = NULL;
	int fd = -1;
	int rc = disk_namespace(e);

	if (snprintf(copy, sizeof(copy), "%s/copy", b->folder) >= (int)sizeof(copy))
		return err_set(e, ERR_USAGE, ENAMETOOLONG, "'%s' is too long", b->folder);
	if (rc == 0)
		rc = disk_open(&(struct disk_options){.base = b->image,
				       .result = copy,
				       .format = IMAGE_RAW,
				       .room = MIB,
				       .transient = true},
			&d, e);
	if (rc == 0)
		rc = qemu_guest_add(disk_root(d), e);
	if (rc == 0)
		rc = disk_make(d, e);
	if (rc == 0)
		rc = open_copy(copy, &fd, e);
	if (rc == 0)
		rc = make_line(l, b, d, fd, e);
	disk_close(d);
	return rc;
}

void qemu_boot(const struct qemu_boot *b)
{
	struct err e = ERR_INIT;
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		(void)err_oom(&e);
	else if (prepare(b, l, &e) == 0 && fcntl(QEMU_BOOT_SOCKET, F_SETFD, 0) == 0)
		child_exec(l->argv, environ);
	_exit(write(QEMU_BOOT_STATUS, &e, sizeof(e)) == (ssize_t)sizeof(e) ? 1 : 2);
}
