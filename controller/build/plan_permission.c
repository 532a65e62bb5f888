/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "common/clock.h"
#include "controller/account/resource.h"
#include "controller/aws/ec2_image_make.h"
#include "controller/aws/ec2_run.h"
#include "controller/aws/ec2_volume.h"
#include "controller/build/plan_private.h"

#include <string.h>

#define NO_ADDRESS "192.0.2.1" /* RFC 5737: an address of nobody */

/* 1: allowed; a resource that is not there says that permission was not what failed. */
static int is_allowed(const struct plan *p, int rc, struct err *e)
{
	const char *code = p->cloud->client.fault.code;

	if (rc >= 0 || strstr(code, "NotFound") || strstr(code, "Malformed")) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	return rc;
}

static int try_group(const struct plan *p, struct err *e)
{
	struct ec2_tag tag = {RESOURCE_RUN, "plan"};
	char id[EC2_ID_MAX];
	int rc = ec2_group_create(&p->cloud->client,
		&(struct ec2_group_new){
			.name = "shared-prep-plan",
			.description = "not made",
			.vpc = p->site->vpc,
			.tags = {&tag, 1},
			.deadline = clock_deadline(SITE_TIME),
		},
		id, e);

	return is_allowed(p, rc, e);
}

/* The first that would be tried for the first crew. */
static int try_instance(const struct plan *p, struct err *e)
{
	struct ec2_tag tag = {RESOURCE_RUN, "plan"};
	const struct rung *r = &p->site->offer[0].ladder.rung[0];
	const struct base *base;
	const char *none[] = {NULL};
	struct ec2_instance made = {0};
	int rc = ec2_site_base(p->site, p->site->offer[0].arch, &base, e);

	if (rc < 0)
		return rc;
	rc = ec2_run(&p->cloud->client,
		&(struct ec2_run){
			.token = "shared-prep-plan",
			.type = r->type,
			.image = base->id,
			.subnet = r->subnet,
			.groups = none,
			.spot = r->spot,
			.public_address = !p->site->is_private,
			.root = base->root,
			.volume = p->project->aws.volume,
			.tags = {&tag, 1},
			.deadline = clock_deadline(SITE_TIME),
		},
		&made, e);
	ec2_tags_free(&made.tags);
	return is_allowed(p, rc, e);
}

static int try_terminate(const struct plan *p, struct err *e)
{
	static const char *const ids[] = {EC2_NO_INSTANCE, NULL};

	return is_allowed(
		p, ec2_terminate(&p->cloud->client, ids, clock_deadline(SITE_TIME), e), e);
}

static int try_allow(const struct plan *p, struct err *e)
{
	return is_allowed(p,
		ec2_group_allow(
			&p->cloud->client, EC2_NO_GROUP, NO_ADDRESS, clock_deadline(SITE_TIME), e),
		e);
}

static int try_revoke(const struct plan *p, struct err *e)
{
	return is_allowed(p,
		ec2_group_revoke(
			&p->cloud->client, EC2_NO_GROUP, NO_ADDRESS, clock_deadline(SITE_TIME), e),
		e);
}

static int try_delete_group(const struct plan *p, struct err *e)
{
	return is_allowed(p,
		ec2_group_delete(&p->cloud->client, EC2_NO_GROUP, clock_deadline(SITE_TIME), e), e);
}

static int try_delete_volume(const struct plan *p, struct err *e)
{
	return is_allowed(p,
		ec2_volume_delete(&p->cloud->client, EC2_NO_VOLUME, clock_deadline(SITE_TIME), e),
		e);
}

static int try_tag(const struct plan *p, struct err *e)
{
	static const char *const ids[] = {EC2_NO_INSTANCE, NULL};
	struct ec2_tag tag = {RESOURCE_EXPIRES, "plan"};
	const struct ec2_tags tags = {&tag, 1};

	return is_allowed(
		p, ec2_tags_set(&p->cloud->client, ids, &tags, clock_deadline(SITE_TIME), e), e);
}

static int try_snapshot(const struct plan *p, struct err *e)
{
	struct ec2_tag tag = {RESOURCE_RUN, "plan"};
	char id[EC2_ID_MAX];

	return is_allowed(p,
		ec2_snapshot_create(&p->cloud->client,
			&(struct ec2_snapshot_create){.volume = EC2_NO_VOLUME,
				.tags = {&tag, 1},
				.deadline = clock_deadline(SITE_TIME)},
			id, e),
		e);
}

static int try_register(const struct plan *p, struct err *e)
{
	struct ec2_tag tag = {RESOURCE_RUN, "plan"};
	char id[EC2_ID_MAX];

	return is_allowed(p,
		ec2_image_register(&p->cloud->client,
			&(struct ec2_image_register){.name = "shared-prep-plan",
				.arch = "x86_64",
				.device = {.name = "/dev/xvda", .snapshot = EC2_NO_SNAPSHOT},
				.tags = {&tag, 1},
				.deadline = clock_deadline(SITE_TIME)},
			id, e),
		e);
}

static int try_deregister(const struct plan *p, struct err *e)
{
	return is_allowed(p,
		ec2_image_deregister(&p->cloud->client, EC2_NO_IMAGE, clock_deadline(SITE_TIME), e),
		e);
}

static int try_delete_snapshot(const struct plan *p, struct err *e)
{
	return is_allowed(p,
		ec2_snapshot_delete(
			&p->cloud->client, EC2_NO_SNAPSHOT, clock_deadline(SITE_TIME), e),
		e);
}

/* Permissions that hold for what bears the tag of a run may be denied for an id that nothing has.
 */
static bool cannot_be_told(const struct plan *p)
{
	return strcmp(p->cloud->client.fault.code, "UnauthorizedOperation") == 0;
}

int plan_permissions(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	static const struct {
		const char *action;
		bool unreal; /* asked of an id that nothing has */
		bool image;  /* for who bakes one */
		int (*attempt)(const struct plan *p, struct err *e);
	} tried[] = {
		{"CreateSecurityGroup", false, false, try_group},
		{"AuthorizeSecurityGroupIngress", true, false, try_allow},
		{"RunInstances", false, false, try_instance},
		{"CreateTags", true, false, try_tag},
		{"TerminateInstances", true, false, try_terminate},
		{"RevokeSecurityGroupIngress", true, false, try_revoke},
		{"DeleteSecurityGroup", true, false, try_delete_group},
		{"DeleteVolume", true, false, try_delete_volume},
		{"CreateSnapshot", true, true, try_snapshot},
		{"RegisterImage", true, true, try_register},
		{"DeregisterImage", true, true, try_deregister},
		{"DeleteSnapshot", true, true, try_delete_snapshot},
	};

	for (size_t i = 0; i < ARRAY_LEN(tried); i++) {
		const char *said = "allowed";
		int rc;

		if (tried[i].image && !p->project->image.there)
			continue;
		rc = tried[i].attempt(p, e);
		if (rc < 0 && (!tried[i].unreal || !cannot_be_told(p)))
			return err_ctx(e, "ec2:%s", tried[i].action);
		if (rc < 0) {
			*e = (struct err)ERR_INIT;
			said = "not to be told without one of ours";
		}
		plan_say(detail, "%s%s %s", i ? ", " : "", tried[i].action, said);
	}
	return 0;
}
