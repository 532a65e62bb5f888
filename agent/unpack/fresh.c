/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/fresh.h"

#include "common/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PLAIN_MODE (S_IRWXU | S_IRWXG | S_IRWXO)

/* umask(2) cannot be asked without being changed, for all threads; proc(5) tells it. */
static bool read_mask(mode_t *ret)
{
	static const char key[] = "\nUmask:\t";
	auto_close int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char text[1024], *end;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *p;
	unsigned long mask;

	if (n <= 0)
		return false;
	text[n] = '\0';
	p = strstr(text, key);
	if (!p)
		return false;
	mask = strtoul(p + sizeof(key) - 1, &end, 8);
	*ret = (mode_t)mask;
	return *end == '\n' && mask <= PLAIN_MODE;
}

static bool passes_on_acl(int dir)
{
	return fgetxattr(dir, "system.posix_acl_default", NULL, 0) >= 0 ||
	       (errno != ENODATA && errno != EOPNOTSUPP);
}

void fresh_read(int dir, struct fresh *ret)
{
	struct stat st;

	*ret = (struct fresh){.uid = geteuid(), .gid = getegid()};
	ret->known = fstat(dir, &st) == 0 && (st.st_mode & 07777) == S_IRWXU &&
		     st.st_uid == ret->uid && st.st_gid == ret->gid && !passes_on_acl(dir) &&
		     read_mask(&ret->mask);
}

/* Extended attributes are set before a mode that may forbid it. */
static bool gets_mode(const struct fresh *f, const struct entry *n)
{
	return f->known && n->n_xattrs == 0;
}

mode_t fresh_mode(const struct fresh *f, const struct entry *n)
{
	return gets_mode(f, n) ? n->mode & PLAIN_MODE : S_IRUSR | S_IWUSR;
}

bool fresh_has_owner(const struct fresh *f, const struct entry *n)
{
	return f->known && n->uid == f->uid && n->gid == f->gid;
}

bool fresh_has_mode(const struct fresh *f, const struct entry *n)
{
	return gets_mode(f, n) && (n->mode & (~(mode_t)PLAIN_MODE | f->mask)) == 0;
}
