/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/result.h"

#include "agent/publish.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RESULT_NEW  ".result.json"
#define RESULT_MAX  (256 * KIB)
#define RESULT_BASE 2048 /* all but the archives is shorter */
#define STOP_FILE   "stop"
#define STOP_NEW    ".stop"
#define FACTS_MAX   (256 * KIB)
#define EXIT_AGAIN  75 /* EX_TEMPFAIL, sysexits.h */

static const char *const state_names[] = {
	[JOB_DONE] = "done",
	[JOB_FAILED] = "failed",
	[JOB_INTERRUPTED] = "interrupted",
	[JOB_CANCELLED] = "cancelled",
};

const char *job_state_name(enum job_state s)
{
	return state_names[s];
}

bool job_state_parse(const char *name, enum job_state *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*ret = (enum job_state)i;
			return true;
		}
	}
	return false;
}

double result_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static json_t *digests(const json_t *apps)
{
	json_t *all = json_object();
	const char *name;
	json_t *app;

	json_object_foreach((json_t *)apps, name, app)
	{
		json_object_set(all, name, json_object_get(app, "digest"));
	}
	return all;
}

void result_machine_read(int rootfd, struct result_machine *ret)
{
	auto_buf struct buf text = BUF_INIT(FACTS_MAX);
	auto_json json_t *facts = NULL;
	auto_json json_t *archives = NULL;
	struct err ignored = ERR_INIT;
	const char *type;

	*ret = (struct result_machine){.archives = NULL};
	if (fs_read(rootfd, PUBLISH_RUN "/facts.json", &text, &ignored) < 0 ||
		json_parse(buf_str(&text), text.len, "facts.json", &facts, &ignored) < 0)
		return;
	if (json_get_string(facts, "instance_type", &type, &ignored) == 0 &&
		settings_is_instance_type(type))
		snprintf(ret->instance_type, sizeof(ret->instance_type), "%s", type);
	archives = digests(json_object_get(facts, "apps"));
	ret->archives = archives ? json_dumps(archives, 0) : NULL;
}

void result_machine_free(struct result_machine *m)
{
	free(m->archives);
	m->archives = NULL;
}

/* A string or null. What is no ASCII text came from a job: it is shown, not trusted. */
static int add_string(struct buf *out, const char *key, const char *s)
{
	int rc = buf_addf(out, "  \"%s\": ", key);

	if (rc < 0 || !*s)
		return rc < 0 ? rc : buf_adds(out, "null,\n");
	rc = buf_adds(out, "\"");
	for (; rc == 0 && *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			rc = buf_addf(out, "\\%c", c);
		else
			rc = buf_addf(out, "%c", c < ' ' || c > '~' ? '?' : c);
	}
	return rc < 0 ? rc : buf_adds(out, "\",\n");
}

static int add_number(struct buf *out, const char *key, bool known, int n)
{
	return known ? buf_addf(out, "  \"%s\": %d,\n", key, n)
		     : buf_addf(out, "  \"%s\": null,\n", key);
}

static int add_time(struct buf *out, const char *key, double t)
{
	return t > 0 ? buf_addf(out, "  \"%s\": %.6f,\n", key, t)
		     : buf_addf(out, "  \"%s\": null,\n", key);
}

static int add_sums(struct buf *out, const struct job_result *r)
{
	return buf_addf(out,
		"  \"user_s\": %.6f,\n  \"system_s\": %.6f,\n  \"wall_s\": %.6f,\n"
		"  \"peak_memory_bytes\": %llu,\n  \"output_bytes\": %llu,\n",
		r->user_s, r->system_s, r->wall_s, (unsigned long long)r->peak_memory,
		(unsigned long long)r->output);
}

static int compose(struct buf *out, const struct job_result *r, const struct result_machine *m)
{
	int rc = buf_addf(out, "{\n  \"format\": %d,\n", RESULT_FORMAT);

	if (rc == 0)
		rc = add_string(out, "id", r->id);
	if (rc == 0)
		rc = add_string(out, "name", r->name);
	if (rc == 0)
		rc = buf_addf(out, "  \"uid\": %u,\n", r->uid);
	if (rc == 0)
		rc = add_string(out, "state", job_state_name(r->state));
	if (rc == 0)
		rc = add_string(out, "reason", r->reason);
	if (rc == 0)
		rc = add_number(out, "exit", r->exit >= 0, r->exit);
	if (rc == 0)
		rc = add_number(out, "signal", r->signal > 0, r->signal);
	if (rc == 0)
		rc = add_time(out, "submitted", r->submitted);
	if (rc == 0)
		rc = add_time(out, "started", r->started);
	if (rc == 0)
		rc = add_time(out, "ended", r->ended);
	if (rc == 0)
		rc = add_sums(out, r);
	if (rc == 0)
		rc = add_string(out, "instance_type", m->instance_type);
	if (rc == 0)
		rc = buf_addf(out, "  \"archives\": %s\n}\n", m->archives ? m->archives : "{}");
	return rc;
}

static int open_new(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd < 0 && errno == EEXIST && unlinkat(dir, name, 0) == 0)
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	return fd;
}

int result_reserve(int dir, const struct result_machine *m, int *ret_fd, struct err *e)
{
	size_t len = RESULT_BASE + (m->archives ? strlen(m->archives) : 0);
	auto_close int fd = open_new(dir, RESULT_NEW);

	if (fd < 0 || (fallocate(fd, 0, 0, (off_t)len) < 0 && errno != EOPNOTSUPP))
		return err_errno(e, "cannot make room for the result");
	*ret_fd = take_fd(&fd);
	return 0;
}

void result_reserved(int dir, int *ret_fd)
{
	*ret_fd = openat(dir, RESULT_NEW, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
}

static int fill(int fd, const struct buf *text, gid_t group)
{
	int rc = fs_write_all(fd, buf_str(text), text->len);

	if (rc == 0 && ftruncate(fd, (off_t)text->len) < 0)
		rc = -errno;
	if (rc == 0 && group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) < 0)
		rc = -errno;
	return rc;
}

int result_write(int dir, int fd, const struct job_result *r, const struct result_machine *m,
	gid_t group, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(RESULT_MAX);
	auto_close int own = -1;
	int rc;

	if (compose(&text, r, m) < 0)
		return err_oom(e);
	if (fd < 0)
		fd = own = open_new(dir, RESULT_NEW);
	rc = fd < 0 ? -errno : fill(fd, &text, group);
	if (rc == 0 && renameat(dir, RESULT_NEW, dir, RESULT_FILE) < 0)
		rc = -errno;
	if (rc < 0) {
		errno = -rc;
		return err_errno(e, "cannot write the result of '%s'", r->id);
	}
	return 0;
}

static double real_of(const json_t *j, const char *key)
{
	return json_number_value(json_object_get(j, key));
}

static int integer_of(const json_t *j, const char *key, int absent)
{
	const json_t *v = json_object_get(j, key);

	return json_is_integer(v) ? (int)json_integer_value(v) : absent;
}

static void text_of(const json_t *j, const char *key, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(j, key));

	snprintf(out, size, "%s", s ? s : "");
}

int result_read(int dir, struct job_result *ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(RESULT_MAX);
	auto_json json_t *j = NULL;
	auto_close int fd =
		openat(dir, RESULT_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *state;
	int rc;

	if (fd < 0)
		return err_errno(e, "cannot open '" RESULT_FILE "'");
	rc = fs_read_fd(fd, RESULT_FILE, &text, e);
	if (rc == 0)
		rc = json_parse(buf_str(&text), text.len, RESULT_FILE, &j, e);
	if (rc == 0)
		rc = json_get_string(j, "state", &state, e);
	if (rc < 0)
		return rc;
	*ret = (struct job_result){
		.uid = (uid_t)real_of(j, "uid"),
		.exit = integer_of(j, "exit", -1),
		.signal = integer_of(j, "signal", 0),
		.submitted = real_of(j, "submitted"),
		.started = real_of(j, "started"),
		.ended = real_of(j, "ended"),
		.user_s = real_of(j, "user_s"),
		.system_s = real_of(j, "system_s"),
		.wall_s = real_of(j, "wall_s"),
		.peak_memory = (uint64_t)real_of(j, "peak_memory_bytes"),
		.output = (uint64_t)real_of(j, "output_bytes"),
	};
	text_of(j, "id", ret->id, sizeof(ret->id));
	text_of(j, "name", ret->name, sizeof(ret->name));
	text_of(j, "reason", ret->reason, sizeof(ret->reason));
	if (!job_state_parse(state, &ret->state))
		return err_set(e, ERR_DATA, EINVAL, RESULT_FILE ": unknown state '%.40s'", state);
	return 0;
}

int result_exit_code(const struct job_result *r)
{
	if (r->state == JOB_INTERRUPTED)
		return EXIT_AGAIN;
	if (r->signal > 0)
		return 128 + r->signal;
	if (r->exit > 0 || r->state == JOB_DONE)
		return r->exit;
	return 1;
}

int result_stop_write(int dir, enum job_state state, const char *reason, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(2 * RESULT_REASON);
	auto_close int fd = -1;
	int rc;

	if (buf_addf(&text, "%s\n%.*s\n", job_state_name(state), RESULT_REASON - 1, reason) < 0)
		return err_oom(e);
	fd = open_new(dir, STOP_NEW);
	rc = fd < 0 ? -errno : fs_write_all(fd, buf_str(&text), text.len);
	if (rc == 0 && renameat(dir, STOP_NEW, dir, STOP_FILE) < 0)
		rc = -errno;
	if (rc < 0) {
		errno = -rc;
		return err_errno(e, "cannot write '" STOP_FILE "'");
	}
	return 0;
}

int result_stop_read(int dir, enum job_state *ret, char reason[static RESULT_REASON], struct err *e)
{
	auto_buf struct buf text = BUF_INIT(2 * RESULT_REASON);
	auto_close int fd = openat(dir, STOP_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *line;
	int rc;

	if (fd < 0)
		return err_errno(e, "cannot open '" STOP_FILE "'");
	rc = fs_read_fd(fd, STOP_FILE, &text, e);
	if (rc < 0)
		return rc;
	line = text.data ? strchr(text.data, '\n') : NULL;
	if (line)
		*line++ = '\0';
	if (!line || !job_state_parse(text.data, ret))
		return err_set(e, ERR_DATA, EINVAL, "'" STOP_FILE "' names no state");
	snprintf(reason, RESULT_REASON, "%.*s", (int)strcspn(line, "\n"), line);
	return 0;
}
