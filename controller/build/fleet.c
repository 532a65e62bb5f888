/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/fleet_private.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/num.h"
#include "controller/money.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* How often machines are looked at that tell nothing by themselves. */
#define TICK_MS 250

#define FILES 16384

uint64_t fleet_cost(const struct fleet *f)
{
	uint64_t sum = f->spent;

	for (unsigned i = 0; i < f->parallel; i++) {
		const struct machine *m = f->worker[i].machine;

		if (m && m->started)
			sum += money_for(m->price, clock_now() - m->started);
	}
	return sum;
}

void fleet_close_down(struct fleet *f, const struct err *why)
{
	if (f->closing)
		return;
	f->closing = true;
	f->why = *why;
}

/* --- hiring */

static struct worker *free_place(struct fleet *f)
{
	for (unsigned i = 0; i < f->parallel; i++) {
		if (!f->worker[i].machine)
			return &f->worker[i];
	}
	return NULL;
}

/* True: there was a machine. */
static bool hire(struct fleet *f, struct worker *w, struct crew *c)
{
	struct machine *m = NULL;
	struct err why = ERR_INIT;

	if (supply_take(f->supply, c, f->hired + 1, &m, &why) < 0)
		fleet_give_up(c, &why);
	if (!m)
		return false;
	*w = (struct worker)WORKER_INIT;
	w->shop = f->shop;
	w->machine = m;
	w->crew = c;
	w->number = ++f->hired;
	fleet_crew(f, c)->busy = true;
	if (worker_start(w, &w->err) < 0) {
		w->state = WORKER_STUCK;
		return true;
	}
	board_say(f->board, "worker %u: %s%s%s", w->number, *m->place ? m->place : m->name,
		*m->remark ? ": " : "", m->remark);
	return true;
}

/* One at a time, so that the others are looked after between calls that take their time. */
static bool hire_one(struct fleet *f)
{
	for (size_t i = 0; i < f->matrix->n_crews; i++) {
		struct crew *c = &f->matrix->crew[i];
		struct worker *w = free_place(f);

		if (!w)
			return false;
		if (!f->crews[i].busy && clock_now() >= f->crews[i].resume &&
			crew_count(c, BUILD_WAITING) > 0 && hire(f, w, c))
			return true;
	}
	return false;
}

/* --- the ends of builds */

static void say_ended(struct fleet *f, const struct build *b)
{
	char name[MATRIX_KEY + 80], size[NUM_TEXT], time[NUM_TEXT];

	build_name(b, name, sizeof(name));
	if (b->state == BUILD_DONE)
		board_say(f->board, "%s: built in %s, %s", name, num_duration_text(b->took, time),
			num_size_text(b->bytes, size));
	else
		board_say(f->board, "%s: failed: %s", name, b->why);
}

static void heed_failure(struct fleet *f, const struct build *b)
{
	struct err why = ERR_INIT;

	if (f->on_error == FLEET_ASK && !f->closing) {
		board_say(f->board, "go on with the others? [y/n]");
		f->asking = true;
	}
	if (f->on_error != FLEET_STOP)
		return;
	err_set(&why, ERR_SYSTEM, EIO, "%s: %.300s", b->key, b->why);
	fleet_close_down(f, &why);
}

/* Each build's end is told once. */
static int tell_ends(struct fleet *f, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < f->matrix->n && rc == 0; i++) {
		struct build *b = &f->matrix->build[i];

		if (b->told || (b->state != BUILD_DONE && b->state != BUILD_FAILED))
			continue;
		b->told = true;
		say_ended(f, b);
		rc = f->ended(f->ctx, b, e);
		if (b->state == BUILD_FAILED)
			heed_failure(f, b);
	}
	return rc;
}

/* --- looking after */

/* Before any is looked at: their machines are then told to go in one call. */
static void stop_all(struct fleet *f)
{
	for (unsigned i = 0; i < f->parallel; i++) {
		struct worker *w = &f->worker[i];

		if (w->machine && w->state < WORKER_STOPPING)
			worker_stop(w);
	}
}

static void look_after_all(struct fleet *f)
{
	struct err why = ERR_INIT;

	if (f->closing)
		stop_all(f);
	for (unsigned i = 0; i < f->parallel; i++) {
		struct worker *w = &f->worker[i];

		if (w->machine && fleet_look_after(f, w, &why) < 0)
			fleet_close_down(f, &why);
	}
}

/* --- the loop */

static void check_limits(struct fleet *f)
{
	struct err why = ERR_INIT;
	char cost[MONEY_TEXT], limit[MONEY_TEXT];

	if (cancel_requested()) {
		err_set(&why, ERR_TRANSIENT, ECANCELED, "interrupted");
		if (!f->closing)
			board_say(f->board,
				"stopping all workers; interrupt again to leave at once, "
				"then 'controller gc --run %s'",
				f->shop->run);
		fleet_close_down(f, &why);
	} else if (f->max_cost && fleet_cost(f) > f->max_cost) {
		err_set(&why, ERR_CONFIG, EDQUOT,
			"stopped at %s: [aws] max_cost= allows %s for a run",
			money_text(fleet_cost(f), cost), money_text(f->max_cost, limit));
		fleet_close_down(f, &why);
	}
}

static void read_answer(struct fleet *f)
{
	struct err why = ERR_INIT;
	char line[16];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line));

	f->asking = false;
	if (n > 0 && (line[0] == 'y' || line[0] == 'Y'))
		return;
	err_set(&why, ERR_SYSTEM, ECANCELED, "stopped after a failure, as asked");
	fleet_close_down(f, &why);
}

/* Until a step ends, an answer comes, or it is time to look at the machines again. */
static void wait_for_something(struct fleet *f, int timeout)
{
	struct pollfd fds[FLEET_MAX + 1];
	nfds_t n = 0;

	if (f->asking)
		fds[n++] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	for (unsigned i = 0; i < f->parallel; i++) {
		if (f->worker[i].machine && f->worker[i].pidfd >= 0)
			fds[n++] = (struct pollfd){.fd = f->worker[i].pidfd, .events = POLLIN};
	}
	if (poll(fds, n, timeout) > 0 && f->asking && fds[0].revents)
		read_answer(f);
}

static bool is_empty(const struct fleet *f)
{
	for (unsigned i = 0; i < f->parallel; i++) {
		if (f->worker[i].machine)
			return false;
	}
	return true;
}

static void loop(struct fleet *f)
{
	struct err why = ERR_INIT;

	for (;;) {
		bool hired = false;

		check_limits(f);
		if (!f->closing)
			hired = hire_one(f);
		look_after_all(f);
		if (tell_ends(f, &why) < 0)
			fleet_close_down(f, &why);
		if (is_empty(f) && (f->closing || matrix_count(f->matrix, BUILD_WAITING) == 0))
			return;
		board_draw(f->board, &(struct board_view){.worker = f->worker,
					     .n = f->parallel,
					     .matrix = f->matrix,
					     .cost = fleet_cost(f)});
		wait_for_something(f, hired ? 0 : TICK_MS);
	}
}

/* A worker has up to eight of them; nothing here uses select(2). */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES ||
		limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max < FILES ? limit.rlim_max : FILES;
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
}

int fleet_run(struct fleet *f, struct err *e)
{
	allow_many_files();
	if (f->parallel > FLEET_MAX)
		f->parallel = FLEET_MAX;
	f->worker = calloc(f->parallel, sizeof(*f->worker));
	f->crews = calloc(f->matrix->n_crews, sizeof(*f->crews));
	if (!f->worker || !f->crews)
		err_oom(e);
	else
		loop(f);
	board_end(f->board);
	free(f->worker);
	free(f->crews);
	f->worker = NULL;
	f->crews = NULL;
	if (f->closing)
		*e = f->why;
	return e->kind == ERR_NONE ? 0 : -e->num;
}
