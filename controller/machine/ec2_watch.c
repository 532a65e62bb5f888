/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/machine/ec2_site.h"

#include <stdlib.h>
#include <string.h>

/* One look in this time for the whole run, whatever the number of its workers. */
#define INTERVAL (5 * NSEC_PER_SEC)
#define AT_ONCE  999 /* resources of one CreateTags, with the group */

static int renew(struct ec2_site *s, struct err *e)
{
	uint64_t lifetime = s->project->aws.lifetime;
	const char *ids[AT_ONCE + 2];
	char expires[DATE_TEXT];
	struct ec2_tag tag = {RESOURCE_EXPIRES, expires};
	struct ec2_tags tags = {&tag, 1};
	size_t n = 0;

	date_text(date_now() + (int64_t)(2 * lifetime / NSEC_PER_SEC), expires);
	if (*s->group)
		ids[n++] = s->group;
	for (size_t i = 0; i < s->seen.n && n < AT_ONCE; i++) {
		if (s->seen.item[i].state != EC2_TERMINATED)
			ids[n++] = s->seen.item[i].id;
	}
	ids[n] = NULL;
	return n ? ec2_tags_set(&s->cloud->client, ids, &tags, clock_deadline(SITE_TIME), e) : 0;
}

void ec2_watch_renew(struct ec2_site *s)
{
	struct err ignored = ERR_INIT;

	if (s->renewed == 0)
		s->renewed = clock_now();
	if (clock_now() - s->renewed < s->project->aws.lifetime / 2)
		return;
	s->renewed = clock_now();
	(void)!renew(s, &ignored);
}

int ec2_watch_look(struct ec2_site *s, struct err *e)
{
	const char *values[] = {s->run->id, NULL};
	const struct ec2_filter filter = {"tag:" RESOURCE_RUN, values};
	struct ec2_instances seen = {0};
	int rc;

	if (s->looked && clock_now() - s->looked < INTERVAL)
		return 0;
	rc = ec2_instances(&s->cloud->client,
		&(struct ec2_select){
			.filters = &filter, .n_filters = 1, .deadline = clock_deadline(SITE_TIME)},
		&seen, e);
	s->looked = clock_now();
	if (rc < 0) {
		ec2_instances_free(&seen);
		return rc;
	}
	ec2_instances_free(&s->seen);
	s->seen = seen;
	ec2_watch_renew(s);
	return 0;
}

const struct ec2_instance *ec2_watch_find(const struct ec2_site *s, const char *id)
{
	for (size_t i = 0; i < s->seen.n; i++) {
		if (strcmp(s->seen.item[i].id, id) == 0)
			return &s->seen.item[i];
	}
	return NULL;
}

int ec2_watch_doom(struct ec2_site *s, const char *id, struct err *e)
{
	char(*grown)[EC2_ID_MAX] = reallocarray(s->doomed, s->n_doomed + 1, sizeof(*grown));

	if (!grown)
		return err_oom(e);
	s->doomed = grown;
	snprintf(s->doomed[s->n_doomed++], sizeof(*grown), "%s", id);
	return 0;
}

/* EC2 has taken it to its end: nobody needs to look for it again. */
static int note_gone(struct ec2_site *s, const char *id, struct err *e)
{
	const struct journal *j = &s->run->journal;

	for (size_t i = 0; i < j->n; i++) {
		if (j->entry[i].state == JOURNAL_MADE && strcmp(j->entry[i].id, id) == 0)
			return journal_gone(&s->run->journal, j->entry[i].token, e);
	}
	return 0;
}

int ec2_watch_terminate(struct ec2_site *s, struct err *e)
{
	const char *ids[AT_ONCE + 1];
	size_t n = 0;
	int rc;

	for (; n < s->n_doomed && n < AT_ONCE; n++)
		ids[n] = s->doomed[s->n_doomed - 1 - n];
	ids[n] = NULL;
	if (n == 0)
		return 0;
	rc = ec2_terminate(&s->cloud->client, ids, clock_deadline(SITE_TIME), e);
	/* One that is not there keeps the others: gc asks for each that is listed. */
	if (rc >= 0 || strcmp(s->cloud->client.fault.code, "InvalidInstanceID.NotFound") == 0)
		s->n_doomed -= n;
	for (size_t i = 0; i < n && rc >= 0; i++)
		rc = note_gone(s, ids[i], e);
	return rc < 0 ? rc : 0;
}
