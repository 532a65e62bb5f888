/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/prove_file.h"

#include "common/clock.h"
#include "controller/image/image_name.h"
#include "controller/machine/machine_qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct proof {
	const struct prove_file *p;
	char folder[PATH_MAX + 16], log[PATH_MAX + 16], current[PATH_MAX];
};

/* --- to promote */

size_t prove_file_current(const struct project *p, const char *file, const char **ret)
{
	const char *name = p ? p->image.name : file;

	*ret = name;
	if (p && (strncmp(file, name, strlen(name)) != 0 || file[strlen(name)] != '-'))
		return strlen(name);
	*ret = file;
	return image_name_undated(file);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int set_paths(struct proof *t, struct err *e)
{
	const struct project *p = t->p->project;
	const char *file = base_of(t->p->file);
	const char *name;
	const size_t len = prove_file_current(p, file, &name);

	snprintf(t->folder, sizeof(t->folder), "%s.test.partial", t->p->file);
	snprintf(t->log, sizeof(t->log), "%s.test.log", t->p->file);
	if (strlen(t->p->file) >= PATH_MAX ||
		snprintf(t->current, sizeof(t->current), "%.*s%.*s-current",
			(int)(file - t->p->file), t->p->file, (int)len,
			name) >= (int)sizeof(t->current))
		return err_set(e, ERR_USAGE, ENAMETOOLONG, "'%s' is too long", t->p->file);
	return 0;
}

/* At once, whatever it led to before. */
static int promote(const struct proof *t, struct err *e)
{
	char temporary[PATH_MAX + 8];
	struct stat st;

	if (lstat(t->current, &st) == 0 && !S_ISLNK(st.st_mode))
		return err_set(
			e, ERR_USAGE, EEXIST, "'%s' is there, and no link: remove it", t->current);
	snprintf(temporary, sizeof(temporary), "%s.new", t->current);
	if ((unlink(temporary) < 0 && errno != ENOENT) ||
		symlink(base_of(t->p->file), temporary) < 0 || rename(temporary, t->current) < 0)
		return err_errno(e, "cannot make '%s'", t->current);
	return 0;
}

/* --- the test */

static int check_file(const char *file, struct stat *ret, struct err *e)
{
	if (stat(file, ret) < 0)
		return err_set(e, ERR_USAGE, errno, "image '%s': %s", file, strerror(errno));
	if (!S_ISREG(ret->st_mode))
		return err_set(e, ERR_USAGE, EINVAL, "image '%s' is not a file", file);
	return 0;
}

int prove_file_stays(const char *file, const struct stat *was, struct err *e)
{
	struct stat is;

	if (stat(file, &is) == 0 && is.st_dev == was->st_dev && is.st_ino == was->st_ino &&
		is.st_size == was->st_size && is.st_mtim.tv_sec == was->st_mtim.tv_sec &&
		is.st_mtim.tv_nsec == was->st_mtim.tv_nsec)
		return 0;
	return err_set(e, ERR_TRANSIENT, EBUSY,
		"image '%s' has changed since the test began: test it again", file);
}

static int test_it(
	const struct proof *t, struct machine *m, struct image_results *ret, struct err *e)
{
	auto_close int log = -1;
	int rc = machine_start(m, e);

	if (rc < 0)
		return rc;
	/* The console is written there too. */
	log = open(t->log, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	return image_test_run(
		&(struct image_test){
			.machine = m,
			.check = t->p->project ? t->p->project->image.check : "",
			.deadline = clock_deadline(t->p->timeout),
			.log = log,
			.say = t->p->say,
			.ctx = t->p->ctx,
		},
		ret, e);
}

int prove_file(const struct prove_file *p, struct image_results *ret,
	char ret_current[static PATH_MAX], struct err *e)
{
	struct proof t = {.p = p};
	struct machine *m = NULL;
	struct stat st;
	int rc = check_file(p->file, &st, e);

	ret->n = 0;
	*ret_current = '\0';
	if (rc == 0)
		rc = set_paths(&t, e);
	if (rc == 0)
		rc = machine_qemu_new(
			&(struct machine_qemu_options){
				.name = p->file,
				.image = p->file,
				.type = p->type,
				.folder = t.folder,
				.log = t.log,
				.memory = p->memory,
				.cpus = p->cpus,
			},
			&m, e);
	if (rc == 0)
		rc = test_it(&t, m, ret, e);
	machine_free(m);
	if (rc == 0 && p->promote)
		rc = prove_file_stays(p->file, &st, e);
	if (rc == 0 && p->promote)
		rc = promote(&t, e);
	if (rc == 0 && p->promote)
		snprintf(ret_current, PATH_MAX, "%s", t.current);
	return rc;
}
