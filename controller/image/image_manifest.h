/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in an image: every name in its root file system with type, mode, owner, size and SHA-256,
 * and its packages. Two images of the same inputs have the same list: what cannot be the same is
 * left out, and the list says so.
 */
#ifndef CONTROLLER_IMAGE_MANIFEST_H
#define CONTROLLER_IMAGE_MANIFEST_H

#include "common/buf.h"
#include "controller/image/bake.h"

#define IMAGE_LIST_MAX (512U * 1024 * 1024) /* bytes; a million files have about 200 MiB */

/* One name. */
struct image_entry {
	const char *path;   /* beneath the root, without a slash at its start; "" is the root */
	const char *target; /* of a symbolic link */
	const char *digest; /* of a file; NULL: none */
	uint64_t size;      /* of a file */
	unsigned mode, uid, gid;
	char type; /* as find(1) has it: f d l c b p s */
};

struct image_package {
	const char *manager; /* "dpkg", "rpm" */
	const char *name, *version, *arch;
};

struct image_manifest {
	char *text;                /* what all of it points into */
	struct image_entry *entry; /* by path, byte by byte */
	size_t n;
	struct image_package *package; /* by manager, name, architecture, version */
	size_t n_packages;
	const char *os, *os_version; /* ID and VERSION_ID of os-release(5) */
};

/* Patterns for find -path beneath the root, and why: blank-separated for the script. */
extern const char image_manifest_excluded[];

/* What the script of the step "manifest" has printed; *list is emptied. Kind data: it is not that,
 * or not all of it. The caller calls image_manifest_free() in every case. */
must_check int image_manifest_read(struct buf *list, struct image_manifest *ret, struct err *e);
void image_manifest_free(struct image_manifest *m);

#define auto_image_manifest __attribute__((cleanup(image_manifest_free)))

/* The list for people and for diff: a line for each, blanks and what is not printable as \ooo. */
must_check int image_manifest_write(
	const struct image_manifest *m, const char *path, struct err *e);

/* How an image is called in its bill of materials, and what it was made from. */
struct image_origin {
	const char *name;
	const char *base;
};

/* CycloneDX 1.5, JSON: the base, packages, archives, the agent, what was copied. Without a serial
 * number or a time: the same for the same image. */
must_check int image_bom_write(const struct image_manifest *m, const struct bake *b,
	const struct image_origin *o, const char *path, struct err *e);

#endif
