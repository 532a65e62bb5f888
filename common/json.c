/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"

#include <errno.h>
#include <stdbool.h>

#define DEPTH_MAX   64
#define PRINT_FLAGS (JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

/* jansson's own limit is 2,048 levels, each of which costs stack. */
static bool is_too_deep(const char *data, size_t len)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = data[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{') && ++depth > DEPTH_MAX)
			return true;
		else if (!in_string && (c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return false;
}

int json_parse(const char *data, size_t len, const char *name, json_t **ret, struct err *e)
{
	json_error_t error;
	json_t *j;

	if (is_too_deep(data, len))
		return err_set(
			e, ERR_DATA, EINVAL, "%s: more than %d levels deep", name, DEPTH_MAX);
	j = json_loadb(data ? data : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!j && json_error_code(&error) == json_error_out_of_memory)
		return err_oom(e);
	if (!j)
		return err_set(e, ERR_DATA, EINVAL, "%s:%d:%d: %s", name, error.line, error.column,
			error.text);
	*ret = j;
	return 0;
}

int json_print(const json_t *j, FILE *out, struct err *e)
{
	errno = 0;
	if (json_dumpf(j, out, PRINT_FLAGS) < 0 || fputc('\n', out) == EOF)
		return err_errno(e, "cannot write JSON");
	return 0;
}

struct sink {
	struct buf *buf;
	int rc;
};

static int add(const char *text, size_t len, void *data)
{
	struct sink *s = data;

	if (s->rc == 0)
		s->rc = buf_add(s->buf, text, len);
	return s->rc;
}

int json_text(const json_t *j, struct buf *out, struct err *e)
{
	struct sink s = {.buf = out};
	size_t before = out->len;

	if (json_dump_callback(j, add, &s, PRINT_FLAGS) == 0)
		s.rc = buf_adds(out, "\n");
	else if (s.rc == 0)
		s.rc = -ENOMEM;
	if (s.rc == 0)
		return 0;
	if (out->data) {
		out->len = before;
		out->data[before] = '\0';
	}
	if (s.rc == -EFBIG)
		return err_set(e, ERR_DATA, EFBIG, "JSON is longer than %zu bytes", out->max);
	return err_oom(e);
}

static int bad_member(const json_t *member, const char *key, const char *type, struct err *e)
{
	if (!member)
		return err_set(e, ERR_DATA, EINVAL, "member '%s' is missing", key);
	return err_set(e, ERR_DATA, EINVAL, "member '%s' is not %s", key, type);
}

json_t *json_string_lossy(const char *text)
{
	json_t *j = json_string(text);
	auto_free char *copy = j ? NULL : strdup(text);

	for (char *c = copy; c && *c; c++) {
		if (*c & 0x80)
			*c = '?';
	}
	return j || !copy ? j : json_string(copy);
}

int json_get_string(const json_t *obj, const char *key, const char **ret, struct err *e)
{
	const json_t *member = json_object_get(obj, key);

	if (!json_is_string(member))
		return bad_member(member, key, "a string", e);
	*ret = json_string_value(member);
	return 0;
}

int json_get_u64(const json_t *obj, const char *key, uint64_t *ret, struct err *e)
{
	const json_t *member = json_object_get(obj, key);

	if (!json_is_integer(member) || json_integer_value(member) < 0)
		return bad_member(member, key, "a whole number", e);
	*ret = (uint64_t)json_integer_value(member);
	return 0;
}
