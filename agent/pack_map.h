/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holes of a file. What is one is decided by content and not by what the file system has
 * allocated: a copy of a tree has its holes elsewhere, or none, and must give the same bytes. A
 * hole is a run of zeros of at least 64 KiB that begins and ends at multiples of 4 KiB, or at the
 * end of the file. Unpacked into memory a hole costs none, so also the zeros of a file that has no
 * holes are better left out; shorter runs compress to nothing anyway and would cut ordinary files
 * into many small writes. Where there are more holes than the format takes, the largest are kept,
 * of equal ones the first.
 *
 * SEEK_DATA and SEEK_HOLE only spare the reading of what the file system knows to be zeros.
 */
#ifndef AGENT_PACK_MAP_H
#define AGENT_PACK_MAP_H

#include "agent/archive.h"

#define PACK_HOLE_BLOCK 4096
#define PACK_HOLE_MIN   (64 * 1024)

struct pack_extent {
	uint64_t offset, len;
};

struct pack_map {
	struct pack_extent extent[ARCHIVE_EXTENTS + 1]; /* what is stored; rising */
	unsigned n;
	uint64_t stored; /* bytes of them together */
	bool sparse;     /* there is a hole; else one extent is the file */
};

struct pack_map_request {
	int fd;
	uint64_t size;
	uint8_t *chunk;                        /* PACK_MAP_CHUNK bytes to read into */
	int (*poll)(void *ctx, struct err *e); /* between reads; less than 0: stop */
	void *ctx;
};

#define PACK_MAP_CHUNK (256 * 1024)

must_check int pack_map_read(const struct pack_map_request *r, struct pack_map *ret, struct err *e);

/* Bytes that the file system has of a file: about what a map will store. */
uint64_t pack_map_estimate(int fd, uint64_t size);

/* The map as GNU tar's pax format 1.0 has it before the content, padded to a block of tar. A file
 * that ends with a hole ends with an extent of no bytes. */
must_check int pack_map_text(
	const struct pack_map *m, uint64_t size, struct buf *out, struct err *e);

#endif
