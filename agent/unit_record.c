/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unit_record.h"

#include "agent/rundir.h"
#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>

static int parse_status(const char *status)
{
	struct err ignored = ERR_INIT;
	uint64_t n;

	if (num_u64(status, 0, 255, &n, &ignored) == 0)
		return (int)n;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcmp(name, status) == 0)
			return i;
	}
	return 0;
}

void unit_end_parse(const char *result, const char *code, const char *status, struct unit_end *ret)
{
	static const struct {
		const char *word;
		int code;
	} codes[] = {{"exited", CLD_EXITED}, {"killed", CLD_KILLED}, {"dumped", CLD_DUMPED}};

	*ret = (struct unit_end){.status = parse_status(status)};
	snprintf(ret->result, sizeof(ret->result), "%s", result);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strcmp(codes[i].word, code) == 0)
			ret->code = codes[i].code;
}

static bool is_result(const struct unit_end *end, const char *result)
{
	return strcmp(end->result, result) == 0;
}

bool unit_record_oom(
	const struct unit_end *end, const struct unit_usage *used, struct job_result *r)
{
	bool killed = end->code == CLD_KILLED && end->status == SIGKILL;
	char max[NUM_TEXT];

	if (!is_result(end, "oom-kill") && !(killed && used->oom_kills > 0))
		return false;
	if (used->memory_max)
		snprintf(r->reason, sizeof(r->reason),
			"oom-kill: it may use %s, files in /shared included",
			num_size_text(used->memory_max, max));
	else
		snprintf(r->reason, sizeof(r->reason), "oom-kill: it used more than it may");
	return true;
}

static void blame_recorder(const struct unit_end *end, struct job_result *r)
{
	r->state = JOB_INTERRUPTED;
	if (end->code == CLD_EXITED)
		snprintf(r->reason, sizeof(r->reason), "its recorder failed: exit code %d",
			end->status);
	else if (end->code)
		snprintf(r->reason, sizeof(r->reason), "its recorder was killed by signal %d",
			end->status);
	else
		snprintf(r->reason, sizeof(r->reason), "its recorder was killed");
}

void unit_record_judge(const struct unit_end *end, const struct unit_usage *used,
	const struct unit_asked *asked, uint64_t time, struct job_result *r)
{
	bool killed = end->code == CLD_KILLED || end->code == CLD_DUMPED;
	char text[NUM_TEXT];

	/* What the recorder ended with is not what the job did; a signal hit them both. */
	r->exit = -1;
	r->signal = killed ? end->status : 0;
	r->state = JOB_FAILED;
	if (asked->asked) {
		r->state = asked->state;
		snprintf(r->reason, sizeof(r->reason), "%s", asked->reason);
	} else if (unit_record_oom(end, used, r)) {
		r->signal = SIGKILL;
	} else if (is_result(end, "timeout") && time) {
		snprintf(r->reason, sizeof(r->reason), "its time of %s was up",
			num_duration_text(time, text));
	} else {
		blame_recorder(end, r);
	}
}

static double clock_seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void note_times(int dir, struct job_result *r)
{
	struct rundir_lock lock;
	enum rundir_state state;
	struct err ignored = ERR_INIT;

	r->ended = result_now();
	if (rundir_state(dir, &state, &lock, &ignored) < 0 || lock.started_ns == 0)
		return;
	r->wall_s = clock_seconds(CLOCK_BOOTTIME) - (double)lock.started_ns / 1e9;
	r->started = r->ended - r->wall_s;
}

static void note_job(int dir, struct job_result *r, uint64_t *ret_time)
{
	auto_buf struct buf text = BUF_INIT(SPOOL_JOB_MAX + 1);
	auto_job struct job j = {.words = NULL};
	struct err ignored = ERR_INIT;
	auto_close int fd = openat(dir, "job", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	*ret_time = 0;
	if (fd < 0 || fs_read_fd(fd, "job", &text, &ignored) < 0 ||
		job_parse(buf_str(&text), text.len, &j, &ignored) < 0)
		return;
	*ret_time = j.options.time;
	if (j.options.name)
		snprintf(r->name, sizeof(r->name), "%s", j.options.name);
}

static void note_files(int dir, struct job_result *r)
{
	static const char *const output[] = {"stdout", "stderr"};
	struct stat st;

	if (fstatat(dir, "submitted", &st, AT_SYMLINK_NOFOLLOW) == 0) {
		r->uid = st.st_uid;
		r->submitted = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
	}
	for (size_t i = 0; i < ARRAY_LEN(output); i++)
		if (fstatat(dir, output[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			r->output += (uint64_t)st.st_size;
}

int unit_record_write(int dir, const char *id, const struct unit_end *end,
	const struct unit_usage *used, const struct result_machine *m, struct job_result *ret,
	struct err *e)
{
	struct unit_asked asked = {.asked = false};
	struct err ignored = ERR_INIT;
	auto_close int reserved = -1;
	uint64_t time;
	struct stat st;

	*ret = (struct job_result){
		.peak_memory = used->peak_memory,
		.user_s = (double)used->user_us / 1e6,
		.system_s = (double)used->system_us / 1e6,
	};
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	asked.asked = result_stop_read(dir, &asked.state, asked.reason, &ignored) == 0;
	note_job(dir, ret, &time);
	note_files(dir, ret);
	note_times(dir, ret);
	unit_record_judge(end, used, &asked, time, ret);
	rundir_tidy(dir);
	/* What the recorder has made room for: there may be none left, on the disk or for us. */
	result_reserved(dir, &reserved);
	if (fstat(dir, &st) < 0)
		return err_errno(e, "cannot examine the folder of '%s'", id);
	return result_write(dir, reserved, ret, m, geteuid() == 0 ? st.st_gid : (gid_t)-1, e);
}
