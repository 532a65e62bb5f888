/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/num.h"
#include "controller/build/fleet_private.h"
#include "controller/money.h"

#include <errno.h>

/* After a machine that did not start; longer each time. */
#define PAUSE (5 * NSEC_PER_SEC)

/* Machines of a crew that may be taken away, until it is given up. */
#define NOTICES_MAX 8

void fleet_give_up(struct crew *c, const struct err *why)
{
	for (size_t i = 0; i < c->n; i++) {
		struct build *b = c->build[i];

		if (b->state != BUILD_WAITING)
			continue;
		b->state = BUILD_FAILED;
		b->kind = why->kind;
		snprintf(b->why, sizeof(b->why), "%.*s", (int)sizeof(b->why) - 1, why->msg);
	}
}

/* Its machine is of no use: what it had begun waits for another, if that may help. */
static void handle_stuck(struct fleet *f, struct worker *w)
{
	struct crew_state *s = fleet_crew(f, w->crew);
	const struct err why = w->err;

	/* What did not even start may be our own network: it is given some time. */
	if (!w->machine->started)
		s->resume = clock_deadline((s->losses + 1) * PAUSE);
	board_say(f->board, "worker %u: %s", w->number, why.msg);
	worker_stop(w);
	/* The supply will not offer this one for it again. */
	if (why.kind == ERR_NO_FIT && s->misfits++ < f->supply->project->n_hosts)
		return;
	if (why.kind != ERR_TRANSIENT || ++s->losses >= MATRIX_ATTEMPTS)
		fleet_give_up(w->crew, &why);
}

/* It will be taken away: what it has not finished begins again elsewhere, and that is nobody's
 * fault. */
static void handle_notice(struct fleet *f, struct worker *w)
{
	struct err why = ERR_INIT;

	board_say(f->board, "worker %u: %s will be taken away: %s", w->number, w->machine->place,
		w->machine->notice);
	if (w->build && w->build->state == BUILD_RUNNING)
		w->build->attempts--;
	worker_stop(w);
	if (++fleet_crew(f, w->crew)->notices < NOTICES_MAX)
		return;
	err_set(&why, ERR_TRANSIENT, EAGAIN,
		"%d machines were taken away before the end: use market=on-demand or other types=",
		NOTICES_MAX);
	fleet_give_up(w->crew, &why);
}

/* The place is free again. */
static void let_go(struct fleet *f, struct worker *w)
{
	if (w->machine->started)
		f->spent += money_for(w->machine->price, clock_now() - w->machine->started);
	fleet_crew(f, w->crew)->busy = false;
	supply_return(f->supply, w->machine);
	worker_free(w);
}

static void handle_gone(struct fleet *f, struct worker *w)
{
	if (w->err.kind != ERR_NONE && w->machine->state != MACHINE_GONE)
		board_say(f->board, "worker %u: %s", w->number, w->err.msg);
	let_go(f, w);
}

/* It ends by itself when its lifetime is over. */
static void handle_kept(struct fleet *f, struct worker *w)
{
	board_say(f->board, "worker %u: %s is kept: %s", w->number, w->machine->place,
		w->machine->login);
	f->kept++;
	let_go(f, w);
}

int fleet_look_after(struct fleet *f, struct worker *w, struct err *e)
{
	const char *doing = worker_doing(w);
	const struct build *build = w->build;
	char name[MATRIX_KEY + 80];
	int rc = worker_poll(w, e);

	if (rc < 0)
		return rc;
	if (w->state == WORKER_BUSY && (worker_doing(w) != doing || w->build != build) &&
		!f->board->terminal)
		board_say(f->board, "worker %u: %s%s%s", w->number, worker_doing(w),
			w->build ? " " : "",
			w->build ? build_name(w->build, name, sizeof(name)) : "");
	if (w->state == WORKER_BUSY && *w->machine->notice)
		handle_notice(f, w);
	if (w->state == WORKER_STUCK)
		handle_stuck(f, w);
	else if (w->state == WORKER_IDLE)
		worker_stop(w);
	if (w->state == WORKER_GONE)
		handle_gone(f, w);
	else if (w->state == WORKER_KEPT)
		handle_kept(f, w);
	return 0;
}
