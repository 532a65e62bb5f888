/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole tree as one SHA-256: names, kinds, modes, owners, sizes, times, contents, targets, user.*
 * attributes, and which names are the same file. The top directory's own time is left out.
 */
#ifndef TESTS_HOSTILE_TREE_SUM_H
#define TESTS_HOSTILE_TREE_SUM_H

#include "common/digest.h"
#include "common/err.h"

must_check int tree_sum(int parent, const char *name, char out[static DIGEST_TEXT], struct err *e);

#endif
