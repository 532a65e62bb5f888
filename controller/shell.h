/* SPDX-License-Identifier: Apache-2.0 */
/* Text for sh. Pure. POSIX Shell Command Language, 2.2 "Quoting". */
#ifndef CONTROLLER_SHELL_H
#define CONTROLLER_SHELL_H

#include "common/buf.h"
#include "common/config.h"

/* One word, whatever is in it. As buf_add() returns. */
must_check int shell_quote(struct buf *out, const char *word);

/* " 'WORD' 'WORD'", more of a command line. */
must_check int shell_add(struct buf *out, const struct config_words *w);

/* "NAME='VALUE'\n". */
must_check int shell_assign(struct buf *out, const char *name, const char *value);

/* "NAME='WORD WORD'\n": none of the words has a blank. */
must_check int shell_assign_list(struct buf *out, const char *name, const struct config_words *w);

#endif
