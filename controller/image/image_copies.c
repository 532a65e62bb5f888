/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/image_copies.h"

#include "controller/account/resource.h"

#include <errno.h>
#include <string.h>

static void name_tag(size_t index, char *out, size_t size)
{
	if (index == 0)
		snprintf(out, size, "%s", RESOURCE_COPIES);
	else
		snprintf(out, size, RESOURCE_COPIES "-%zu", index + 1);
}

/* Behind what is there, if it fits whole. */
static bool append(char *text, size_t size, const char *more)
{
	const size_t len = strlen(text), blank = len > 0;

	if (len + blank + strlen(more) >= size)
		return false;
	snprintf(text + len, size - len, "%s%s", blank ? " " : "", more);
	return true;
}

int image_copies_add(struct image_copies *c, const char *region, struct err *e)
{
	if (c->n > 0 && append(c->tag[c->n - 1].value, IMAGE_COPIES_VALUE, region))
		return 0;
	if (c->n == IMAGE_COPIES_TAGS || !append(c->tag[c->n].value, IMAGE_COPIES_VALUE, region))
		return err_set(e, ERR_CONFIG, E2BIG,
			"'%.60s' is one region more than the tags of an image can name", region);
	name_tag(c->n, c->tag[c->n].key, sizeof(c->tag[c->n].key));
	c->n++;
	return 0;
}

void image_copies_read(const struct ec2_tags *tags, char ret[static IMAGE_COPIES_TEXT])
{
	ret[0] = '\0';
	for (size_t i = 0; i < IMAGE_COPIES_TAGS; i++) {
		char key[32], one[IMAGE_COPIES_VALUE];
		const char *value;

		name_tag(i, key, sizeof(key));
		value = ec2_tags_get(tags, key);
		snprintf(one, sizeof(one), "%s", value ? value : "");
		if (*one)
			(void)append(ret, IMAGE_COPIES_TEXT, one);
	}
}
