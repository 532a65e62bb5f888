/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/machine_ec2_private.h"

#include "common/clock.h"
#include "common/num.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOST_KEY     "host"
#define CONNECT_TIME (15 * NSEC_PER_SEC)
#define BOOT_TIME    (10 * 60 * NSEC_PER_SEC)
#define FOLLOW_TIME  (20 * NSEC_PER_SEC) /* without a connection: is our address another? */

static struct machine_ec2 *of(struct machine *m)
{
	return (struct machine_ec2 *)m;
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
	return machine_ec2_next(m, e);
}

static int poll_starting(struct machine_ec2 *m, struct err *e)
{
	int rc;

	if (!*m->token)
		return machine_ec2_next(m, e);
	rc = ec2_watch_look(m->site, e);
	if (rc < 0)
		return e->kind == ERR_TRANSIENT ? (*e = (struct err)ERR_INIT, 0) : rc;
	return *m->id ? poll_instance(m, e) : machine_ec2_seek(m, e);
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
