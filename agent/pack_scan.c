/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_scan.h"

#include "agent/elf.h"
#include "agent/isa.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 200 /* one descriptor each */

struct scan {
	const struct pack_scan_request *request;
	char path[PATH_MAX]; /* of the entry beneath the tree */
};

static int cannot(const struct scan *s, const char *verb, struct err *e)
{
	return err_errno(e, "cannot %s '%s'", verb, s->path);
}

static size_t sweep_piece(const uint8_t *code, size_t n, bool last, void *ctx)
{
	return isa_sweep_add(ctx, code, n, last);
}

static void add_level(unsigned level, struct cpu_features *set)
{
	static const char *const names[] = {[2] = "x86-64-v2", "x86-64-v3", "x86-64-v4"};
	const struct cpu_target *t = level ? cpu_target_find(names[level]) : NULL;

	for (size_t i = 0; t && i < CPU_FEATURE_WORDS; i++)
		set->word[i] |= t->needs.word[i];
}

static int read_elf(
	const struct scan *s, const struct elf *f, struct pack_scan_file *file, struct err *e)
{
	struct isa_sweep sweep = {0};
	int rc = elf_needed_level(f, &file->level, e);

	file->arch = f->arch;
	file->swept = s->request->instructions && f->amd64;
	if (rc == 0 && file->swept)
		rc = elf_code(f, sweep_piece, &sweep, e);
	file->features = sweep.found;
	add_level(file->level, &file->features);
	return rc;
}

static int scan_file(struct scan *s, int dirfd, const char *name, struct err *e)
{
	auto_close int fd =
		openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct pack_scan_file file = {.path = s->path};
	char damage[sizeof(e->msg)];
	struct elf f;
	int rc;

	if (fd < 0)
		return cannot(s, "open", e);
	rc = elf_open(fd, &f, e);
	if (rc == 0)
		return 0;
	if (rc > 0)
		rc = read_elf(s, &f, &file, e);
	if (rc == -EBADMSG) {
		memcpy(damage, e->msg, sizeof(damage));
		file = (struct pack_scan_file){.path = s->path, .damaged = damage};
	} else if (rc < 0) {
		return err_ctx(e, "'%s'", s->path);
	}
	return s->request->found(&file, s->request->ctx, e);
}

static int scan_dir(struct scan *s, int fd, unsigned depth, struct err *e);

static int scan_entry(struct scan *s, int dirfd, const char *name, unsigned depth, struct err *e)
{
	auto_close int fd = -1;
	struct stat st;

	if (s->request->cancelled && s->request->cancelled(s->request->ctx))
		return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(s, "examine", e);
	if (S_ISREG(st.st_mode))
		return scan_file(s, dirfd, name, e);
	if (!S_ISDIR(st.st_mode) || strcmp(name, "glibc-hwcaps") == 0)
		return 0;
	if (depth >= DEPTH_MAX)
		return err_set(
			e, ERR_DATA, ELOOP, "'%s' is more than %d levels deep", s->path, DEPTH_MAX);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? cannot(s, "open the directory", e) : scan_dir(s, fd, depth + 1, e);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

/* s->path names the directory ("" for the tree), before and after. */
static int scan_dir(struct scan *s, int fd, unsigned depth, struct err *e)
{
	const size_t len = strlen(s->path), room = sizeof(s->path) - len;
	struct dirent **entry = NULL;
	int n = scandirat(fd, ".", &entry, not_dots, by_name);
	int rc = n < 0 ? cannot(s, "read the directory", e) : 0;

	for (int i = 0; i < n; i++) {
		const char *name = entry[i]->d_name;
		int want = snprintf(s->path + len, room, "%s%s", len ? "/" : "", name);

		if (rc == 0 && (want < 0 || (size_t)want >= room))
			rc = err_set(e, ERR_DATA, ENAMETOOLONG,
				"a name beneath '%.80s...' is too long", s->path);
		if (rc == 0)
			rc = scan_entry(s, fd, name, depth, e);
		s->path[len] = '\0';
		free(entry[i]);
	}
	free(entry);
	return rc;
}

int pack_scan(const struct pack_scan_request *r, struct err *e)
{
	struct scan s = {.request = r};
	auto_close int fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "cannot open '%s'", r->dir);
	return scan_dir(&s, fd, 0, e);
}
