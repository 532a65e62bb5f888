/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ecs.h"

#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The ECS agent reads the first, then lets the second override it (ecs-init, LoadEnvVars). */
#define ECS_STATE_DIR    "/var/lib/ecs"
#define ECS_STATE_CONFIG ECS_STATE_DIR "/ecs.config"
#define ECS_ETC_DIR      "/etc/ecs"
#define ECS_ETC_CONFIG   ECS_ETC_DIR "/ecs.config"

#define ECS_BEGIN "# BEGIN shared-prep, replaced at every boot\n"
#define ECS_END   "# END shared-prep\n"

#define ECS_CONFIG_MAX (1024 * KIB)
#define ECS_LINE       512

static uint64_t mib_up(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB;
}

void ecs_figures(const struct tmpfs_plan *p, const struct settings *s, uint64_t held,
	struct ecs_figures *ret)
{
	uint64_t total = p->memory / MIB;
	uint64_t reserved = mib_up(p->system + held);

	if (s->ecs_memory == ECS_MEMORY_JOBS)
		reserved = total - (p->jobs / MIB < total ? p->jobs / MIB : total);
	if (reserved > total)
		reserved = total;
	ret->reserved_mib = reserved;
	ret->writable = reserved <= ECS_RESERVED_MAX_MIB;
	ret->job_memory_mib = total - reserved;
}

static const char *line_start(const char *text, const char *line)
{
	for (const char *p = text; (p = strstr(p, line)); p++)
		if (p == text || p[-1] == '\n')
			return p;
	return NULL;
}

int ecs_edit(const char *old, const char *block, struct buf *out, struct err *e)
{
	const char *begin = line_start(old, ECS_BEGIN);
	const char *end = begin ? line_start(begin, ECS_END) : NULL;
	const char *tail = end ? end + strlen(ECS_END) : "";
	size_t head = begin ? (size_t)(begin - old) : strlen(old);
	int rc;

	if (begin && !end)
		return err_set(e, ERR_DATA, EBADMSG,
			"ecs: '" ECS_STATE_CONFIG "' has '%.*s' but no end of it: remove that line",
			(int)strlen(ECS_BEGIN) - 1, ECS_BEGIN);
	rc = buf_add(out, old, head);
	if (rc == 0 && *block && head > 0 && old[head - 1] != '\n')
		rc = buf_adds(out, "\n");
	if (rc == 0 && *block)
		rc = buf_addf(out, ECS_BEGIN "%s" ECS_END, block);
	if (rc == 0)
		rc = buf_adds(out, tail);
	return rc < 0 ? err_oom(e) : 0;
}

/* Whether an environment file sets the key on a line of its own. */
static bool sets_key(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		p += strspn(p, " \t");
		if (strncmp(p, key, len) == 0 && p[len + strspn(p + len, " \t")] == '=')
			return true;
		if (!*p)
			break;
	}
	return false;
}

struct ecs_edit {
	struct buf own;   /* ECS_STATE_CONFIG without our block */
	struct buf etc;   /* ECS_ETC_CONFIG */
	struct buf block; /* what we will write */
	ecs_say_fn *say;
	void *ctx;
};

static void say(struct ecs_edit *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct ecs_edit *x, const char *fmt, ...)
{
	char text[ECS_LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	x->say(text, x->ctx);
}

static int set_key(struct ecs_edit *x, const char *key, const char *value)
{
	const char *file = sets_key(buf_str(&x->etc), key)   ? ECS_ETC_CONFIG
			   : sets_key(buf_str(&x->own), key) ? ECS_STATE_CONFIG
							     : NULL;

	if (file) {
		say(x, "ecs: %s is set in '%s' and stays as it is there (ours would be %s)", key,
			file, value);
		return 0;
	}
	return buf_addf(&x->block, "%s=%s\n", key, value);
}

static int add_reserved(struct ecs_edit *x, const struct ecs_figures *f)
{
	char value[NUM_TEXT];

	if (!f->writable) {
		say(x,
			"ecs: ECS_RESERVED_MEMORY of %" PRIu64
			" MiB is not written: the ECS agent parses 16 bits; let no job definition ask for"
			" more than %" PRIu64 " MiB",
			f->reserved_mib, f->job_memory_mib);
		return 0;
	}
	snprintf(value, sizeof(value), "%" PRIu64, f->reserved_mib);
	return set_key(x, "ECS_RESERVED_MEMORY", value);
}

/* Placement constraints of a job definition may ask for these. */
static int add_attributes(struct ecs_edit *x, const struct facts *f)
{
	auto_json json_t *attributes = json_object();
	auto_free char *text = NULL;

	json_object_set_new(attributes, "shared-prep.size-mib",
		json_sprintf("%llu", (f->live ? f->live->size : 0) / MIB));
	if (f->cpu->march)
		json_object_set_new(attributes, "shared-prep.march", json_string(f->cpu->march));
	for (size_t i = 0; i < f->n_apps; i++) {
		char name[sizeof("shared-prep.app.") + MANIFEST_NAME];

		if (strchr(f->app[i].name, '+'))
			continue; /* not a character of attribute names */
		snprintf(name, sizeof(name), "shared-prep.app.%s", f->app[i].name);
		json_object_set_new(
			attributes, name, json_string(*f->app[i].key ? f->app[i].key : "generic"));
	}
	text = json_dumps(attributes, JSON_COMPACT);
	return text ? set_key(x, "ECS_INSTANCE_ATTRIBUTES", text) : -ENOMEM;
}

static void ecs_edit_free(struct ecs_edit *x)
{
	buf_free(&x->own);
	buf_free(&x->etc);
	buf_free(&x->block);
}

/* An absent file is an empty one. */
static int read_config(int rootfd, const char *path, struct buf *out, struct err *e)
{
	int rc = fs_exists(rootfd, path) ? fs_read(rootfd, path, out, e) : 0;

	if (rc == 0 && strlen(buf_str(out)) != out->len)
		return err_set(e, ERR_DATA, EBADMSG,
			"ecs: '%s' holds a NUL byte: it is no environment file", path);
	return rc;
}

/* Keeps the owner and the mode of the file that is replaced; a new one is for root alone, as it may
 * hold credentials. */
static int write_config(int rootfd, const struct buf *text, struct err *e)
{
	struct stat st = {.st_mode = 0600, .st_uid = geteuid(), .st_gid = getegid()};
	auto_close int old = -1;
	auto_close int fd = -1;
	int rc = 0;

	if (fs_exists(rootfd, ECS_STATE_CONFIG)) {
		rc = fs_open(rootfd, ECS_STATE_CONFIG, O_RDONLY, 0, &old, e);
		if (rc == 0 && fstat(old, &st) < 0)
			rc = err_errno(e, "ecs: cannot examine '" ECS_STATE_CONFIG "'");
	}
	if (rc == 0)
		rc = fs_write_atomic(
			rootfd, ECS_STATE_CONFIG, st.st_mode & 07777, buf_str(text), text->len, e);
	if (rc == 0)
		rc = fs_open(rootfd, ECS_STATE_CONFIG, O_RDONLY, 0, &fd, e);
	if (rc == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
		rc = err_errno(e, "ecs: cannot give '" ECS_STATE_CONFIG "' back to its owner");
	return rc;
}

static int without_block(int rootfd, struct buf *old, struct buf *own, struct err *e)
{
	int rc = read_config(rootfd, ECS_STATE_CONFIG, old, e);

	return rc < 0 ? rc : ecs_edit(buf_str(old), "", own, e);
}

static bool wanted(int rootfd, const struct settings *s)
{
	if (s->ecs_configure != ECS_AUTO)
		return s->ecs_configure == ECS_YES;
	return fs_exists(rootfd, ECS_STATE_DIR) || fs_exists(rootfd, ECS_ETC_DIR);
}

int ecs_configure(int rootfd, const struct settings *s, const struct facts *f, bool *ret_written,
	ecs_say_fn *say_fn, void *ctx, struct err *e)
{
	__attribute__((cleanup(ecs_edit_free))) struct ecs_edit x = {
		.own = BUF_INIT(ECS_CONFIG_MAX),
		.etc = BUF_INIT(ECS_CONFIG_MAX),
		.block = BUF_INIT(ECS_CONFIG_MAX),
		.say = say_fn,
		.ctx = ctx,
	};
	auto_buf struct buf old = BUF_INIT(ECS_CONFIG_MAX);
	auto_buf struct buf text = BUF_INIT(2 * ECS_CONFIG_MAX);
	struct ecs_figures figures;
	int rc;

	*ret_written = false;
	if (!wanted(rootfd, s))
		return 0;
	ecs_figures(f->plan, s, f->live ? f->live->used : 0, &figures);
	rc = without_block(rootfd, &old, &x.own, e);
	if (rc == 0)
		rc = read_config(rootfd, ECS_ETC_CONFIG, &x.etc, e);
	if (rc < 0)
		return rc;
	if (add_reserved(&x, &figures) < 0 ||
		set_key(&x, "ECS_ENABLE_SPOT_INSTANCE_DRAINING", "true") < 0 ||
		add_attributes(&x, f) < 0)
		return err_oom(e);
	rc = ecs_edit(buf_str(&old), buf_str(&x.block), &text, e);
	if (rc == 0)
		rc = fs_mkdir_p(rootfd, ECS_STATE_DIR, 0755, e);
	if (rc == 0)
		rc = write_config(rootfd, &text, e);
	*ret_written = rc == 0;
	return rc;
}

int ecs_release(int rootfd, struct err *e)
{
	auto_buf struct buf old = BUF_INIT(ECS_CONFIG_MAX);
	auto_buf struct buf text = BUF_INIT(ECS_CONFIG_MAX);
	int rc;

	if (!fs_exists(rootfd, ECS_STATE_CONFIG))
		return 0;
	rc = without_block(rootfd, &old, &text, e);
	if (rc < 0 || strcmp(buf_str(&old), buf_str(&text)) == 0)
		return rc;
	/* Nothing but our block was ever in it. */
	return text.len == 0 ? fs_remove_tree(rootfd, &ECS_STATE_CONFIG[1], e)
			     : write_config(rootfd, &text, e);
}
