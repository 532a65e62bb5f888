/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"
#include "controller/aws/debug_private.h"
#include "controller/aws/xml.h"

#include <string.h>
#include <strings.h>

#define TEXT_MAX  (16 * 1024 * 1024)
#define TEXT_LINE 4096 /* more of a parameter is cut */

int debug_length(struct buf *out, const char *mark, size_t len)
{
	return buf_addf(out, "%s(%zu bytes)\n", mark, len);
}

/* "LaunchTemplateData.UserData", "Tag.1.Value": any part of it. */
static bool is_secret_key(const char *key, size_t len)
{
	while (len > 0) {
		char part[64];
		size_t n = 0;

		while (n < len && key[n] != '.')
			n++;
		snprintf(part, sizeof(part), "%.*s", (int)n, key);
		if (debug_is_secret(part))
			return true;
		n += n < len;
		key += n;
		len -= n;
	}
	return false;
}

/* The bytes before the first of any of stop. */
static size_t span(const char *text, size_t len, const char *stop)
{
	size_t n = 0;

	while (n < len && !(text[n] && strchr(stop, text[n])))
		n++;
	return n;
}

int debug_form(struct buf *out, const char *mark, const char *form, size_t len)
{
	int rc = 0;

	while (rc == 0 && len > 0) {
		size_t pair = span(form, len, "&"), key = span(form, len, "=&");
		char line[TEXT_LINE];

		snprintf(line, sizeof(line), "%.*s%s", (int)(is_secret_key(form, key) ? key : pair),
			form, is_secret_key(form, key) ? "=" DEBUG_HIDDEN : "");
		rc = debug_lines(out, mark, line);
		pair += pair < len;
		form += pair;
		len -= pair;
	}
	return rc;
}

/* The message of an error of signatures has the request in it, its token among the rest. */
static bool is_telling(const char *code)
{
	return code && strcasestr(code, "Signature");
}

static int add_node(struct buf *out, const struct _xmlNode *node, unsigned depth, bool telling)
{
	const struct _xmlNode *child = xml_child(node, NULL);
	const char *name = xml_name(node);
	bool hide = debug_is_secret(name) || (telling && strcasecmp(name, "Message") == 0);
	int rc = buf_addf(out, "%*s%s%s", (int)(2 * depth), "", name, child && !hide ? "" : ": ");

	if (rc == 0 && (hide || !child))
		rc = buf_adds(out, hide ? DEBUG_HIDDEN : xml_own_text(node));
	if (rc == 0)
		rc = buf_adds(out, "\n");
	if (hide)
		return rc;
	telling = is_telling(xml_text(node, "Code"));
	for (; rc == 0 && child; child = xml_next(child, NULL))
		rc = add_node(out, child, depth + 1, telling);
	return rc;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Members that are secret by what stands beside them. */
static bool is_secret_beside(const json_t *object, const char *key)
{
	const char *type = text_of(object, "Type");
	const char *name = text_of(object, "name");
	const char *code = text_of(object, "__type");

	if (strcasecmp(key, "Value") == 0)
		return (type && strcmp(type, "SecureString") == 0) ||
		       (name && debug_is_secret(name));
	return strcasecmp(key, "message") == 0 && is_telling(code);
}

static int hide_in(json_t *j)
{
	const char *key;
	json_t *value;
	void *next;
	size_t i;
	int rc = 0;

	json_array_foreach(j, i, value) rc |= hide_in(value);
	json_object_foreach_safe(j, next, key, value)
	{
		if (debug_is_secret(key) || is_secret_beside(j, key))
			rc |= json_object_set_new(j, key, json_string(DEBUG_HIDDEN));
		else
			rc |= hide_in(value);
	}
	return rc;
}

static int add_xml(struct buf *text, const char *body, size_t len)
{
	auto_xml struct _xmlDoc *doc = NULL;
	struct err e = ERR_INIT;

	if (xml_parse(body, len, "it", &doc, &e) < 0)
		return 0;
	return add_node(text, xml_root(doc), 0, false);
}

static int add_json(struct buf *text, const char *body, size_t len)
{
	auto_json json_t *j = NULL;
	struct err e = ERR_INIT;

	if (json_parse(body, len, "it", &j, &e) < 0)
		return 0;
	return hide_in(j) < 0 || json_text(j, text, &e) < 0 ? -1 : 0;
}

int debug_body(struct buf *out, const char *mark, const char *body, size_t len)
{
	auto_buf struct buf text = BUF_INIT(TEXT_MAX);
	size_t at = 0;
	int rc = 0;

	while (at < len && body[at] && strchr(" \t\r\n", body[at]))
		at++;
	if (at < len && body[at] == '<')
		rc = add_xml(&text, body, len);
	else if (at < len && (body[at] == '{' || body[at] == '['))
		rc = add_json(&text, body, len);
	/* What cannot be read, a truncated answer for one, may hold anything. */
	return rc == 0 && text.len > 0 ? debug_lines(out, mark, buf_str(&text))
				       : debug_length(out, mark, len);
}
