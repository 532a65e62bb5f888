/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata query of identity.h, in a thread of its own. */
#include "agent/identity.h"
#include "common/clock.h"
#include "common/http.h"
#include "common/num.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define URLS     4
#define URL_TEXT 512

struct service {
	enum cloud cloud;
	metadata_fetch_fn *fetch;
	const char *base[3]; /* ends with NULL */
};

/* Numeric: no resolver is asked. Azure has no IPv6 address for it. */
static const struct service services[] = {
	{CLOUD_EC2, imds_fetch, {"http://169.254.169.254", "http://[fd00:ec2::254]", NULL}},
	{CLOUD_AZURE, azure_fetch, {"http://169.254.169.254", NULL, NULL}},
	{CLOUD_GCP, gcp_fetch, {"http://169.254.169.254", "http://[fd20:ce::254]", NULL}},
};

struct identity_query {
	pthread_t thread;
	metadata_fetch_fn *fetch;
	struct metadata_endpoint at;
	atomic_bool stop;
	char urls[URL_TEXT];        /* the replaced bases, cut into … */
	const char *base[URLS + 1]; /* … these */
	pthread_mutex_t lock;       /* of what follows */
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
	enum metadata_state state = q->fetch(&q->at, &answer, &why);

	pthread_mutex_lock(&q->lock);
	q->state = state;
	q->answer = answer;
	q->why = why;
	q->done = true;
	pthread_cond_broadcast(&q->answered);
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* Cuts the variable's words apart. */
static int take_urls(struct identity_query *q, const char *text, struct err *e)
{
	size_t n = 0;
	char *p = q->urls;

	if (strlen(text) >= sizeof(q->urls))
		return err_set(e, ERR_CONFIG, EINVAL, IDENTITY_URL_VARIABLE " is too long");
	memcpy(q->urls, text, strlen(text) + 1);
	for (p += strspn(p, " "); *p; p += strspn(p, " ")) {
		if (n == URLS || strncmp(p, "http://", strlen("http://")) != 0)
			return err_set(e, ERR_CONFIG, EINVAL,
				IDENTITY_URL_VARIABLE ": '%s': give up to %d addresses that begin "
						      "with http://",
				p, URLS);
		q->base[n++] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = '\0';
	}
	if (n == 0)
		return err_set(e, ERR_CONFIG, EINVAL,
			IDENTITY_URL_VARIABLE " is empty: unset it or give an address");
	q->at.base = q->base;
	return 0;
}

static int choose_service(struct identity_query *q, enum cloud c, struct err *e)
{
	const char *urls = getenv(IDENTITY_URL_VARIABLE);

	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		if (services[i].cloud != c)
			continue;
		q->fetch = services[i].fetch;
		q->at.base = services[i].base;
	}
	if (!q->fetch)
		return err_set(
			e, ERR_BUG, EINVAL, "cloud '%s' has no metadata service", cloud_name(c));
	return urls ? take_urls(q, urls, e) : 0;
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
	rc = choose_service(q, id->cloud, e);
	if (rc == 0)
		rc = http_setup(e);
	if (rc < 0)
		return rc;
	q->at.deadline = clock_deadline(s->metadata_timeout);
	q->at.stop = &q->stop;
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
