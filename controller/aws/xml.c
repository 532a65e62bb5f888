/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <limits.h>
#include <string.h>

int xml_parse(const char *text, size_t len, const char *name, struct _xmlDoc **ret, struct err *e)
{
	xmlDoc *doc;

	if (len == 0 || len > INT_MAX)
		return err_set(e, ERR_DATA, EPROTO, "%s is no XML", name);
	doc = xmlReadMemory(text, (int)len, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	if (!doc)
		return err_set(e, ERR_DATA, EPROTO, "%s is no whole XML", name);
	if (doc->intSubset || doc->extSubset || !xmlDocGetRootElement(doc)) {
		xmlFreeDoc(doc);
		return err_set(e, ERR_DATA, EPROTO, "%s is XML with a DOCTYPE", name);
	}
	*ret = doc;
	return 0;
}

void xml_free(struct _xmlDoc **doc)
{
	if (*doc)
		xmlFreeDoc(*doc);
	*doc = NULL;
}

const struct _xmlNode *xml_root(const struct _xmlDoc *doc)
{
	return xmlDocGetRootElement(doc);
}

const char *xml_name(const struct _xmlNode *node)
{
	return (const char *)node->name;
}

static const struct _xmlNode *first(const struct _xmlNode *node, const char *name)
{
	while (node && (node->type != XML_ELEMENT_NODE ||
			       (name && strcmp((const char *)node->name, name) != 0)))
		node = node->next;
	return node;
}

const struct _xmlNode *xml_child(const struct _xmlNode *node, const char *name)
{
	return first(node->children, name);
}

const struct _xmlNode *xml_next(const struct _xmlNode *node, const char *name)
{
	return first(node->next, name);
}

const char *xml_own_text(const struct _xmlNode *node)
{
	/* Predefined entities and character references are text already. */
	const struct _xmlNode *text = node->children;

	return text && text->type == XML_TEXT_NODE ? (const char *)text->content : "";
}

const char *xml_text(const struct _xmlNode *node, const char *name)
{
	const struct _xmlNode *child = xml_child(node, name);

	return child ? xml_own_text(child) : NULL;
}
