/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of our own archives, read from memory. Takes nothing but what pack_header.h writes:
 * ustar headers, and extended ones with path, linkpath, size, uid, gid, mtime, SCHILY.xattr.user.*,
 * SCHILY.acl.* and GNU.sparse.* 1.0. Other tars are tar.h's. Hostile until checked; pure.
 */
#ifndef AGENT_UNPACK_LEAN_H
#define AGENT_UNPACK_LEAN_H

#include "agent/archive.h"
#include "agent/unpack/entry.h"
#include "common/buf.h"

struct lean_extent {
	uint64_t offset; /* in the file */
	uint64_t len;
};

/* Of the entry read last. */
struct lean_content {
	size_t at;                        /* of its first byte, after all headers and the map */
	uint64_t stored;                  /* bytes from there, without padding */
	const struct lean_extent *extent; /* where they belong, rising, stored bytes together */
	unsigned n_extents;
};

struct lean {
	const uint8_t *data; /* plain tar from the begin of an entry; not owned */
	size_t len;
	size_t at;       /* the next entry */
	bool cut;        /* the last failure: the headers go on beyond len */
	struct buf text; /* names and values of extended attributes */
	struct lean_extent extent[ARCHIVE_EXTENTS + 1];
	char path[ENTRY_PATH];
	char link[ENTRY_PATH];
};

void lean_init(struct lean *l);
void lean_free(struct lean *l);

/* Begins with other data. */
void lean_start(struct lean *l, const void *data, size_t len);

/* 1: *ret is the next entry and *ret_content says where its content lies, which may go on beyond
 * len; both are valid until the next call. 0: the end mark begins here. Else kind data. */
must_check int lean_next(
	struct lean *l, struct entry *ret, struct lean_content *ret_content, struct err *e);

/* The end of the entry with its padding; may be beyond len. */
uint64_t lean_end(const struct lean_content *c);

/* Passes over the content of the entry read last; it must lie within len. */
void lean_skip(struct lean *l, const struct lean_content *c);

/* Of len bytes of content that begin with the byte from of those stored, which must be there: how
 * many belong together, and their offset in the file. */
size_t lean_place(const struct lean_content *c, uint64_t from, size_t len, uint64_t *ret_offset);

#endif
