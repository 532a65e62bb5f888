/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of one entry as POSIX.1-2001 pax has them: a ustar header, and before it an extended
 * one for what does not fit (names over 100 bytes, fractions of a second, large numbers, xattrs,
 * access control lists) and for sparse files, which are as GNU tar's pax format 1.0 has them.
 * Numeric owners only. Pure: the same entry gives the same bytes.
 */
#ifndef AGENT_PACK_HEADER_H
#define AGENT_PACK_HEADER_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define PACK_BLOCK 512

/* Of one entry; libarchive takes 1 MiB at most. */
#define PACK_EXTENDED_MAX (1024 * 1024)

struct pack_entry {
	const char *path; /* that of a directory ends with a slash */
	const char *link; /* of a symbolic or hard link, else "" */
	char type;        /* '0' file, '1' hard link, '2' symbolic link, '5' directory */
	mode_t mode;
	uint64_t uid, gid, size; /* of what is stored, the map of a sparse file included */
	struct timespec mtime;
	bool sparse;
	uint64_t real_size; /* of a sparse file */
	struct buf xattrs;  /* records made by the two below; not owned */
};

must_check int pack_header(const struct pack_entry *n, struct buf *out, struct err *e);

/* Adds one record. */
must_check int pack_header_record(
	struct buf *records, const char *key, const void *value, size_t len, struct err *e);

/* Adds that of one extended attribute. */
must_check int pack_header_xattr(
	struct buf *records, const char *name, const void *value, size_t len, struct err *e);

#endif
