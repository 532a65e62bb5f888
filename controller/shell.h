/* SPDX-License-Identifier: Apache-2.0 */
/* Text for sh. Pure. POSIX Shell Command Language, 2.2 "Quoting". */
#ifndef CONTROLLER_SHELL_H
#define CONTROLLER_SHELL_H

#include "common/buf.h"

/* One word, whatever is in it. As buf_add() returns. */
must_check int shell_quote(struct buf *out, const char *word);

/* "NAME='VALUE'\n". */
must_check int shell_assign(struct buf *out, const char *name, const char *value);

#endif
