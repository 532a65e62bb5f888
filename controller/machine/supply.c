/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/supply.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/num.h"
#include "controller/account/gc.h"
#include "controller/machine/machine_ec2.h"
#include "controller/machine/machine_local.h"
#include "controller/machine/machine_ssh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define CONNECT_TIME (15 * NSEC_PER_SEC)
#define PATIENCE     (60 * NSEC_PER_SEC)
#define SETTLE       (2 * SITE_TIME)
#define CLEAR_TIME   (5 * 60 * NSEC_PER_SEC)

typedef int take_fn(struct supply *s, const struct crew *c, const char *name, struct machine **ret,
	struct err *e);

static int take_local(struct supply *s, const struct crew *c, const char *name,
	struct machine **ret, struct err *e)
{
	const struct build *b = c->build[0];
	struct utsname here;

	(void)s;
	uname(&here);
	if (strcmp(here.machine, b->target.arch) != 0)
		return err_set(e, ERR_CONFIG, ENOEXEC,
			"target '%s' is for %s, this machine is %s: use provider=ec2 or ssh",
			b->target.name, b->target.arch, here.machine);
	return machine_local_new(&(struct machine_local_options){.name = name}, ret, e);
}

static bool has_target(const struct project_host *h, const struct crew *c)
{
	for (size_t i = 0; i < h->targets.len; i++) {
		for (size_t n = 0; n < c->n; n++) {
			if (strcmp(h->targets.word[i], c->build[n]->target.name) == 0)
				return true;
		}
	}
	return h->targets.len == 0;
}

/* Known once it has been reached. */
static bool has_arch(const struct supply_host *h, const struct crew *c)
{
	return !*h->arch || strcmp(h->arch, c->build[0]->target.arch) == 0;
}

static int reach(const struct project_host *h, struct supply_host *host, const char *name,
	struct machine **ret, struct err *e)
{
	const struct machine_ssh_options o = {.name = name, .place = h->address, .ssh = &host->ssh};
	int rc = 0;

	host->ssh.timeout = CONNECT_TIME;
	host->ssh.patience = PATIENCE;
	if (!host->text)
		rc = ssh_hop_parse(h->address, &host->ssh.to, &host->text, e);
	host->ssh.to.config = "";
	return rc < 0 ? err_ctx(e, "[host %s]", h->name) : machine_ssh_new(&o, ret, e);
}

static int take_ssh(struct supply *s, const struct crew *c, const char *name, struct machine **ret,
	struct err *e)
{
	const struct project *p = s->project;
	bool fits = false;
	int rc;

	for (size_t i = 0; i < p->n_hosts; i++) {
		struct supply_host *host = &s->host[i];

		if (!has_target(&p->host[i], c) || !has_arch(host, c))
			continue;
		fits = true;
		if (host->machine)
			continue;
		rc = reach(&p->host[i], host, name, ret, e);
		if (rc == 0)
			host->machine = *ret;
		return rc;
	}
	return fits ? 0
		    : err_set(e, ERR_CONFIG, ENOENT,
			      "target '%s': no [host] is for it: by targets=, or as a machine "
			      "of %s",
			      c->build[0]->target.name, c->build[0]->target.arch);
}

static int take_ec2(struct supply *s, const struct crew *c, const char *name, struct machine **ret,
	struct err *e)
{
	return machine_ec2_new(
		&(struct machine_ec2_options){.name = name, .site = &s->site, .crew = c}, ret, e);
}

static take_fn *const providers[] = {
	[PROVIDER_EC2] = take_ec2,
	[PROVIDER_SSH] = take_ssh,
	[PROVIDER_LOCAL] = take_local,
};

int supply_open(const struct project *p, struct run *run, bool debug_http, struct supply *ret,
	struct err *e)
{
	int rc;

	*ret = (struct supply){.project = p, .run = run};
	ret->host = calloc(p->n_hosts + 1, sizeof(*ret->host));
	if (!ret->host)
		return err_oom(e);
	if (p->provider != PROVIDER_EC2)
		return 0;
	rc = cloud_open(&(struct cloud_options){.profile = p->aws.profile,
				.region = p->aws.region,
				.debug_http = debug_http},
		&ret->cloud, e);
	return rc < 0 ? rc : ec2_site_open(p, &ret->cloud, run, &ret->site, e);
}

void supply_close(struct supply *s)
{
	for (size_t i = 0; s->host && i < s->project->n_hosts; i++)
		free(s->host[i].text);
	free(s->host);
	if (s->project && s->project->provider == PROVIDER_EC2) {
		ec2_site_close(&s->site);
		cloud_close(&s->cloud);
	}
	s->project = NULL;
	s->host = NULL;
}

static int clear_in(struct supply *s, struct cloud *cloud, uint64_t deadline, struct err *e)
{
	const bool home = cloud == &s->cloud;
	struct gc g = {
		.cloud = cloud,
		.run = s->run->id,
		.journal = &s->run->journal,
		.settle = SETTLE,
		.deadline = deadline,
		.ends_run = true,
		.looked = home ? s->site.looked : 0,
	};
	int rc = gc_run(&g, e);

	if (home)
		s->site.looked = g.looked;
	return rc;
}

/* Copies of an image that came to nothing. */
static int clear_elsewhere(struct supply *s, const char *region, uint64_t deadline, struct err *e)
{
	auto_cloud struct cloud cloud = {0};
	int rc = cloud_open(&(struct cloud_options){.profile = s->project->aws.profile,
				    .region = region,
				    .debug_http = s->cloud.client.observe != NULL},
		&cloud, e);

	return rc < 0 ? rc : clear_in(s, &cloud, deadline, e);
}

int supply_clear(struct supply *s, struct err *e)
{
	const uint64_t deadline = clock_deadline(CLEAR_TIME);
	const struct journal *j = &s->run->journal;
	int rc = journal_open_entries(j) ? clear_in(s, &s->cloud, deadline, e) : 0;

	/* What is gone of one region is not left any more. */
	for (size_t i = 0; i < j->n && rc == 0; i++) {
		if (journal_is_left(&j->entry[i]) &&
			strcmp(j->entry[i].region, s->cloud.region) != 0)
			rc = clear_elsewhere(s, j->entry[i].region, deadline, e);
	}
	return rc;
}

int supply_end(struct supply *s, const struct run *run, struct err *e)
{
	struct err unclear = ERR_INIT;

	if (s->project && supply_clear(s, &unclear) < 0)
		log_warning("%s", unclear.msg);
	return run_left(run, e);
}

int supply_take(struct supply *s, const struct crew *c, unsigned number, struct machine **ret,
	struct err *e)
{
	char name[32];

	*ret = NULL;
	snprintf(name, sizeof(name), "worker %u", number);
	return providers[s->project->provider](s, c, name, ret, e);
}

void supply_return(struct supply *s, const struct machine *m)
{
	for (size_t i = 0; i < s->project->n_hosts; i++) {
		if (s->host[i].machine != m)
			continue;
		snprintf(s->host[i].arch, sizeof(s->host[i].arch), "%s", m->arch);
		s->host[i].machine = NULL;
	}
}
