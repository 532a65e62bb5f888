/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/recorder.h"

#include "agent/attend.h"
#include "agent/job.h"
#include "agent/plan.h"
#include "agent/rundir.h"
#include "agent/spawn.h"
#include "common/clock.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#define EXIT_CANNOT_RUN 126 /* as a shell has them */
#define EXIT_NOT_FOUND  127
#define PATH_SIZE       (PATH_MAX + SPOOL_ID + sizeof("/run//work"))

/* One job on its way. */
struct record {
	struct recorder *r;
	const struct executor_grant *grant;
	int dir;
	int lock;
	int reserved; /* for the result */
	struct buf text;
	struct stat st;
	struct job job;
	struct executor_grant wish; /* what the job asks for, where nobody granted anything */
	struct owner owner;
	struct job_result result;
	char folder[PATH_SIZE];
};

static void record_free(struct record *c)
{
	job_free(&c->job);
	buf_free(&c->text);
	auto_close_fn(&c->reserved);
	/* The last: then the watcher may move the folder. */
	auto_close_fn(&c->lock);
	auto_close_fn(&c->dir);
}

/* What whoever started us had ignored is no concern of the jobs. These two we ignore ourselves,
 * until the job is another program. */
static void reset_signals(void)
{
	for (int i = 1; i < NSIG; i++)
		if (i != SIGPIPE && i != SIGXFSZ)
			signal(i, SIG_DFL);
}

int recorder_open(
	const struct executor_setup *setup, bool by_hand, struct recorder *ret, struct err *e)
{
	static const int number[] = {SIGCHLD, SIGTERM, SIGQUIT, SIGINT, SIGHUP};
	sigset_t set;

	ret->spool = setup->spool;
	ret->owners = setup->owners;
	ret->settings = setup->settings;
	ret->by_hand = by_hand;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(number); i++)
		sigaddset(&set, number[i]);
	umask(022);
	reset_signals();
	ret->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ret->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ret->null < 0 || ret->signals < 0 || sigprocmask(SIG_SETMASK, &set, NULL) < 0 ||
		prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_errno(e, "cannot set up the recorder");
	result_machine_read(setup->root, &ret->machine);
	return recorder_read_facts(setup->root, &ret->facts_text, &ret->facts, e);
}

void recorder_close(struct recorder *r)
{
	result_machine_free(&r->machine);
	free(r->facts);
	free(r->facts_text);
	auto_close_fn(&r->null);
	auto_close_fn(&r->signals);
}

static uint64_t granted_cpus(const struct job *j, const struct executor_grant *g)
{
	return j->options.cores && g->pinned ? g->cpus : j->options.cpus;
}

/* The file may have been changed since the watcher looked at it. */
static int check_grant(const struct record *c, struct err *e)
{
	const struct job_options *o = &c->job.options;

	if (granted_cpus(&c->job, c->grant) > c->grant->cpus || o->mem > c->grant->mem ||
		(o->cores && !c->grant->pinned))
		return err_set(e, ERR_DATA, EAGAIN, "the job file was changed while it was taken");
	return 0;
}

static void grant_wish(struct record *c)
{
	const struct job_options *o = &c->job.options;
	const uint64_t cpus = o->cores > o->cpus ? o->cores : o->cpus;

	c->wish = (struct executor_grant){
		.cpus = cpus,
		.mem = o->mem ? o->mem : cpus * PLAN_JOB_PER_VCPU,
		.scratch = o->scratch,
	};
	c->grant = &c->wish;
}

static int examine(struct record *c, struct err *e)
{
	int rc = rundir_read_submitted(c->dir, "submitted", &c->text, &c->st, e);

	if (rc == 0) {
		c->result.uid = c->st.st_uid;
		c->result.submitted =
			(double)c->st.st_mtim.tv_sec + (double)c->st.st_mtim.tv_nsec / 1e9;
		rc = owner_decide(c->r->owners, c->st.st_uid, c->st.st_gid, &c->owner, e);
	}
	if (rc == 0)
		rc = job_parse(buf_str(&c->text), c->text.len, &c->job, e);
	if (rc == 0 && c->job.options.name)
		snprintf(c->result.name, sizeof(c->result.name), "%s", c->job.options.name);
	if (rc == 0 && c->grant)
		return check_grant(c, e);
	if (rc == 0)
		grant_wish(c);
	return rc;
}

static int open_input(const struct record *c, int *ret, struct err *e)
{
	auto_close int fd = -1;

	if (!c->job.input) {
		*ret = c->r->null;
		return 0;
	}
	/* What follows the command in the job's own copy. */
	fd = openat(c->dir, "job", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || lseek(fd, c->job.input - buf_str(&c->text), SEEK_SET) < 0)
		return err_errno(e, "cannot open the standard input of the job");
	*ret = take_fd(&fd);
	return 0;
}

/* The pipes that it prints into: ours in a->in, its own in theirs. */
static int make_pipes(struct attend *a, int theirs[static 2], struct err *e)
{
	for (int i = 0; i < 2; i++) {
		int fds[2];

		if (pipe2(fds, O_CLOEXEC) < 0)
			return err_errno(e, "cannot make a pipe");
		a->in[i] = fds[0];
		theirs[i] = fds[1];
		/* Only ours: what a job prints into must block. */
		if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
			return err_errno(e, "cannot make a pipe");
	}
	return 0;
}

static int spawn(
	struct record *c, struct attend *a, int in, const int theirs[static 2], struct err *e)
{
	static char shell[] = "/bin/sh";
	char work[PATH_SIZE + 8], script[PATH_SIZE + 8];
	char *const run_script[] = {script, NULL};
	char *const run_shell[] = {shell, script, NULL};
	__attribute__((cleanup(recorder_env_free))) struct recorder_env env = {0};
	int rc;

	snprintf(work, sizeof(work), "%s/work", c->folder);
	snprintf(script, sizeof(script), "%s/job", c->folder);
	rc = recorder_env_make(c->r, &c->job, c->result.id, work, c->grant, &env, e);
	if (rc < 0)
		return rc;
	return spawn_job(
		&(struct spawn_request){
			.argv = c->job.argv      ? c->job.argv
				: c->job.shebang ? run_script
						 : run_shell,
			.envp = env.var,
			.path = env.path,
			.cwd = c->job.options.cwd ? c->job.options.cwd : work,
			.fd = {in, theirs[0], theirs[1]},
			.owner = &c->owner,
			.set = c->grant->pinned ? &c->grant->set : NULL,
			.largest_file = c->grant->scratch,
		},
		&a->pid, e);
}

static int start(struct record *c, struct attend *a, struct err *e)
{
	int theirs[2] = {-1, -1};
	int in = -1;
	int rc = rundir_prepare(c->dir, &c->owner, &c->text, a->out, e);

	if (rc == 0)
		rc = open_input(c, &in, e);
	if (rc == 0)
		rc = make_pipes(a, theirs, e);
	if (rc == 0) {
		a->started = clock_now();
		c->result.started = result_now();
		rc = spawn(c, a, in, theirs, e);
	}
	if (in != c->r->null)
		auto_close_fn(&in);
	auto_close_fn(&theirs[0]);
	auto_close_fn(&theirs[1]);
	return rc;
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* Pure: how the job ended, in words. */
static void judge(const struct attend *a, struct job_result *r)
{
	r->exit = WIFEXITED(a->status) ? WEXITSTATUS(a->status) : -1;
	r->signal = WIFSIGNALED(a->status) ? WTERMSIG(a->status) : 0;
	if (a->asked) {
		r->state = a->state;
		snprintf(r->reason, sizeof(r->reason), "%s", a->reason);
		return;
	}
	r->state = r->exit == 0 ? JOB_DONE : JOB_FAILED;
	if (r->signal)
		snprintf(r->reason, sizeof(r->reason), "killed by signal %d", r->signal);
	else if (r->exit > 0)
		snprintf(r->reason, sizeof(r->reason), "exit code %d", r->exit);
}

static void note_output(const struct attend *a, struct job_result *r)
{
	size_t len = strlen(r->reason);
	char max[NUM_TEXT];

	r->output = a->kept;
	if (a->full)
		snprintf(r->reason + len, sizeof(r->reason) - len, "%soutput cut: no space left",
			len ? "; " : "");
	else if (a->cut)
		snprintf(r->reason + len, sizeof(r->reason) - len, "%soutput cut at %s",
			len ? "; " : "", num_size_text(a->recorder->settings->max_output, max));
}

static void conclude(const struct attend *a, struct job_result *r)
{
	judge(a, r);
	note_output(a, r);
	r->user_s = seconds(&a->usage.ru_utime);
	r->system_s = seconds(&a->usage.ru_stime);
	r->wall_s = (double)(clock_now() - a->started) / 1e9;
	r->peak_memory = (uint64_t)a->usage.ru_maxrss * KIB;
}

/* What is wrong with the job is its result; what is wrong with the machine is ours. */
static int fail(struct record *c, struct err *e)
{
	if (e->kind != ERR_DATA)
		return -e->num;
	c->result.state = JOB_FAILED;
	c->result.exit = -1;
	if (c->result.started > 0)
		c->result.exit = e->num == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	snprintf(c->result.reason, sizeof(c->result.reason), "%.*s", RESULT_REASON - 1, e->msg);
	return rundir_show(c->dir, &c->owner, e);
}

static int run(struct record *c, uint64_t *ret_kept, struct err *e)
{
	struct attend a = {
		.recorder = c->r, .job = &c->job, .dir = c->dir, .in = {-1, -1}, .out = {-1, -1}};
	int rc = examine(c, e);

	if (rc == 0)
		rc = start(c, &a, e);
	if (rc == 0) {
		attend_job(&a);
		conclude(&a, &c->result);
	} else {
		rc = fail(c, e);
	}
	for (int i = 0; i < 2; i++) {
		auto_close_fn(&a.in[i]);
		auto_close_fn(&a.out[i]);
	}
	*ret_kept = rundir_tidy(c->dir) + a.kept + c->text.len;
	return rc;
}

static int finish(struct record *c, struct err *e)
{
	gid_t group = c->owner.change ? c->owner.group : (gid_t)-1;

	c->result.ended = result_now();
	if (c->r->measure)
		c->r->measure(c->r, &c->result);
	return result_write(c->dir, c->reserved, &c->result, &c->r->machine, group, e);
}

int recorder_run(struct recorder *r, const char *id, const struct executor_grant *grant,
	struct executor_ended *ret, struct err *e)
{
	__attribute__((cleanup(record_free))) struct record c = {.r = r,
		.grant = grant,
		.dir = -1,
		.lock = -1,
		.reserved = -1,
		.text = BUF_INIT(SPOOL_JOB_MAX + 1),
		.result = {.exit = -1}};
	struct err ignored = ERR_INIT;
	int rc = rundir_open(r->spool->run, id, &c.dir, e);

	if (rc == 0)
		rc = rundir_lock(c.dir, grant && grant->pinned ? &grant->set : NULL, &c.lock, e);
	if (rc < 0)
		return rc;
	snprintf(c.result.id, sizeof(c.result.id), "%s", id);
	snprintf(c.folder, sizeof(c.folder), "%s/run/%s", r->spool->path, id);
	*ret = (struct executor_ended){.known = true};
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	rc = result_reserve(c.dir, &r->machine, &c.reserved, e);
	if (rc == 0)
		rc = run(&c, &ret->kept, e);
	/* Nothing was begun: without the lock it is as it was. */
	if (rc < 0)
		return rundir_reset(c.dir, &ignored) < 0 ? rc : -e->num;
	ret->state = c.result.state;
	snprintf(ret->why, sizeof(ret->why), "%.*s", (int)sizeof(ret->why) - 1, c.result.reason);
	return finish(&c, e);
}
