/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a tar (ustar, pax, GNU, v7; nothing else) in the order of the archive: the only
 * user of libarchive, of which only the tar format is enabled, and no filter: the source decodes.
 */
#ifndef AGENT_UNPACK_TAR_H
#define AGENT_UNPACK_TAR_H

#include "agent/unpack/entry.h"
#include "agent/unpack/source.h"

struct tar;

/* The source stays the caller's and outlives the tar. */
must_check int tar_open(struct source *s, struct tar **ret, struct err *e);

/* 1: *ret is the next entry, valid until the next call; 0: the end-of-archive mark. A tar without
 * that mark is cut short: -EBADMSG. Content that was not read is passed over. */
must_check int tar_next(struct tar *t, struct entry *ret, struct err *e);

/* 1: a piece of the entry's content, at a rising offset, valid until the next call; 0: no more. */
must_check int tar_data(
	struct tar *t, const void **ret, size_t *ret_len, uint64_t *ret_offset, struct err *e);

/* Where the last entry's headers begin, or the end mark; bytes of the plain tar. */
uint64_t tar_position(const struct tar *t);

/* Reads what follows the end mark, so that the source checks the rest of the archive. */
must_check int tar_drain(struct tar *t, struct err *e);

void tar_close(struct tar *t);

#endif
