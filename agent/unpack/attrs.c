/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/attrs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int attrs_cannot(struct err *e, const char *verb, const char *path)
{
	char quoted[ENTRY_QUOTE];

	return err_errno(e, "cannot %s %s", verb, entry_quote(*path ? path : ".", quoted));
}

static bool is_acl(const struct entry_xattr *x)
{
	return strncmp(x->name, "system.", 7) == 0;
}

static int set_xattrs(int fd, const struct entry *n, bool acls, struct err *e)
{
	for (unsigned i = 0; i < n->n_xattrs; i++) {
		const struct entry_xattr *x = &n->xattr[i];

		/* tmpfs has user.* since Linux 6.6, and ACLs if the kernel was built with them. */
		if (is_acl(x) == acls && fsetxattr(fd, x->name, x->value, x->len, 0) < 0 &&
			errno != EOPNOTSUPP)
			return attrs_cannot(e, "set an extended attribute of", n->path);
	}
	return 0;
}

int attrs_set(int fd, const struct entry *n, const struct fresh *fresh, struct err *e)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, n->mtime};
	const bool has_owner = fresh && fresh_has_owner(fresh, n);
	const bool has_mode = has_owner && fresh_has_mode(fresh, n);

	if (n->n_xattrs > 0 && set_xattrs(fd, n, false, e) < 0)
		return -e->num;
	if (!has_owner && geteuid() == 0 && fchown(fd, (uid_t)n->uid, (gid_t)n->gid) < 0)
		return attrs_cannot(e, "set the owner of", n->path);
	if (!has_mode && fchmod(fd, n->mode) < 0)
		return attrs_cannot(e, "set the mode of", n->path);
	if (n->n_xattrs > 0 && set_xattrs(fd, n, true, e) < 0)
		return -e->num;
	return futimens(fd, times) < 0 ? attrs_cannot(e, "set the time of", n->path) : 0;
}

/* Owner first, as chown clears bits of the mode. */
int attrs_set_at(int dirfd, const char *name, const struct entry *n, struct err *e)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, n->mtime};

	if (geteuid() == 0 &&
		fchownat(dirfd, name, (uid_t)n->uid, (gid_t)n->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return attrs_cannot(e, "set the owner of", n->path);
	if (n->kind != ENTRY_SYMLINK && fchmodat(dirfd, name, n->mode, 0) < 0)
		return attrs_cannot(e, "set the mode of", n->path);
	if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return attrs_cannot(e, "set the time of", n->path);
	return 0;
}
