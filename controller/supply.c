/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/supply.h"

#include "controller/machine_local.h"
#include "controller/machine_ssh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

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

static int take_ssh(struct supply *s, const struct crew *c, const char *name, struct machine **ret,
	struct err *e)
{
	const struct project *p = s->project;
	bool fits = false;
	int rc;

	for (size_t i = 0; i < p->n_hosts; i++) {
		if (!has_target(&p->host[i], c))
			continue;
		fits = true;
		if (s->host[i])
			continue;
		rc = machine_ssh_new(&(struct machine_ssh_options){.name = name,
					     .address = p->host[i].address,
					     .arch = c->build[0]->target.arch,
					     .dir = s->run->dir},
			ret, e);
		if (rc == 0)
			s->host[i] = *ret;
		return rc;
	}
	return fits ? 0
		    : err_set(e, ERR_CONFIG, ENOENT,
			      "target '%s': no [host] has it in its targets=",
			      c->build[0]->target.name);
}

static take_fn *const providers[] = {
	[PROVIDER_SSH] = take_ssh,
	[PROVIDER_LOCAL] = take_local,
};

int supply_open(const struct project *p, struct run *run, struct supply *ret, struct err *e)
{
	*ret = (struct supply){.project = p, .run = run};
	if (p->n_hosts == 0)
		return 0;
	ret->host = calloc(p->n_hosts, sizeof(struct machine *));
	return ret->host ? 0 : err_oom(e);
}

void supply_close(struct supply *s)
{
	free(s->host);
	*s = (struct supply){0};
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
		if (s->host[i] == m)
			s->host[i] = NULL;
	}
}
