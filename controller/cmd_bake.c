/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/num.h"
#include "controller/build/dist.h"
#include "controller/cmd.h"
#include "controller/disk/disk.h"
#include "controller/image/bake_order.h"
#include "controller/image/bake_report.h"
#include "controller/image/prove.h"
#include "controller/machine/hire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct bake_options {
	struct opt_strings arch;
	bool if_changed, test, promote, to_ami, dry_run, debug_http, quiet, json;
};

#define AT(field) offsetof(struct bake_options, field)

static const struct opt opts[] = {
	{OPT_STRINGS, 0, "arch", AT(arch), "ARCH",
		"make the image of this architecture only; may be given again"},
	{OPT_FLAG, 0, "if-changed", AT(if_changed), NULL,
		"make none where there is one of the same inputs"},
	{OPT_FLAG, 0, "test", AT(test), NULL, "boot each image and check it"},
	{OPT_FLAG, 0, "promote", AT(promote), NULL,
		"the same, and say of one that has passed where others look for it"},
	{OPT_FLAG, 0, "to-ami", AT(to_ami), NULL,
		"upload the disk image file and register it as an AMI"},
	{OPT_FLAG, 'n', "dry-run", AT(dry_run), NULL, "print what would be made, of what"},
	{OPT_FLAG, 0, "debug-http", AT(debug_http), NULL,
		"print every call of AWS, secrets hidden"},
	{OPT_FLAG, 'q', "quiet", AT(quiet), NULL, "show no progress"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print what was made as JSON"},
	{0},
};

/* What one command works with. */
struct baking {
	const struct bake_options *o;
	struct project project, worker; /* worker: a view of it, whose base is the image's */
	struct bake bake[ARCHS];        /* for each architecture */
	struct baked baked[ARCHS];
	struct proved proved[ARCHS];
	size_t n, n_made;
	struct run run;
	struct supply supply;
	struct show show;
	int dist; /* held for us */
};

/* --- before anything starts */

static int check_archs(const struct bake_options *o, struct err *e)
{
	for (size_t i = 0; i < o->arch.n; i++) {
		if (!arch_find(o->arch.item[i]))
			return err_set(e, ERR_USAGE, EINVAL,
				"--arch='%s' is none of x86_64, aarch64", o->arch.item[i]);
	}
	return 0;
}

static bool is_wanted(const struct bake_options *o, const char *arch)
{
	for (size_t i = 0; i < o->arch.n; i++) {
		if (strcmp(o->arch.item[i], arch) == 0)
			return true;
	}
	return o->arch.n == 0;
}

static int gather(struct baking *b, struct err *e)
{
	const char *archs[ARCHS + 1];
	int rc = bake_archs(&b->project, archs, e);

	for (size_t i = 0; rc == 0 && archs[i]; i++) {
		if (!is_wanted(b->o, archs[i]))
			continue;
		rc = bake_gather(&b->project, archs[i], &b->bake[b->n++], e);
	}
	if (rc == 0 && b->n == 0)
		return err_set(e, ERR_USAGE, ENOENT, "--arch: the image has no archive for '%s'",
			b->o->arch.item[0]);
	return rc;
}

static int load(struct baking *b, const char *path, struct err *e)
{
	int rc = project_load(path, &b->project, e);

	if (rc < 0)
		return rc;
	if (!b->project.image.there)
		return err_set(e, ERR_CONFIG, ENOENT,
			"%s: there is no [image], which says what an image has in it",
			b->project.file);
	if (b->o->to_ami && b->project.provider != PROVIDER_LOCAL)
		return err_set(e, ERR_USAGE, EINVAL,
			"--to-ami: what provider=%s makes is an AMI already",
			provider_name(b->project.provider));
	if (b->o->to_ami && strchr(b->project.image.name, '+'))
		return err_set(e, ERR_CONFIG, EINVAL,
			"%s: [image] name=: '%s' has a '+', which no name of an AMI may have",
			b->project.file, b->project.image.name);
	if (b->o->to_ami && b->project.image.format != IMAGE_RAW)
		return err_set(e, ERR_CONFIG, EINVAL,
			"%s: [image] format=: qcow2 cannot be sent block by block: raw can",
			b->project.file);
	b->worker = b->project;
	b->worker.aws.base = b->project.image.base;
	rc = gather(b, e);
	if (rc == 0 && b->o->promote && b->n > 1 && *b->project.image.parameter &&
		(b->project.provider == PROVIDER_EC2 || b->o->to_ami))
		return err_set(e, ERR_USAGE, EINVAL,
			"--promote: the parameter '%s' names one image, and there are two: use "
			"--arch",
			b->project.image.parameter);
	return rc;
}

/* --- the images */

static int open_provider(struct baking *b, struct err *e)
{
	if (b->project.provider == PROVIDER_LOCAL)
		return disk_namespace(e);
	return supply_open(&b->worker, &b->run, b->o->debug_http, &b->supply, e);
}

static int bake_one(struct baking *b, size_t i, struct err *e)
{
	const struct bake_order order = {
		.project = &b->worker,
		.bake = &b->bake[i],
		.arch_in_name = b->n > 1,
		.if_changed = b->o->if_changed,
		.to_ami = b->o->to_ami,
		.debug_http = b->o->debug_http,
		.run = &b->run,
		.supply = &b->supply,
		.show = &b->show,
	};
	int rc;

	b->baked[i].bake = &b->bake[i];
	rc = b->project.provider == PROVIDER_LOCAL ? bake_local(&order, &b->baked[i], e)
						   : bake_ec2(&order, &b->baked[i], e);
	if (rc == 0)
		rc = bake_report_write(&b->project, &b->baked[i], e);
	return rc;
}

static int bake_all(struct baking *b, struct err *e)
{
	int rc = open_provider(b, e);

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		rc = bake_one(b, i, e);
		b->n_made += rc == 0;
	}
	return rc;
}

static int print_json(const struct baking *b, struct err *e)
{
	auto_json json_t *all = NULL;
	int rc = bake_report_json(&b->project, b->baked, b->n_made, &all, e);

	for (size_t i = 0; i < b->n_made && rc == 0 && b->proved[i].image; i++) {
		json_t *image = json_array_get(json_object_get(all, "images"), i);

		if (json_object_set_new(image, "test", proved_json(&b->proved[i])) < 0)
			return err_oom(e);
	}
	return rc < 0 ? rc : json_print(all, stdout, e);
}

/* The first n; JSON has all that were made, and what their tests say. */
static int print(const struct baking *b, size_t n, struct err *e)
{
	if (b->o->json)
		return print_json(b, e);
	for (size_t i = 0; i < n; i++) {
		const struct baked *made = &b->baked[i];

		if (*made->path)
			printf("image=%s\n", made->path);
		if (*made->ami)
			printf("custom_ami%s%s=%s\n", b->n > 1 ? "_" : "",
				b->n > 1 ? b->bake[i].arch : "", made->ami);
	}
	return 0;
}

static int prove_one(struct baking *b, size_t i, struct err *e)
{
	const struct baked *made = &b->baked[i];
	const struct prove p = {
		.project = &b->project,
		.image = *made->path ? made->path : made->ami,
		.ami = *made->path ? made->ami : "",
		.type = "",
		.timeout = PROVE_TIME,
		.promote = b->o->promote,
		.debug_http = b->o->debug_http,
		.show = &b->show,
	};
	int rc = prove_image(&p, &b->proved[i], e);

	return rc < 0 ? err_ctx(e, "%s", p.image) : 0;
}

/* An image that fails is there, to be looked at; it is promoted nowhere. */
static int prove_all(struct baking *b, size_t *ret_good, struct err *e)
{
	int rc = 0;

	*ret_good = b->o->test || b->o->promote ? 0 : b->n;
	while (*ret_good < b->n && rc == 0) {
		rc = prove_one(b, *ret_good, e);
		*ret_good += rc == 0;
	}
	return rc;
}

/* What is good is printed also where another fails; as `test` does, JSON says too what has failed.
 */
static int prove_and_print(struct baking *b, int rc, struct err *e)
{
	struct err unprinted = ERR_INIT;
	size_t good = b->n_made;

	if (rc == 0)
		rc = prove_all(b, &good, e);
	if (rc == 0)
		return print(b, good, e);
	if (b->n_made > 0 && print(b, good, &unprinted) < 0)
		log_warning("%s", unprinted.msg);
	return rc;
}

static int bake_run(struct baking *b, const char *path, struct err *e)
{
	struct err left = ERR_INIT;
	int rc;

	if ((rc = check_archs(b->o, e)) < 0 || (rc = load(b, path, e)) < 0)
		return rc;
	if (b->o->dry_run)
		return bake_report_planned(&b->project, b->bake, b->n, b->o->json, e);
	if ((rc = dist_enter(b->project.dist, &b->dist, e)) < 0 ||
		(rc = run_begin("bake", &b->project, &b->run, e)) < 0)
		return rc;
	show_start(&b->show, b->o->quiet);
	rc = bake_all(b, e);
	show_end(&b->show, rc < 0);
	if (hire_clear(&b->supply, &b->run, &left) < 0)
		log_warning("%s", left.msg);
	rc = prove_and_print(b, rc, e);
	if (rc == 0 && left.kind != ERR_NONE) {
		*e = left;
		rc = -left.num;
	}
	return rc;
}

static void baking_free(struct baking *b)
{
	for (size_t i = 0; i < ARCHS; i++) {
		baked_free(&b->baked[i]);
		bake_free(&b->bake[i]);
	}
	if (b->dist >= 0)
		close(b->dist);
	supply_close(&b->supply);
	run_close(&b->run);
	project_free(&b->project);
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	struct baking b = {.o = options, .run = RUN_INIT, .dist = -1};
	int rc;

	cancel_setup();
	rc = bake_run(&b, operands->argc > 0 ? operands->argv[0] : ".", e);
	baking_free(&b);
	return rc;
}

const struct command cmd_bake = {
	.name = "bake",
	.operands = "[PROJECT]",
	.summary = "make a machine image of the archives",
	.opts = opts,
	.options_size = sizeof(struct bake_options),
	.max_operands = 1,
	.run = run,
};
