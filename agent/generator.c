/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/generator.h"

#include "agent/host.h"
#include "agent/mnt.h"
#include "agent/plan.h"
#include "agent/settings.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PLAN_FILE "/run/shared-prep/plan.json"
#define PLAN_MAX  (64 * KIB)
#define UNIT_MAX  (16 * KIB)
#define DROP_IN   "shared-prep.service.d/50-configuration.conf"

struct generator {
	const char *dir;
	int root; /* descriptors of the root and of dir */
	int out;
	char path[PATH_MAX]; /* of the mount, beneath the root */
	struct settings settings;
	char *said;
};

static int as_file(struct generator *g, const char *name, const struct buf *text, struct err *e)
{
	int rc = fs_write_atomic(g->out, name, 0644, buf_str(text), text->len, e);

	return rc < 0 ? err_ctx(e, "'%s'", g->dir) : 0;
}

/* TARGET.wants/NAME → ../NAME */
static int want(struct generator *g, const char *target, const char *name, struct err *e)
{
	char folder[64], link[512], to[512];
	int rc;

	snprintf(folder, sizeof(folder), "%s.wants", target);
	snprintf(link, sizeof(link), "%s/%s", folder, name);
	snprintf(to, sizeof(to), "../%s", name);
	rc = fs_mkdir_p(g->out, folder, 0755, e);
	if (rc == 0 && symlinkat(to, g->out, link) < 0 && errno != EEXIST)
		rc = err_errno(e, "cannot make '%s/%s'", g->dir, link);
	return rc;
}

static int write_drop_in(struct generator *g, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(UNIT_MAX);
	int rc = generator_drop_in(&g->settings, &text, e);

	if (rc < 0 || text.len == 0)
		return rc;
	rc = fs_mkdir_p(g->out, "shared-prep.service.d", 0755, e);
	return rc < 0 ? rc : as_file(g, DROP_IN, &text, e);
}

/* A unit without its links would do nothing: no half of them stays. */
static int write_unit(struct generator *g, const struct mnt_options *o, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(UNIT_MAX);
	auto_buf struct buf name = BUF_INIT(UNIT_MAX);
	char options[MNT_OPTIONS * MNT_OPTION_TEXT];
	int rc = mnt_options_text(o, options, sizeof(options), e);

	if (rc == 0)
		rc = generator_unit_name(g->settings.path, &name, e);
	if (rc == 0)
		rc = generator_unit(g->settings.path, options, &text, e);
	if (rc == 0)
		rc = as_file(g, buf_str(&name), &text, e);
	if (rc < 0)
		return rc;
	rc = want(g, "shared-prep.service", buf_str(&name), e);
	if (rc == 0)
		rc = want(g, "local-fs.target", buf_str(&name), e);
	if (rc < 0)
		unlinkat(g->out, buf_str(&name), 0);
	return rc;
}

/* What prepare wrote last, if it did: after an unmount the same comes back. */
static int saved_options(struct generator *g, struct mnt_options *ret)
{
	auto_buf struct buf text = BUF_INIT(PLAN_MAX);
	struct err e = ERR_INIT;
	int rc = fs_read(g->root, PLAN_FILE, &text, &e);

	if (rc == 0)
		rc = generator_plan_options(buf_str(&text), text.len, ret, &e);
	if (rc < 0 && rc != -ENOENT)
		snprintf(g->said, GENERATOR_SAID, "%.200s: planned anew", e.msg);
	return rc;
}

/* 1: it does not fit, and that is said. */
static int planned_options(struct generator *g, struct mnt_options *ret, struct err *e)
{
	static const struct plan_held nothing;
	char size[NUM_TEXT], min[NUM_TEXT];
	struct host h;
	struct tmpfs_plan p;
	int rc = host_read(g->root, &h, e);

	if (rc < 0)
		return rc;
	plan_size(&h, &g->settings, &nothing, &p);
	if (!p.fits) {
		snprintf(g->said, GENERATOR_SAID,
			"no mount unit: a safe '%.128s' would have %s, less than MinSize=%s",
			g->settings.path, num_size_text(p.size, size),
			num_size_text(p.min_size, min));
		return 1;
	}
	return mnt_probe(&p, g->settings.context, ret, e);
}

/* What is mounted stays as it is; only prepare re-sizes. 1: nothing fits. */
static int choose_options(struct generator *g, struct mnt_options *ret, struct err *e)
{
	struct mnt_live live;
	int rc = mnt_live(g->path, &live, e);

	if (rc < 0)
		return rc;
	if (live.mounted && live.size && live.nr_inodes)
		return mnt_options_again(live.options, live.size, live.nr_inodes, ret, e);
	if (saved_options(g, ret) == 0)
		return 0;
	return planned_options(g, ret, e);
}

static int open_all(struct generator *g, const char *root, struct err *e)
{
	int rc = fs_root(root, &g->root, e);

	if (rc == 0)
		rc = settings_load(g->root, &g->settings, e);
	if (rc < 0)
		return rc;
	if (snprintf(g->path, sizeof(g->path), "%s%s", strcmp(root, "/") == 0 ? "" : root,
		    g->settings.path) >= (int)sizeof(g->path))
		return err_set(e, ERR_USAGE, ENAMETOOLONG, "'%.64s…' is too long a root", root);
	g->out = open(g->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return g->out < 0 ? err_errno(e, "cannot open '%s'", g->dir) : 0;
}

static int run(struct generator *g, const char *root, struct err *e)
{
	struct mnt_options o;
	int rc = open_all(g, root, e);

	if (rc == 0)
		rc = write_drop_in(g, e);
	if (rc == 0)
		rc = choose_options(g, &o, e);
	if (rc == 0)
		rc = write_unit(g, &o, e);
	return rc < 0 ? rc : 0;
}

int generator_run(
	const char *root, const char *dir, char ret_said[static GENERATOR_SAID], struct err *e)
{
	struct generator g = {.dir = dir, .root = -1, .out = -1, .said = ret_said};
	int rc;

	*ret_said = '\0';
	rc = run(&g, root, e);
	settings_free(&g.settings);
	auto_close_fn(&g.root);
	auto_close_fn(&g.out);
	return rc;
}

/* PID 1's standard error is /dev/null, or the console in early versions; anything else belongs to
 * somebody who looks. */
static bool nobody_reads_stderr(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) < 0)
		return true;
	return S_ISCHR(st.st_mode) && (st.st_rdev == makedev(1, 3) || st.st_rdev == makedev(5, 1));
}

int generator_main(int argc, char **argv)
{
	char said[GENERATOR_SAID];
	struct err e = ERR_INIT;

	log_setup("shared-prep-generator", LOG_LEVEL_INFO);
	if (nobody_reads_stderr())
		log_to_kmsg();
	if (argc < 2 || argc > 4) {
		log_error(
			"called with %d arguments: use NORMAL-DIR [EARLY-DIR LATE-DIR]", argc - 1);
		return ERR_BUG;
	}
	if (generator_run("/", argv[1], said, &e) < 0) {
		log_error("no mount unit: %s", e.msg);
		return ERR_BUG;
	}
	if (*said)
		log_warning("%s", said);
	return 0;
}
