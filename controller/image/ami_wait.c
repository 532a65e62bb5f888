/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/ami.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/aws/ec2_volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OUTAGE (15 * 60 * NSEC_PER_SEC)  /* for which AWS may not answer */
#define LIMIT  (6 * 3600 * NSEC_PER_SEC) /* a snapshot of some TiB */
#define OFTEN  (1 * NSEC_PER_SEC)        /* at first and near the end */
#define SELDOM (8 * NSEC_PER_SEC)
#define NEAR   90 /* % */
#define SOON   (15 * NSEC_PER_SEC)

static int set_expiry(const struct cloud *c, const char *const *ids, int64_t when, struct err *e)
{
	char text[DATE_TEXT];
	struct ec2_tag tag = {RESOURCE_EXPIRES, date_text(when, text)};

	return ec2_tags_set((struct call_client *)&c->client, ids, &(struct ec2_tags){&tag, 1},
		clock_deadline(SITE_TIME), e);
}

/* Of what is waited for. */
struct ami_state {
	uint64_t done, all;
	uint64_t heard; /* when AWS answered last */
};

/* What is on its way is not taken for left behind, however long that takes. */
static int renew(struct ami *a, struct err *e)
{
	uint64_t lifetime = a->project->aws.lifetime;
	int64_t when = date_now() + (int64_t)(2 * lifetime / NSEC_PER_SEC);
	const char *first[] = {*a->snapshot ? a->snapshot : NULL, NULL};
	int rc = 0;

	if (clock_now() - a->renewed < lifetime / 2)
		return 0;
	if (*first)
		rc = set_expiry(a->site->cloud, first, when, e);
	for (size_t i = 0; i < a->n_made && rc >= 0; i++)
		rc = set_expiry(
			a->made[i].cloud, (const char *const[]){a->made[i].image, NULL}, when, e);
	if (rc >= 0)
		a->renewed = clock_now();
	return rc < 0 ? rc : 0;
}

/* As the user sees it: quick when it may be over any moment. */
static uint64_t interval(uint64_t done, uint64_t all, uint64_t took)
{
	bool near = all > 0 && done * 100 >= all * NEAR;
	uint64_t wait = near || took < SOON ? OFTEN : SELDOM;

	return wait + clock_jitter(wait / 4);
}

static int nap(struct ami *a, uint64_t ns, uint64_t done, uint64_t all)
{
	uint64_t until = clock_deadline(ns);

	while (clock_left(until) > 0 && !cancel_requested()) {
		show_draw(a->show, done, all);
		clock_sleep(100 * NSEC_PER_MSEC, until);
	}
	return cancel_requested() ? -ECANCELED : 0;
}

/* Hours of work are not given up for minutes without an answer. */
static int look_again(struct ami *a, ami_look_fn *look, struct ami_state *s, struct err *e)
{
	int rc = look(a, &s->done, &s->all, e);

	if (rc == 0)
		rc = renew(a, e);
	else if (rc > 0)
		return rc;
	if (rc >= 0) {
		s->heard = clock_now();
		return 0;
	}
	if (e->kind != ERR_TRANSIENT || cancel_requested() || clock_now() - s->heard > OUTAGE)
		return rc;
	*e = (struct err)ERR_INIT;
	return 0;
}

int ami_wait(struct ami *a, ami_look_fn *look, struct err *e)
{
	uint64_t began = clock_now(), deadline = clock_deadline(LIMIT);
	struct ami_state s = {.heard = began};
	int rc;

	while ((rc = look_again(a, look, &s, e)) == 0) {
		if (clock_left(deadline) == 0)
			return err_set(e, ERR_TRANSIENT, ETIMEDOUT,
				"the image '%s' is not there after 6 h", a->name);
		if (nap(a, interval(s.done, s.all, clock_now() - began), s.done, s.all) < 0)
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	}
	return rc < 0 ? rc : 0;
}

/* "42%" */
static uint64_t percent(const char *text)
{
	return strtoul(text, NULL, 10);
}

/* Of all ids; *ret_done is the sum of their percentages. 1: all are completed. */
static int look_at_snapshots(
	struct call_client *c, const char *const *ids, uint64_t *ret_done, struct err *e)
{
	auto_ec2_volumes struct ec2_volumes list = {0};
	size_t completed = 0;
	int rc = ec2_snapshots(c,
		&(struct ec2_select){.ids = ids, .deadline = clock_deadline(SITE_TIME)}, &list, e);

	if (rc < 0) /* it has just been made */
		return strcmp(c->fault.code, "InvalidSnapshot.NotFound") == 0
			       ? (*e = (struct err)ERR_INIT, 0)
			       : rc;
	for (size_t i = 0; i < list.n; i++) {
		if (strcmp(list.item[i].state, "error") == 0)
			return err_set(e, ERR_REMOTE, EIO, "snapshot %s failed at %s",
				list.item[i].id, list.item[i].progress);
		*ret_done += percent(list.item[i].progress);
		completed += strcmp(list.item[i].state, "completed") == 0;
	}
	return list.n > 0 && completed == list.n;
}

static int look_at_snapshot(struct ami *a, uint64_t *ret_done, uint64_t *ret_all, struct err *e)
{
	*ret_done = 0;
	*ret_all = 100;
	return look_at_snapshots(
		&a->site->cloud->client, (const char *const[]){a->snapshot, NULL}, ret_done, e);
}

int ami_wait_snapshot(struct ami *a, struct err *e)
{
	return *a->snapshot ? ami_wait(a, look_at_snapshot, e) : 0;
}

/* Its snapshots, once they are known. */
static int take_snapshots(struct ami_made *m, const struct ec2_image *image, struct err *e)
{
	char(*ids)[EC2_ID_MAX] = calloc(image->n + 1, sizeof(*ids));

	if (!ids)
		return err_oom(e);
	free(m->snapshot);
	m->snapshot = ids;
	m->n_snapshots = 0;
	for (size_t i = 0; i < image->n; i++) {
		if (*image->item[i].snapshot)
			snprintf(ids[m->n_snapshots++], EC2_ID_MAX, "%s", image->item[i].snapshot);
	}
	return 0;
}

static int take_image(struct ami_made *m, const struct ec2_image *image, struct err *e)
{
	if (strcmp(image->state, "pending") != 0 && strcmp(image->state, "available") != 0)
		return err_set(e, ERR_REMOTE, EIO, "image %s in %s is %s%s%s", m->image, m->region,
			image->state, *image->reason ? ": " : "", image->reason);
	m->available = strcmp(image->state, "available") == 0;
	return take_snapshots(m, image, e);
}

static int look_at_image(struct ami *a, struct ami_made *m, uint64_t *ret_done, struct err *e)
{
	auto_ec2_images struct ec2_images list = {0};
	const char *ids[] = {m->image, NULL};
	const char *snapshots[8] = {NULL};
	struct call_client *c = &m->cloud->client;
	uint64_t sum = 0;
	int rc = ec2_images(c,
		&(struct ec2_select){.ids = ids, .deadline = clock_deadline(SITE_TIME)}, &list, e);

	(void)a;
	if (rc < 0)
		return strcmp(c->fault.code, "InvalidAMIID.NotFound") == 0
			       ? (*e = (struct err)ERR_INIT, 0)
			       : rc;
	if (list.n != 1)
		return 0;
	rc = take_image(m, &list.item[0], e);
	if (rc < 0 || m->available || m->n_snapshots == 0)
		return rc;
	for (size_t i = 0; i < m->n_snapshots && i + 1 < ARRAY_LEN(snapshots); i++)
		snapshots[i] = m->snapshot[i];
	rc = look_at_snapshots(c, snapshots, &sum, e);
	*ret_done += sum / m->n_snapshots;
	return rc < 0 ? rc : 0;
}

/* All that are not there yet, each region once. */
static int look_at_images(struct ami *a, uint64_t *ret_done, uint64_t *ret_all, struct err *e)
{
	size_t available = 0;
	int rc = 0;

	*ret_done = 0;
	*ret_all = 100 * a->n_made;
	for (size_t i = 0; i < a->n_made && rc >= 0; i++) {
		if (!a->made[i].available)
			rc = look_at_image(a, &a->made[i], ret_done, e);
		if (a->made[i].available)
			*ret_done += 100;
		available += a->made[i].available;
	}
	return rc < 0 ? rc : available == a->n_made;
}

int ami_wait_images(struct ami *a, struct err *e)
{
	return ami_wait(a, look_at_images, e);
}
