/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/watch_setup.h"

#include "agent/cpus.h"
#include "agent/notify.h"
#include "agent/plan.h"
#include "agent/publish.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define FACTS_MAX (256 * KIB)
#define LOCK_FILE ".watch"
#define LOCK_TIME (5 * NSEC_PER_SEC)
#define LOCK_STEP (10 * NSEC_PER_MSEC)

struct watch *watch_new(const struct watch_options *o, struct err *e)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w) {
		err_oom(e);
		return NULL;
	}
	*w = (struct watch){
		.options = o,
		.root = -1,
		.loop = -1,
		.inotify = -1,
		.timer = -1,
		.signals = -1,
		.lock = -1,
		.spool = SPOOL_INIT,
		.ops = &executor_process,
		.text = BUF_INIT(SPOOL_JOB_MAX + 1),
	};
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	interruption_close(w->interruption);
	if (w->executor)
		w->ops->close(w->executor);
	watch_forget_window(w);
	queue_close(&w->queue);
	free(w->running);
	cores_free(&w->capacity.cores);
	result_machine_free(&w->machine);
	settings_free(&w->settings);
	buf_free(&w->text);
	spool_close(&w->spool);
	auto_close_fn(&w->lock);
	auto_close_fn(&w->signals);
	auto_close_fn(&w->timer);
	auto_close_fn(&w->inotify);
	auto_close_fn(&w->loop);
	auto_close_fn(&w->root);
	free(w);
}

static int spool_path(const struct watch *w, char out[static PATH_MAX], struct err *e)
{
	const char *root = w->options->root;
	int n;

	if (w->options->spool)
		n = snprintf(out, PATH_MAX, "%s", w->options->spool);
	else
		n = snprintf(out, PATH_MAX, "%s%s/" SPOOL_FOLDER,
			strcmp(root, "/") == 0 ? "" : root, w->settings.path);
	return n < PATH_MAX ? 0 : err_set(e, ERR_USAGE, ENAMETOOLONG, "watch: too long a path");
}

/* Two watchers would both be right about what they see and start the same jobs; the second is a
 * mistake, or comes while the first ends. The lock is on a file that nobody else can open, or
 * anybody could keep us out, and on a descriptor of its own, which recorders do not keep. */
static int lock_spool(struct watch *w, struct err *e)
{
	uint64_t deadline = clock_deadline(LOCK_TIME);

	w->lock = openat(w->spool.fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		S_IRUSR | S_IWUSR);
	if (w->lock < 0)
		return err_errno(e, "watch: cannot lock '%s'", w->spool.path);
	while (flock(w->lock, LOCK_EX | LOCK_NB) < 0) {
		if (clock_left(deadline) == 0)
			return err_set(e, ERR_TRANSIENT, EWOULDBLOCK,
				"watch: another watcher has '%s'", w->spool.path);
		clock_sleep(LOCK_STEP, deadline);
	}
	return 0;
}

static int open_spool(struct watch *w, struct err *e)
{
	char path[PATH_MAX];
	int rc = spool_path(w, path, e);

	if (rc == 0)
		rc = spool_make(AT_FDCWD, path, e);
	if (rc == 0)
		rc = spool_open(AT_FDCWD, path, &w->spool, e);
	return rc == 0 ? lock_spool(w, e) : rc;
}

/* What prepare has reserved for jobs; where it has not run, that share of each CPU. */
static uint64_t jobs_memory(int rootfd, uint64_t cpus)
{
	auto_buf struct buf text = BUF_INIT(FACTS_MAX);
	auto_json json_t *facts = NULL;
	struct err ignored = ERR_INIT;
	uint64_t bytes = 0;

	if (fs_read(rootfd, PUBLISH_RUN "/facts.json", &text, &ignored) == 0 &&
		json_parse(buf_str(&text), text.len, "facts.json", &facts, &ignored) == 0 &&
		json_get_u64(json_object_get(facts, "reserve"), "jobs_bytes", &bytes, &ignored) ==
			0 &&
		bytes > 0)
		return bytes;
	return cpus * PLAN_JOB_PER_VCPU;
}

static int read_machine(struct watch *w, struct err *e)
{
	unsigned cpus = w->settings.jobs.cpus;
	int rc = cpus ? 0 : cpus_allowed(w->root, &cpus, e);

	if (rc == 0)
		rc = cores_read(w->root, &w->capacity.cores, e);
	if (rc < 0)
		return rc;
	w->capacity.cpus = cpus;
	w->capacity.mem = jobs_memory(w->root, cpus);
	if (w->capacity.mem < w->settings.job_memory)
		w->capacity.mem = w->settings.job_memory;
	result_machine_read(w->root, &w->machine);
	return owner_policy_read(
		w->root, w->settings.jobs.job_user, w->settings.jobs.allow_root, &w->owners, e);
}

static int watch_folder(struct watch *w, const char *name, uint32_t mask, int *ret, struct err *e)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", w->spool.path, name);
	*ret = inotify_add_watch(w->inotify, path, mask | IN_ONLYDIR | IN_DONT_FOLLOW);
	return *ret < 0 ? err_errno(e, "watch: cannot watch '%s'", path) : 0;
}

static int open_inotify(struct watch *w, struct err *e)
{
	int rc;

	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->inotify < 0)
		return err_errno(e, "watch: no inotify");
	rc = watch_folder(w, "new", IN_MOVED_TO, &w->wd_new, e);
	if (rc == 0)
		rc = watch_folder(w, "cancel", IN_MOVED_TO | IN_CREATE, &w->wd_cancel, e);
	if (rc == 0)
		rc = watch_folder(w, ".", IN_CREATE | IN_DELETE | IN_MOVE, &w->wd_root, e);
	return rc;
}

static int open_timer(struct watch *w, struct err *e)
{
	uint64_t half = notify_watchdog_interval() / 2;
	uint64_t ns = w->settings.jobs.rescan;
	struct itimerspec t;

	if (half && half < ns)
		ns = half;
	t.it_interval = (struct timespec){
		.tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC)};
	t.it_value = t.it_interval;
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer < 0 || timerfd_settime(w->timer, 0, &t, NULL) < 0)
		return err_errno(e, "watch: no timer");
	return 0;
}

static int open_signals(struct watch *w, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(e, "watch: no signals");
	return 0;
}

static int open_loop(struct watch *w, struct err *e)
{
	int rc = open_inotify(w, e);

	if (rc == 0)
		rc = open_timer(w, e);
	if (rc == 0)
		rc = open_signals(w, e);
	if (rc < 0)
		return rc;
	w->loop = epoll_create1(EPOLL_CLOEXEC);
	if (w->loop < 0)
		return err_errno(e, "watch: no epoll");
	rc = watch_add(w, w->inotify, EPOLLIN, &w->on_inotify, e);
	if (rc == 0)
		rc = watch_add(w, w->timer, EPOLLIN, &w->on_timer, e);
	if (rc == 0)
		rc = watch_add(w, w->signals, EPOLLIN, &w->on_signal, e);
	return rc;
}

/* In a container, and where another init runs, there is no service manager for us. */
static bool has_manager(const struct watch *w)
{
	return geteuid() == 0 && strcmp(w->options->root, "/") == 0 &&
	       access("/run/systemd/system", F_OK) == 0;
}

/* What has been started goes on under either, so that it may be another each time. */
static int open_executor(struct watch *w, struct err *e)
{
	const enum settings_executor wanted = w->settings.jobs.executor;
	const struct executor_setup setup = {
		.spool = &w->spool,
		.owners = &w->owners,
		.settings = &w->settings.jobs,
		.root = w->root,
		.loop = w->loop,
		.ended = watch_on_ended,
		.ctx = w,
	};
	struct err why = ERR_INIT;

	w->ops = &executor_unit;
	if (wanted == EXECUTOR_UNIT)
		return w->ops->open(&setup, &w->executor, e);
	if (wanted == EXECUTOR_AUTO && has_manager(w)) {
		if (w->ops->open(&setup, &w->executor, &why) == 0)
			return 0;
		/* A service is started again soon, and its sandbox would be the jobs'. */
		if (why.num != EOPNOTSUPP && getenv("INVOCATION_ID"))
			return err_set(e, why.kind, why.num, "watch: %s", why.msg);
		log_warning("watch: jobs are processes, not units: %s", why.msg);
	}
	w->ops = &executor_process;
	return w->ops->open(&setup, &w->executor, e);
}

int watch_open(struct watch *w, struct err *e)
{
	int rc;

	umask(022);
	rc = fs_root(w->options->root, &w->root, e);
	if (rc == 0)
		rc = settings_load(w->root, &w->settings, e);
	if (rc == 0)
		rc = read_machine(w, e);
	if (rc == 0)
		rc = open_spool(w, e);
	if (rc == 0)
		rc = queue_open(&w->queue, QUEUE_TEXT, QUEUE_NAMES, e);
	if (rc == 0)
		rc = open_loop(w, e);
	if (rc == 0)
		rc = open_executor(w, e);
	if (rc == 0)
		rc = watch_open_interruption(w, e);
	if (rc < 0)
		return rc;
	w->retention.spool = &w->spool;
	w->retention.keep = &w->settings.jobs.keep;
	if (w->owners.self == 0 && !w->owners.has_job_user && !w->owners.allow_root)
		log_warning(
			"watch: no user '%s': jobs of root will be refused", w->owners.job_user);
	return retention_open(&w->retention, e);
}
