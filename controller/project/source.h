/* SPDX-License-Identifier: Apache-2.0 */
/* An app's source tree as one compressed stream for its workers. */
#ifndef CONTROLLER_SOURCE_H
#define CONTROLLER_SOURCE_H

#include "common/err.h"

#include <stdint.h>

/*
 * tar + zstd of what is in dir, owned by root, in a file without a name beneath tmpdir. What is
 * named without leaves it out: the absolute path of a directory, or NULL. Devices, sockets and
 * FIFOs are refused. -ECANCELED where the user asked to end.
 */
must_check int source_pack(
	const char *dir, const char *without, const char *tmpdir, int *ret_fd, struct err *e);

#endif
