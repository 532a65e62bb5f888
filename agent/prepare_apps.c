/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prepare.h"

#include "agent/copy.h"
#include "agent/notify.h"
#include "agent/unpack/unpack.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* How much longer the start may take each time there was progress. */
#define START_EXTENSION (90 * NSEC_PER_SEC)

/* Names of /shared that are not an app's or a copied file's to take. */
static bool is_reserved(const char *name)
{
	return *name == '.' || strcmp(name, "jobs") == 0 || strcmp(name, "bin") == 0;
}

int prepare_match(struct prepare *p, struct err *e)
{
	struct match_machine machine = {
		.instance_type = p->identity.instance_type.value,
		.cpu = &p->cpu,
	};
	size_t chosen = 0;
	int rc = match_scan(p->root, &p->settings, &machine, &p->match, e);

	if (rc == 0)
		rc = match_check(&p->match, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < p->match.n; i++) {
		chosen += p->match.candidate[i].chosen;
		if (p->match.candidate[i].chosen && is_reserved(p->match.candidate[i].app))
			return err_set(e, ERR_CONFIG, EINVAL,
				"match: '%s' would be an app named '%s', a reserved name",
				p->match.candidate[i].file, p->match.candidate[i].app);
	}
	p->app = calloc(chosen + 1, sizeof(*p->app));
	p->slot = calloc(chosen + p->settings.copy.len + 1, sizeof(*p->slot));
	return p->app && p->slot ? 0 : err_oom(e);
}

/* Shared by the threads of one unpacking; the lock keeps the terminal and the service manager from
 * hearing two at once. */
struct unpacking {
	pthread_mutex_t lock;
	struct progress progress;
	const char *file;
	uint64_t size;
	uint64_t told; /* clock.h, when the service manager was told last */
};

static void on_progress(uint64_t read, void *ctx)
{
	struct unpacking *u = ctx;

	if (pthread_mutex_trylock(&u->lock) != 0)
		return;
	progress_update(&u->progress, read);
	if (clock_now() - u->told >= NSEC_PER_SEC) {
		u->told = clock_now();
		notify_status("unpacking '%s': %llu %%", u->file,
			(unsigned long long)(u->size ? 100 * read / u->size : 100));
		notify_extend(START_EXTENSION);
	}
	pthread_mutex_unlock(&u->lock);
}

static bool on_cancel(void *ctx)
{
	(void)ctx;
	return cancel_requested();
}

static int unpack_into(struct prepare *p, int archive, const struct candidate *c,
	const struct slot *s, struct err *e)
{
	struct unpacking u = {.lock = PTHREAD_MUTEX_INITIALIZER, .file = c->file};
	char partial[SLOT_PATH];
	struct unpack_result result;
	struct statvfs fs;
	struct stat st;
	int rc;

	if (fstatvfs(p->shared, &fs) < 0 || fstat(archive, &st) < 0)
		return err_errno(e, "unpack '%s'", c->file);
	slot_partial(s, partial);
	u.size = (uint64_t)st.st_size;
	progress_start(&u.progress, c->file, u.size, p->options->quiet || p->options->service);
	rc = unpack_archive(
		&(struct unpack_request){
			.archive = archive,
			.name = c->file,
			.parent = p->shared,
			.tree = partial,
			.strip = s->name,
			.space = fs.f_bavail * fs.f_frsize,
			.inodes = fs.f_favail,
			.threads = p->settings.threads,
			.limits = unpack_default_limits,
			.progress = on_progress,
			.cancelled = on_cancel,
			.ctx = &u,
		},
		&result, e);
	progress_end(&u.progress);
	return rc;
}

/* Returns the failure it was called for. */
static int abandon(struct prepare *p, const struct slot *s, int failure)
{
	struct err e = ERR_INIT;

	if (slot_abandon(p->shared, s, &e) < 0)
		log_warning("%s", e.msg);
	return failure;
}

static int fill_app(struct prepare *p, const struct candidate *c, struct slot *s, struct err *e)
{
	auto_buf struct buf path = BUF_INIT(PATH_MAX);
	auto_close int archive = -1;
	uint64_t start = clock_now();
	char took[NUM_TEXT];
	int rc;

	snprintf(s->name, sizeof(s->name), *c->key ? "%s_%s" : "%s%s", c->app, c->key);
	snprintf(s->app, sizeof(s->app), "%s", c->app);
	if (buf_addf(&path, "%s/%s", p->settings.data, c->file) < 0)
		return err_oom(e);
	rc = fs_open(p->root, buf_str(&path), O_RDONLY, 0, &archive, e);
	if (rc == 0)
		rc = slot_stamp_file(archive, c->manifest.digest, s->stamp, e);
	if (rc < 0)
		return rc;
	if (slot_is_filled(p->shared, s)) {
		log_info("unpack: '%s' is there already", s->name);
		return slot_link(p->shared, s, e);
	}
	rc = slot_begin(p->shared, s, e);
	if (rc == 0)
		rc = unpack_into(p, archive, c, s, e);
	if (rc < 0)
		return abandon(p, s, rc);
	rc = slot_commit(p->shared, s, e);
	if (rc == 0)
		rc = slot_link(p->shared, s, e);
	if (rc == 0)
		log_info("unpack: '%s' from '%s' in %s", s->name, c->file,
			num_duration_text(clock_now() - start, took));
	return rc;
}

int prepare_apps(struct prepare *p, struct err *e)
{
	int rc = priority_set(&p->settings.priority, e);

	if (rc < 0)
		return err_ctx(e, "unpack");
	if (p->match.n == 0) {
		log_info("match: no archives in '%s'", p->settings.data);
		return 0;
	}
	for (size_t i = 0; rc == 0 && i < p->match.n; i++) {
		const struct candidate *c = &p->match.candidate[i];
		struct slot *s = &p->slot[p->n_slots];
		struct published_app *app = &p->app[p->n_apps];

		if (!c->chosen)
			continue;
		rc = fill_app(p, c, s, e);
		p->n_slots++;
		snprintf(app->name, sizeof(app->name), "%s", c->app);
		snprintf(app->key, sizeof(app->key), "%s", c->key);
		snprintf(app->digest, sizeof(app->digest), "%s", c->manifest.digest);
		snprintf(app->path, sizeof(app->path), "%s/%s", p->settings.path, s->name);
		p->n_apps++;
	}
	return rc;
}

/* A plain name of the data directory; a trailing slash says that it is a directory. */
static int copy_name(struct prepare *p, const char *word, struct slot *s, struct err *e)
{
	size_t len = strlen(word);

	len -= len > 1 && word[len - 1] == '/';
	snprintf(s->name, sizeof(s->name), "%.*s", (int)len, word);
	if (len >= sizeof(s->name) || strchr(s->name, '/') || is_reserved(s->name))
		return err_set(e, ERR_CONFIG, EINVAL,
			"copy: '%s' is not a plain name in '%s': correct Copy=", word,
			p->settings.data);
	for (size_t i = 0; i < p->n_apps; i++)
		if (strcmp(p->slot[i].name, s->name) == 0 || strcmp(p->slot[i].app, s->name) == 0)
			return err_set(e, ERR_CONFIG, EEXIST,
				"copy: '%s' is the name of an app too: correct Copy=", word);
	return 0;
}

/* Named twice: the key is repeatable, and drop-ins add to it. */
static bool is_copied(const struct prepare *p, const char *name)
{
	for (size_t i = p->n_apps; i < p->n_slots; i++)
		if (strcmp(p->slot[i].name, name) == 0)
			return true;
	return false;
}

static int fill_copy(struct prepare *p, int data, const char *word, struct err *e)
{
	struct slot *s = &p->slot[p->n_slots];
	char partial[SLOT_PATH];
	struct stat st;
	int rc = copy_name(p, word, s, e);

	if (rc < 0 || is_copied(p, s->name))
		return rc;
	if (fstatat(data, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, ERR_CONFIG, errno,
			"copy: no '%s' in '%s': correct Copy=", s->name, p->settings.data);
	if (S_ISLNK(st.st_mode))
		return err_set(e, ERR_CONFIG, ELOOP,
			"copy: '%s' in '%s' is a link: put what it leads to there", s->name,
			p->settings.data);
	p->n_slots++;
	notify_status("copying '%s'", s->name);
	notify_extend(START_EXTENSION);
	rc = copy_stamp(data, s->name, s->stamp, e);
	if (rc < 0 || slot_is_filled(p->shared, s))
		return rc;
	slot_partial(s, partial);
	rc = slot_begin(p->shared, s, e);
	if (rc == 0)
		rc = copy_entry(data, s->name, p->shared, partial, e);
	if (rc < 0)
		return abandon(p, s, rc);
	rc = slot_commit(p->shared, s, e);
	if (rc == 0)
		log_info("copy: '%s'", s->name);
	return rc;
}

int prepare_copies(struct prepare *p, struct err *e)
{
	auto_close int data = -1;
	int rc = 0;

	if (p->settings.copy.len > 0)
		rc = fs_open(p->root, p->settings.data, O_RDONLY | O_DIRECTORY, 0, &data, e);
	for (size_t i = 0; rc == 0 && i < p->settings.copy.len; i++)
		rc = fill_copy(p, data, p->settings.copy.word[i], e);
	return rc;
}

int prepare_sweep(struct prepare *p, struct err *e)
{
	return slot_sweep(p->shared, p->slot, p->n_slots, e);
}
