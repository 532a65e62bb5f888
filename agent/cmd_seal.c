/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/seal.h"
#include "agent/settings.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

struct seal_options {
	const char *root;
	bool undo;
};

static const struct seal_options defaults = {.root = "/"};

#define AT(field) offsetof(struct seal_options, field)

/* clang-format off */
static const struct opt opts[] = {
	{OPT_STRING, 0, "root", AT(root), "DIR", "work beneath DIR instead of /"},
	{OPT_FLAG, 0, "undo", AT(undo), NULL, "unseal and remove the directory"},
	{0},
};
/* clang-format on */

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct seal_options *o = options;
	auto_settings struct settings s = {0};
	auto_close int root = -1;
	char path[PATH_MAX];
	bool immutable;
	int rc = fs_root(o->root, &root, e);

	(void)operands;
	if (rc == 0)
		rc = settings_load(root, &s, e);
	if (rc < 0)
		return rc;
	if (snprintf(path, sizeof(path), "%s%s", strcmp(o->root, "/") == 0 ? "" : o->root,
		    s.path) >= (int)sizeof(path))
		return err_set(
			e, ERR_USAGE, ENAMETOOLONG, "seal: '%s' is too long a path", o->root);
	if (o->undo)
		return seal_remove(path, e);
	rc = seal_apply(path, &immutable, e);
	if (rc == 0 && !immutable)
		log_warning("seal: '%s' cannot be made immutable here: root can still write to it "
			    "before it is mounted upon",
			path);
	return rc;
}

const struct command cmd_seal = {
	.name = "seal",
	.operands = "",
	.summary = "seal the directory beneath the mount (run by shared-prep-seal.service)",
	.opts = opts,
	.options_size = sizeof(struct seal_options),
	.defaults = &defaults,
	.hidden = true,
	.run = run,
};
