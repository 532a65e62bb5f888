/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/rundir.h"

#include "agent/cores.h"
#include "agent/result.h"
#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define LOCK_FILE  "lock"
#define LOCK_NEW   ".lock." /* and the process that makes it */
#define SUBMITTED  "submitted"
#define WORK       "work"
#define DEPTH_MAX  32
#define SIZE_BLOCK 512 /* of st_blocks, stat(2) */
#define LOCK_TEXT  (CORES_LIST + 64)

int rundir_open(int folder, const char *id, int *ret_dir, struct err *e)
{
	int fd = openat(folder, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "cannot open the folder of '%s'", id);
	*ret_dir = fd;
	return 0;
}

static bool is_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void read_lock(int fd, struct rundir_lock *ret)
{
	char text[LOCK_TEXT];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long long started = 0;
	int pid = 0, list = 0;

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	/* Our own file: what is not read is zero. */
	if (sscanf(text, "%d %lld %n", &pid, &started, &list) < 1)
		pid = 0;
	*ret = (struct rundir_lock){.pid = pid, .started_ns = (uint64_t)started};
	ret->pinned = list > 0 && cores_parse_list(text + list, &ret->set);
}

int rundir_state(int dir, enum rundir_state *ret, struct rundir_lock *ret_lock, struct err *e)
{
	auto_close int fd = openat(dir, LOCK_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	*ret_lock = (struct rundir_lock){0};
	if (fd < 0 && errno != ENOENT)
		return err_errno(e, "cannot open '" LOCK_FILE "'");
	if (fd >= 0)
		read_lock(fd, ret_lock);
	/* Shared: two that look do not take each other for the recorder. */
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0)
		*ret = RUNDIR_RUNNING;
	else if (is_there(dir, RESULT_FILE))
		*ret = RUNDIR_ENDED;
	else if (fd >= 0)
		*ret = RUNDIR_DEAD;
	else
		*ret = is_there(dir, SUBMITTED) ? RUNDIR_CLAIMED : RUNDIR_EMPTY;
	return 0;
}

bool rundir_has_job(int dir)
{
	return is_there(dir, SUBMITTED);
}

static uint64_t boottime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

int rundir_lock(int dir, const cpu_set_t *set, int *ret_fd, struct err *e)
{
	char name[32], text[LOCK_TEXT], list[CORES_LIST] = "";
	auto_close int fd = -1;
	int len, rc;

	if (set)
		cores_print_list(set, list);
	len = snprintf(text, sizeof(text), "%d %" PRIu64 "%s%s\n", getpid(), boottime(),
		set ? " " : "", list);
	snprintf(name, sizeof(name), LOCK_NEW "%d", getpid());
	fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_errno(e, "cannot make '" LOCK_FILE "'");
	rc = fs_write_all(fd, text, (size_t)len);
	if (rc == 0 && renameat2(dir, name, dir, LOCK_FILE, RENAME_NOREPLACE) < 0)
		rc = -errno;
	if (rc < 0) {
		unlinkat(dir, name, 0);
		errno = -rc;
		return err_errno(e, "cannot make '" LOCK_FILE "'");
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

void rundir_sweep(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d) {
		auto_close_fn(&fd);
		return;
	}
	while ((entry = readdir(d)))
		if (strncmp(entry->d_name, LOCK_NEW, strlen(LOCK_NEW)) == 0)
			unlinkat(dir, entry->d_name, 0);
}

int rundir_reset(int dir, struct err *e)
{
	static const char *const file[] = {"stdout", "stderr", "job", "stop", RESULT_FILE,
		/* the last: while it is there nobody starts the job */
		LOCK_FILE};
	int rc = fs_remove_tree(dir, WORK, e);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(file); i++)
		if (unlinkat(dir, file[i], 0) < 0 && errno != ENOENT)
			rc = err_errno(e, "cannot remove '%s'", file[i]);
	return rc;
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static int refuse(struct err *e, int num, const char *why)
{
	return err_set(e, ERR_DATA, num, "the job file is %s", why);
}

/* Opening can fail for what is no regular file: then its kind is the reason. */
static int cannot_open(int dir, const char *name, struct err *e)
{
	struct stat st;
	int num = errno;

	if (num == ENOENT)
		return err_errno(e, "cannot open '%s'", name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
		return refuse(e, EINVAL, kind_of(st.st_mode));
	if (num == EACCES || num == EPERM)
		return refuse(e, num, "not readable");
	errno = num;
	return err_errno(e, "cannot open '%s'", name);
}

static int read_whole(int fd, size_t len, struct buf *text, struct err *e)
{
	ssize_t n;

	buf_reset(text);
	/* One more, to notice growth. */
	if (buf_reserve(text, len + 1) < 0)
		return err_oom(e);
	do {
		n = pread(fd, text->data, len + 1, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, "cannot read the job file");
	if ((size_t)n != len)
		return refuse(e, EAGAIN, "being changed: rename it into new/ when it is complete");
	text->len = len;
	text->data[len] = '\0';
	return 0;
}

int rundir_read_submitted(
	int dir, const char *name, struct buf *text, struct stat *st, struct err *e)
{
	auto_close int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return cannot_open(dir, name, e);
	if (fstat(fd, st) < 0)
		return err_errno(e, "cannot examine '%s'", name);
	if (!S_ISREG(st->st_mode))
		return refuse(e, EINVAL, kind_of(st->st_mode));
	if (st->st_nlink != 1)
		return refuse(e, EMLINK, "a hard link, or has been removed");
	if (st->st_size > SPOOL_JOB_MAX)
		return refuse(e, EFBIG, "longer than 1 MiB");
	if (st->st_size == 0)
		return refuse(e, ENODATA, "empty");
	return read_whole(fd, (size_t)st->st_size, text, e);
}

static int make_file(int dir, const char *name, mode_t mode)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags, mode);

	/* Of one who died before the lock. */
	if (fd < 0 && errno == EEXIST && unlinkat(dir, name, 0) == 0)
		fd = openat(dir, name, flags, mode);
	return fd;
}

static int make_job(int dir, const struct owner *o, const struct buf *text)
{
	auto_close int fd = make_file(dir, "job", 0550);
	int rc = fd < 0 ? -errno : fs_write_all(fd, buf_str(text), text->len);

	if (rc == 0 && o->change && fchown(fd, (uid_t)-1, o->gid) < 0)
		rc = -errno;
	return rc;
}

static int make_output(int dir, const char *name, const struct owner *o, int *ret)
{
	*ret = make_file(dir, name, 0640);
	if (*ret < 0 || (o->change && fchown(*ret, (uid_t)-1, o->group) < 0))
		return -errno;
	return 0;
}

static int make_work(int dir, const struct owner *o)
{
	if (mkdirat(dir, WORK, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (o->change && fchownat(dir, WORK, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

/* Others may pass where the group that reads the folder is not the job's own. */
static int own_folder(int dir, const struct owner *o)
{
	if (o->change && fchown(dir, (uid_t)-1, o->group) < 0)
		return -errno;
	return fchmod(dir, o->group == o->gid ? 0750 : 0751) < 0 ? -errno : 0;
}

int rundir_show(int dir, const struct owner *o, struct err *e)
{
	int rc = own_folder(dir, o);

	if (rc == 0)
		return 0;
	errno = -rc;
	return err_errno(e, "cannot set the owner of a folder");
}

int rundir_prepare(int dir, const struct owner *o, const struct buf *text, int ret_out[static 2],
	struct err *e)
{
	int out[2] = {-1, -1};
	int rc = make_job(dir, o, text);

	if (rc == 0)
		rc = make_work(dir, o);
	if (rc == 0)
		rc = make_output(dir, "stdout", o, &out[0]);
	if (rc == 0)
		rc = make_output(dir, "stderr", o, &out[1]);
	/* From here on the submitter sees what is in it. */
	if (rc == 0)
		rc = own_folder(dir, o);
	if (rc < 0) {
		auto_close_fn(&out[0]);
		auto_close_fn(&out[1]);
		errno = -rc;
		return err_errno(e, "cannot prepare the folder of the job");
	}
	ret_out[0] = out[0];
	ret_out[1] = out[1];
	return 0;
}

/* Pages, as a tmpfs counts them. Beneath DEPTH_MAX nothing is counted. */
static uint64_t tree_size(int parent, const char *name, unsigned depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t sum = 0;
	struct stat st;

	if (!d) {
		auto_close_fn(&fd);
		return 0;
	}
	while ((entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		sum += (uint64_t)st.st_blocks * SIZE_BLOCK;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			sum += tree_size(dirfd(d), entry->d_name, depth + 1);
	}
	return sum;
}

uint64_t rundir_tidy(int dir)
{
	if (unlinkat(dir, WORK, AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? tree_size(dir, WORK, 0) : 0;
}

uint64_t rundir_size(int dir)
{
	return tree_size(dir, ".", 0);
}
