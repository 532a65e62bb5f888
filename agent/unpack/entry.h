/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry of a tar, as the reader hands it to the writer, and what is refused of it whatever the
 * tree holds: names, kinds, numbers. Pure.
 */
#ifndef AGENT_UNPACK_ENTRY_H
#define AGENT_UNPACK_ENTRY_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define ENTRY_PATH 4096 /* with the NUL, as PATH_MAX */

enum entry_kind {
	ENTRY_FILE,
	ENTRY_DIR,
	ENTRY_SYMLINK,
	ENTRY_HARDLINK,
	ENTRY_FIFO,
	ENTRY_CHAR,
	ENTRY_BLOCK,
	ENTRY_OTHER
};

struct entry_xattr {
	const char *name;
	const void *value;
	size_t len;
};

#define ENTRY_XATTRS 64

struct entry {
	enum entry_kind kind;
	const char *path; /* as the tar has it; after entry_check() relative and plain */
	const char *link; /* target of a link; of a hard link treated as path is */
	uint64_t size;
	mode_t mode; /* 07777 */
	uint64_t uid, gid;
	struct timespec mtime;
	dev_t device;
	struct entry_xattr xattr[ENTRY_XATTRS]; /* user.* and ACLs (acl.h) only */
	unsigned n_xattrs;
	char path_text[ENTRY_PATH];
	char link_text[ENTRY_PATH];
};

struct entry_rules {
	bool allow_devices; /* FIFOs too */
	bool keep_suid;     /* else cleared in the mode of files */
	const char *strip;  /* a top directory to leave out; NULL: none */
};

/*
 * Copies a name of a tar without its "." and empty components and the slashes at its end; "" is the
 * top itself. -EPERM for an absolute name or "..", -ENAMETOOLONG; *ret_why says which.
 */
must_check int entry_path(const char *raw, char out[static ENTRY_PATH], const char **ret_why);

/* Refuses or normalises e: kind data. Messages name the entry but not the archive. */
must_check int entry_check(struct entry *n, const struct entry_rules *r, struct err *e);

#define ENTRY_QUOTE 160

/* A name for messages: quoted, cut in its middle when long, control characters as \ooo. */
const char *entry_quote(const char *name, char out[static ENTRY_QUOTE]);

/* What a tree may refuse; both the writer and the check without writing say it so. All -errno. */
int entry_refuse_through(struct err *e, const char *path, size_t prefix_len, bool by_link);
int entry_refuse_replace(struct err *e, const char *path);
int entry_refuse_target(struct err *e, const struct entry *n, bool exists);

/* Of our own archives only, where names do not come twice and the manifest tells the bytes. */
int entry_refuse_twice(struct err *e, const char *path);
int entry_refuse_more(struct err *e);

/* "file", "directory", "symbolic link" … */
const char *entry_kind_name(enum entry_kind k);

#endif
