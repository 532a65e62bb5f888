/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/field.h"

#include "common/date.h"
#include "common/num.h"
#include "controller/aws/xml.h"
#include "controller/money.h"

#include <errno.h>
#include <string.h>

#define FIELD_NAME 64

/* Follows all of the path but its last name, which stays in name. */
static const struct _xmlNode *parent_of(
	const struct _xmlNode *node, const char *path, char name[static FIELD_NAME])
{
	for (;;) {
		size_t len = strcspn(path, "/");

		snprintf(name, FIELD_NAME, "%.*s", (int)len, path);
		if (!path[len] || !node)
			return node;
		node = xml_child(node, name);
		path += len + 1;
	}
}

const struct _xmlNode *field_node(const struct _xmlNode *node, const char *path)
{
	char name[FIELD_NAME];

	node = parent_of(node, path, name);
	return node ? xml_child(node, name) : NULL;
}

const char *field_text(const struct _xmlNode *node, const char *path)
{
	char name[FIELD_NAME];

	node = parent_of(node, path, name);
	return node ? xml_text(node, name) : NULL;
}

static int take_text(const struct field *f, const char *text, char *out, struct err *e)
{
	if (strlen(text) >= f->size)
		return err_set(e, ERR_DATA, EPROTO, "it has %zu bytes", strlen(text));
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int take_port(const char *text, int *ret, struct err *e)
{
	uint64_t port = 0;
	int rc = strcmp(text, "-1") == 0 ? 0 : num_u64(text, 0, 65535, &port, e);

	*ret = strcmp(text, "-1") == 0 ? -1 : (int)port;
	return rc;
}

static int take_bool(const char *text, bool *ret, struct err *e)
{
	*ret = strcmp(text, "true") == 0;
	if (*ret || strcmp(text, "false") == 0)
		return 0;
	return err_set(e, ERR_DATA, EPROTO, "'%.20s' is neither true nor false", text);
}

static int take(const struct field *f, const char *text, void *out, struct err *e)
{
	switch (f->kind) {
	case FIELD_TEXT:
		return take_text(f, text, out, e);
	case FIELD_NUMBER:
		return num_u64(text, 0, UINT64_MAX, out, e);
	case FIELD_PORT:
		return take_port(text, out, e);
	case FIELD_BOOL:
		return take_bool(text, out, e);
	case FIELD_DATE:
		return date_parse(text, out, e);
	default:
		return money_parse(text, out, e);
	}
}

int field_take(
	const struct _xmlNode *node, const struct field *fields, size_t n, void *ret, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		const char *text = field_text(node, f->path);

		if (f->must && (!text || !*text))
			return err_set(e, ERR_DATA, EPROTO, "the answer has no %s", f->path);
		if (!text || !*text)
			continue;
		if (take(f, text, (char *)ret + f->offset, e) < 0) {
			e->kind = ERR_DATA;
			return err_ctx(e, "%s of the answer", f->path);
		}
	}
	return 0;
}
