/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/follow.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct cancel_options {
	const char *spool;
};

static const struct opt opts[] = {
	{OPT_STRING, 0, "spool", offsetof(struct cancel_options, spool), "DIR",
		"the spool (default: $SHARED_PREP_SPOOL or " SPOOL_DEFAULT ")"},
	{0},
};

/* The watcher decides; who cannot even look into the folder of a job that runs is not its owner. */
static int check_owner(const struct spool *s, const char *id, enum spool_place place, struct err *e)
{
	char path[SPOOL_ID + sizeof("/submitted")];
	struct stat st, folder;
	bool mine = true;

	if (geteuid() == 0)
		return 0;
	snprintf(path, sizeof(path), place == SPOOL_RUN ? "%s/submitted" : "%s", id);
	if (fstatat(place == SPOOL_RUN ? s->run : s->new, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		mine = st.st_uid == geteuid();
	else if (errno == EACCES && fstatat(s->run, id, &folder, AT_SYMLINK_NOFOLLOW) == 0)
		mine = !(folder.st_mode & S_IRWXG); /* not given to its group yet */
	return mine ? 0
		    : err_set(e, ERR_SYSTEM, EPERM,
			      "cancel: '%s' is another user's: only that one and root may", id);
}

static int cancel(const struct spool *s, const char *id, struct err *e)
{
	enum spool_place place;

	if (!spool_is_id(id))
		return err_set(e, ERR_USAGE, EINVAL, "cancel: '%s' is not the ID of a job", id);
	place = spool_find(s, id);
	if (place == SPOOL_NOWHERE)
		return err_set(e, ERR_USAGE, ENOENT, "cancel: there is no job '%s'", id);
	/* What was asked for is so. */
	if (place == SPOOL_DONE || place == SPOOL_FAILED)
		return 0;
	if (check_owner(s, id, place, e) < 0)
		return -e->num;
	return follow_cancel(s, id, e);
}

/* As kill(1): all are gone through, the first failure is the exit code. */
static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct cancel_options *o = options;
	auto_spool struct spool s = SPOOL_INIT;
	int rc = spool_open(AT_FDCWD, spool_default(o->spool), &s, e);
	int code = 0;

	if (rc < 0)
		return rc;
	for (int i = 0; i < operands->argc; i++) {
		struct err sub = ERR_INIT;

		if (cancel(&s, operands->argv[i], &sub) == 0)
			continue;
		log_error("%s", sub.msg);
		if (code == 0)
			code = err_exit_code(&sub);
	}
	return code;
}

const struct command cmd_cancel = {
	.name = "cancel",
	.operands = "ID...",
	.summary = "end jobs, or take them out of the queue",
	.opts = opts,
	.options_size = sizeof(struct cancel_options),
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
