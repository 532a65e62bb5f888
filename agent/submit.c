/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/submit.h"

#include "common/clock.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define TIME_DIGITS   11
#define RANDOM_DIGITS 3
#define ATTEMPTS      100

static void digits(uint64_t n, unsigned count, char *out)
{
	static const char base[] = "0123456789abcdefghijklmnopqrstuv";

	for (unsigned i = count; i > 0; i--) {
		out[i - 1] = base[n % 32];
		n /= 32;
	}
}

void submit_id(uint64_t microseconds, uint32_t random, const char *name, char ret[static SPOOL_ID])
{
	char prefix[SUBMIT_PREFIX + 1] = "";

	digits(microseconds, TIME_DIGITS, prefix);
	digits(random, RANDOM_DIGITS, prefix + TIME_DIGITS);
	snprintf(ret, SPOOL_ID, "%s%s%.*s", prefix, name ? "-" : "", JOB_NAME, name ? name : "");
}

int submit_array(const char *text, uint64_t *ret_first, uint64_t *ret_last, struct err *e)
{
	char first[24];
	size_t len = strcspn(text, "-");
	int rc;

	if (len >= sizeof(first))
		return err_set(e, ERR_USAGE, EINVAL, "--array: '%.40s' is not FIRST-LAST", text);
	snprintf(first, sizeof(first), "%.*s", (int)len, text);
	rc = num_u64(first, 0, UINT32_MAX, ret_first, e);
	*ret_last = *ret_first;
	if (rc == 0 && text[len])
		rc = num_u64(text + len + 1, 0, UINT32_MAX, ret_last, e);
	if (rc < 0)
		return err_ctx(e, "--array");
	if (*ret_last < *ret_first || *ret_last - *ret_first >= SUBMIT_ARRAY_MAX)
		return err_set(e, ERR_USAGE, ERANGE, "--array: '%s' is not between 1 and %d jobs",
			text, SUBMIT_ARRAY_MAX);
	return 0;
}

static uint64_t next_time(struct submit *s)
{
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &t);
	now = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	s->last = now > s->last ? now : s->last + 1;
	return s->last;
}

static uint32_t random_number(void)
{
	uint32_t n = 0;

	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != (ssize_t)sizeof(n))
		n = (uint32_t)clock_jitter(UINT32_MAX);
	return n;
}

static int compose(const struct submit *s, uint64_t index, struct buf *text, struct err *e)
{
	struct job_options options = *s->options;
	auto_free const char **env = NULL;
	char variable[64];

	if (index == SUBMIT_NO_ARRAY)
		return job_compose(&options, s->argv, s->input, text, e);
	env = calloc(options.env.n + 1, sizeof(*env));
	if (!env)
		return err_oom(e);
	if (options.env.n > 0)
		memcpy(env, options.env.item, options.env.n * sizeof(*env));
	snprintf(variable, sizeof(variable), "SHARED_PREP_ARRAY_INDEX=%llu",
		(unsigned long long)index);
	env[options.env.n++] = variable;
	options.env.item = env;
	return job_compose(&options, s->argv, s->input, text, e);
}

static int write_tmp(const struct submit *s, const char *tmp, const struct buf *text)
{
	auto_close int fd = openat(
		s->spool->tmp, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : fs_write_all(fd, buf_str(text), text->len);

	return rc == 0 && fsync(fd) < 0 ? -errno : rc;
}

int submit_job(struct submit *s, uint64_t array_index, char ret_id[static SPOOL_ID], struct err *e)
{
	auto_buf struct buf text = BUF_INIT(SPOOL_JOB_MAX);
	char id[SPOOL_ID], tmp[SPOOL_ID];
	int rc = compose(s, array_index, &text, e);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		submit_id(next_time(s), random_number(), s->options->name, id);
		/* Not the ID: all can see it, and somebody might be quicker. */
		snprintf(tmp, sizeof(tmp), "%08x%08x", random_number(), random_number());
		rc = write_tmp(s, tmp, &text);
		if (rc == -EEXIST)
			continue;
		if (rc == 0 &&
			renameat2(s->spool->tmp, tmp, s->spool->new, id, RENAME_NOREPLACE) < 0)
			rc = -errno;
		if (rc < 0)
			unlinkat(s->spool->tmp, tmp, 0);
		if (rc != -EEXIST)
			break;
	}
	if (rc < 0) {
		errno = -rc;
		return err_errno(e, "cannot submit to '%s'", s->spool->path);
	}
	memcpy(ret_id, id, sizeof(id));
	return 0;
}
