/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/aws/ec2_run.h"
#include "controller/machine/machine_ec2_private.h"
#include "controller/machine/userdata.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define LOOKS_UNSURE 6 /* at all instances, until one whose answer was lost is given up */

enum ec2_refusal machine_ec2_refusal(const struct fault *f, bool unsure)
{
	static const char *const capacity[] = {
		"InsufficientInstanceCapacity",
		"InsufficientHostCapacity",
		"InsufficientReservedInstanceCapacity",
		"InsufficientFreeAddressesInSubnet",
		"SpotMaxPriceTooLow",
		"Unsupported",
		"UnfulfillableCapacity",
	};

	for (size_t i = 0; i < ARRAY_LEN(capacity); i++) {
		if (strcmp(f->code, capacity[i]) == 0)
			return REFUSAL_CAPACITY;
	}
	return *f->code && !unsure ? REFUSAL_FINAL : REFUSAL_NONE;
}

static void describe_place(struct machine_ec2 *m)
{
	snprintf(m->base.place, sizeof(m->base.place), "%.24s %s %.24s%s%.24s", m->rung->type,
		m->rung->spot ? "spot" : "on-demand", m->rung->zone, *m->id ? " " : "", m->id);
}

static int write_known_host(struct machine_ec2 *m, struct err *e)
{
	auto_buf struct buf line = BUF_INIT(1024);
	struct run *run = m->site->run;

	snprintf(m->known_hosts, sizeof(m->known_hosts), "%.*s/%s.known", PATH_MAX - 80, run->dir,
		m->token);
	if (buf_addf(&line, "%s %s\n", m->token, m->key.public) < 0)
		return err_oom(e);
	return fs_write_atomic(AT_FDCWD, m->known_hosts, 0600, line.data, line.len, e);
}

static int make_user_data(struct machine_ec2 *m, struct secret *ret, struct err *e)
{
	return userdata_make(&(struct userdata){.host_key = &m->key.private,
				     .host_public = m->key.public,
				     .login_public = m->site->login.public,
				     .run = m->site->run->id,
				     .lifetime = m->site->project->aws.lifetime},
		ret, e);
}

static uint64_t volume_bytes(const struct machine_ec2 *m, const struct base *base)
{
	uint64_t wanted = m->site->image ? m->site->image->size : m->site->project->aws.volume;
	uint64_t least = base->root_bytes > wanted ? base->root_bytes : wanted;

	return (least + GIB - 1) / GIB * GIB;
}

static int run_instance(struct machine_ec2 *m, struct ec2_instance *ret, struct err *e)
{
	auto_ec2_site_tags struct ec2_site_tags tags = {0};
	auto_secret struct secret data = {0};
	struct ec2_site *s = m->site;
	const char *groups[] = {s->group, NULL};
	const struct base *base;
	int rc;

	if ((rc = ec2_site_base(s, m->base.arch, &base, e)) < 0 ||
		(rc = make_user_data(m, &data, e)) < 0 ||
		(rc = ec2_site_tag(s, m->base.name, &tags, e)) < 0)
		return rc;
	return ec2_run(&s->cloud->client,
		&(struct ec2_run){
			.token = m->token,
			.type = m->rung->type,
			.image = base->id,
			.subnet = m->rung->subnet,
			.groups = groups,
			.spot = m->rung->spot,
			.max_price = m->rung->spot ? s->project->aws.max_price : 0,
			.public_address = !s->is_private,
			.root = base->root,
			.volume = volume_bytes(m, base),
			.iops = s->image ? s->image->iops : 0,
			.throughput = s->image ? s->image->throughput : 0,
			.encrypt = s->image && s->image->encrypt,
			.kms_key = s->image ? s->image->kms_key : NULL,
			.tags = {tags.item, tags.n},
			.user_data = &data,
			.deadline = clock_deadline(SITE_TIME),
		},
		ret, e);
}

static int adopt(struct machine_ec2 *m, const char *id, struct err *e)
{
	snprintf(m->id, sizeof(m->id), "%s", id);
	m->base.started = clock_now();
	m->base.price = m->rung->price;
	m->connecting = clock_now();
	describe_place(m);
	return journal_made(&m->site->run->journal, m->token, id, e);
}

/* It was refused: the next rung, or the end. */
static int refused(struct machine_ec2 *m, enum ec2_refusal how, struct err *e)
{
	struct err noted = ERR_INIT;
	int rc = journal_refused(&m->site->run->journal, m->token, &noted);

	m->token[0] = '\0';
	if (rc < 0) {
		*e = noted;
		return rc;
	}
	if (how == REFUSAL_FINAL)
		return err_ctx(e, "%s", m->base.place);
	ladder_close(m->rung, clock_now());
	*e = (struct err)ERR_INIT;
	return 0;
}

static int ask_for(struct machine_ec2 *m, struct err *e)
{
	struct ec2_instance made = {0};
	struct journal *j = &m->site->run->journal;
	enum ec2_refusal how;
	int rc;

	describe_place(m);
	snprintf(m->token, sizeof(m->token), "%s-%zu", m->site->run->id, j->n);
	if ((rc = write_known_host(m, e)) < 0 || (rc = journal_intend(j, RESOURCE_INSTANCE,
							  m->token, m->site->cloud->region, e)) < 0)
		return rc;
	m->site->cloud->client.fault = (struct fault){0};
	m->site->cloud->client.unsure = false;
	rc = run_instance(m, &made, e);
	ec2_tags_free(&made.tags);
	if (rc >= 0)
		return adopt(m, made.id, e);
	how = machine_ec2_refusal(&m->site->cloud->client.fault, m->site->cloud->client.unsure);
	if (how != REFUSAL_NONE)
		return refused(m, how, e);
	*e = (struct err)ERR_INIT;
	m->unsure = 0;
	m->unsure_since = m->site->looked;
	return 0;
}

int machine_ec2_next(struct machine_ec2 *m, struct err *e)
{
	m->rung = ladder_next(m->ladder, &m->at, clock_now());
	if (m->rung)
		return ask_for(m, e);
	return err_set(e, ERR_TRANSIENT, EAGAIN,
		"no capacity for '%s' in any of %zu places: try later, or widen market=, types=, "
		"max_price= or subnets=",
		m->crew->build[0]->target.name, m->ladder->n);
}

int machine_ec2_seek(struct machine_ec2 *m, struct err *e)
{
	const struct ec2_instances *seen = &m->site->seen;

	for (size_t i = 0; i < seen->n; i++) {
		if (strcmp(seen->item[i].token, m->token) == 0)
			return adopt(m, seen->item[i].id, e);
	}
	if (m->site->looked != m->unsure_since) {
		m->unsure_since = m->site->looked;
		m->unsure++;
	}
	if (m->unsure <= LOOKS_UNSURE)
		return 0;
	return err_set(e, ERR_TRANSIENT, EIO, "%s: EC2 did not answer whether it was started",
		m->base.place);
}
