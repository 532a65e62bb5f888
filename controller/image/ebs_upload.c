/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/ebs_upload.h"

#include "common/auto.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/aws/ec2_volume.h"
#include "controller/image/ebs_upload_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CALL_TIME (120 * NSEC_PER_SEC)
#define IDLE      120 /* minutes without a block, then the service gives the snapshot up */
#define POLL      (500 * NSEC_PER_MSEC)
#define SEAL_TIME (300 * NSEC_PER_SEC)
#define POLL_MAX  (15 * NSEC_PER_SEC)

static uint64_t call_deadline(const struct upload *up)
{
	uint64_t limit = clock_deadline(CALL_TIME);

	return up->u->deadline < limit ? up->u->deadline : limit;
}

/* --- what there is */

static uint64_t mtime_of(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)st->st_mtim.tv_nsec;
}

static int make_head(struct upload *up, struct ebs_index_head *ret, struct err *e)
{
	const struct ebs_upload *u = up->u;
	uint64_t need;
	struct stat st;

	if (fstat(up->fd, &st) < 0)
		return err_errno(e, "'%s'", u->path);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(e, ERR_USAGE, EINVAL, "'%s' is no disk image", u->path);
	need = u->volume > (uint64_t)st.st_size ? u->volume : (uint64_t)st.st_size;
	if (need > EBS_INDEX_MAX)
		return err_set(e, ERR_USAGE, EINVAL, "'%s': no volume of %llu bytes can be had",
			u->path, (unsigned long long)need);
	*ret = (struct ebs_index_head){
		.size = (uint64_t)st.st_size,
		.mtime = mtime_of(&st),
		.inode = st.st_ino,
		.volume = (need + GIB - 1) / GIB * GIB,
		.parent = "-",
	};
	snprintf(ret->key, sizeof(ret->key), "%s",
		!u->encrypt                 ? "none"
		: u->kms_key && *u->kms_key ? u->kms_key
					    : "default");
	return 0;
}

/* What was sent together is whole only if the image was. */
static int check_image(const struct upload *up, struct err *e)
{
	const struct ebs_index_head *h = &up->index.head;
	struct stat st;

	if (fstat(up->fd, &st) < 0)
		return err_errno(e, "'%s'", up->u->path);
	if ((uint64_t)st.st_size == h->size && mtime_of(&st) == h->mtime)
		return 0;
	return err_set(e, ERR_DATA, EBUSY, "it was written to meanwhile: nothing is made of it");
}

struct seen {
	char state[16]; /* "": there is no such snapshot */
	bool ours;      /* what is in the index can be said of it */
};

/* An index may name anything: what is taken for ours bears our tag, and may be removed again. */
static int look_up(
	struct upload *up, const struct ebs_index *index, struct seen *ret, struct err *e)
{
	const char *ids[] = {index->snapshot, NULL};
	const struct ec2_select which = {.ids = ids, .deadline = call_deadline(up)};
	auto_ec2_volumes struct ec2_volumes list = {0};
	int rc = ec2_snapshots(up->u->client, &which, &list, e);

	*ret = (struct seen){.state = ""};
	if (rc < 0 && strcmp(up->u->client->fault.code, "InvalidSnapshot.NotFound") == 0) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	if (rc == 0 && list.n == 1) {
		snprintf(ret->state, sizeof(ret->state), "%s", list.item[0].state);
		ret->ours = ec2_tags_get(&list.item[0].tags, RESOURCE_RUN) &&
			    list.item[0].bytes == index->head.volume;
	}
	return rc;
}

/* 1: what is there begins the same snapshot. */
static int open_index(
	struct upload *up, const char *path, const struct ebs_index_head *head, struct err *e)
{
	const struct ebs_index_head *was = &up->index.head;
	int rc = ebs_index_open(path, &up->index, e);

	if (rc == -EBUSY && e->kind == ERR_TRANSIENT)
		return rc;
	if (rc < 0 && rc != -ENOENT && e->kind != ERR_DATA)
		return rc;
	*e = (struct err)ERR_INIT;
	return rc == 0 && was->size == head->size && was->mtime == head->mtime &&
	       was->inode == head->inode && was->volume == head->volume &&
	       strcmp(was->key, head->key) == 0;
}

/* --- the snapshot */

/* What another run has begun is ours from now on. */
static int adopt(struct upload *up, struct err *e)
{
	const struct ebs_upload *u = up->u;
	const char *ids[] = {up->index.snapshot, NULL};
	int rc = 0;

	if (!journal_find(u->journal, u->token))
		rc = journal_intend(u->journal, RESOURCE_SNAPSHOT, u->token, u->client->region, e);
	if (rc == 0)
		rc = journal_made(u->journal, u->token, up->index.snapshot, e);
	return rc == 0 ? ec2_tags_set(u->client, ids, &u->tags, call_deadline(up), e) : rc;
}

/* The former image's index, where its snapshot can be built upon; n is 0 otherwise. */
static int find_parent(
	struct upload *up, const struct ebs_index_head *head, struct ebs_index *ret, struct err *e)
{
	struct seen seen = {.state = ""};
	char path[PATH_MAX];
	bool fits;
	int rc;

	*ret = (struct ebs_index)EBS_INDEX_INIT;
	if (!up->u->former)
		return 0;
	snprintf(path, sizeof(path), "%s" EBS_UPLOAD_INDEX, up->u->former);
	rc = ebs_index_read(path, ret, e);
	if (rc < 0 && rc != -ENOENT && e->kind != ERR_DATA)
		return rc;
	*e = (struct err)ERR_INIT;
	fits = rc == 0 && ret->complete && ret->head.volume <= head->volume &&
	       strcmp(ret->head.key, head->key) == 0;
	rc = fits ? look_up(up, ret, &seen, e) : 0;
	if (rc == 0 && (!seen.ours || strcmp(seen.state, "completed") != 0))
		ebs_index_close(ret);
	return rc;
}

static int start(struct upload *up, const char *parent, const struct ebs_index_head *head,
	char id[static EC2_ID_MAX], struct err *e)
{
	const struct ebs_upload *u = up->u;
	int rc = journal_intend(u->journal, RESOURCE_SNAPSHOT, u->token, u->client->region, e);

	if (rc < 0)
		return rc;
	rc = ebs_start(u->client,
		&(struct ebs_start){
			.token = u->token,
			.parent = parent,
			.description = u->description,
			.bytes = head->volume,
			.minutes = IDLE,
			.encrypt = u->encrypt,
			.kms_key = u->kms_key,
			.tags = u->tags,
			.deadline = call_deadline(up),
		},
		id, e);
	if (rc < 0 && *u->client->fault.code && !u->client->unsure) {
		struct err other = ERR_INIT;

		(void)!journal_refused(u->journal, u->token, &other);
	}
	return rc < 0 ? rc : journal_made(u->journal, u->token, id, e);
}

static int start_anew(
	struct upload *up, const char *path, struct ebs_index_head *head, struct err *e)
{
	auto_ebs_index struct ebs_index parent = EBS_INDEX_INIT;
	char id[EC2_ID_MAX];
	const char *of = NULL;
	int rc;

	ebs_index_close(&up->index);
	rc = find_parent(up, head, &parent, e);
	if (rc < 0)
		return rc;
	if (parent.n) {
		of = parent.snapshot;
		snprintf(head->parent, sizeof(head->parent), "%s", of);
	}
	rc = start(up, of, head, id, e);
	up->started = clock_now();
	return rc < 0 ? rc
		      : ebs_index_create(
				&(struct ebs_index_new){path, head, id, of ? &parent : NULL},
				&up->index, e);
}

/* Of another run where that is well, else a new one. 1: it is completed already. */
static int begin(struct upload *up, struct ebs_uploaded *ret, struct err *e)
{
	struct seen seen = {.state = ""};
	struct ebs_index_head head;
	char path[PATH_MAX];
	bool completed;
	int rc = make_head(up, &head, e);

	snprintf(path, sizeof(path), "%s" EBS_UPLOAD_INDEX, up->u->path);
	if (rc == 0)
		rc = open_index(up, path, &head, e);
	if (rc > 0)
		rc = look_up(up, &up->index, &seen, e);
	if (rc < 0)
		return rc;
	completed = strcmp(seen.state, "completed") == 0;
	ret->continued = seen.ours && (completed || strcmp(seen.state, "pending") == 0);
	if (!ret->continued)
		return start_anew(up, path, &head, e);
	rc = adopt(up, e);
	return rc < 0 ? rc : completed;
}

/* --- its end */

static int complete(struct upload *up, struct err *e)
{
	uint8_t digest[DIGEST_SIZE];
	const struct ebs_end end = {.snapshot = up->index.snapshot,
		.blocks = ebs_index_sum(&up->index, digest),
		.digest = digest,
		.deadline = call_deadline(up)};

	return ebs_complete(up->u->client, &end, e);
}

static int wait_completed(struct upload *up, uint64_t deadline, struct err *e)
{
	const char *id = up->index.snapshot;

	for (uint64_t pause = POLL;; pause = pause * 2 < POLL_MAX ? pause * 2 : POLL_MAX) {
		struct seen seen;
		int rc = look_up(up, &up->index, &seen, e);

		if (rc < 0 || strcmp(seen.state, "completed") == 0)
			return rc;
		if (strcmp(seen.state, "error") == 0)
			return err_set(e, ERR_REMOTE, EREMOTEIO,
				"snapshot %s: EC2 says that it has failed", id);
		if (cancel_requested())
			return err_set(e, ERR_TRANSIENT, ECANCELED,
				"interrupted: snapshot %s is not completed yet", id);
		if (clock_left(deadline) == 0)
			return err_set(e, ERR_TRANSIENT, ETIMEDOUT,
				"snapshot %s is not completed in the time given", id);
		clock_sleep(pause, deadline);
	}
}

/* The run before may have been killed when it had sealed it: what is sealed is not sealed again. */
static int seal(struct upload *up, bool continued, struct err *e)
{
	uint64_t limit = clock_deadline(SEAL_TIME);
	struct err ignored = ERR_INIT;
	int rc = complete(up, e);

	if (rc == 0)
		return wait_completed(up, up->u->deadline, e);
	if (!continued || up->sent > 0 || !*up->u->client->fault.code ||
		wait_completed(up, limit < up->u->deadline ? limit : up->u->deadline, &ignored) < 0)
		return rc;
	*e = (struct err)ERR_INIT;
	return 0;
}

static int send_all(struct upload *up, struct ebs_uploaded *ret, struct err *e)
{
	int rc = begin(up, ret, e);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		rc = upload_send(up, e);
		ret->sent = up->sent;
		if (rc == 0)
			rc = check_image(up, e);
		if (rc == 0)
			rc = seal(up, ret->continued, e);
	}
	if (rc >= 0 && !up->index.complete)
		rc = ebs_index_completed(&up->index, e);
	if (rc >= 0)
		snprintf(ret->snapshot, sizeof(ret->snapshot), "%s", up->index.snapshot);
	return rc < 0 ? rc : 0;
}

static void free_upload(struct upload *up)
{
	ebs_index_close(&up->index);
	auto_close_fn(&up->fd);
	pthread_mutex_destroy(&up->lock);
	pthread_cond_destroy(&up->moved);
}

int ebs_upload(const struct ebs_upload *u, struct ebs_uploaded *ret, struct err *e)
{
	static const uint8_t zeros[4096];
	struct upload up = {.u = u, .fd = -1, .index = EBS_INDEX_INIT, .failed = ERR_INIT};
	struct digest d;
	int rc;

	*ret = (struct ebs_uploaded){0};
	pthread_mutex_init(&up.lock, NULL);
	pthread_cond_init(&up.moved, NULL);
	digest_start(&d);
	for (size_t i = 0; i < EBS_BLOCK / sizeof(zeros); i++)
		digest_add(&d, zeros, sizeof(zeros));
	digest_end_bytes(&d, up.zero);
	rc = fs_open(AT_FDCWD, u->path, O_RDONLY, 0, &up.fd, e);
	if (rc == 0)
		rc = send_all(&up, ret, e);
	free_upload(&up);
	return rc < 0 ? err_ctx(e, "'%s' as a snapshot", u->path) : 0;
}
