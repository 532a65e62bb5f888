/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our archive format: a plain .tar.zst that GNU tar and bsdtar read, made of independent zstd
 * frames cut at file boundaries (the content of files longer than a frame at multiples of 2 MiB),
 * and, as its last two frames, two skippable frames (RFC 8878 section 3.1.2): the manifest as JSON,
 * then the index:
 *
 *   index payload, little endian:
 *     u32 version = 1, u32 n_frames, u32 n_dirs, u32 n_spans
 *     n_frames x { u64 offset, u64 packed, u64 plain, u64 xxh64 of the plain bytes }
 *     n_dirs   x { u32 frame, u16 length, path without NUL }   directories in the order of the tar
 *     n_spans  x { u32 first_frame, u32 n_frames }             files that span frames
 *     u64 offset of the manifest frame, u64 length of this payload, 8 bytes "SPINDEX1"
 *
 * The frames cover the file from its start to the manifest frame, without gaps; the index frame
 * ends the file. A path is that of the tar without a slash at its end; its frame is the one in
 * which the entry's first header begins. A file that spans frames shares none of them; its headers,
 * and the map of a sparse file, lie in the first.
 *
 * The entries rise in the order of archive_order(): a directory before what it holds, names by
 * their bytes. A hard link leads to an earlier entry. Kinds are file, directory, symbolic and hard
 * link; sparse files are as GNU tar's pax format 1.0 has them, with at most ARCHIVE_EXTENTS
 * extents.
 *
 * digest = SHA-256 over the manifest's text without its digest member, followed by the index
 * payload.
 */
#ifndef AGENT_ARCHIVE_H
#define AGENT_ARCHIVE_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

#define ARCHIVE_MANIFEST_MAGIC 0x184D2A5CU
#define ARCHIVE_INDEX_MAGIC    0x184D2A5DU
#define ARCHIVE_INDEX_MAX      (256U * 1024 * 1024)
#define ARCHIVE_EXTENTS        1024

struct archive_frame {
	uint64_t offset;
	uint64_t packed;
	uint64_t plain;
	uint64_t xxh64;
};

struct archive_dir {
	uint32_t frame;
	char *path;
};

struct archive_span {
	uint32_t first;
	uint32_t n;
};

struct archive_index {
	struct archive_frame *frame;
	struct archive_dir *dir;
	struct archive_span *span;
	uint32_t n_frames, n_dirs, n_spans;
	uint64_t manifest_offset;
};

/* Less than 0, 0 or more, as strcmp(): paths without a slash at their end, in the order of a walk
 * that takes the names of each directory by their bytes. */
int archive_order(const char *a, const char *b);

/* dir is the last directory before an entry in that order: is the entry's own directory, the first
 * len bytes of path, among the directories so far? */
bool archive_has_parent(const char *dir, const char *path, size_t len);

/* The trailer of an archive: *ret_manifest gets the JSON text, *ret_index the checked index. A file
 * that is not ours (no index frame at its end) is -ENODATA, kind data; a damaged one -EBADMSG.
 * Either output may be NULL. */
must_check int archive_read_trailer(int fd, const char *name, struct buf *ret_manifest,
	struct archive_index *ret_index, struct err *e);

must_check int archive_index_encode(const struct archive_index *i, struct buf *out, struct err *e);
must_check int archive_index_decode(const void *payload, size_t len, const char *name,
	struct archive_index *ret, struct err *e);

void archive_index_free(struct archive_index *i);

#endif
