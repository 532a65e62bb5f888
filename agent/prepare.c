/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prepare.h"

#include "agent/ecs.h"
#include "agent/lock.h"
#include "agent/notify.h"
#include "agent/seal.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READY_FILE PUBLISH_RUN "/ready"

/* How often a wait for metadata looks whether it should end. */
#define LATE_SLICE (100 * NSEC_PER_MSEC)

static int phase_lock(struct prepare *p, struct err *e)
{
	return lock_take(p->root, &p->lock, &p->made_run, e);
}

static int phase_settings(struct prepare *p, struct err *e)
{
	bool host_root = strcmp(p->options->root, "/") == 0;
	int rc = settings_load(p->root, &p->settings, e);

	if (rc < 0)
		return rc;
	rc = snprintf(p->path, sizeof(p->path), "%s%s", host_root ? "" : p->options->root,
		p->settings.path);
	if (rc >= (int)sizeof(p->path))
		return err_set(e, ERR_USAGE, ENAMETOOLONG, "prepare: '%s%s' is too long a path",
			p->options->root, p->settings.path);
	return 0;
}

static int phase_identity(struct prepare *p, struct err *e)
{
	int rc = host_read(p->root, &p->host, e);

	if (rc < 0)
		return err_ctx(e, "this machine's memory is not known (is /proc mounted?)");
	rc = cpu_read(p->root, true, &p->cpu, e);
	if (rc == 0)
		rc = identity_local(
			p->root, &p->settings, p->options->instance_type, &p->identity, e);
	return rc;
}

static int phase_query(struct prepare *p, struct err *e)
{
	if (p->identity.metadata != METADATA_PENDING)
		return 0;
	return identity_query_start(&p->identity, &p->settings, &p->query, e);
}

static int phase_slots(struct prepare *p, struct err *e)
{
	p->shared = open(p->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->shared < 0)
		return err_errno(e, "prepare: cannot open '%s'", p->settings.path);
	return slot_setup(p->shared, e);
}

static void merge_query(struct prepare *p)
{
	identity_query_merge(p->query, &p->identity);
	identity_query_free(p->query);
	p->query = NULL;
}

/* Metadata that has answered by now is the authority; it is waited for only where nothing else
 * tells the type. */
static int phase_type(struct prepare *p, struct err *e)
{
	bool known = *p->identity.instance_type.value;

	(void)e;
	if (p->query && identity_query_wait(p->query, known ? clock_now() : CLOCK_FOREVER))
		merge_query(p);
	log_info("identity: cloud %s, %s, %s, metadata %s", cloud_name(p->identity.cloud),
		*p->identity.instance_type.value ? p->identity.instance_type.value
						 : "unknown instance type",
		p->cpu.march ? p->cpu.march : "unknown core",
		metadata_state_name(p->identity.metadata));
	return 0;
}

static struct facts facts_of(const struct prepare *p)
{
	return (struct facts){
		.identity = &p->identity,
		.host = &p->host,
		.cpu = &p->cpu,
		.plan = &p->plan,
		.shared_path = p->settings.path,
		.live = &p->live,
		.options = &p->mnt_options,
		.app = p->app,
		.n_apps = p->n_apps,
	};
}

static int phase_publish(struct prepare *p, struct err *e)
{
	struct facts f;
	int rc = mnt_live(p->path, &p->live, e);

	if (rc < 0)
		return rc;
	if (!p->live.mounted)
		return err_set(e, ERR_SYSTEM, ENOENT, "prepare: '%s' was unmounted meanwhile",
			p->settings.path);
	f = facts_of(p);
	return publish_facts(p->root, &f, e);
}

static void say(const char *message, void *ctx)
{
	(void)ctx;
	log_warning("%s", message);
}

static int phase_ecs(struct prepare *p, struct err *e)
{
	struct facts f = facts_of(p);
	bool written;

	return ecs_configure(p->root, &p->settings, &f, &written, say, NULL, e);
}

/* Until now only root could write there, so that nobody could plant what the agent trusts. */
static int phase_open(struct prepare *p, struct err *e)
{
	if ((geteuid() == 0 && fchown(p->shared, 0, 0) < 0) || fchmod(p->shared, 01777) < 0)
		return err_errno(e, "prepare: cannot open '%s' to its users", p->settings.path);
	return 0;
}

/* From here on the machine is in use: nothing is taken back any more. */
static int phase_ready(struct prepare *p, struct err *e)
{
	char status[256], used[NUM_TEXT], size[NUM_TEXT];
	int rc = fs_write_atomic(p->root, READY_FILE, 0644, "", 0, e);

	if (rc < 0)
		return rc;
	snprintf(status, sizeof(status), "ready: %zu app(s), %s of %s used", p->n_apps,
		num_size_text(p->live.used, used), num_size_text(p->live.size, size));
	p->ready = true;
	notify_ready(status);
	log_info("%s", status);
	return 0;
}

/* Metadata that answers after readiness still reaches the published facts; a stop does not wait for
 * it. */
static int phase_late_facts(struct prepare *p, struct err *e)
{
	struct facts f;

	while (p->query && !identity_query_wait(p->query, clock_deadline(LATE_SLICE)))
		if (cancel_requested())
			return 0;
	if (!p->query)
		return 0;
	merge_query(p);
	if (p->identity.metadata != METADATA_OK)
		log_warning("identity: metadata %s: %s", metadata_state_name(p->identity.metadata),
			p->identity.metadata_detail);
	f = facts_of(p);
	if (publish_facts(p->root, &f, e) < 0)
		log_warning("%s", e->msg);
	return 0;
}

struct phase {
	const char *what;
	int (*run)(struct prepare *p, struct err *e);
};

static const struct phase prepare_phases[] = {
	{"take the lock", phase_lock},
	{"read the configuration", phase_settings},
	{"look at the machine", phase_identity},
	{"ask the metadata service", phase_query},
	{"plan the size", prepare_plan},
	{"mount or re-size", prepare_mount},
	{"say what is mounted", prepare_say_mount},
	{"set up the folder of the agent", phase_slots},
	{"learn the instance type", phase_type},
	{"match archives", prepare_match},
	{"unpack apps", prepare_apps},
	{"copy files", prepare_copies},
	{"sweep what is not wanted any more", prepare_sweep},
	{"make the job spool", prepare_jobs},
	{"publish facts", phase_publish},
	{"configure ECS", phase_ecs},
	{"open it to users", phase_open},
	{"say that it is ready", phase_ready},
	{"publish facts that came late", phase_late_facts},
};

static const struct phase resize_phases[] = {
	{"take the lock", phase_lock},
	{"read the configuration", phase_settings},
	{"look at the machine", phase_identity},
	{"plan the size", prepare_plan},
	{"mount or re-size", prepare_mount},
};

static int run_phases(struct prepare *p, const struct phase *phase, size_t n, struct err *e)
{
	char took[NUM_TEXT];

	for (size_t i = 0; i < n; i++) {
		uint64_t start = clock_now();
		int rc;

		notify_status("%s", phase[i].what);
		rc = phase[i].run(p, e);
		log_debug("prepare: %s: %s", phase[i].what,
			num_duration_text(clock_now() - start, took));
		if (rc < 0)
			return rc;
		if (cancel_requested() && !p->ready)
			return err_set(e, ERR_TRANSIENT, ECANCELED,
				"prepare: interrupted after '%s'", phase[i].what);
	}
	return 0;
}

static void prepare_free(struct prepare *p)
{
	identity_query_free(p->query);
	match_free(&p->match);
	settings_free(&p->settings);
	free(p->slot);
	free(p->app);
	auto_close_fn(&p->shared);
	auto_close_fn(&p->lock);
	auto_close_fn(&p->root);
}

/* What this run made and could not complete goes again; the service manager's folder and mount
 * stay. */
static void roll_back(struct prepare *p)
{
	struct err e = ERR_INIT;
	int rc = 0;

	auto_close_fn(&p->shared);
	p->shared = -1;
	if (p->mounted_here)
		rc = prepare_unmount(p, &e);
	if (rc == 0 && p->made_run && !p->options->service)
		rc = fs_remove_tree(p->root, &PUBLISH_RUN[1], &e);
	if (rc < 0)
		log_warning("prepare: could not undo what was begun: %s", e.msg);
}

static int run(const struct prepare_options *o, const struct phase *phase, size_t n, struct err *e)
{
	__attribute__((cleanup(prepare_free))) struct prepare p = {
		.options = o,
		.root = -1,
		.lock = -1,
		.shared = -1,
	};
	int rc = fs_root(o->root, &p.root, e);

	cancel_setup();
	if (rc == 0)
		rc = run_phases(&p, phase, n, e);
	if (rc < 0 && !p.ready) {
		notify_status("failed: %s", e->msg);
		roll_back(&p);
	}
	return rc;
}

int prepare_run(const struct prepare_options *o, struct err *e)
{
	return run(o, prepare_phases, ARRAY_LEN(prepare_phases), e);
}

int prepare_resize(const struct prepare_options *o, struct err *e)
{
	return run(o, resize_phases, ARRAY_LEN(resize_phases), e);
}
