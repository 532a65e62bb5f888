/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a tree as an archive of our format (archive.h): the same tree gives the same bytes,
 * however many threads compress it and wherever its files have holes (pack_map.h). Entries in the
 * order of the C locale, stored under APP_KEY/, owners numeric, created = SOURCE_DATE_EPOCH or the
 * newest mtime. Headers are written by this project and not by libarchive: their bytes must not
 * depend on its version.
 *
 * Of extended attributes user.* and POSIX ACLs are kept (pack_attrs.h). Files with several names
 * are stored once; a symbolic link with several names is stored under each. Sockets, FIFOs and
 * devices are refused. A file that changes while it is read fails the whole, kind transient.
 */
#ifndef AGENT_PACK_H
#define AGENT_PACK_H

#include "agent/manifest.h"
#include "common/err.h"
#include "common/num.h"

#include <stdbool.h>
#include <stdint.h>

struct pack_request {
	const char *dir;
	const char *output;       /* …/APP_KEY.tar.zst; written as a temporary file and renamed */
	int level;                /* of zstd */
	uint64_t frame_size;      /* bytes of tar per frame, PACK_FRAME_MIN to PACK_FRAME_MAX */
	unsigned threads;         /* that compress, 1 or more */
	uint64_t memory;          /* bytes for them: threads are left out (pack_pool.h) */
	struct manifest manifest; /* app, key, version, arch, march, features, entry of the caller;
				     the rest is filled in */
	void (*progress)(uint64_t bytes, void *ctx); /* of tar compressed; may be NULL */
	bool (*cancelled)(void *ctx);                /* may be NULL; then -ECANCELED */
	void *ctx;
};

#define PACK_LEVEL 19
#define PACK_FRAME (2 * MIB)

/* Beyond 128 MiB a plain zstd -d would want --long. */
#define PACK_FRAME_MIN (64 * KIB)
#define PACK_FRAME_MAX (128 * MIB)

/* About how many bytes of tar there will be. */
must_check int pack_measure(const struct pack_request *r, uint64_t *ret, struct err *e);

must_check int pack_tree(const struct pack_request *r, struct manifest *ret, struct err *e);

#endif
