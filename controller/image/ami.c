/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/ami.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/aws/ec2_image_make.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Images whose use is charged for have codes or a platform that only CreateImage carries on. */
#define PLATFORM_FREE "Linux/UNIX"

/* Images of ours. */
static int list_own(struct call_client *client, const struct ec2_filter *filters, size_t n,
	struct ec2_images *ret, struct err *e)
{
	static const char *const self[] = {"self", NULL};

	return ec2_images(client,
		&(struct ec2_select){.owners = self,
			.filters = filters,
			.n_filters = n,
			.deadline = clock_deadline(SITE_TIME)},
		ret, e);
}

static int choose_name(struct ami *a, struct err *e)
{
	auto_ec2_images struct ec2_images list = {0};
	auto_free const char **taken = NULL;
	char stem[IMAGE_NAME], pattern[IMAGE_NAME + 1];
	const char *values[] = {pattern, NULL};
	const struct ec2_filter filter = {"name", values};
	int rc;

	image_name_stem(a->project->image.name, a->arch_in_name ? a->arch : NULL, date_now(), stem);
	snprintf(pattern, sizeof(pattern), "%s*", stem);
	rc = list_own(ami_client(a), &filter, 1, &list, e);
	if (rc < 0)
		return rc;
	taken = calloc(list.n + 1, sizeof(*taken));
	if (!taken)
		return err_oom(e);
	for (size_t i = 0; i < list.n; i++)
		taken[i] = list.item[i].name;
	return image_name_choose(stem, taken, list.n, a->name, e);
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
	rc = ec2_images(ami_client(a), &which, &list, e);
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
	auto_ec2_images struct ec2_images list = {0};
	const struct ec2_filter filters[] = {
		{"tag:" RESOURCE_PROJECT, (const char *const[]){p->name, NULL}},
		{"tag:" RESOURCE_INPUTS, (const char *const[]){inputs, NULL}},
		{"tag:" RESOURCE_KEEP, (const char *const[]){"*", NULL}},
		{"architecture", (const char *const[]){arch_in_ec2(arch), NULL}},
		{"state", (const char *const[]){"available", NULL}},
	};
	const struct ec2_image *newest;
	int rc = list_own(client, filters, ARRAY_LEN(filters), &list, e);

	if (rc < 0)
		return rc;
	newest = base_newest(&list);
	snprintf(ret, EC2_ID_MAX, "%s", newest ? newest->id : "");
	return 0;
}

static int mark_imds(struct ami *a, struct err *e)
{
	if (!a->needs_create)
		return 0;
	return ec2_image_want_tokens(ami_client(a), a->made[0].image, clock_deadline(SITE_TIME), e);
}

static const struct {
	const char *name;
	int (*run)(struct ami *a, struct err *e);
} phases[] = {
	{"snapshot", ami_wait_snapshot},
	{"register", ami_register},
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
