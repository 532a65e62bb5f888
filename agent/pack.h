/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a tree as an archive of our format (archive.h): the same tree gives the same bytes.
 * Entries in the order of the C locale, stored under APP_KEY/, owners numeric, created =
 * SOURCE_DATE_EPOCH or the newest mtime. Headers are written by this project and not by libarchive:
 * their bytes must not depend on its version. Of extended attributes user.* are kept; sockets,
 * FIFOs and devices are refused.
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
	struct manifest manifest; /* app, key, version, arch, march, features, entry of the caller;
				     the rest is filled in */
	void (*progress)(uint64_t bytes, void *ctx); /* of content read; may be NULL */
	bool (*cancelled)(void *ctx);                /* may be NULL; then -ECANCELED */
	void *ctx;
};

#define PACK_LEVEL 19
#define PACK_FRAME (4 * MIB)

/* Beyond 128 MiB a plain zstd -d would want --long. */
#define PACK_FRAME_MIN (64 * KIB)
#define PACK_FRAME_MAX (128 * MIB)

must_check int pack_tree(const struct pack_request *r, struct manifest *ret, struct err *e);

#endif
