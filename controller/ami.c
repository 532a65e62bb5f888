/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/ami.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/aws/ec2_image_make.h"
#include "controller/aws/ec2_volume.h"
#include "controller/resource.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Images whose use is charged for have codes or a platform that only CreateImage carries on. */
#define PLATFORM_FREE "Linux/UNIX"

#define NAMES_OF_A_DAY 1000
#define LOOKS          3 /* for what a lost answer was about: it may be listed late */

/* Ids that nothing has. */
#define NO_SNAPSHOT "snap-00000000000000000"
#define NO_VOLUME   "vol-00000000000000000"

static struct call_client *client_of(const struct ami *a)
{
	return &a->site->cloud->client;
}

/* --- before anything is made */

static bool is_taken(const char *name, const char *const *taken, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(taken[i], name) == 0)
			return true;
	}
	return false;
}

int ami_name_choose(const char *stem, const char *const *taken, size_t n, char ret[static AMI_NAME],
	struct err *e)
{
	char name[AMI_NAME + 16];
	size_t len;

	snprintf(name, sizeof(name), "%.*s", AMI_NAME, stem);
	for (unsigned i = 2; is_taken(name, taken, n) && i < NAMES_OF_A_DAY; i++)
		snprintf(name, sizeof(name), "%.*s-%u", AMI_NAME, stem, i);
	len = strlen(name);
	if (is_taken(name, taken, n) || len >= AMI_NAME)
		return err_set(
			e, ERR_CONFIG, EEXIST, "no name like '%.64s' is free for an image", stem);
	memcpy(ret, name, len + 1);
	return 0;
}

static int choose_name(struct ami *a, struct err *e)
{
	static const char *const self[] = {"self", NULL};
	auto_ec2_images struct ec2_images list = {0};
	auto_free const char **taken = NULL;
	char today[DATE_TEXT], stem[AMI_NAME], pattern[AMI_NAME + 1];
	const char *values[] = {pattern, NULL};
	const struct ec2_filter filter = {"name", values};
	int rc;

	date_text(date_now(), today);
	snprintf(stem, sizeof(stem), "%.63s%s%s-%.10s", a->project->image.name,
		a->arch_in_name ? "-" : "", a->arch_in_name ? a->arch : "", today);
	snprintf(pattern, sizeof(pattern), "%s*", stem);
	rc = ec2_images(client_of(a),
		&(struct ec2_select){.owners = self,
			.filters = &filter,
			.n_filters = 1,
			.deadline = clock_deadline(SITE_TIME)},
		&list, e);
	if (rc < 0)
		return rc;
	taken = calloc(list.n + 1, sizeof(*taken));
	if (!taken)
		return err_oom(e);
	for (size_t i = 0; i < list.n; i++)
		taken[i] = list.item[i].name;
	return ami_name_choose(stem, taken, list.n, a->name, e);
}

static void take_base(struct ami *a, const struct ec2_image *base)
{
	static const char *const modes[] = {"uefi", "uefi-preferred", "legacy-bios"};

	snprintf(a->root, sizeof(a->root), "%s", base->root);
	a->sriov = strcmp(base->sriov, "simple") == 0;
	a->needs_create = base->has_product_codes || base->n > 1 ||
			  (*base->platform && strcmp(base->platform, PLATFORM_FREE) != 0);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (strcmp(base->boot_mode, modes[i]) == 0)
			a->boot_mode = modes[i];
	}
}

static int look_at_base(struct ami *a, struct err *e)
{
	auto_ec2_images struct ec2_images list = {0};
	const struct ec2_select which = {.ids = (const char *const[]){a->base_id, NULL},
		.deadline = clock_deadline(SITE_TIME)};
	int rc;

	if (!*a->base_id)
		return 0;
	rc = ec2_images(client_of(a), &which, &list, e);
	if (rc == 0 && list.n != 1)
		return err_set(e, ERR_REMOTE, ENOENT, "there is no image '%s'", a->base_id);
	if (rc == 0)
		take_base(a, &list.item[0]);
	return rc;
}

int ami_open(struct ami *a, struct err *e)
{
	int rc = look_at_base(a, e);

	snprintf(a->description, sizeof(a->description), "%.63s of shared-prep, made of %.40s",
		a->project->name, *a->base_id ? a->base_id : "a disk image");
	a->renewed = clock_now();
	return rc < 0 ? rc : choose_name(a, e);
}

void ami_close(struct ami *a)
{
	for (size_t i = 0; i < a->n_made; i++) {
		free(a->made[i].snapshot);
		if (i > 0 && a->made[i].cloud) {
			cloud_close(a->made[i].cloud);
			free(a->made[i].cloud);
		}
	}
	free(a->made);
	a->made = NULL;
	a->n_made = 0;
}

int ami_find(struct call_client *client, const struct project *p, const char *arch,
	const char *inputs, char ret[static EC2_ID_MAX], struct err *e)
{
	static const char *const self[] = {"self", NULL};
	auto_ec2_images struct ec2_images list = {0};
	const struct ec2_filter filters[] = {
		{"tag:" RESOURCE_PROJECT, (const char *const[]){p->name, NULL}},
		{"tag:" RESOURCE_INPUTS, (const char *const[]){inputs, NULL}},
		{"tag:" RESOURCE_KEEP, (const char *const[]){"*", NULL}},
		{"architecture", (const char *const[]){base_ec2_arch(arch), NULL}},
		{"state", (const char *const[]){"available", NULL}},
	};
	const struct ec2_image *newest;
	int rc = ec2_images(client,
		&(struct ec2_select){.owners = self,
			.filters = filters,
			.n_filters = ARRAY_LEN(filters),
			.deadline = clock_deadline(SITE_TIME)},
		&list, e);

	if (rc < 0)
		return rc;
	newest = base_newest(&list);
	snprintf(ret, EC2_ID_MAX, "%s", newest ? newest->id : "");
	return 0;
}

/* --- what is made */

void ami_token(const struct ami *a, char ret[static JOURNAL_TOKEN])
{
	snprintf(ret, JOURNAL_TOKEN, "%s-%zu", a->site->run->id, a->site->run->journal.n);
}

int ami_tag(const struct ami *a, const char *token, struct ec2_site_tags *ret, struct err *e)
{
	int rc = ec2_site_tag(a->site, a->name, ret, e);

	if (rc < 0)
		return rc;
	ret->item[ret->n++] = (struct ec2_tag){RESOURCE_TOKEN, token};
	ret->item[ret->n++] = (struct ec2_tag){RESOURCE_INPUTS, a->inputs};
	return 0;
}

/* The call that makes it, with the tags. */
typedef int make_fn(struct ami *a, const void *what, const struct ec2_tags *tags,
	char ret_id[static EC2_ID_MAX], struct err *e);
/* Where its answer was lost: what bears the token. "": nothing. */
typedef int seek_fn(struct ami *a, const struct ec2_filter *token, char ret_id[static EC2_ID_MAX],
	struct err *e);

struct making {
	const char *kind; /* of the journal */
	make_fn *make;
	seek_fn *seek;
	const void *what;
};

/* 1: it is there; 0: it is not; else that cannot be said. */
static int seek(
	struct ami *a, const struct making *m, const char *token, char ret_id[static EC2_ID_MAX])
{
	const struct ec2_filter filter = {
		"tag:" RESOURCE_TOKEN, (const char *const[]){token, NULL}};
	struct err ignored = ERR_INIT;

	for (unsigned i = 0; i < LOOKS; i++) {
		clock_sleep(i * NSEC_PER_SEC / 2, clock_deadline(SITE_TIME));
		if (m->seek(a, &filter, ret_id, &ignored) < 0 || *ret_id)
			return *ret_id ? 1 : -ignored.num;
	}
	return 0;
}

/* A second image would have the name of the first: their calls are tried again by themselves. */
static bool may_repeat(const struct making *m, uint64_t until, const struct err *e)
{
	return strcmp(m->kind, RESOURCE_SNAPSHOT) == 0 && e->kind == ERR_TRANSIENT &&
	       clock_left(until) > 0 && !cancel_requested();
}

static int make(struct ami *a, const struct making *m, char ret_token[static JOURNAL_TOKEN],
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	auto_ec2_site_tags struct ec2_site_tags tags = {0};
	struct journal *j = &a->site->run->journal;
	const uint64_t until = clock_deadline(SITE_TIME);
	struct err noted = ERR_INIT;
	struct ec2_tags t;
	int rc;

	ami_token(a, ret_token);
	if ((rc = ami_tag(a, ret_token, &tags, e)) < 0 ||
		(rc = journal_intend(j, m->kind, ret_token, a->site->cloud->region, e)) < 0)
		return rc;
	t = (struct ec2_tags){tags.item, tags.n};
	rc = m->make(a, m->what, &t, ret_id, e);
	while (rc < 0 && !ec2_site_refused(a->site)) {
		int found = seek(a, m, ret_token, ret_id);

		if (found < 0 || (found == 0 && !may_repeat(m, until, e)))
			return rc;
		*e = (struct err)ERR_INIT;
		rc = found ? 0 : m->make(a, m->what, &t, ret_id, e);
	}
	if (rc < 0 && journal_refused(j, ret_token, &noted) < 0)
		*e = noted;
	return rc < 0 ? rc : journal_made(j, ret_token, ret_id, e);
}

static int make_snapshot(struct ami *a, const void *volume, const struct ec2_tags *tags,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	return ec2_snapshot_create(client_of(a),
		&(struct ec2_snapshot_create){.volume = volume,
			.description = a->name,
			.tags = *tags,
			.deadline = clock_deadline(SITE_TIME)},
		ret_id, e);
}

static int seek_snapshot(struct ami *a, const struct ec2_filter *token,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	static const char *const self[] = {"self", NULL};
	auto_ec2_volumes struct ec2_volumes list = {0};
	int rc = ec2_snapshots(client_of(a),
		&(struct ec2_select){.owners = self,
			.filters = token,
			.n_filters = 1,
			.deadline = clock_deadline(SITE_TIME)},
		&list, e);

	snprintf(ret_id, EC2_ID_MAX, "%s", rc == 0 && list.n > 0 ? list.item[0].id : "");
	return rc;
}

static int seek_image(struct ami *a, const struct ec2_filter *token, char ret_id[static EC2_ID_MAX],
	struct err *e)
{
	static const char *const self[] = {"self", NULL};
	auto_ec2_images struct ec2_images list = {0};
	int rc = ec2_images(client_of(a),
		&(struct ec2_select){.owners = self,
			.filters = token,
			.n_filters = 1,
			.deadline = clock_deadline(SITE_TIME)},
		&list, e);

	snprintf(ret_id, EC2_ID_MAX, "%s", rc == 0 && list.n > 0 ? list.item[0].id : "");
	return rc;
}

int ami_begin_early(struct ami *a, const char *volume, struct err *e)
{
	const struct making m = {RESOURCE_SNAPSHOT, make_snapshot, seek_snapshot, volume};

	return make(a, &m, a->early_token, a->early, e);
}

static int make_image(struct ami *a, const void *instance, const struct ec2_tags *tags,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	const struct ec2_device_new root = {.name = a->root, .bytes = a->bytes, .type = "gp3"};

	return ec2_image_create(client_of(a),
		&(struct ec2_image_create){.instance = instance,
			.name = a->name,
			.description = a->description,
			.device = &root,
			.n_devices = 1,
			.tags = *tags,
			.snapshot_tags = *tags,
			.deadline = clock_deadline(SITE_TIME)},
		ret_id, e);
}

static int register_image(struct ami *a, const void *snapshot, const struct ec2_tags *tags,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	return ec2_image_register(client_of(a),
		&(struct ec2_image_register){.name = a->name,
			.description = a->description,
			.arch = base_ec2_arch(a->arch),
			.boot_mode = a->boot_mode,
			.imds_v2 = true,
			.sriov = a->sriov,
			.device = {.name = a->root,
				.snapshot = snapshot,
				.bytes = a->bytes,
				.type = "gp3"},
			.tags = *tags,
			.deadline = clock_deadline(SITE_TIME)},
		ret_id, e);
}

static int add_made(struct ami *a, const struct making *m, struct err *e)
{
	struct ami_made *first;
	int rc;

	free(a->made); /* of an attempt before, that came to nothing */
	a->made = calloc(1 + a->project->image.regions.len, sizeof(*a->made));
	if (!a->made)
		return err_oom(e);
	first = &a->made[0];
	rc = make(a, m, first->token, first->image, e);
	if (rc < 0)
		return rc;
	first->cloud = a->site->cloud;
	snprintf(first->region, sizeof(first->region), "%s", a->site->cloud->region);
	a->n_made = 1;
	return 0;
}

int ami_begin(struct ami *a, const char *instance, const char *volume, struct err *e)
{
	const struct making create = {RESOURCE_IMAGE, make_image, seek_image, instance};
	const struct making snapshot = {RESOURCE_SNAPSHOT, make_snapshot, seek_snapshot, volume};

	return a->needs_create ? add_made(a, &create, e)
			       : make(a, &snapshot, a->snapshot_token, a->snapshot, e);
}

int ami_adopt(struct ami *a, const char *snapshot, const char *token, struct err *e)
{
	(void)e;
	snprintf(a->snapshot, sizeof(a->snapshot), "%s", snapshot);
	snprintf(a->snapshot_token, sizeof(a->snapshot_token), "%s", token);
	if (!*a->root)
		snprintf(a->root, sizeof(a->root), "/dev/xvda");
	return 0;
}

/* What is not there, as an id that nobody has, says that permission was not what failed. */
static bool is_denied(const struct call_client *c)
{
	return strcmp(c->fault.code, "UnauthorizedOperation") == 0 ||
	       strcmp(c->fault.code, "AccessDenied") == 0;
}

static int ask(struct ami *a, make_fn *fn, const char *what, struct err *e)
{
	auto_ec2_site_tags struct ec2_site_tags tags = {0};
	struct call_client *c = client_of(a);
	char id[EC2_ID_MAX];
	int rc = ami_tag(a, "dry-run", &tags, e);

	if (rc < 0)
		return rc;
	c->dry_run = true;
	rc = fn(a, what, &(struct ec2_tags){tags.item, tags.n}, id, e);
	c->dry_run = false;
	if (rc < 0 && is_denied(c))
		return rc;
	*e = (struct err)ERR_INIT;
	return 0;
}

int ami_ask(struct ami *a, const char *volume, struct err *e)
{
	int rc = ask(a, make_snapshot, volume ? volume : NO_VOLUME, e);

	return rc < 0 || volume ? rc : ask(a, register_image, NO_SNAPSHOT, e);
}

static int register_it(struct ami *a, struct err *e)
{
	const struct making m = {RESOURCE_IMAGE, register_image, seek_image, a->snapshot};

	return a->n_made > 0 ? 0 : add_made(a, &m, e);
}

static int mark_imds(struct ami *a, struct err *e)
{
	if (!a->needs_create)
		return 0;
	return ec2_image_want_tokens(client_of(a), a->made[0].image, clock_deadline(SITE_TIME), e);
}

static const struct {
	const char *name;
	int (*run)(struct ami *a, struct err *e);
} phases[] = {
	{"snapshot", ami_wait_snapshot},
	{"register", register_it},
	{"image", ami_wait_images},
	{"metadata with tokens only", mark_imds},
	{"copy", ami_copy},
	{"copies", ami_wait_images},
	{"share", ami_share},
	{"deprecate", ami_deprecate},
	{"keep", ami_keep},
};

int ami_finish(struct ami *a, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(phases) && rc >= 0; i++) {
		show_part(a->show, "%s", phases[i].name);
		rc = phases[i].run(a, e);
	}
	show_end(a->show, rc < 0);
	return rc < 0 ? rc : 0;
}
