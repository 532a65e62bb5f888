/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX access control lists in their two forms. Text: what star, GNU tar and libarchive write into
 * SCHILY.acl.access and SCHILY.acl.default, "user::rwx,user:1000:r-x,group::r-x,mask::r-x,
 * other::---", where a name may be followed by its number, "user:joe:r-x:1000". Value: what the
 * kernel has as system.posix_acl_access and system.posix_acl_default (linux/posix_acl_xattr.h):
 * u32 version 2, then entries of u16 tag, u16 permissions, u32 id, little endian, tags rising.
 * Pure; both forms are hostile until checked. No name is looked up: ids are numbers.
 */
#ifndef AGENT_UNPACK_ACL_H
#define AGENT_UNPACK_ACL_H

#include "common/buf.h"
#include "common/err.h"

/* Names of the kernel's attributes. */
#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/* What the kernel takes as a value: XATTR_SIZE_MAX. */
#define ACL_VALUE_MAX (64 * 1024)
#define ACL_TEXT_MAX  (256 * 1024)

/* Adds the value to out, sorted as the kernel wants it. Kind data: -EBADMSG, or -ESRCH where a
 * user or group has a name and no number. */
must_check int acl_from_text(const char *text, struct buf *out, struct err *e);

/* Adds the text to out, in one form only: no names, no blanks. */
must_check int acl_to_text(const void *value, size_t len, struct buf *out, struct err *e);

#endif
