/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hooks_find.h"

#include "common/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Leftovers of editors and packagers, as run-parts(8) and systemd pass over them. */
static bool is_leftover(const char *name)
{
	static const char *const ending[] = {"~", ".bak", ".dpkg-dist", ".dpkg-new", ".dpkg-old",
		".dpkg-tmp", ".orig", ".rpmnew", ".rpmorig", ".rpmsave", ".swp"};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(ending); i++) {
		size_t n = strlen(ending[i]);

		if (len >= n && strcmp(name + len - n, ending[i]) == 0)
			return true;
	}
	return *name == '.';
}

static int is_hook(const struct dirent *entry)
{
	return !is_leftover(entry->d_name);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Why others could change it; NULL: they cannot. */
static const char *is_unsafe(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "does not belong to root";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to it";
	return NULL;
}

static const char *cannot_run(const struct stat *dir, const struct stat *st)
{
	if (is_unsafe(dir))
		return "others may write to its folder";
	if (!S_ISREG(st->st_mode))
		return "not a file";
	return st->st_mode & S_IXUSR ? is_unsafe(st) : "not executable";
}

static bool is_masked(int dirfd, const char *name)
{
	char target[16];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target));

	return n == (ssize_t)strlen("/dev/null") && memcmp(target, "/dev/null", (size_t)n) == 0;
}

/* The path by which any program finds what is open; links and another root are no part of it. */
static int real_path(int fd, char **ret, struct err *e)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	if (n < 0 || n == (ssize_t)sizeof(path))
		return err_errno(e, "cannot find the path of a program by /proc");
	*ret = strndup(path, (size_t)n);
	return *ret ? 0 : err_oom(e);
}

struct folder {
	const char *path;
	const char *only;
	int rootfd, fd;
	struct stat st;
};

static int add(struct hooks_list *l, const struct folder *in, const char *name, struct err *e)
{
	struct hooks_file *f = &l->file[l->len];
	auto_close int fd = -1;
	char path[PATH_MAX];
	const char *why;
	struct stat st;

	if (l->len == HOOKS_MAX)
		return err_set(
			e, ERR_CONFIG, E2BIG, "'%s': more than %d programs", in->path, HOOKS_MAX);
	snprintf(path, sizeof(path), "%s/%s", in->path, name);
	*f = (struct hooks_file){0};
	snprintf(f->name, sizeof(f->name), "%s", name);
	l->len++;
	if (fs_open(in->rootfd, path, O_PATH, 0, &fd, e) < 0) {
		snprintf(f->why, sizeof(f->why), "%s", strerror(e->num));
		return 0;
	}
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot look at '%s'", path);
	why = cannot_run(&in->st, &st);
	snprintf(f->why, sizeof(f->why), "%s", why ? why : "");
	return why ? 0 : real_path(fd, &f->path, e);
}

static struct hooks_file *find(struct hooks_list *l, const char *name)
{
	for (size_t i = 0; i < l->len; i++) {
		if (strcmp(l->file[i].name, name) == 0)
			return &l->file[i];
	}
	return NULL;
}

static void drop(struct hooks_list *l, struct hooks_file *f)
{
	free(f->path);
	l->len--;
	memmove(f, f + 1, (size_t)(l->file + l->len - f) * sizeof(*f));
	l->file[l->len] = (struct hooks_file){0};
}

static int take(struct hooks_list *l, const struct folder *in, const char *name, struct err *e)
{
	struct hooks_file *other = find(l, name);

	if (other)
		drop(l, other);
	return is_masked(in->fd, name) ? 0 : add(l, in, name, e);
}

static int take_all(struct hooks_list *l, const struct folder *in, struct err *e)
{
	auto_free struct dirent **names = NULL;
	int len = scandirat(in->fd, ".", &names, is_hook, by_bytes);
	int rc = 0;

	if (len < 0)
		return err_errno(e, "cannot read '%s'", in->path);
	for (int i = 0; i < len; i++) {
		if (rc == 0 && (!in->only || strcmp(in->only, names[i]->d_name) == 0))
			rc = take(l, in, names[i]->d_name, e);
		free(names[i]);
	}
	return rc;
}

static int take_folder(struct hooks_list *l, struct folder *in, struct err *e)
{
	auto_close int fd = -1;
	int rc = fs_open(in->rootfd, in->path, O_RDONLY | O_DIRECTORY, 0, &fd, e);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	in->fd = fd;
	if (fstat(fd, &in->st) < 0)
		return err_errno(e, "cannot look at '%s'", in->path);
	return take_all(l, in, e);
}

static int by_name(const void *a, const void *b)
{
	const struct hooks_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int hooks_find(int rootfd, const char *only, struct hooks_list *ret, struct err *e)
{
	static const char *const folders[] = {HOOKS_SHIPPED, HOOKS_LOCAL};
	int rc = 0;

	*ret = (struct hooks_list){0};
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(folders); i++) {
		struct folder in = {.path = folders[i], .only = only, .rootfd = rootfd};

		rc = take_folder(ret, &in, e);
	}
	if (rc < 0)
		hooks_list_free(ret);
	else
		qsort(ret->file, ret->len, sizeof(ret->file[0]), by_name);
	return rc;
}

void hooks_list_free(struct hooks_list *l)
{
	for (size_t i = 0; i < l->len; i++)
		free(l->file[i].path);
	*l = (struct hooks_list){0};
}
