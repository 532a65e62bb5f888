/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/image_use.h"

#include "controller/aws/autoscaling.h"
#include "controller/aws/batch.h"
#include "controller/aws/ec2_instance.h"
#include "controller/aws/list.h"
#include "controller/aws/ssm.h"

#include <stdlib.h>
#include <string.h>

#define RESOLVE "resolve:ssm:"

/* What is asked, and what was found. */
struct search {
	struct call_client *client;
	const struct image_use_question *q;
	struct image_uses *out;
};

static bool is_asked(const struct search *s, const char *image)
{
	for (size_t i = 0; s->q->images[i]; i++) {
		if (strcmp(s->q->images[i], image) == 0)
			return true;
	}
	return false;
}

/* Notes a use, if the image is one of those. */
static int note(struct search *s, const char *image, const char *user, struct err *e)
{
	struct image_use *u;

	if (!is_asked(s, image))
		return 0;
	for (size_t i = 0; i < s->out->n; i++) {
		if (strcmp(s->out->item[i].image, image) == 0 &&
			strcmp(s->out->item[i].user, user) == 0)
			return 0;
	}
	u = list_add(s->out, e);
	if (!u)
		return -e->num;
	snprintf(u->image, sizeof(u->image), "%s", image);
	snprintf(u->user, sizeof(u->user), "%s", user);
	return 0;
}

static int note_parameter(struct search *s, const char *name, const char *user, struct err *e)
{
	char value[SSM_VALUE_MAX];
	int rc = ssm_parameter(s->client, name, s->q->deadline, value, e);

	/* What names a parameter that is gone can start nothing. */
	if (rc < 0 && strstr(s->client->fault.code, "NotFound")) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	return rc < 0 ? err_ctx(e, "%s", user) : note(s, value, user, e);
}

/* An image is named by its id, or by a parameter that holds it. */
static int note_any(struct search *s, const char *image, const char *user, struct err *e)
{
	if (strncmp(image, RESOLVE, strlen(RESOLVE)) == 0)
		return note_parameter(s, image + strlen(RESOLVE), user, e);
	return note(s, image, user, e);
}

/* via: what leads to the template; "" where it is looked at for itself. */
static int note_template(
	struct search *s, const struct ec2_template *t, const char *via, struct err *e)
{
	char user[IMAGE_USER_TEXT];

	snprintf(user, sizeof(user), "%s%slaunch template %s%s%.80s%s version %llu", via,
		*via ? " by " : "", t->id, *t->name ? " (" : "", t->name, *t->name ? ")" : "",
		(unsigned long long)t->version);
	return note_any(s, t->image, user, e);
}

static int note_templates(
	struct search *s, const struct ec2_template_ref *of, const char *via, struct err *e)
{
	struct ec2_templates list;
	int rc = ec2_templates(s->client, of, s->q->deadline, &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++)
		rc = note_template(s, &list.item[i], via, e);
	free(list.item);
	/* Of one that is gone nothing is started. */
	if (rc < 0 && of && strstr(s->client->fault.code, "NotFound")) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	return rc;
}

/* Of what names an image, or a template that does, or both. */
static int note_either(struct search *s, const char *image, const struct ec2_template_ref *of,
	const char *user, struct err *e)
{
	int rc = note_any(s, image, user, e);

	return rc == 0 && (*of->id || *of->name) ? note_templates(s, of, user, e) : rc;
}

/* --- where to look */

static int look_at_templates(struct search *s, struct err *e)
{
	return note_templates(s, NULL, "", e);
}

static int look_at_configurations(struct search *s, struct err *e)
{
	struct autoscaling_configurations list;
	int rc = autoscaling_configurations(s->client, s->q->deadline, &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		char user[IMAGE_USER_TEXT];

		snprintf(user, sizeof(user), "launch configuration %s", list.item[i].name);
		rc = note_any(s, list.item[i].image, user, e);
	}
	free(list.item);
	return rc;
}

static int look_at_groups(struct search *s, struct err *e)
{
	struct autoscaling_uses list;
	int rc = autoscaling_uses(s->client, s->q->deadline, &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		const struct autoscaling_use *u = &list.item[i];
		char user[IMAGE_USER_TEXT];

		snprintf(user, sizeof(user), "Auto Scaling group %.160s", u->group);
		rc = note_either(s, u->image, &u->of, user, e);
	}
	free(list.item);
	return rc;
}

static int look_at_environments(struct search *s, struct err *e)
{
	struct batch_uses list;
	int rc = batch_uses(s->client, s->q->deadline, &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		const struct batch_use *u = &list.item[i];
		char user[IMAGE_USER_TEXT];

		snprintf(user, sizeof(user), "compute environment %s", u->environment);
		rc = note_either(s, u->image, &u->of, user, e);
	}
	free(list.item);
	return rc;
}

static int look_at_instances(struct search *s, struct err *e)
{
	static const char *const states[] = {"pending", "running", "stopping", "stopped", NULL};
	const struct ec2_filter filters[] = {
		{"image-id", s->q->images},
		{"instance-state-name", states},
	};
	const struct ec2_select which = {
		.filters = filters, .n_filters = ARRAY_LEN(filters), .deadline = s->q->deadline};
	auto_ec2_instances struct ec2_instances list = {0};
	int rc = ec2_instances(s->client, &which, &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		char user[IMAGE_USER_TEXT];

		snprintf(user, sizeof(user), "instance %s", list.item[i].id);
		rc = note(s, list.item[i].image, user, e);
	}
	return rc;
}

static int look_at_parameter(struct search *s, struct err *e)
{
	char user[IMAGE_USER_TEXT];

	if (!s->q->parameter || !*s->q->parameter)
		return 0;
	snprintf(user, sizeof(user), "parameter %s", s->q->parameter);
	return note_parameter(s, s->q->parameter, user, e);
}

static int (*const places[])(struct search *, struct err *) = {
	look_at_instances,
	look_at_templates,
	look_at_configurations,
	look_at_groups,
	look_at_environments,
	look_at_parameter,
};

int image_uses(struct call_client *client, const struct image_use_question *q,
	struct image_uses *ret, struct err *e)
{
	struct search s = {client, q, ret};
	int rc = 0;

	*ret = (struct image_uses){0};
	for (size_t i = 0; rc == 0 && q->images[0] && i < ARRAY_LEN(places); i++)
		rc = places[i](&s, e);
	return rc;
}

const char *image_uses_first(const struct image_uses *uses, const char *image)
{
	for (size_t i = 0; i < uses->n; i++) {
		if (strcmp(uses->item[i].image, image) == 0)
			return uses->item[i].user;
	}
	return NULL;
}
