/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads parts of an archive before they are wanted, so that a slow volume has many reads in flight:
 * up to AHEAD_READS threads read chunks of AHEAD_CHUNK bytes into the page cache. No thread is
 * started as long as what is wanted is there already. Hints only: nothing here fails a caller, and
 * whoever reads the archive itself finds its errors.
 */
#ifndef AGENT_UNPACK_AHEAD_H
#define AGENT_UNPACK_AHEAD_H

#include "common/err.h"

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define AHEAD_READS 32
#define AHEAD_CHUNK (128U * 1024)

struct ahead;

/* The descriptor stays the caller's and outlives this. */
must_check int ahead_open(int fd, struct ahead **ret, struct err *e);

/* Thread safe; waits for no read. What was asked for lately is not read again, and what does not
 * fit the queue (128 MiB) is dropped. Where threads cannot be made: posix_fadvise(2). */
void ahead_want(struct ahead *a, uint64_t offset, uint64_t len);

/* Waits for the reads in flight, not for those in the queue. */
void ahead_close(struct ahead *a);

/* For tests: the same with another preadv2(2), which any thread calls. */
typedef ssize_t (*ahead_read_fn)(int fd, const struct iovec *v, int n, off_t offset, int flags);
must_check int ahead_open_with(int fd, ahead_read_fn read, struct ahead **ret, struct err *e);

#endif
