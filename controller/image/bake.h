/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one bake of one architecture puts on a machine. All of it is found, read and judged here,
 * before anything starts: a missing archive, one of another processor under this name, a package of
 * another architecture, a file that cannot be read. The project outlives it.
 */
#ifndef CONTROLLER_BAKE_H
#define CONTROLLER_BAKE_H

#include "common/digest.h"
#include "controller/arch.h"
#include "controller/project/matrix.h"

#include <sys/stat.h>

#define BAKE_NAME 256

/* A file that is sent, by its path here. */
struct bake_file {
	char *path; /* absolute; NULL: there is none */
	char name[BAKE_NAME];
	mode_t mode; /* with the file type; an archive's is always 0644 */
	uint64_t bytes;
	char digest[DIGEST_TEXT]; /* SHA-256; of a directory over all that is in it */
	bool special;             /* a directory may hold devices and the like; the caller's */
};

struct bake_archive {
	struct bake_file file;
	const struct project_app *app;
	struct target target;
	char version[128]; /* of its manifest; or "" */
};

/* The agent's RPM. */
struct bake_package {
	struct bake_file file;
	char version[128]; /* VERSION-RELEASE */
};

struct bake {
	const struct project *project;
	char arch[16];
	struct bake_archive *archive; /* in the order of the project */
	size_t n_archives;
	struct bake_file *copy, *repository; /* as many as the project names */
	struct bake_package rpm;
	struct bake_file agent, config, before, after;
	struct bake_file login; /* a secret, and no part of the image */
};

/* Architectures that the archives of the image are for, NULL-terminated, static; at most two. */
must_check int bake_archs(
	const struct project *p, const char *ret[static ARCHS + 1], struct err *e);

/* Kind config: something is missing or of the wrong kind; kind data: an archive or the RPM is
 * damaged; kind no_fit: an instance type of types= that an app has no archive for. The caller calls
 * bake_free() in every case. */
must_check int bake_gather(
	const struct project *p, const char *arch, struct bake *ret, struct err *e);
void bake_free(struct bake *b);

#define auto_bake __attribute__((cleanup(bake_free)))

/* Bytes that the root needs beside what the base has in it, at most. Pure. */
uint64_t bake_room(const struct bake *b);

/* Of the root volume of a machine whose base has one of so many bytes: that of size=, or what is
 * needed, in whole GiB. Kind config: size= is too little. Pure. */
must_check int bake_volume(const struct bake *b, uint64_t base, uint64_t *ret, struct err *e);

/* Over all that decides what is in the image, on what disk, where it is and who may use it, the
 * steps themselves too: base_id says which base it is, by its ID or digest. Equal inputs have equal
 * fingerprints wherever they lie. */
must_check int bake_fingerprint(
	const struct bake *b, const char *base_id, char ret[static DIGEST_TEXT], struct err *e);

/* Can the archive be chosen on that instance type, by what is known of both? Pure. */
bool bake_suits(const struct bake_archive *a, const char *type);

/* Is the type of the architecture of the bake? Pure. */
bool bake_has_type(const struct bake *b, const char *type);

/* --- of bake_gather.c and its kind alone */

/* Name, mode, size and digest of a regular file; kind config. what: "config=" for messages. */
must_check int bake_file_read(
	const char *path, const char *what, struct bake_file *ret, struct err *e);

/* The same of a directory, whose digest is that of the list of all in it; kind config, too where it
 * holds what is no file, directory or link. */
must_check int bake_tree_read(
	const char *path, const char *what, struct bake_file *ret, struct err *e);

/* Its manifest says what its name does. The file is read already. */
must_check int bake_archive_check(struct bake_archive *a, struct err *e);

/* The RPM's own header: for this architecture, and the agent's. *ret_arch is "x86_64" or
 * "aarch64". */
must_check int bake_rpm_read(struct bake_package *p, const char **ret_arch, struct err *e);

#endif
