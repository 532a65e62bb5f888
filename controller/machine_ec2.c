/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine_ec2.h"

#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/aws/ec2_run.h"
#include "controller/keeper.h"
#include "controller/resource.h"
#include "controller/ssh.h"
#include "controller/userdata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_KEY     "host"
#define CONNECT_TIME (15 * NSEC_PER_SEC)
#define BOOT_TIME    (10 * 60 * NSEC_PER_SEC)
#define FOLLOW_TIME  (20 * NSEC_PER_SEC) /* without a connection: is our address another? */
#define LOOKS_UNSURE 6 /* at all instances, until one whose answer was lost is given up */

struct machine_ec2 {
	struct machine base;
	struct ec2_site *site;
	const struct crew *crew;
	struct ladder *ladder;
	size_t at; /* in the ladder, behind the rung */
	struct rung *rung;

	char token[JOURNAL_TOKEN]; /* of the instance that is asked for; "" */
	char id[EC2_ID_MAX];       /* "" while none is known */
	unsigned unsure;           /* looks since an answer was lost */
	uint64_t unsure_since;     /* the look before them */

	struct sshkey key; /* of the host */
	char known_hosts[PATH_MAX];
	struct ssh *ssh;
	uint64_t connecting; /* clock.h, since when, or since our address was looked at */
	struct keeper keeper;
};

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

static struct machine_ec2 *of(struct machine *m)
{
	return (struct machine_ec2 *)m;
}

/* --- one instance */

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

static int try_next(struct machine_ec2 *m, struct err *e)
{
	m->rung = ladder_next(m->ladder, &m->at, clock_now());
	if (m->rung)
		return ask_for(m, e);
	return err_set(e, ERR_TRANSIENT, EAGAIN,
		"no capacity for '%s' in any of %zu places: try later, or widen market=, types=, "
		"max_price= or subnets=",
		m->crew->build[0]->target.name, m->ladder->n);
}

/* The answer was lost: was it made? */
static int look_for_token(struct machine_ec2 *m, struct err *e)
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

/* --- the connection */

static int connect_to(struct machine_ec2 *m, const struct ec2_instance *i, struct err *e)
{
	const struct ec2_site *s = m->site;
	const struct project_aws *aws = &s->project->aws;
	auto_free char *text = NULL;
	struct ssh_hop jump = {0};
	struct ssh_options o = {
		.to = {.user = s->user,
			.host = s->is_private ? i->private_ip : i->public_ip,
			.identity = s->login.path,
			.known_hosts = m->known_hosts,
			.alias = m->token,
			.config = *aws->ssh_config ? aws->ssh_config : NULL},
		.timeout = CONNECT_TIME,
		.patience = BOOT_TIME,
		.boots = true,
	};
	int rc = 0;

	if (!*o.to.host)
		return 0;
	if (*aws->bastion) {
		rc = ssh_hop_parse(aws->bastion, &jump, &text, e);
		jump.config = *aws->ssh_config ? aws->ssh_config : "";
		o.jump = &jump;
	}
	m->connecting = clock_now();
	snprintf(m->base.login, sizeof(m->base.login),
		"ssh -i %.1000s -o UserKnownHostsFile=%.1000s -o HostKeyAlias=%s%s%s %s@%s",
		s->login.path, m->known_hosts, m->token, *aws->bastion ? " -J " : "", aws->bastion,
		s->user, o.to.host);
	return rc < 0 ? rc : ssh_open(&o, &m->ssh, e);
}

static int ssh_run_fn(void *ctx, const struct machine_command *c, pid_t *ret, struct err *e)
{
	return ssh_run(ctx, c, ret, e);
}

static int start_keeper(struct machine_ec2 *m, struct err *e)
{
	keeper_stop(&m->keeper);
	return keeper_start(&m->keeper, m->site->project->aws.lifetime, ssh_run_fn, m->ssh, e);
}

static int poll_connection(struct machine_ec2 *m, struct err *e)
{
	int rc = ssh_poll(m->ssh, e);

	if (rc < 0)
		return err_ctx(e, "%s", m->base.place);
	if (ssh_state(m->ssh) == SSH_CONNECTED) {
		m->base.state = MACHINE_READY;
		return start_keeper(m, e);
	}
	if (clock_now() - m->connecting < FOLLOW_TIME)
		return 0;
	m->connecting = clock_now();
	rc = ec2_gate_follow(m->site, e);
	return rc < 0 && e->kind != ERR_TRANSIENT ? rc : 0;
}

static int poll_instance(struct machine_ec2 *m, struct err *e)
{
	const struct ec2_instance *i = ec2_watch_find(m->site, m->id);

	if (!i) /* not listed yet */
		return 0;
	if (i->state != EC2_PENDING && i->state != EC2_RUNNING) {
		ladder_close(m->rung, clock_now());
		return err_set(e, ERR_TRANSIENT, EIO, "%s: %s while it started%s%s", m->base.place,
			ec2_state_name(i->state), *i->reason ? ": " : "", i->reason);
	}
	if (i->state == EC2_RUNNING && !m->ssh)
		return connect_to(m, i, e);
	return m->ssh ? poll_connection(m, e) : 0;
}

/* --- the machine */

/* Its files are of no use once it has been read, and another's may be there from before a crash. */
static int make_host_key(struct machine_ec2 *m, struct err *e)
{
	const struct run *run = m->site->run;
	int rc;

	sshkey_remove(run->dirfd, HOST_KEY);
	rc = sshkey_make(run->dir, HOST_KEY, &m->key, e);
	sshkey_remove(run->dirfd, HOST_KEY);
	return rc;
}

static int start(struct machine *base, struct err *e)
{
	struct machine_ec2 *m = of(base);
	const struct base *image;
	int rc;

	base->state = MACHINE_STARTING;
	if ((rc = ec2_offer_find(m->site, m->crew, &m->ladder, e)) < 0 ||
		(rc = ec2_site_base(m->site, base->arch, &image, e)) < 0 ||
		(rc = ec2_gate_open(m->site, e)) < 0 || (rc = make_host_key(m, e)) < 0)
		return rc;
	snprintf(base->remark, sizeof(base->remark), "%s", image->moved);
	return try_next(m, e);
}

static int poll_starting(struct machine_ec2 *m, struct err *e)
{
	int rc;

	if (!*m->token)
		return try_next(m, e);
	rc = ec2_watch_look(m->site, e);
	if (rc < 0)
		return e->kind == ERR_TRANSIENT ? (*e = (struct err)ERR_INIT, 0) : rc;
	return *m->id ? poll_instance(m, e) : look_for_token(m, e);
}

static int poll_ready(struct machine_ec2 *m, struct err *e)
{
	char notice[sizeof(m->base.notice)];
	int kept = keeper_poll(&m->keeper, notice, sizeof(notice));

	if (kept > 0) {
		memcpy(m->base.notice, notice, sizeof(notice));
		ladder_close(m->rung, clock_now());
	}
	if (ssh_poll(m->ssh, e) < 0)
		return -e->num;
	if (ssh_state(m->ssh) != SSH_CONNECTED) {
		m->base.state = MACHINE_LOST;
		m->site->doubted = true;
		return 0;
	}
	ec2_watch_renew(m->site);
	return kept < 0 ? start_keeper(m, e) : 0;
}

static int poll_machine(struct machine *base, struct err *e)
{
	struct machine_ec2 *m = of(base);
	int rc;

	switch (base->state) {
	case MACHINE_STARTING:
		return poll_starting(m, e);
	case MACHINE_READY:
		return poll_ready(m, e);
	case MACHINE_STOPPING:
		rc = ec2_watch_terminate(m->site, e);
		if (rc == 0)
			base->state = MACHINE_GONE;
		return rc;
	case MACHINE_NEW:
	case MACHINE_LOST:
	case MACHINE_GONE:
		break;
	}
	return 0;
}

static int run(struct machine *base, const struct machine_command *c, pid_t *ret, struct err *e)
{
	return ssh_run(of(base)->ssh, c, ret, e);
}

static int stop(struct machine *base, struct err *e)
{
	struct machine_ec2 *m = of(base);

	keeper_stop(&m->keeper);
	ssh_free(m->ssh);
	m->ssh = NULL;
	base->state = *m->id ? MACHINE_STOPPING : MACHINE_GONE;
	return *m->id ? ec2_watch_doom(m->site, m->id, e) : 0;
}

static void free_machine(struct machine *base)
{
	struct machine_ec2 *m = of(base);

	keeper_stop(&m->keeper);
	ssh_free(m->ssh);
	sshkey_free(&m->key);
	free(m);
}

static const struct machine_ops ops = {
	.start = start,
	.poll = poll_machine,
	.run = run,
	.stop = stop,
	.free = free_machine,
};

const char *machine_ec2_id(const struct machine *m)
{
	return ((const struct machine_ec2 *)m)->id;
}

int machine_ec2_new(const struct machine_ec2_options *o, struct machine **ret, struct err *e)
{
	struct machine_ec2 *m = calloc(1, sizeof(*m));

	if (!m)
		return err_oom(e);
	m->base.ops = &ops;
	m->site = o->site;
	m->crew = o->crew;
	m->keeper = (struct keeper)KEEPER_INIT;
	snprintf(m->base.name, sizeof(m->base.name), "%s", o->name);
	snprintf(m->base.arch, sizeof(m->base.arch), "%s", o->crew->build[0]->target.arch);
	*ret = &m->base;
	return 0;
}
