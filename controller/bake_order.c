/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/bake_order.h"

#include "common/clock.h"
#include "common/num.h"

#include <errno.h>
#include <string.h>

#define LIMIT (12 * 3600 * NSEC_PER_SEC) /* of all steps together */

int bake_on(const struct bake_order *o, struct machine *m, struct baked *b,
	void (*progress)(void *ctx, const struct bake_progress *p), void *ctx, struct err *e)
{
	char images[PATH_MAX];
	const struct bake_job job = {
		.bake = o->bake,
		.machine = m,
		.run = o->run->id,
		.origin = {b->name, b->base},
		.images = images,
		.tmpdir = o->run->dir,
		.deadline = clock_deadline(LIMIT),
		.progress = progress,
		.ctx = ctx,
	};

	if (snprintf(images, sizeof(images), "%s/images", o->project->dist) >= (int)sizeof(images))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", o->project->dist);
	return bake_provision(&job, &b->made, e);
}

void bake_show(struct show *s, const struct bake_progress *p)
{
	char part[SHOW_TEXT];

	snprintf(part, sizeof(part), "%zu/%zu %s%s%.100s", p->index, p->count, p->step,
		*p->item ? " " : "", p->item);
	if (strcmp(part, s->part) != 0)
		show_part(s, "%s", part);
	show_draw(s, p->sent, p->bytes);
}

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), k = strlen(end);

	return n > k && strcmp(text + n - k, end) == 0;
}

size_t bake_image_name(const char *file, const char *stem)
{
	if (!stem)
		return ends_with(file, ".json") && !ends_with(file, ".cdx.json")
			       ? strlen(file) - strlen(".json")
			       : 0;
	if (strncmp(file, stem, strlen(stem)) != 0)
		return 0;
	return strlen(stem) + strcspn(file + strlen(stem), ".");
}

static json_t *snapshots_of(const struct ami_made *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->n_snapshots; i++)
		json_array_append_new(list, json_string(m->snapshot[i]));
	return list;
}

int baked_take(struct baked *b, const struct ami *a, struct err *e)
{
	snprintf(b->ami, sizeof(b->ami), "%s", a->made[0].image);
	b->copies = json_array();
	for (size_t i = 0; i < a->n_made; i++)
		json_array_append_new(b->copies,
			json_pack("{s:s, s:s, s:o}", "region", a->made[i].region, "ami",
				a->made[i].image, "snapshots", snapshots_of(&a->made[i])));
	return json_array_size(b->copies) == a->n_made ? 0 : err_oom(e);
}

void baked_free(struct baked *b)
{
	json_decref(b->copies);
	*b = (struct baked){0};
}
