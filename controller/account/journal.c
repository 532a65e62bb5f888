/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/account/journal.h"

#include "common/auto.h"
#include "common/date.h"
#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define JOURNAL_MAX (64 * MIB)

/* What an event does to an entry. */
static const struct {
	const char *event;
	enum journal_state state;
} changes[] = {
	{"made", JOURNAL_MADE},
	{"refused", JOURNAL_REFUSED},
	{"gone", JOURNAL_GONE},
	{"kept", JOURNAL_KEPT},
};

static struct journal_entry *find(const struct journal *j, const char *token)
{
	for (size_t i = 0; i < j->n; i++) {
		if (strcmp(j->entry[i].token, token) == 0)
			return &j->entry[i];
	}
	return NULL;
}

const struct journal_entry *journal_find(const struct journal *j, const char *token)
{
	return find(j, token);
}

size_t journal_open_entries(const struct journal *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++)
		n += journal_is_left(&j->entry[i]);
	return n;
}

static int copy(const json_t *event, const char *key, char *out, size_t size, struct err *e)
{
	const char *value;
	int rc = json_get_string(event, key, &value, e);

	if (rc < 0)
		return rc;
	if (!*value || strlen(value) >= size)
		return err_set(e, ERR_DATA, EINVAL, "%s '%.64s' has no place here", key, value);
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

static int apply_intent(struct journal *j, const json_t *event, struct err *e)
{
	struct journal_entry n = {.state = JOURNAL_INTENDED}, *grown;
	const char *time;
	int rc;

	if ((rc = copy(event, "kind", n.kind, sizeof(n.kind), e)) < 0 ||
		(rc = copy(event, "token", n.token, sizeof(n.token), e)) < 0 ||
		(rc = copy(event, "region", n.region, sizeof(n.region), e)) < 0 ||
		(rc = json_get_string(event, "time", &time, e)) < 0 ||
		(rc = date_parse(time, &n.time, e)) < 0)
		return rc;
	if (find(j, n.token))
		return err_set(e, ERR_DATA, EEXIST, "token '%s' is used twice", n.token);
	grown = reallocarray(j->entry, j->n + 1, sizeof(*grown));
	if (!grown)
		return err_oom(e);
	j->entry = grown;
	j->entry[j->n++] = n;
	return 0;
}

static int apply_change(
	struct journal *j, const json_t *event, enum journal_state state, struct err *e)
{
	char token[JOURNAL_TOKEN];
	struct journal_entry *entry;
	int rc = copy(event, "token", token, sizeof(token), e);

	if (rc < 0)
		return rc;
	entry = find(j, token);
	if (!entry)
		return err_set(e, ERR_DATA, ENOENT, "token '%s' was never intended", token);
	if (state == JOURNAL_MADE && (rc = copy(event, "id", entry->id, sizeof(entry->id), e)) < 0)
		return rc;
	entry->state = state;
	return 0;
}

static int apply(struct journal *j, json_t *event, struct err *e)
{
	const char *name;
	int rc = json_get_string(event, "event", &name, e);

	if (rc < 0)
		return rc;
	if (strcmp(name, "intent") == 0)
		return apply_intent(j, event, e);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		if (strcmp(name, changes[i].event) == 0)
			return apply_change(j, event, changes[i].state, e);
	}
	return json_array_append(j->events, event) < 0 ? err_oom(e) : 0;
}

/* Every line that has its end; returns how many bytes they are. */
static int apply_all(struct journal *j, const struct buf *text, size_t *ret_len, struct err *e)
{
	const char *p = text->data, *end;
	int rc;

	*ret_len = 0;
	for (unsigned line = 1; p && (end = memchr(p, '\n', text->len - *ret_len));
		p = end + 1, line++) {
		auto_json json_t *event = NULL;

		if ((rc = json_parse(p, (size_t)(end - p), "an entry", &event, e)) < 0 ||
			(rc = apply(j, event, e)) < 0)
			return err_ctx(e, "line %u", line);
		*ret_len = (size_t)(end + 1 - text->data);
	}
	return 0;
}

static int load(int dirfd, const char *name, int flags, struct journal *ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(JOURNAL_MAX);
	size_t len;
	int rc;

	*ret = (struct journal)JOURNAL_INIT;
	ret->events = json_array();
	if (!ret->events)
		return err_oom(e);
	rc = fs_open(dirfd, name, flags | O_NOFOLLOW, 0600, &ret->fd, e);
	if (rc < 0)
		return rc;
	if ((rc = fs_read_fd(ret->fd, name, &text, e)) < 0 ||
		(rc = apply_all(ret, &text, &len, e)) < 0)
		return err_ctx(e, "journal '%s'", name);
	if (flags == O_RDONLY)
		return 0;
	if (len < text.len && ftruncate(ret->fd, (off_t)len) < 0)
		return err_errno(e, "journal '%s'", name);
	/* Its name too is on the disk. */
	if (len == 0 && fsync(dirfd) < 0 && errno != EINVAL)
		return err_errno(e, "journal '%s'", name);
	return 0;
}

int journal_open(int dirfd, const char *name, struct journal *ret, struct err *e)
{
	return load(dirfd, name, O_RDWR | O_CREAT | O_APPEND, ret, e);
}

int journal_read(int dirfd, const char *name, struct journal *ret, struct err *e)
{
	return load(dirfd, name, O_RDONLY, ret, e);
}

void journal_close(struct journal *j)
{
	auto_close_fn(&j->fd);
	free(j->entry);
	json_decref(j->events);
	*j = (struct journal)JOURNAL_INIT;
}

static int write_line(struct journal *j, const json_t *event, struct err *e)
{
	auto_free char *line = json_dumps(event, JSON_COMPACT);
	int rc;

	if (!line)
		return err_oom(e);
	rc = fs_write_all(j->fd, line, strlen(line));
	if (rc == 0)
		rc = fs_write_all(j->fd, "\n", 1);
	if (rc < 0)
		return err_set(e, ERR_SYSTEM, -rc, "write the journal: %s", strerror(-rc));
	return fsync(j->fd) < 0 ? err_errno(e, "write the journal") : 0;
}

/* Steals the reference. What fails is not in the file: half a line, or one that contradicts the
 * others, would make all of it unreadable. */
static int add(struct journal *j, json_t *stolen, struct err *e)
{
	auto_json json_t *event = stolen;
	char now[DATE_TEXT];
	struct stat st;
	int rc;

	if (!event ||
		json_object_set_new(event, "time", json_string(date_text(date_now(), now))) < 0)
		return err_oom(e);
	if (fstat(j->fd, &st) < 0)
		return err_errno(e, "write the journal");
	rc = write_line(j, event, e);
	if (rc == 0)
		rc = apply(j, event, e);
	if (rc < 0)
		(void)!ftruncate(j->fd, st.st_size);
	return rc;
}

int journal_intend(
	struct journal *j, const char *kind, const char *token, const char *region, struct err *e)
{
	return add(j,
		json_pack("{s:s, s:s, s:s, s:s}", "event", "intent", "kind", kind, "token", token,
			"region", region),
		e);
}

int journal_made(struct journal *j, const char *token, const char *id, struct err *e)
{
	return add(j, json_pack("{s:s, s:s, s:s}", "event", "made", "token", token, "id", id), e);
}

int journal_refused(struct journal *j, const char *token, struct err *e)
{
	return add(j, json_pack("{s:s, s:s}", "event", "refused", "token", token), e);
}

int journal_gone(struct journal *j, const char *token, struct err *e)
{
	return add(j, json_pack("{s:s, s:s}", "event", "gone", "token", token), e);
}

int journal_kept(struct journal *j, const char *token, struct err *e)
{
	return add(j, json_pack("{s:s, s:s}", "event", "kept", "token", token), e);
}

const json_t *journal_find_event(const struct journal *j, const char *name)
{
	const json_t *event;
	size_t i;

	json_array_foreach(j->events, i, event)
	{
		if (strcmp(json_string_value(json_object_get(event, "event")), name) == 0)
			return event;
	}
	return NULL;
}

int journal_event(struct journal *j, json_t *event, struct err *e)
{
	return add(j, event, e);
}
