/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake_order.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/num.h"
#include "controller/image/freeze.h"
#include "controller/machine/hire.h"
#include "controller/machine/machine_ec2.h"
#include "controller/machine/machine_wait.h"

#include <errno.h>
#include <string.h>

/* The step that ends what is large: from there on only little is written to the disk. */
#define LARGE_DONE "config"

/* A worker that is taken away in the middle is no reason to give up. */
#define ATTEMPTS 3

/* One worker. */
struct baking {
	const struct bake_order *order;
	struct ami *ami;
	struct machine *machine;
	bool early; /* its disk has been begun to be copied */
};

static const char *volume_of(const struct baking *b)
{
	const struct ec2_instance *i =
		ec2_watch_find(&b->order->supply->site, machine_ec2_id(b->machine));

	return i ? i->volume : "";
}

static void on_progress(void *ctx, const struct bake_progress *p)
{
	struct baking *b = ctx;
	struct err e = ERR_INIT;

	bake_show(b->order->show, p);
	if (b->early || strcmp(p->step, LARGE_DONE) != 0 || !*volume_of(b))
		return;
	b->early = true;
	/* It only saves time. */
	if (ami_begin_early(b->ami, volume_of(b), &e) < 0)
		log_warning("%s", e.msg);
}

static int take_disk(struct baking *b, struct err *e)
{
	struct freeze freeze = FREEZE_INIT;
	int rc;

	if (!*volume_of(b))
		return err_set(
			e, ERR_REMOTE, ENODEV, "%s: it has no root volume", b->machine->place);
	show_part(b->order->show, "hold the disk still, begin its snapshot");
	rc = freeze_begin(b->machine, &freeze, e);
	if (rc == 0)
		rc = ami_begin(b->ami, machine_ec2_id(b->machine), volume_of(b), e);
	freeze_end(&freeze);
	return rc;
}

static int work(struct baking *b, struct baked *ret, struct err *e)
{
	int rc;

	show_part(b->order->show, "start a worker for %s", b->order->bake->arch);
	rc = machine_wait_ready(b->machine, b->order->show, e);
	if (rc == 0)
		rc = ami_ask(b->ami, volume_of(b), e);
	if (rc == 0)
		show_say(b->order->show, "worker: %s", b->machine->place);
	if (rc == 0)
		rc = bake_on(b->order, b->machine, ret, on_progress, b, e);
	return rc < 0 ? rc : take_disk(b, e);
}

static int one_worker(const struct bake_order *o, struct ami *ami, struct baked *ret, struct err *e)
{
	auto_hired struct hired hired = {0};
	struct baking b = {.order = o, .ami = ami};
	int rc = hire_one(o->supply, o->bake->arch, &hired, e);

	b.machine = hired.machine;
	return rc < 0 ? rc : work(&b, ret, e);
}

static bool may_try_again(const struct err *e)
{
	return e->kind == ERR_TRANSIENT && e->num != ECANCELED && e->num != EAGAIN &&
	       !cancel_requested();
}

static int bake_it(const struct bake_order *o, struct ami *ami, struct baked *ret, struct err *e)
{
	int rc = one_worker(o, ami, ret, e);

	for (unsigned i = 1; i < ATTEMPTS && rc < 0 && may_try_again(e); i++) {
		show_end(o->show, true);
		show_say(o->show, "%s: another worker", e->msg);
		*e = (struct err)ERR_INIT;
		rc = one_worker(o, ami, ret, e);
	}
	if (rc < 0)
		show_end(o->show, true);
	return rc < 0 ? rc : ami_finish(ami, e);
}

int bake_ec2(const struct bake_order *o, struct baked *ret, struct err *e)
{
	struct ec2_site *site = &o->supply->site;
	struct image_spec spec = o->project->image;
	const struct base *base;
	int rc;

	if ((rc = ec2_site_base(site, o->bake->arch, &base, e)) < 0 ||
		(rc = bake_fingerprint(o->bake, base->id, ret->inputs, e)) < 0)
		return rc;
	snprintf(ret->base, sizeof(ret->base), "%s", base->id);
	if (*base->moved)
		show_say(o->show, "%s", base->moved);
	if (o->if_changed && (rc = ami_find(&o->supply->cloud.client, o->project, o->bake->arch,
				      ret->inputs, ret->ami, e)) < 0)
		return rc;
	ret->unchanged = *ret->ami != '\0';
	if (ret->unchanged)
		return 0;
	if ((rc = bake_volume(o->bake, base->root_bytes, &spec.size, e)) < 0)
		return rc;
	auto_ami struct ami ami = bake_ami(o, site, ret);
	ami.base_id = base->id;
	ami.bytes = spec.size;
	if ((rc = ami_open(&ami, e)) < 0 || (rc = ami_ask(&ami, NULL, e)) < 0)
		return rc;
	snprintf(ret->name, sizeof(ret->name), "%s", ami.name);
	site->image = &spec;
	rc = bake_it(o, &ami, ret, e);
	site->image = NULL;
	return rc < 0 ? rc : baked_take(ret, &ami, e);
}
