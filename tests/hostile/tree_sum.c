/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/hostile/tree_sum.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define LINKED_MAX 4096
#define CHUNK      65536

struct sum {
	struct digest digest;
	ino_t linked[LINKED_MAX]; /* files of several names, as they are met */
	size_t n_linked;
	char chunk[CHUNK];
};

static void add_number(struct sum *s, uint64_t n)
{
	digest_add(&s->digest, &n, sizeof(n));
}

static void add_text(struct sum *s, const char *text)
{
	digest_add(&s->digest, text, strlen(text) + 1);
}

static int add_content(struct sum *s, int fd, struct err *e)
{
	ssize_t n;

	while ((n = read(fd, s->chunk, CHUNK)) > 0)
		digest_add(&s->digest, s->chunk, (size_t)n);
	return n < 0 ? err_errno(e, "cannot read") : 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_xattrs(struct sum *s, int fd, struct err *e)
{
	auto_free char *list = malloc(CHUNK);
	const char *name[1024];
	size_t names = 0;
	ssize_t len = list ? flistxattr(fd, list, CHUNK) : 0;

	if (len < 0 && errno != EOPNOTSUPP)
		return err_errno(e, "cannot list attributes");
	for (const char *p = list; len > 0 && p < list + len && names < ARRAY_LEN(name);
		p += strlen(p) + 1)
		if (strncmp(p, "user.", 5) == 0)
			name[names++] = p;
	qsort(name, names, sizeof(*name), by_text);
	for (size_t i = 0; i < names; i++) {
		ssize_t n = fgetxattr(fd, name[i], s->chunk, CHUNK);

		if (n < 0)
			return err_errno(e, "cannot read '%s'", name[i]);
		add_text(s, name[i]);
		add_number(s, (uint64_t)n);
		digest_add(&s->digest, s->chunk, (size_t)n);
	}
	return 0;
}

static void add_linked(struct sum *s, const struct stat *st)
{
	size_t i = 0;

	add_number(s, st->st_nlink);
	if (st->st_nlink < 2)
		return;
	while (i < s->n_linked && s->linked[i] != st->st_ino)
		i++;
	if (i == s->n_linked && i < LINKED_MAX)
		s->linked[s->n_linked++] = st->st_ino;
	add_number(s, i);
}

static int add_entry(struct sum *s, int parent, const char *name, bool top, struct err *e);

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_children(struct sum *s, int fd, struct err *e)
{
	struct dirent **entry = NULL;
	int n = scandirat(fd, ".", &entry, not_dots, by_name);
	int rc = n < 0 ? err_errno(e, "cannot list") : 0;

	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = add_entry(s, fd, entry[i]->d_name, false, e);
		free(entry[i]);
	}
	free(entry);
	add_text(s, ""); /* the end of this directory */
	return rc;
}

static int add_opened(
	struct sum *s, int parent, const char *name, const struct stat *st, struct err *e)
{
	auto_close int fd =
		openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	int rc = fd < 0 ? err_errno(e, "cannot open") : add_xattrs(s, fd, e);

	if (rc < 0)
		return rc;
	if (S_ISDIR(st->st_mode))
		return add_children(s, fd, e);
	add_number(s, (uint64_t)st->st_size);
	add_linked(s, st);
	return add_content(s, fd, e);
}

static int add_target(struct sum *s, int parent, const char *name, struct err *e)
{
	ssize_t n = readlinkat(parent, name, s->chunk, PATH_MAX);

	if (n < 0)
		return err_errno(e, "cannot read the link");
	digest_add(&s->digest, s->chunk, (size_t)n);
	return 0;
}

static int add_entry(struct sum *s, int parent, const char *name, bool top, struct err *e)
{
	struct stat st;
	int rc = 0;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "cannot examine '%s'", name);
	add_text(s, top ? "" : name);
	add_number(s, st.st_mode);
	add_number(s, (uint64_t)st.st_uid << 32 | st.st_gid);
	add_number(s, st.st_rdev);
	add_number(s, top ? 0 : (uint64_t)st.st_mtim.tv_sec);
	add_number(s, top ? 0 : (uint64_t)st.st_mtim.tv_nsec);
	if (S_ISLNK(st.st_mode))
		rc = add_target(s, parent, name, e);
	else if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		rc = add_opened(s, parent, name, &st, e);
	return rc < 0 ? err_ctx(e, "'%s'", name) : 0;
}

int tree_sum(int parent, const char *name, char out[static DIGEST_TEXT], struct err *e)
{
	auto_free struct sum *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_oom(e);
	digest_start(&s->digest);
	rc = add_entry(s, parent, name, true, e);
	digest_end(&s->digest, out);
	return rc;
}
