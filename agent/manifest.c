/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/manifest.h"
#include "agent/archive.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MANIFEST_FORMAT   1
#define MANIFEST_FEATURES 512  /* names in a list */
#define MANIFEST_PATH     4096 /* bytes of a sidecar's path */

static int bad(struct err *e, const char *name, const char *member, const char *cause)
{
	return err_set(e, ERR_DATA, EINVAL, "manifest of '%s': '%s' %s", name, member, cause);
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._+-", c));
}

bool manifest_is_name(const char *s)
{
	if (!is_word_char(s[0]) || strchr("._+-", s[0]))
		return false;
	for (size_t i = 0; s[i]; i++) {
		if (!is_word_char(s[i]) || i + 1 >= MANIFEST_NAME)
			return false;
	}
	return true;
}

static bool is_printable(const char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			return false;
	}
	return true;
}

/* Relative, beneath the tree: no empty, "." or ".." component. */
static bool is_inner_path(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, "/");

		if (len == 0 || (len == 1 && s[0] == '.') || (len == 2 && memcmp(s, "..", 2) == 0))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

enum text_kind { TEXT_NAME, TEXT_WORD, TEXT_LINE, TEXT_PATH, TEXT_DIGEST };

static bool text_is(const char *s, enum text_kind kind)
{
	switch (kind) {
	case TEXT_NAME:
		return manifest_is_name(s);
	case TEXT_WORD:
		return !s[0] || manifest_is_name(s);
	case TEXT_LINE:
		return is_printable(s);
	case TEXT_PATH:
		return !s[0] || (is_printable(s) && is_inner_path(s));
	case TEXT_DIGEST:
		return !s[0] || (strlen(s) == DIGEST_TEXT - 1 &&
					strspn(s, "0123456789abcdef") == DIGEST_TEXT - 1);
	}
	return false;
}

struct text_row {
	const char *member;
	bool required;
	enum text_kind kind;
	size_t offset;
	size_t size;
};

/* clang-format off */
#define TEXT_ROW(m, required, kind) \
	{#m, required, kind, offsetof(struct manifest, m), sizeof(((struct manifest *)NULL)->m)}
static const struct text_row text_rows[] = {
	TEXT_ROW(app,     true,  TEXT_NAME),
	TEXT_ROW(key,     true,  TEXT_WORD),
	TEXT_ROW(version, false, TEXT_LINE),
	TEXT_ROW(march,   false, TEXT_WORD),
	TEXT_ROW(digest,  false, TEXT_DIGEST),
	TEXT_ROW(entry,   false, TEXT_PATH),
};

static const struct {
	const char *member;
	size_t offset;
} number_rows[] = {
	{"created", offsetof(struct manifest, created)},
	{"entries", offsetof(struct manifest, entries)},
	{"bytes",   offsetof(struct manifest, bytes)},
	{"largest", offsetof(struct manifest, largest)},
};
/* clang-format on */

static int get_text(const json_t *obj, const struct text_row *r, const char *name,
	struct manifest *m, struct err *e)
{
	const json_t *value = json_object_get(obj, r->member);
	const char *s;

	if (!value)
		return r->required ? bad(e, name, r->member, "is missing") : 0;
	s = json_string_value(value);
	if (!s)
		return bad(e, name, r->member, "is not a string");
	if (strlen(s) >= r->size)
		return bad(e, name, r->member, "is too long");
	if (!text_is(s, r->kind))
		return bad(e, name, r->member, "has characters that are not allowed");
	memcpy((char *)m + r->offset, s, strlen(s) + 1);
	return 0;
}

static int get_numbers(const json_t *obj, const char *name, struct manifest *m, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(number_rows); i++) {
		const json_t *value = json_object_get(obj, number_rows[i].member);
		uint64_t n;

		if (!value)
			continue;
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return bad(e, name, number_rows[i].member,
				"is not a whole number from 0 to 2^63-1");
		n = (uint64_t)json_integer_value(value);
		memcpy((char *)m + number_rows[i].offset, &n, sizeof(n));
	}
	if (m->largest > m->bytes)
		return bad(e, name, "largest", "is more than 'bytes'");
	return 0;
}

static int get_arch(const json_t *obj, const char *name, struct manifest *m, struct err *e)
{
	static const enum cpu_arch known[] = {CPU_X86_64, CPU_AARCH64, CPU_OTHER};
	const char *s = json_string_value(json_object_get(obj, "arch"));

	for (size_t i = 0; s && i < ARRAY_LEN(known); i++) {
		if (strcmp(s, cpu_arch_name(known[i])) == 0) {
			m->arch = known[i];
			return 0;
		}
	}
	return bad(e, name, "arch", "is not one of x86_64, aarch64, other (no machine code)");
}

static int get_features(const json_t *obj, const char *name, struct manifest *m, struct err *e)
{
	const json_t *list = json_object_get(obj, "features");
	size_t n = json_array_size(list);

	if (!list)
		return 0;
	if (!json_is_array(list) || n > MANIFEST_FEATURES)
		return bad(e, name, "features", "is not a list of at most 512 names");
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (!s || !manifest_is_name(s))
			return bad(e, name, "features", "holds what is not a feature's name");
		if (!cpu_feature_add(m->arch, s, &m->features) && !m->unknown_feature[0])
			memcpy(m->unknown_feature, s, strlen(s) + 1);
	}
	return 0;
}

static int parse_object(const char *json, size_t len, const char *name, json_t **ret, struct err *e)
{
	const json_t *format;

	if (len > MANIFEST_MAX)
		return err_set(e, ERR_DATA, EFBIG, "manifest of '%s': longer than 1 MiB", name);
	if (json_parse(json, len, name, ret, e) < 0)
		return err_ctx(e, "manifest");
	if (!json_is_object(*ret))
		return err_set(e, ERR_DATA, EINVAL, "manifest of '%s': not an object", name);
	format = json_object_get(*ret, "format");
	if (!json_is_integer(format) || json_integer_value(format) != MANIFEST_FORMAT)
		return bad(e, name, "format", "is not 1: made by a newer version?");
	return 0;
}

int manifest_parse(
	const char *json, size_t len, const char *name, struct manifest *ret, struct err *e)
{
	auto_json json_t *obj = NULL;
	struct manifest m = {.present = true};
	int rc = parse_object(json, len, name, &obj, e);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(text_rows); i++)
		rc = get_text(obj, &text_rows[i], name, &m, e);
	if (rc == 0)
		rc = get_numbers(obj, name, &m, e);
	if (rc == 0)
		rc = get_arch(obj, name, &m, e);
	if (rc == 0)
		rc = get_features(obj, name, &m, e);
	if (rc == 0)
		*ret = m;
	return rc;
}

static void append_feature(const char *name, void *ctx)
{
	/* A list that could not grow is seen by its length. */
	(void)json_array_append_new(ctx, json_string(name));
}

static json_t *features_json(const struct manifest *m)
{
	json_t *list = json_array();
	size_t n = m->unknown_feature[0] ? 1 : 0;

	cpu_each_feature(m->arch, &m->features, append_feature, list);
	if (m->unknown_feature[0])
		append_feature(m->unknown_feature, list);
	for (unsigned i = 0; i < CPU_FEATURE_WORDS; i++)
		n += (size_t)__builtin_popcountll(m->features.word[i]);
	if (json_array_size(list) == n)
		return list;
	json_decref(list);
	return NULL;
}

static int dump(const json_t *obj, struct buf *out, struct err *e)
{
	char *text = json_dumps(obj, JSON_COMPACT | JSON_PRESERVE_ORDER);
	int rc = text ? buf_adds(out, text) : -ENOMEM;

	free(text);
	if (rc == -ENOMEM)
		return err_oom(e);
	return rc < 0 ? err_set(e, ERR_DATA, EFBIG, "manifest: longer than %zu bytes", out->max)
		      : 0;
}

int manifest_text(const struct manifest *m, struct buf *out, struct err *e)
{
	auto_json json_t *obj = json_pack(
		"{s:i, s:s, s:s, s:s, s:I, s:s, s:s, s:o?, s:I, s:I, s:I, s:s*, s:s}", "format",
		MANIFEST_FORMAT, "app", m->app, "key", m->key, "version", m->version, "created",
		(json_int_t)m->created, "arch", cpu_arch_name(m->arch), "march", m->march,
		"features", features_json(m), "entries", (json_int_t)m->entries, "bytes",
		(json_int_t)m->bytes, "largest", (json_int_t)m->largest, "digest",
		m->digest[0] ? m->digest : NULL, "entry", m->entry);

	if (!obj || !json_is_array(json_object_get(obj, "features")))
		return err_oom(e);
	return dump(obj, out, e);
}

int manifest_undigested(
	const char *json, size_t len, const char *name, struct buf *out, struct err *e)
{
	auto_json json_t *obj = NULL;
	int rc = parse_object(json, len, name, &obj, e);

	if (rc < 0)
		return rc;
	json_object_del(obj, "digest");
	return dump(obj, out, e);
}

static int read_sidecar(int dirfd, const char *name, struct manifest *ret, struct err *e)
{
	auto_buf struct buf path = BUF_INIT(MANIFEST_PATH);
	auto_buf struct buf text = BUF_INIT(MANIFEST_MAX);
	struct err sub = ERR_INIT;
	int rc = buf_addf(&path, "%s.json", name);

	if (rc == -ENOMEM)
		return err_oom(e);
	if (rc < 0)
		return err_set(e, ERR_USAGE, ENAMETOOLONG, "'%s': the path is too long", name);
	rc = fs_read(dirfd, path.data, &text, &sub);
	if (rc == -ENOENT) {
		*ret = (struct manifest){.present = false};
		return 0;
	}
	if (rc < 0) {
		*e = sub;
		return rc;
	}
	return manifest_parse(buf_str(&text), text.len, name, ret, e);
}

int manifest_read(int dirfd, const char *name, struct manifest *ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(MANIFEST_MAX);
	auto_close int fd = -1;
	struct err sub = ERR_INIT;
	int rc = fs_open(dirfd, name, O_RDONLY | O_NONBLOCK, 0, &fd, e);

	if (rc < 0)
		return rc;
	rc = archive_read_trailer(fd, name, &text, NULL, &sub);
	if (rc == 0)
		return manifest_parse(buf_str(&text), text.len, name, ret, e);
	if (rc == -ENODATA)
		return read_sidecar(dirfd, name, ret, e);
	*e = sub;
	return rc;
}
