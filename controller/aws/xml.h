/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in XML, read by libxml2: nothing is fetched, no entity is expanded, a document with a
 * DOCTYPE is refused. Name spaces do not count. */
#ifndef CONTROLLER_AWS_XML_H
#define CONTROLLER_AWS_XML_H

#include "common/err.h"

#include <stddef.h>

struct _xmlDoc;
struct _xmlNode;

/* The whole document; kind data: cut, or no XML. The caller owns *ret: xml_free() or auto_xml. */
must_check int xml_parse(
	const char *text, size_t len, const char *name, struct _xmlDoc **ret, struct err *e);
void xml_free(struct _xmlDoc **doc);

#define auto_xml __attribute__((cleanup(xml_free)))

const struct _xmlNode *xml_root(const struct _xmlDoc *doc);
const char *xml_name(const struct _xmlNode *node);

/* The first child element of that name (NULL: of any), and the next one; NULL: there is none. */
const struct _xmlNode *xml_child(const struct _xmlNode *node, const char *name);
const struct _xmlNode *xml_next(const struct _xmlNode *node, const char *name);

/* The text of a child, of the document; "" where it has none; NULL: there is no such child. Valid
 * while the document is. */
const char *xml_text(const struct _xmlNode *node, const char *name);

/* The same of the element itself; never NULL. */
const char *xml_own_text(const struct _xmlNode *node);

#endif
