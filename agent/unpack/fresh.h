/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file has from the moment it is made, so that it need not be set: for many small files the
 * calls that set owner and mode again are a tenth of the time.
 */
#ifndef AGENT_UNPACK_FRESH_H
#define AGENT_UNPACK_FRESH_H

#include "agent/unpack/entry.h"

struct fresh {
	bool known; /* else nothing is: files are made private and everything is set */
	uid_t uid;
	gid_t gid;
	mode_t mask; /* taken off the mode asked for */
};

/* Of files to be made beneath dir. Known only where dir is this process's own, open to nobody else,
 * and passes on neither a group nor an ACL. */
void fresh_read(int dir, struct fresh *ret);

/* The mode to make the file of an entry with. */
mode_t fresh_mode(const struct fresh *f, const struct entry *n);

/* Whether a file made with fresh_mode() has its owner and its mode already. */
bool fresh_has_owner(const struct fresh *f, const struct entry *n);
bool fresh_has_mode(const struct fresh *f, const struct entry *n);

#endif
