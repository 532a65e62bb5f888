/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/image_show.h"

#include <string.h>

static const struct image_check *check_of(const char *name)
{
	for (size_t i = 0; i < n_image_checks; i++) {
		if (strcmp(image_checks[i].name, name) == 0)
			return &image_checks[i];
	}
	return NULL;
}

static void show_start_of(struct show *s, const char *says)
{
	if (!*s->part)
		show_part(s, "start");
	/* The part stays the same; what it says changes. */
	snprintf(s->part, sizeof(s->part), "start%s%.100s", *says ? ": " : "", says);
	show_draw(s, 0, 0);
}

void image_show_say(void *ctx, const char *name, const struct image_result *r)
{
	struct image_show *i = ctx;
	struct show *s = i->show;
	const struct image_check *check = check_of(name);

	if (!check) {
		show_start_of(s, name);
		return;
	}
	if (check != i->check) {
		if (!i->check)
			snprintf(s->part, sizeof(s->part), "start");
		show_part(s, "check %s", name);
		i->check = check;
	}
	if (r) {
		snprintf(s->part, sizeof(s->part), "check %s: %.120s", name, r->detail);
		show_end(s, !r->ok);
	} else {
		show_draw(s, 0, 0);
	}
}
