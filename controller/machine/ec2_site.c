/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/ec2_site.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/account/resource.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_USER "ec2-user" /* of Amazon Linux */

/* Those that are named, else the default ones of the default VPC. */
static int find_subnets(struct ec2_site *s, struct err *e)
{
	const struct project_aws *aws = &s->project->aws;
	const struct config_words *w =
		aws->private_subnets.len ? &aws->private_subnets : &aws->subnets;
	static const char *const yes[] = {"true", NULL};
	const struct ec2_filter is_default = {"default-for-az", yes};
	struct ec2_select which = {.deadline = clock_deadline(SITE_TIME)};
	const char *ids[256];
	int rc;

	s->is_private = aws->private_subnets.len > 0;
	if (w->len >= ARRAY_LEN(ids))
		return err_set(e, ERR_CONFIG, E2BIG, "more than %zu subnets", ARRAY_LEN(ids) - 1);
	for (size_t i = 0; i < w->len; i++)
		ids[i] = w->word[i];
	ids[w->len] = NULL;
	if (w->len > 0) {
		which.ids = ids;
	} else {
		which.filters = &is_default;
		which.n_filters = 1;
	}
	rc = ec2_subnets(&s->cloud->client, &which, &s->subnets, e);
	if (rc == 0 && s->subnets.n == 0)
		return err_set(e, ERR_CONFIG, ENOENT,
			"region %s has no default VPC: name [aws] subnets=", s->cloud->region);
	return rc;
}

static int check_vpc(struct ec2_site *s, struct err *e)
{
	for (size_t i = 1; i < s->subnets.n; i++) {
		if (strcmp(s->subnets.item[i].vpc, s->subnets.item[0].vpc) != 0)
			return err_set(e, ERR_CONFIG, EINVAL,
				"subnets '%s' and '%s' are of two VPCs: a run has one security group, "
				"so it needs subnets of one",
				s->subnets.item[0].id, s->subnets.item[i].id);
	}
	snprintf(s->vpc, sizeof(s->vpc), "%s", s->subnets.item[0].vpc);
	return 0;
}

int ec2_site_open(const struct project *p, struct cloud *cloud, struct run *run,
	struct ec2_site *ret, struct err *e)
{
	int rc;

	*ret = (struct ec2_site){.project = p, .cloud = cloud, .run = run};
	snprintf(ret->user, sizeof(ret->user), "%s", *p->aws.user ? p->aws.user : DEFAULT_USER);
	if (p->aws.private_subnets.len > 0 && strchr(p->aws.caller_address, '/'))
		return err_set(e, ERR_CONFIG, EINVAL,
			"private_subnets: give caller_address=, the address from which their workers "
			"see you (or the bastion) come");
	rc = find_subnets(ret, e);
	return rc < 0 ? rc : check_vpc(ret, e);
}

void ec2_site_close(struct ec2_site *s)
{
	for (size_t i = 0; i < s->n_offers; i++)
		ladder_free(&s->offer[i].ladder);
	free(s->offer);
	free(s->subnets.item);
	free(s->doomed);
	ec2_instances_free(&s->seen);
	sshkey_free(&s->login);
	*s = (struct ec2_site){0};
}

int ec2_site_base(struct ec2_site *s, const char *arch, const struct base **ret, struct err *e)
{
	struct base *b = &s->base[arch_index(arch)];
	int rc = 0;

	if (!*b->id)
		rc = base_find(&s->cloud->client,
			&(struct base_request){
				.name = s->project->aws.base,
				.arch = arch,
				.kernel = s->project->aws.kernel,
				.deadline = clock_deadline(SITE_TIME),
			},
			b, e);
	if (rc == 0)
		*ret = b;
	return rc;
}

bool ec2_site_refused(const struct ec2_site *s)
{
	const struct call_client *c = &s->cloud->client;

	return *c->fault.code && !c->unsure;
}

static void add_tag(struct ec2_site_tags *t, const char *key, const char *value)
{
	t->item[t->n++] = (struct ec2_tag){key, value};
}

/* "KEY=VALUE", checked by the project. */
static int add_project_tag(struct ec2_site_tags *t, const char *word, struct err *e)
{
	char *equals, *key = strdup(word);

	if (!key)
		return err_oom(e);
	t->text[t->n] = key;
	equals = strchr(key, '=');
	if (!equals || t->n >= SITE_TAGS - 1)
		return err_set(e, ERR_CONFIG, EINVAL, "tag '%.64s' is no KEY=VALUE", word);
	*equals = '\0';
	add_tag(t, key, equals + 1);
	return 0;
}

static bool has_key(const struct ec2_site_tags *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->item[i].key, key) == 0)
			return true;
	}
	return false;
}

int ec2_site_tag(
	const struct ec2_site *s, const char *name, struct ec2_site_tags *ret, struct err *e)
{
	const struct config_words *w = &s->project->aws.tags;
	uint64_t ahead = 2 * s->project->aws.lifetime / NSEC_PER_SEC;
	int rc = 0;

	*ret = (struct ec2_site_tags){0};
	snprintf(ret->name, sizeof(ret->name), "shared-prep %.40s %.40s", s->project->name, name);
	add_tag(ret, RESOURCE_RUN, s->run->id);
	add_tag(ret, RESOURCE_PROJECT, s->project->name);
	add_tag(ret, RESOURCE_EXPIRES, date_text(date_now() + (int64_t)ahead, ret->expires));
	for (size_t i = 0; i < w->len && rc == 0; i++)
		rc = add_project_tag(ret, w->word[i], e);
	if (rc == 0 && !has_key(ret, "Name"))
		add_tag(ret, "Name", ret->name);
	return rc;
}

void ec2_site_untag(struct ec2_site_tags *t)
{
	for (size_t i = 0; i < SITE_TAGS; i++)
		free(t->text[i]);
	*t = (struct ec2_site_tags){0};
}
