/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of what a file or directory has beside owner, mode and time: of extended attributes
 * user.* only, by name, and POSIX ACLs with numeric ids. Capabilities (security.capability) are not
 * kept on purpose: the mount is nosuid and an archive is not to hand them out; nor are labels and
 * trusted.*, which belong to a machine.
 */
#ifndef AGENT_PACK_ATTRS_H
#define AGENT_PACK_ATTRS_H

#include "common/buf.h"
#include "common/err.h"

/* Adds them to records; more than what unpacking takes is refused (ENTRY_XATTRS of
 * unpack/entry.h). Messages do not name the file. */
must_check int pack_attrs(int fd, struct buf *records, struct err *e);

#endif
