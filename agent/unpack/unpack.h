/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an archive to a directory tree, safely: no absolute path, no "..", nothing through a link,
 * no device unless allowed, bounded entries, bytes and decoder memory, space checked before. The
 * first bad entry fails the whole. The target is a new directory that the caller names; on failure
 * it is removed again.
 */
#ifndef AGENT_UNPACK_H
#define AGENT_UNPACK_H

#include "common/digest.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

struct unpack_limits {
	uint64_t bytes; /* of file content */
	uint64_t entries;
	uint64_t decoder_memory; /* bytes a decoder may ask for */
};

/* Generous for people, deadly for bombs: 16 TiB, 100 million entries, 1 GiB of decoder. */
extern const struct unpack_limits unpack_default_limits;

struct unpack_request {
	int archive;        /* descriptor, at its start, seekable */
	const char *name;   /* for messages */
	int parent;         /* directory descriptor; the tree is made beneath it */
	const char *tree;   /* name of the tree's directory in parent: absent or empty */
	const char *strip;  /* a single top directory of this name is the tree itself; NULL: never
			       stripped */
	bool allow_devices; /* else refused */
	bool keep_suid;     /* else setuid and setgid bits of files are dropped */
	bool verify;        /* check only: nothing is written, parent and tree are not used */
	uint64_t space;     /* bytes free in the target; UINT64_MAX: not checked */
	uint64_t inodes;    /* free; UINT64_MAX: not checked */
	unsigned threads;   /* 0: as many as this process may use CPUs */
	struct unpack_limits limits;
	void (*progress)(uint64_t packed_bytes_read, void *ctx); /* may be NULL; any thread */
	void *ctx;
	bool (*cancelled)(void *ctx); /* may be NULL; then -ECANCELED */
};

struct unpack_result {
	uint64_t entries;
	uint64_t bytes;
	uint64_t largest;         /* bytes of the largest file */
	const char *format;       /* "zst", "xz", "gz", "bz2", "lz4", "tar"; static */
	char digest[DIGEST_TEXT]; /* the manifest's, checked; "" where the archive has none */
};

/*
 * Kind data: refused or damaged (-EBADMSG, -EPERM, -E2BIG …), with the entry and the reason; kind
 * system: no space, no memory. Reports the first error only. On return the tree is complete or
 * absent.
 */
must_check int unpack_archive(
	const struct unpack_request *r, struct unpack_result *ret, struct err *e);

#endif
