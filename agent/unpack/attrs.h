/* SPDX-License-Identifier: Apache-2.0 */
/* What an entry has beside its name and content: owner, mode, time, extended attributes. */
#ifndef AGENT_UNPACK_ATTRS_H
#define AGENT_UNPACK_ATTRS_H

#include "agent/unpack/fresh.h"

/* Of a file or directory that is open and still private to this user. The owner is set by root
 * only; what a fresh file (NULL: it is none) has is left. In an order that holds: chown clears bits
 * of the mode, a mode may forbid user.*, chmod changes an ACL. */
must_check int attrs_set(int fd, const struct entry *n, const struct fresh *fresh, struct err *e);

/* Of what cannot be opened: links and devices. */
must_check int attrs_set_at(int dirfd, const char *name, const struct entry *n, struct err *e);

/* -errno and a message that names the entry. */
int attrs_cannot(struct err *e, const char *verb, const char *path);

#endif
