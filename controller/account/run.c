/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/account/run.h"

#include "common/auto.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/project/project.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>

#define FOLDER  "shared-prep"
#define JOURNAL "journal"
#define LOCK    "lock"

#define LOCK_TIME (200 * NSEC_PER_MSEC)

static int make_id(char out[static RUN_ID], struct err *e)
{
	unsigned char b[16];
	struct timespec now;
	uint64_t ms;

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return err_errno(e, "random numbers");
	clock_gettime(CLOCK_REALTIME, &now);
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	for (size_t i = 0; i < 6; i++)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	snprintf(out, RUN_ID,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
	return 0;
}

static bool is_id(const char *name)
{
	return strlen(name) == RUN_ID - 1 && strspn(name, "0123456789abcdef-") == RUN_ID - 1;
}

static int state_dir(char out[static PATH_MAX], struct err *e)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n;

	if (state && state[0] == '/')
		n = snprintf(out, PATH_MAX, "%s/" FOLDER, state);
	else if (home && home[0] == '/')
		n = snprintf(out, PATH_MAX, "%s/.local/state/" FOLDER, home);
	else
		return err_set(e, ERR_CONFIG, ENOENT,
			"no place for the journal: neither XDG_STATE_HOME nor HOME is set");
	if (n >= PATH_MAX)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "XDG_STATE_HOME or HOME is too long");
	return 0;
}

/* `ls` holds it for a moment only. */
static int lock(struct run *r, struct err *e)
{
	uint64_t deadline = clock_deadline(LOCK_TIME);

	while (flock(r->lockfd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_errno(e, "the lock of '%s'", r->dir);
		if (clock_left(deadline) == 0)
			return -EBUSY;
		clock_sleep(LOCK_TIME / 20, deadline);
	}
	return 0;
}

/* Opens the folder of r->id and takes its lock. */
static int enter(struct run *r, struct err *e)
{
	char state[PATH_MAX];
	int rc = state_dir(state, e);

	if (rc < 0)
		return rc;
	if (snprintf(r->dir, sizeof(r->dir), "%s/%s", state, r->id) >= (int)sizeof(r->dir))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", state);
	if ((rc = fs_open(AT_FDCWD, r->dir, O_DIRECTORY | O_NOFOLLOW, 0, &r->dirfd, e)) < 0 ||
		(rc = fs_open(r->dirfd, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &r->lockfd, e)) <
			0)
		return rc;
	rc = lock(r, e);
	if (rc != -EBUSY)
		return rc < 0 ? rc : journal_open(r->dirfd, JOURNAL, &r->journal, e);
	rc = journal_read(r->dirfd, JOURNAL, &r->journal, e);
	return rc < 0 ? rc
		      : err_set(e, ERR_TRANSIENT, EBUSY, "run %s: another controller works on it",
				r->id);
}

int run_new(json_t *about, struct run *ret, struct err *e)
{
	auto_json json_t *event = about;
	char state[PATH_MAX], dir[PATH_MAX + RUN_ID];
	int rc;

	*ret = (struct run)RUN_INIT;
	if (!event || json_object_set_new(event, "event", json_string("run")) < 0)
		return err_oom(e);
	if ((rc = make_id(ret->id, e)) < 0 || (rc = state_dir(state, e)) < 0)
		return rc;
	snprintf(dir, sizeof(dir), "%s/%s", state, ret->id);
	if ((rc = fs_mkdir_p(AT_FDCWD, dir, 0700, e)) < 0 || (rc = enter(ret, e)) < 0)
		return rc;
	return journal_event(&ret->journal, take_ptr(event), e);
}

int run_begin(const char *command, const struct project *p, struct run *ret, struct err *e)
{
	return run_new(json_pack("{s:s, s:o, s:o*, s:s, s:o*}", "command", command, "project",
			       json_string_lossy(p->name), "file", json_string(p->file), "provider",
			       provider_name(p->provider), "profile", json_string(p->aws.profile)),
		ret, e);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void run_list_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static int add_name(char ***list, size_t *n, const char *name, struct err *e)
{
	char **grown = reallocarray(*list, *n + 1, sizeof(*grown));

	if (!grown)
		return err_oom(e);
	*list = grown;
	grown[*n] = strdup(name);
	if (!grown[*n])
		return err_oom(e);
	++*n;
	return 0;
}

int run_list(char ***ret, size_t *ret_n, struct err *e)
{
	char state[PATH_MAX];
	auto_dir DIR *dir = NULL;
	char **list = NULL;
	size_t n = 0;
	const struct dirent *d;
	int rc = state_dir(state, e);

	if (rc < 0)
		return rc;
	dir = opendir(state);
	if (!dir && errno != ENOENT)
		return err_errno(e, "'%s'", state);
	while (rc == 0 && dir && (d = readdir(dir))) {
		if (is_id(d->d_name))
			rc = add_name(&list, &n, d->d_name, e);
	}
	if (rc < 0) {
		run_list_free(list, n);
		return rc;
	}
	if (n > 0)
		qsort(list, n, sizeof(*list), by_name);
	*ret = list;
	*ret_n = n;
	return 0;
}

/* The only one that begins so. */
static int complete(const char *id, char out[static RUN_ID], struct err *e)
{
	char **list;
	size_t n, found = 0;
	int rc = run_list(&list, &n, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(list[i], id, strlen(id)) == 0 && found++ == 0)
			snprintf(out, RUN_ID, "%s", list[i]);
	}
	run_list_free(list, n);
	if (found == 1 && *id)
		return 0;
	if (found > 1)
		return err_set(e, ERR_USAGE, EINVAL,
			"run '%s': %zu runs begin so: give more of the id", id, found);
	return err_set(e, ERR_USAGE, ENOENT,
		"run '%s': there is none here: 'controller ls' lists them", id);
}

int run_open(const char *id, struct run *ret, struct err *e)
{
	int rc;

	*ret = (struct run)RUN_INIT;
	rc = complete(id, ret->id, e);
	return rc < 0 ? rc : enter(ret, e);
}

void run_close(struct run *r)
{
	journal_close(&r->journal);
	auto_close_fn(&r->lockfd);
	auto_close_fn(&r->dirfd);
	r->lockfd = r->dirfd = -1;
}

int run_left(const struct run *r, struct err *e)
{
	size_t left = journal_open_entries(&r->journal);

	if (left == 0)
		return 0;
	return err_set(e, ERR_TRANSIENT, EBUSY,
		"%zu resources are left: 'controller gc --run %s' removes them", left, r->id);
}

int run_forget(struct run *r, struct err *e)
{
	return fs_remove_tree(AT_FDCWD, r->dir, e);
}

const json_t *run_about(const struct run *r)
{
	return journal_find_event(&r->journal, "run");
}
