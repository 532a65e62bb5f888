/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/account/gc.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"

#include <errno.h>
#include <string.h>

#define FIRST    (200 * NSEC_PER_MSEC) /* between rounds; doubled each time */
#define INTERVAL (5 * NSEC_PER_SEC)
#define AT_ONCE  200 /* ids of one call */

/* Which have been told of. */
struct told {
	char (*id)[48];
	size_t n;
};

static bool was_told(const struct told *t, const char *id)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->id[i], id) == 0)
			return true;
	}
	return false;
}

static int tell(const struct gc *g, struct told *t, const struct resource *r, struct err *e)
{
	char(*grown)[48];

	if (was_told(t, r->id))
		return 0;
	grown = reallocarray(t->id, t->n + 1, sizeof(*grown));
	if (!grown)
		return err_oom(e);
	t->id = grown;
	snprintf(t->id[t->n++], sizeof(*t->id), "%s", r->id);
	if (g->removing)
		g->removing(g->ctx, r);
	return 0;
}

/* An id that only the journal does not know: a crash came between the call and the note. */
static int note_found(const struct gc *g, const struct resource *r, struct err *e)
{
	const struct journal_entry *entry;

	if (!g->journal || !*r->token)
		return 0;
	entry = journal_find(g->journal, r->token);
	if (!entry || entry->state != JOURNAL_INTENDED)
		return 0;
	return journal_made(g->journal, r->token, r->id, e);
}

static bool stays(const struct gc *g, const struct resource *r)
{
	return r->keep && !g->with_kept;
}

/* By its token, or else its id. */
static const struct journal_entry *entry_of(const struct gc *g, const struct resource *r)
{
	const struct journal_entry *entry = journal_find(g->journal, r->token);

	for (size_t i = 0; !entry && i < g->journal->n; i++) {
		if (strcmp(g->journal->entry[i].id, r->id) == 0)
			entry = &g->journal->entry[i];
	}
	return entry;
}

/* What was made to stay is not left: a crash came before the note. */
static int note_kept(const struct gc *g, const struct resources *all, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; g->journal && i < all->n && rc == 0; i++) {
		const struct resource *r = &all->item[i];
		const struct journal_entry *entry = stays(g, r) ? entry_of(g, r) : NULL;

		if (!entry || !journal_is_left(entry))
			continue;
		rc = note_found(g, r, e);
		if (rc == 0)
			rc = journal_kept(g->journal, entry->token, e);
	}
	return rc;
}

static bool is_ours_to_remove(const struct gc *g, const struct resource *r)
{
	return !r->leaving && !stays(g, r);
}

/* Up to AT_ONCE of a kind, from *at on. */
static int remove_some(const struct gc *g, const struct resources *all,
	const struct resource_kind *kind, size_t *at, struct err *e)
{
	const char *ids[AT_ONCE + 1];
	size_t n = 0;

	for (; *at < all->n && n < AT_ONCE; ++*at) {
		const struct resource *r = &all->item[*at];

		if (r->kind == kind && is_ours_to_remove(g, r))
			ids[n++] = r->id;
	}
	ids[n] = NULL;
	return n ? kind->remove(&g->cloud->client, ids, g->deadline, e) : 0;
}

/* What cannot go yet, because something that is going uses it, waits for the next round. 1: there
 * is such. */
static int remove_kind(const struct gc *g, const struct resources *all,
	const struct resource_kind *kind, struct err *e)
{
	int rc = 0;

	for (size_t at = 0; at < all->n && rc >= 0;)
		rc = remove_some(g, all, kind, &at, e);
	if (rc < 0 && e->kind == ERR_TRANSIENT && clock_left(g->deadline) > 0) {
		*e = (struct err)ERR_INIT;
		return 1;
	}
	return rc < 0 ? rc : 0;
}

/* Nothing that was listed can be there any more, once it was removed without complaint. */
static bool goes_at_once(const struct gc *g, const struct resources *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct resource *r = &all->item[i];

		if (!stays(g, r) && (r->leaving || !r->kind->at_once))
			return false;
	}
	return true;
}

/* 1: there is nothing to wait for. */
static int remove_all(
	const struct gc *g, const struct resources *all, struct told *told, struct err *e)
{
	bool gone = goes_at_once(g, all);
	int rc = 0;

	for (size_t i = 0; i < all->n && rc >= 0; i++) {
		if (stays(g, &all->item[i]))
			continue;
		rc = note_found(g, &all->item[i], e);
		if (rc == 0)
			rc = tell(g, told, &all->item[i], e);
	}
	for (size_t i = 0; i < n_resource_kinds && rc >= 0; i++) {
		rc = remove_kind(g, all, &resource_kinds[i], e);
		gone = gone && rc == 0;
	}
	return rc < 0 ? rc : gone;
}

static const struct resource *first_left(const struct gc *g, const struct resources *all)
{
	for (size_t i = 0; i < all->n; i++) {
		if (!stays(g, &all->item[i]))
			return &all->item[i];
	}
	return NULL;
}

/* What was asked for so lately that it may not be listed yet. */
static bool is_unsettled(const struct gc *g, const struct told *told)
{
	int64_t now = date_now();

	for (size_t i = 0; g->journal && i < g->journal->n; i++) {
		const struct journal_entry *j = &g->journal->entry[i];

		if (j->state != JOURNAL_INTENDED &&
			(j->state != JOURNAL_MADE || was_told(told, j->id)))
			continue;
		if (strcmp(j->region, g->cloud->region) == 0 &&
			now - j->time < (int64_t)(g->settle / NSEC_PER_SEC))
			return true;
	}
	return false;
}

/* Nothing of this region is listed any more. */
static int note_gone(const struct gc *g, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; g->journal && i < g->journal->n && rc == 0; i++) {
		const struct journal_entry *j = &g->journal->entry[i];

		if (strcmp(j->region, g->cloud->region) != 0)
			continue;
		if (j->state == JOURNAL_MADE || (j->state == JOURNAL_KEPT && g->with_kept))
			rc = journal_gone(g->journal, j->token, e);
		else if (j->state == JOURNAL_INTENDED)
			rc = journal_refused(g->journal, j->token, e);
	}
	return rc;
}

/* 1: nothing is left. */
static int one_round(struct gc *g, struct told *told, struct err *e)
{
	auto_resources struct resources all = {0};
	const struct resource *left;
	int rc = resources_list(&g->cloud->client, g->run, g->deadline, &all, e);

	g->looked = clock_now();
	if (rc == 0)
		rc = note_kept(g, &all, e);
	if (rc < 0)
		return rc;
	left = first_left(g, &all);
	if (!left && !is_unsettled(g, told))
		return 1;
	if ((rc = remove_all(g, &all, told, e)) < 0)
		return rc;
	if (rc > 0 && !is_unsettled(g, told))
		return 1;
	if (cancel_requested() && !g->ends_run)
		return err_set(e, ERR_TRANSIENT, ECANCELED,
			"interrupted: 'controller gc --run %s' goes on", g->run);
	if (clock_left(g->deadline) == 0)
		return err_set(e, ERR_TRANSIENT, ETIMEDOUT,
			"%s %s is still there: 'controller gc --run %s' goes on",
			left ? left->kind->name : "what was asked for last", left ? left->id : "",
			g->run);
	return 0;
}

static void wait_until(uint64_t when, uint64_t deadline)
{
	uint64_t now = clock_now();

	if (when > now)
		clock_sleep(when - now, deadline);
}

int gc_run(struct gc *g, struct err *e)
{
	struct told told = {0};
	uint64_t wait = g->ends_run ? INTERVAL : FIRST;
	int rc;

	if (g->ends_run && g->looked)
		wait_until(g->looked + INTERVAL, g->deadline);
	while ((rc = one_round(g, &told, e)) == 0) {
		clock_sleep(wait, g->deadline);
		wait = wait * 2 < INTERVAL ? wait * 2 : INTERVAL;
	}
	free(told.id);
	return rc < 0 ? rc : note_gone(g, e);
}
