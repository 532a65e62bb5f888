/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_attrs.h"

#include "agent/pack_header.h"
#include "agent/unpack/acl.h"
#include "agent/unpack/entry.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

static int add_acl(
	struct buf *records, const char *key, const void *value, size_t len, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(ACL_TEXT_MAX);
	int rc = acl_to_text(value, len, &text, e);

	return rc < 0 ? rc : pack_header_record(records, key, text.data, text.len, e);
}

static int add_attr(int fd, const char *name, struct buf *records, struct err *e)
{
	auto_free char *value = malloc(XATTR_SIZE_MAX);
	ssize_t len = value ? fgetxattr(fd, name, value, XATTR_SIZE_MAX) : 0;

	if (!value)
		return err_oom(e);
	if (len < 0)
		return err_errno(e, "cannot read the extended attribute '%s'", name);
	if (strcmp(name, ACL_ACCESS) == 0)
		return add_acl(records, "SCHILY.acl.access", value, (size_t)len, e);
	if (strcmp(name, ACL_DEFAULT) == 0)
		return add_acl(records, "SCHILY.acl.default", value, (size_t)len, e);
	return pack_header_xattr(records, name, value, (size_t)len, e);
}

static bool is_kept(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strcmp(name, ACL_ACCESS) == 0 ||
	       strcmp(name, ACL_DEFAULT) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, as file systems list them in any order. */
int pack_attrs(int fd, struct buf *records, struct err *e)
{
	auto_free char *list = NULL;
	const char *name[ENTRY_XATTRS];
	size_t n = 0;
	ssize_t len = flistxattr(fd, NULL, 0);

	if (len == 0 || (len < 0 && errno == EOPNOTSUPP))
		return 0;
	list = malloc(XATTR_LIST_MAX);
	if (!list)
		return err_oom(e);
	len = flistxattr(fd, list, XATTR_LIST_MAX);
	if (len < 0)
		return err_errno(e, "cannot list the extended attributes");
	for (const char *p = list; p < list + len; p += strlen(p) + 1) {
		if (!is_kept(p))
			continue;
		if (n == ARRAY_LEN(name))
			return err_set(e, ERR_DATA, E2BIG,
				"it has more than %d extended attributes", ENTRY_XATTRS);
		name[n++] = p;
	}
	qsort(name, n, sizeof(*name), by_name);
	for (size_t i = 0; i < n; i++)
		if (add_attr(fd, name[i], records, e) < 0)
			return -e->num;
	return 0;
}
