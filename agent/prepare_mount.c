/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prepare.h"

#include "agent/generator.h"
#include "agent/seal.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define PLAN_FILE     PUBLISH_RUN "/plan.json"
#define PLAN_FILE_MAX (64 * KIB)

bool prepare_saved_path(int rootfd, char ret[static PREPARE_PATH])
{
	auto_buf struct buf text = BUF_INIT(PLAN_FILE_MAX);
	auto_json json_t *plan = NULL;
	struct err ignored = ERR_INIT;
	const char *path;

	if (fs_read(rootfd, PLAN_FILE, &text, &ignored) < 0 ||
		json_parse(buf_str(&text), text.len, PLAN_FILE, &plan, &ignored) < 0 ||
		json_get_string(plan, "path", &path, &ignored) < 0 || *path != '/' ||
		strlen(path) >= PREPARE_PATH)
		return false;
	snprintf(ret, PREPARE_PATH, "%s", path);
	return true;
}

/* Two of them would be twice what is safe. */
static int not_elsewhere(struct prepare *p, struct err *e)
{
	char before[PREPARE_PATH], path[PREPARE_PATH];
	struct mnt_live live;
	int rc;

	if (!prepare_saved_path(p->root, before) || strcmp(before, p->settings.path) == 0)
		return 0;
	snprintf(path, sizeof(path), "%s%s",
		strcmp(p->options->root, "/") == 0 ? "" : p->options->root, before);
	rc = mnt_live(path, &live, e);
	if (rc < 0 || !live.mounted)
		return rc;
	return err_set(e, ERR_CONFIG, EEXIST,
		"prepare: Path=%s, but '%s' is mounted: run 'shared-prep release' first",
		p->settings.path, before);
}

/* A tmpfs that somebody else mounted. */
static int is_safe(struct prepare *p, struct err *e)
{
	if (strstr(p->live.options, "nosuid") && strstr(p->live.options, "nodev"))
		return 0;
	return err_set(e, ERR_SYSTEM, EINVAL,
		"prepare: '%s' is mounted without nosuid,nodev: unmount it first",
		p->settings.path);
}

int prepare_plan(struct prepare *p, struct err *e)
{
	struct plan_held held = {0};
	char size[NUM_TEXT], min[NUM_TEXT];
	int rc = not_elsewhere(p, e);

	if (rc == 0)
		rc = mnt_live(p->path, &p->live, e);
	if (rc == 0 && p->live.mounted)
		rc = is_safe(p, e);
	if (rc < 0)
		return rc;
	if (p->live.mounted)
		held = (struct plan_held){.bytes = p->live.used, .inodes = p->live.used_inodes};
	plan_size(&p->host, &p->settings, &held, &p->plan);
	if (!p->plan.fits && !p->live.mounted)
		return err_set(e, ERR_SYSTEM, ENOMEM,
			"prepare: a safe '%s' would have %s, less than MinSize=%s: use a larger "
			"instance, or see 'shared-prep plan'",
			p->settings.path, num_size_text(p->plan.size, size),
			num_size_text(p->plan.min_size, min));
	return 0;
}

static int no_mount(struct prepare *p, struct err *e)
{
	auto_buf struct buf unit = BUF_INIT(PATH_MAX);
	int rc = generator_unit_name(p->settings.path, &unit, e);

	if (rc < 0)
		return rc;
	return err_set(e, ERR_SYSTEM, ENOENT,
		"prepare: '%s' is not mounted: see 'systemctl status %s'", p->settings.path,
		buf_str(&unit));
}

static int mount_here(struct prepare *p, struct err *e)
{
	struct mnt_options options;
	struct err undo = ERR_INIT;
	bool immutable;
	struct stat st;
	int rc;

	if (p->options->service)
		return no_mount(p, e);
	rc = mnt_probe(&p->plan, p->settings.context, &options, e);
	if (rc == 0 && lstat(p->path, &st) == 0 && S_ISDIR(st.st_mode))
		p->was_mode = st.st_mode & 07777;
	if (rc == 0)
		rc = seal_apply(p->path, &immutable, e);
	if (rc < 0)
		return rc;
	p->mounted_here = true;
	rc = mnt_mount(p->path, &options, e);
	if (rc < 0 && prepare_unmount(p, &undo) < 0)
		log_warning("%s", undo.msg);
	return rc;
}

int prepare_unmount(struct prepare *p, struct err *e)
{
	int rc = mnt_unmount(p->path, false, e);

	if (rc == 0)
		rc = seal_remove(p->path, e);
	if (rc == 0 && p->was_mode && (mkdir(p->path, 0700) < 0 || chmod(p->path, p->was_mode) < 0))
		rc = err_errno(e, "prepare: cannot make '%s' again", p->path);
	p->mounted_here = false;
	return rc;
}

/* What is mounted stays as large as it is when only the memory in use at this moment speaks against
 * it: jobs come and go. */
static bool size_is_right(const struct prepare *p)
{
	if (strcmp(p->plan.bound, "available") == 0 && p->plan.size < p->live.size)
		return true;
	return p->plan.size == p->live.size && p->plan.nr_inodes == p->live.nr_inodes;
}

static int resize(struct prepare *p, struct err *e)
{
	char from[NUM_TEXT], to[NUM_TEXT];
	int rc;

	if (size_is_right(p))
		return 0;
	rc = mnt_resize(p->path, p->plan.size, p->plan.nr_inodes, e);
	if (rc == -EBUSY) {
		log_warning("%s", e->msg);
		return 0;
	}
	/* The hardened unit has re-sized before, in ExecStartPre=, or said why not. */
	if (rc == -EPERM && p->options->service)
		return 0;
	if (rc == 0)
		log_info("mount: '%s' re-sized from %s to %s", p->settings.path,
			num_size_text(p->live.size, from), num_size_text(p->plan.size, to));
	return rc;
}

static bool has_option(const struct mnt_options *o, const char *option)
{
	for (unsigned i = 0; i < o->n_taken; i++)
		if (strcmp(o->taken[i], option) == 0)
			return true;
	return false;
}

/* The live mount tells which of the wanted options are in effect, whoever mounted it. */
static int describe_options(struct prepare *p, struct err *e)
{
	struct mnt_options wanted, *o = &p->mnt_options;
	int rc = mnt_live(p->path, &p->live, e);

	if (rc == 0)
		rc = mnt_options_again(
			p->live.options, p->live.size, p->live.nr_inodes, &p->mnt_options, e);
	if (rc < 0)
		return rc;
	mnt_options_wanted(&p->plan, p->settings.context, &wanted);
	for (unsigned i = MNT_REQUIRED; i < wanted.n_taken; i++)
		if (!has_option(o, wanted.taken[i]))
			memcpy(o->dropped[o->n_dropped++], wanted.taken[i], MNT_OPTION_TEXT);
	return 0;
}

/* For the generator, which gives the live size back after a daemon-reload. */
static int save_plan(struct prepare *p, struct err *e)
{
	auto_json json_t *plan = NULL;
	auto_buf struct buf text = BUF_INIT(PLAN_FILE_MAX);
	char options[MNT_OPTIONS * MNT_OPTION_TEXT];
	int rc = mnt_options_text(&p->mnt_options, options, sizeof(options), e);

	if (rc < 0)
		return rc;
	plan = json_pack("{s:i, s:s, s:I, s:I, s:s}", "format", 1, "path", p->settings.path,
		"size_bytes", (json_int_t)p->live.size, "nr_inodes", (json_int_t)p->live.nr_inodes,
		"options", options);
	if (!plan)
		return err_oom(e);
	rc = json_text(plan, &text, e);
	return rc < 0 ? rc : fs_write_changed(p->root, PLAN_FILE, 0644, &text, e);
}

int prepare_mount(struct prepare *p, struct err *e)
{
	int rc = p->live.mounted ? resize(p, e) : mount_here(p, e);

	if (rc == 0)
		rc = describe_options(p, e);
	if (rc == 0)
		rc = save_plan(p, e);
	/* What the facts say holds when they are published. */
	snprintf(p->mnt_options.taken[MNT_MODE], MNT_OPTION_TEXT, "mode=1777");
	return rc;
}

int prepare_say_mount(struct prepare *p, struct err *e)
{
	char size[NUM_TEXT];

	(void)e;
	for (unsigned i = 0; i < p->mnt_options.n_dropped; i++)
		log_info("mount: without '%s'", p->mnt_options.dropped[i]);
	log_info("mount: '%s' has %s and %llu inodes", p->settings.path,
		num_size_text(p->live.size, size), (unsigned long long)p->live.nr_inodes);
	return 0;
}
