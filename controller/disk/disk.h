/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk image file that boots: made from a base, which is never changed, by way of a directory
 * that holds its root to work in.
 *
 * A base that is a disk image keeps its own boot loader. Any other gets a GPT with an EFI system
 * partition (systemd-boot, kernel, initrd) and a root of ext4: it boots where there is UEFI, which
 * is QEMU with OVMF and EC2 on Nitro. The same root gives the same UUIDs and the same layout.
 *
 * Needs root. Work is done in RESULT.partial/, beside the result; what a kill leaves there, the
 * next one removes. Nothing stays mounted, however we end: see disk_namespace().
 */
#ifndef CONTROLLER_DISK_H
#define CONTROLLER_DISK_H

#include "common/err.h"
#include "controller/project/image_spec.h"

#include <stdbool.h>
#include <stdint.h>

struct disk_options {
	/* As base= of shared-prep.ini(5): the path of a disk image, raw or qcow2, of a tar file or
	 * of a directory, or "debian:SUITE". Which it is, its content tells. */
	const char *base;
	const char *result; /* path of the image file */
	enum image_format format;
	uint64_t size;  /* bytes of the root; 0: as the base, or what is needed */
	uint64_t room;  /* bytes that will be added to the root */
	bool transient; /* the result is not to outlive a loss of power */
	/* That a bootstrap has from the beginning, by this machine's package manager; or NULL. */
	const struct config_words *packages;
	const char *seed; /* the UUIDs come from it; NULL: from kernel and initrd */
	/* Called as each step begins, "unpack 'root.tar.zst'". May be NULL. */
	void (*say)(void *ctx, const char *step);
	void *ctx;
};

struct disk;

/* Mounts of this process are nobody else's from now on, and go when it ends. Once, before
 * disk_open(). Kind system where it is not allowed. */
must_check int disk_namespace(struct err *e);

/* Kind system: not root, a program or room is missing; kind config: the base is not one. *ret is
 * set on success alone; the caller then calls disk_close(). */
must_check int disk_open(const struct disk_options *o, struct disk **ret, struct err *e);

/* The root, to change what is in it; nothing may be mounted there when disk_make() is called. */
const char *disk_root(const struct disk *d);

/* Of the programs in it, "x86_64" or "aarch64". */
const char *disk_arch(const struct disk *d);

/* It has an EFI system partition. */
bool disk_has_esp(const struct disk *d);

/* Makes the result of it, at once under its name, where it replaces what is there. Once. */
must_check int disk_make(struct disk *d, struct err *e);

/* NULL is allowed. Leaves nothing but the result. */
void disk_close(struct disk *d);

#endif
