/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/retire.h"

#include "common/auto.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/account/gc.h"
#include "controller/account/run.h"
#include "controller/aws/ec2_tag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CALL_TIME (60 * NSEC_PER_SEC)
#define SETTLE    (120 * NSEC_PER_SEC)
#define EXPIRES   3600 /* seconds, after which gc --expired of any machine may finish it */
#define IDS_MAX   64   /* of one image: it, and its snapshots */

/* --- which */

/* By architecture, then the newest first; what was made in the same second by its name. */
static int by_age(const void *a, const void *b)
{
	const struct retire_image *x = a, *y = b;
	int arch = strcmp(x->arch, y->arch);

	if (arch != 0)
		return arch;
	if (x->created != y->created)
		return x->created < y->created ? 1 : -1;
	return strcmp(y->name, x->name);
}

void retire_choose(struct retire_list *l, uint64_t keep)
{
	char arch[sizeof(l->item->arch)] = "";
	uint64_t newer = 0;
	bool proved = false;
	size_t n = 0;

	if (l->n > 0)
		qsort(l->item, l->n, sizeof(*l->item), by_age);
	for (size_t i = 0; i < l->n; i++) {
		struct retire_image m = l->item[i];

		if (strcmp(m.arch, arch) == 0) {
			newer++;
		} else {
			newer = 0;
			proved = false;
		}
		memcpy(arch, m.arch, sizeof(arch));
		if (newer >= keep && (keep == 0 || proved || !m.promoted))
			l->item[n++] = m;
		else
			free(m.snapshot);
		proved |= m.promoted;
	}
	l->n = n;
}

void retire_share_users(struct retire_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct retire_image *m = &l->item[i];

		for (size_t k = 0; m->used && k < l->n; k++) {
			struct retire_image *other = &l->item[k];

			if (strcmp(other->original, m->original) == 0 && !*other->user)
				snprintf(other->user, sizeof(other->user), "%s by %.240s", m->id,
					m->user);
		}
	}
}

void retire_drop_used(struct retire_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct retire_image m = l->item[i];

		if (*m.user)
			free(m.snapshot);
		else
			l->item[n++] = m;
	}
	l->n = n;
}

/* --- doing */

struct retiring {
	const struct retire_request *r;
	const struct retire_list *l;
	struct run run;
};

/* A journal_ function of an id, which is the token too: it is older than the run. */
typedef int note_fn(struct journal *j, const char *id, struct err *e);

static int for_each_id(
	struct journal *j, const struct retire_image *m, note_fn *note, struct err *e)
{
	int rc = note(j, m->id, e);

	for (size_t i = 0; rc == 0 && i < m->n; i++)
		rc = note(j, m->snapshot[i], e);
	return rc;
}

static int intend(struct journal *j, const struct retire_image *m, struct err *e)
{
	int rc = journal_intend(j, RESOURCE_IMAGE, m->id, m->region, e);

	for (size_t i = 0; rc == 0 && i < m->n; i++)
		rc = journal_intend(j, RESOURCE_SNAPSHOT, m->snapshot[i], m->region, e);
	return rc;
}

static int note_made(struct journal *j, const char *id, struct err *e)
{
	return journal_made(j, id, id, e);
}

static int open_region(
	const struct retiring *t, const char *region, struct cloud *ret, struct err *e)
{
	struct cloud_options o = t->r->cloud;

	o.region = region;
	return cloud_open(&o, ret, e);
}

/* Image and snapshots at once. */
static int ids_of(const struct retire_image *m, const char *ids[static IDS_MAX], struct err *e)
{
	size_t n = 0;

	if (m->n + 2 > IDS_MAX)
		return err_set(e, ERR_DATA, E2BIG, "%s has %zu snapshots", m->id, m->n);
	ids[n++] = m->id;
	for (size_t i = 0; i < m->n; i++)
		ids[n++] = m->snapshot[i];
	ids[n] = NULL;
	return 0;
}

static int put_under_run(
	struct retiring *t, const struct retire_image *m, struct call_client *c, struct err *e)
{
	const char *ids[IDS_MAX];
	char expires[DATE_TEXT];
	struct ec2_tag tags[] = {
		{RESOURCE_RUN, t->run.id},
		{RESOURCE_EXPIRES, date_text(date_now() + EXPIRES, expires)},
	};
	int rc = ids_of(m, ids, e);

	return rc < 0 ? rc
		      : ec2_tags_set(c, ids, &(struct ec2_tags){tags, ARRAY_LEN(tags)},
				clock_deadline(CALL_TIME), e);
}

static int let_go(
	struct retiring *t, const struct retire_image *m, struct call_client *c, struct err *e)
{
	static const char *const keys[] = {RESOURCE_KEEP, NULL};
	const char *ids[IDS_MAX];
	int rc = ids_of(m, ids, e);

	(void)t;
	return rc < 0 ? rc : ec2_tags_delete(c, ids, keys, clock_deadline(CALL_TIME), e);
}

typedef int change_fn(
	struct retiring *t, const struct retire_image *m, struct call_client *c, struct err *e);

/* Each image in its region. */
static int change_all(struct retiring *t, change_fn *change, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->l->n; i++) {
		const struct retire_image *m = &t->l->item[i];
		auto_cloud struct cloud cloud = {0};

		rc = open_region(t, m->region, &cloud, e);
		if (rc == 0)
			rc = change(t, m, &cloud.client, e);
		if (rc < 0)
			return err_ctx(e, "retire %s in %s", m->id, m->region);
	}
	return rc;
}

/* Nothing was decided: all of them stay. */
static int give_up(struct retiring *t, struct err *e)
{
	struct err ignored = ERR_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->l->n; i++)
		rc = for_each_id(&t->run.journal, &t->l->item[i], journal_kept, &ignored);
	if (rc == 0)
		rc = run_forget(&t->run, &ignored);
	return -e->num;
}

static int prepare(struct retiring *t, struct err *e)
{
	struct journal *j = &t->run.journal;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->l->n; i++) {
		rc = intend(j, &t->l->item[i], e);
		if (rc == 0)
			rc = for_each_id(j, &t->l->item[i], note_made, e);
	}
	if (rc == 0)
		rc = change_all(t, put_under_run, e);
	if (rc == 0 && cancel_requested())
		rc = err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted: nothing is retired");
	if (rc == 0)
		rc = journal_event(j, json_pack("{s:s}", "event", RETIRE_EVENT), e);
	return rc;
}

static bool is_first_of_region(const struct retire_list *l, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(l->item[i].region, l->item[at].region) == 0)
			return false;
	}
	return true;
}

/* As gc would. */
static int remove_region(struct retiring *t, const char *region, struct gc like, struct err *e)
{
	auto_cloud struct cloud cloud = {0};
	int rc = open_region(t, region, &cloud, e);

	like.cloud = &cloud;
	like.run = t->run.id;
	like.journal = &t->run.journal;
	return rc == 0 ? gc_run(&like, e) : rc;
}

int retire_do(const struct retire_request *r, const struct retire_list *l,
	void (*removing)(void *ctx, const struct resource *r), void *ctx, struct err *e)
{
	struct retiring t = {.r = r, .l = l, .run = RUN_INIT};
	const struct gc like = {.settle = SETTLE,
		.deadline = r->deadline,
		.with_kept = true,
		.removing = removing,
		.ctx = ctx};
	int rc = run_new(json_pack("{s:s, s:s*, s:s*}", "command", "retire", "project",
				 r->project ? r->project->name : NULL, "profile", r->cloud.profile),
		&t.run, e);

	if (rc == 0)
		rc = prepare(&t, e);
	if (rc < 0) {
		rc = give_up(&t, e);
		run_close(&t.run);
		return rc;
	}
	rc = change_all(&t, let_go, e);
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		if (is_first_of_region(l, i))
			rc = remove_region(&t, l->item[i].region, like, e);
	}
	if (rc == 0)
		rc = run_forget(&t.run, e);
	else
		err_ctx(e, "'controller gc --run %s' goes on", t.run.id);
	run_close(&t.run);
	return rc;
}
