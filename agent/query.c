/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata query of identity.h, in a thread of its own. */
#include "agent/endpoint.h"
#include "agent/identity.h"
#include "common/clock.h"
#include "common/http.h"
#include "common/num.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

struct identity_query {
	pthread_t thread;
	struct endpoint service;
	atomic_bool stop;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t answered;
	bool done;
	enum metadata_state state;
	struct metadata answer;
	struct err why;
};

static void *ask(void *ctx)
{
	struct identity_query *q = ctx;
	struct metadata answer = {0};
	struct err why = ERR_INIT;
	enum metadata_state state = q->service.fetch(&q->service.at, &answer, &why);

	pthread_mutex_lock(&q->lock);
	q->state = state;
	q->answer = answer;
	q->why = why;
	q->done = true;
	pthread_cond_broadcast(&q->answered);
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* Signals are for the threads that wait for them. */
static int start_thread(struct identity_query *q)
{
	pthread_condattr_t attr;
	sigset_t all, old;
	int rc;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->answered, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&q->thread, NULL, ask, q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

int identity_query_start(const struct identity *id, const struct settings *s,
	struct identity_query **ret, struct err *e)
{
	auto_free struct identity_query *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return err_oom(e);
	rc = endpoint_choose(id->cloud, &q->service, e);
	if (rc == 0)
		rc = http_setup(e);
	if (rc < 0)
		return rc;
	q->service.at.deadline = clock_deadline(s->metadata_timeout);
	q->service.at.stop = &q->stop;
	rc = start_thread(q);
	if (rc < 0)
		return err_set(e, ERR_SYSTEM, -rc, "start the metadata thread: %s", strerror(-rc));
	*ret = take_ptr(q);
	return 0;
}

bool identity_query_wait(struct identity_query *q, uint64_t deadline)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline / NSEC_PER_SEC),
		.tv_nsec = (long)(deadline % NSEC_PER_SEC),
	};
	int rc = 0;
	bool done;

	pthread_mutex_lock(&q->lock);
	while (!q->done && rc == 0)
		rc = deadline == CLOCK_FOREVER
			     ? pthread_cond_wait(&q->answered, &q->lock)
			     : pthread_cond_timedwait(&q->answered, &q->lock, &until);
	done = q->done;
	pthread_mutex_unlock(&q->lock);
	return done;
}

void identity_query_merge(struct identity_query *q, struct identity *id)
{
	pthread_mutex_lock(&q->lock);
	if (q->done)
		identity_merge(id, q->state, &q->answer, &q->why);
	pthread_mutex_unlock(&q->lock);
}

void identity_query_free(struct identity_query *q)
{
	if (!q)
		return;
	atomic_store(&q->stop, true);
	pthread_join(q->thread, NULL);
	pthread_cond_destroy(&q->answered);
	pthread_mutex_destroy(&q->lock);
	free(q);
}
