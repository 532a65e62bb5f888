/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by forge.c, which makes the archive, and forge_entries.c, which runs the program. */
#ifndef TESTS_FUZZ_FORGE_PRIVATE_H
#define TESTS_FUZZ_FORGE_PRIVATE_H

#include "agent/archive.h"
#include "agent/manifest.h"
#include "agent/unpack/entry.h"

#define FORGE_FRAMES  64
#define FORGE_DIRS    64
#define FORGE_SPANS   16
#define FORGE_LIES    8
#define FORGE_ENTRIES 96
#define FORGE_PLAIN   (512 * 1024)

/* The first byte of an input. */
#define FORGE_NO_END   0x01
#define FORGE_STRIP    0x02
#define FORGE_CHECKSUM 0x04
#define FORGE_SUID     0x08
#define FORGE_THREADS  0x10
#define FORGE_FAST     0x20

struct forge_lie {
	uint8_t table, row, field;
	int32_t by;
};

struct forge {
	const uint8_t *in;
	size_t left;
	uint8_t flags;

	struct buf plain;
	size_t size[FORGE_FRAMES + 1]; /* of the frames so far */
	size_t cut;                    /* where the frame at hand began */
	size_t header;                 /* where the last header is */
	struct buf records;            /* of the next extended header */
	struct buf names;              /* of the entries so far */
	size_t name_at[FORGE_ENTRIES];
	unsigned n_names;
	const char *as; /* the name of a sparse file, whose header has another */
	uint32_t mode, uid, gid;
	struct timespec mtime;

	struct archive_index index;
	struct archive_frame frame[FORGE_FRAMES];
	struct archive_dir dir[FORGE_DIRS];
	struct archive_span span[FORGE_SPANS];
	struct manifest manifest;
	struct forge_lie lie[FORGE_LIES];
	unsigned n_lies;
	uint32_t swap[2];
};

/* Fills plain, size, the directories and spans of the index, lies, swap and the manifest. */
bool forge_entries(struct forge *f);

#endif
