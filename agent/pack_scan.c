/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_scan.h"

#include "agent/elf.h"
#include "agent/isa.h"
#include "agent/pack_node.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What paths begin with while the tree is visited. */
#define TOP "."

struct scan {
	const struct pack_scan_request *request;
	const char *path; /* of the file beneath the tree */
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

/* The dynamic linker takes from these folders only what the processor can run. */
static bool is_chosen_at_start(const char *path)
{
	return strstr(path, "/glibc-hwcaps/") != NULL;
}

static int visit(void *ctx, const struct pack_node *n, struct err *e)
{
	struct scan *s = ctx;

	if (s->request->cancelled && s->request->cancelled(s->request->ctx))
		return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	if (!S_ISREG(n->st.st_mode) || is_chosen_at_start(n->path))
		return 0;
	s->path = n->path + sizeof(TOP);
	return scan_file(s, n->dirfd, n->name, e);
}

int pack_scan(const struct pack_scan_request *r, struct err *e)
{
	struct scan s = {.request = r};

	return pack_nodes(r->dir, TOP, visit, &s, e);
}
