/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/aws/transport.h"
#include "controller/machine/ec2_site.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define ECHO_TIME   (20 * NSEC_PER_SEC)
/* Asked once in this time, however many workers are not reached. */
#define FOLLOW_TIME (30 * NSEC_PER_SEC)
#define ECHO_MAX    256 /* bytes of an answer that is an address */
#define LOGIN_KEY   "login"

static int ask_echo(const struct ec2_site *s, char ret[static SITE_ADDRESS], struct err *e)
{
	const struct call_client *c = &s->cloud->client;
	const char *url = s->project->aws.caller_address;
	auto_http_response struct http_response r = {0};
	struct http_request q = {
		.method = "GET",
		.url = url,
		.connect_ns = ECHO_TIME,
		.deadline = clock_deadline(ECHO_TIME),
		.max_body = ECHO_MAX,
	};
	size_t len;
	int rc;

	transport_set(c->env, c->profiles, &q);
	rc = http_call(&q, &r, e);
	if (rc < 0)
		return err_ctx(e, "our address from '%s'", url);
	len = strcspn(buf_str(&r.body), " \r\n");
	if (r.status != 200 || len == 0 || len >= SITE_ADDRESS)
		return err_set(e, ERR_REMOTE, EPROTO,
			"'%s' answers with status %u and no address: give [aws] caller_address=",
			url, r.status);
	memcpy(ret, buf_str(&r.body), len);
	ret[len] = '\0';
	return 0;
}

int ec2_gate_address(const struct ec2_site *s, char ret[static SITE_ADDRESS], struct err *e)
{
	const char *told = s->project->aws.caller_address;
	char source[80];
	int rc;

	if (strstr(told, "://")) {
		if ((rc = ask_echo(s, ret, e)) < 0)
			return rc;
	} else {
		snprintf(ret, SITE_ADDRESS, "%s", told);
	}
	return ec2_group_source(ret, source, e);
}

/* It was made by a try of ours whose answer was lost. */
static int find_group(struct ec2_site *s, struct err *e)
{
	const char *values[] = {s->run->id, NULL};
	const struct ec2_filter filter = {"tag:" RESOURCE_RUN, values};
	const struct ec2_select which = {
		.filters = &filter, .n_filters = 1, .deadline = clock_deadline(SITE_TIME)};
	auto_ec2_groups struct ec2_groups found = {0};
	int rc;

	*e = (struct err)ERR_INIT;
	rc = ec2_groups(&s->cloud->client, &which, &found, e);
	for (size_t i = 0; rc == 0 && i < found.n; i++) {
		if (strcmp(found.item[i].name, s->group_token) != 0)
			continue;
		memcpy(s->group, found.item[i].id, sizeof(s->group));
		return 0;
	}
	return rc < 0 ? rc
		      : err_set(e, ERR_TRANSIENT, EEXIST,
				"security group '%s' was made but is not listed yet",
				s->group_token);
}

static void note_refused(struct ec2_site *s)
{
	struct err ignored = ERR_INIT;

	(void)!journal_refused(&s->run->journal, s->group_token, &ignored);
}

/* The name is as good as a client token: there is one of a name in a VPC. */
static int make_group(struct ec2_site *s, struct err *e)
{
	auto_ec2_site_tags struct ec2_site_tags tags = {0};
	struct call_client *c = &s->cloud->client;
	struct journal *j = &s->run->journal;
	int rc = ec2_site_tag(s, "workers", &tags, e);

	if (rc < 0)
		return rc;
	snprintf(s->group_token, sizeof(s->group_token), "shared-prep-%s-%zu", s->run->id, j->n);
	rc = journal_intend(j, RESOURCE_GROUP, s->group_token, s->cloud->region, e);
	if (rc < 0)
		return rc;
	rc = ec2_group_create(c,
		&(struct ec2_group_new){
			.name = s->group_token,
			.description = "ssh to the workers of a run, from where it is led",
			.vpc = s->vpc,
			.tags = {tags.item, tags.n},
			.deadline = clock_deadline(SITE_TIME),
		},
		s->group, e);
	if (rc < 0 && strcmp(c->fault.code, "InvalidGroup.Duplicate") == 0)
		rc = find_group(s, e);
	else if (rc < 0 && ec2_site_refused(s))
		note_refused(s);
	return rc < 0 ? rc : journal_made(j, s->group_token, s->group, e);
}

static int let_in(struct ec2_site *s, const char *address, struct err *e)
{
	int rc =
		ec2_group_allow(&s->cloud->client, s->group, address, clock_deadline(SITE_TIME), e);

	if (rc >= 0)
		snprintf(s->address, sizeof(s->address), "%s", address);
	return rc < 0 ? rc : 0;
}

static int make_login(struct ec2_site *s, struct err *e)
{
	if (*s->login.path)
		return 0;
	sshkey_remove(s->run->dirfd, LOGIN_KEY);
	return sshkey_make(s->run->dir, LOGIN_KEY, &s->login, e);
}

/* Whoever tells our address may be down for a moment: a connection that fails asks again. */
static int settle_doubt(struct ec2_site *s, struct err *e)
{
	int rc = s->doubted ? ec2_gate_follow(s, e) : 0;

	s->doubted = false;
	if (rc < 0 && e->kind == ERR_TRANSIENT) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	return rc < 0 ? rc : 0;
}

int ec2_gate_open(struct ec2_site *s, struct err *e)
{
	char address[SITE_ADDRESS];
	int rc;

	if (*s->group && *s->address)
		return settle_doubt(s, e);
	if ((rc = ec2_gate_address(s, address, e)) < 0 || (rc = make_login(s, e)) < 0)
		return rc;
	if (!*s->group && (rc = make_group(s, e)) < 0)
		return rc;
	return let_in(s, address, e);
}

int ec2_gate_follow(struct ec2_site *s, struct err *e)
{
	char now[SITE_ADDRESS], before[SITE_ADDRESS];
	int rc;

	if (s->followed && clock_now() - s->followed < FOLLOW_TIME)
		return 0;
	rc = ec2_gate_address(s, now, e);
	s->followed = clock_now();
	if (rc < 0 || strcmp(now, s->address) == 0)
		return rc < 0 ? rc : 0;
	memcpy(before, s->address, sizeof(before));
	if ((rc = let_in(s, now, e)) < 0)
		return rc;
	rc = ec2_group_revoke(&s->cloud->client, s->group, before, clock_deadline(SITE_TIME), e);
	return rc < 0 ? rc : 1;
}
