/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake_order.h"

#include "common/clock.h"
#include "common/num.h"
#include "controller/build/dist.h"

#include <string.h>

#define LIMIT (12 * 3600 * NSEC_PER_SEC) /* of all steps together */

int bake_on(const struct bake_order *o, struct machine *m, struct baked *b,
	void (*progress)(void *ctx, const struct bake_progress *p), void *ctx, struct err *e)
{
	char images[PATH_MAX];
	int rc = dist_images(o->project->dist, images, e);
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

	return rc < 0 ? rc : bake_provision(&job, &b->made, e);
}

struct ami bake_ami(const struct bake_order *o, struct ec2_site *site, const struct baked *b)
{
	return (struct ami){.project = o->project,
		.site = site,
		.show = o->show,
		.arch = o->bake->arch,
		.arch_in_name = o->arch_in_name,
		.inputs = b->inputs};
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
