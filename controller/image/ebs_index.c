/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/ebs_index.h"

#include "common/auto.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/aws/ebs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC   "shared-prep ebs 1"
#define LINE    (EBS_INDEX_KEY + 64)
#define WORDS   4
#define SYNC_AT 64 /* lines */
#define NEW     ".new"
#define NONE    "-" /* in place of a parent */

static bool take_hex(const char *text, uint8_t out[static DIGEST_SIZE])
{
	if (strlen(text) != 2 * DIGEST_SIZE || strspn(text, "0123456789abcdef") != 2 * DIGEST_SIZE)
		return false;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

		out[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

static void put_hex(const uint8_t digest[static DIGEST_SIZE], char out[static DIGEST_TEXT])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* --- lines */

/* "block INDEX DIGEST", "base INDEX DIGEST" */
static int take_block(struct ebs_index *i, char *const *word, struct err *e)
{
	const bool base = strcmp(word[0], "base") == 0;
	uint64_t at;
	int rc = num_u64(word[1], 0, i->n ? i->n - 1 : 0, &at, e);

	if (rc < 0)
		return rc;
	/* It would never be sent. */
	if (base && !ebs_is_id(i->head.parent))
		return err_set(e, ERR_DATA, EINVAL, "a block of no parent");
	if (!i->block || !take_hex(word[2], i->block[at].digest))
		return err_set(e, ERR_DATA, EINVAL, "no digest");
	i->block[at].known = true;
	i->block[at].sent |= !base;
	return 0;
}

static int take_image(struct ebs_index *i, char *const *word, struct err *e)
{
	int rc = num_u64(word[1], 1, UINT64_MAX, &i->head.size, e);

	if (rc == 0)
		rc = num_u64(word[2], 0, UINT64_MAX, &i->head.mtime, e);
	return rc == 0 ? num_u64(word[3], 0, UINT64_MAX, &i->head.inode, e) : rc;
}

static int take_volume(struct ebs_index *i, char *const *word, struct err *e)
{
	int rc = num_u64(word[1], EBS_BLOCK, EBS_INDEX_MAX, &i->head.volume, e);

	if (rc < 0)
		return rc;
	if (i->block)
		return err_set(e, ERR_DATA, EINVAL, "two volumes");
	i->n = i->head.volume / EBS_BLOCK;
	i->block = calloc(i->n, sizeof(*i->block));
	return i->block ? 0 : err_oom(e);
}

static int take_text(const char *word, char *out, size_t size, struct err *e)
{
	if (strlen(word) >= size)
		return err_set(e, ERR_DATA, EINVAL, "'%.40s…' is too long", word);
	memcpy(out, word, strlen(word) + 1);
	return 0;
}

static int take_key(struct ebs_index *i, char *const *word, struct err *e)
{
	return take_text(word[1], i->head.key, sizeof(i->head.key), e);
}

static int take_parent(struct ebs_index *i, char *const *word, struct err *e)
{
	if (strcmp(word[1], NONE) != 0 && !ebs_is_id(word[1]))
		return err_set(e, ERR_DATA, EINVAL, "'%.40s' is no snapshot", word[1]);
	return take_text(word[1], i->head.parent, sizeof(i->head.parent), e);
}

static int take_snapshot(struct ebs_index *i, char *const *word, struct err *e)
{
	if (!ebs_is_id(word[1]))
		return err_set(e, ERR_DATA, EINVAL, "'%.40s' is no snapshot", word[1]);
	return take_text(word[1], i->snapshot, sizeof(i->snapshot), e);
}

static int take_complete(struct ebs_index *i, char *const *word, struct err *e)
{
	(void)word;
	(void)e;
	i->complete = true;
	return 0;
}

static const struct {
	const char *name;
	unsigned words; /* with the name */
	int (*take)(struct ebs_index *i, char *const *word, struct err *e);
} kinds[] = {
	{"block", 3, take_block},
	{"base", 3, take_block},
	{"image", 4, take_image},
	{"volume", 2, take_volume},
	{"key", 2, take_key},
	{"parent", 2, take_parent},
	{"snapshot", 2, take_snapshot},
	{"complete", 1, take_complete},
};

static int take_line(struct ebs_index *i, char *line, struct err *e)
{
	char *word[WORDS] = {NULL}, *rest = NULL;
	unsigned n = 0;

	for (char *w = strtok_r(line, " ", &rest); w && n < WORDS; w = strtok_r(NULL, " ", &rest))
		word[n++] = w;
	for (size_t k = 0; n && k < ARRAY_LEN(kinds); k++) {
		if (strcmp(word[0], kinds[k].name) == 0 && n == kinds[k].words)
			return kinds[k].take(i, word, e);
	}
	return err_set(e, ERR_DATA, EINVAL, "no line of ours");
}

/* --- the file */

/* Lines that have their end; *ret_len is how many bytes they are. */
static int take_lines(struct ebs_index *i, FILE *f, off_t *ret_len, struct err *e)
{
	char line[LINE];
	int rc = 0;

	*ret_len = 0;
	for (unsigned number = 1; fgets(line, sizeof(line), f); number++) {
		size_t len = strlen(line);

		if (len == 0 || line[len - 1] != '\n')
			break;
		*ret_len += (off_t)len;
		line[len - 1] = '\0';
		if (number == 1)
			rc = strcmp(line, MAGIC) == 0
				     ? 0
				     : err_set(e, ERR_DATA, EINVAL, "no index of ours");
		else
			rc = take_line(i, line, e);
		if (rc < 0) {
			e->kind = e->num == ENOMEM ? e->kind : ERR_DATA;
			return err_ctx(e, "line %u", number);
		}
	}
	if (ferror(f))
		return err_errno(e, "cannot be read");
	if (!i->block || !*i->snapshot || !*i->head.key || !*i->head.parent || !i->head.size)
		return err_set(e, ERR_DATA, EINVAL, "it ends too early");
	return 0;
}

/* Nothing that would keep us waiting, or lies elsewhere. */
static int open_file(const char *path, int flags, int *ret, struct err *e)
{
	struct stat st;
	int rc = fs_open(AT_FDCWD, path, flags | O_NOFOLLOW | O_NONBLOCK, 0, ret, e);

	if (rc == 0 && (fstat(*ret, &st) < 0 || !S_ISREG(st.st_mode)))
		return err_set(e, ERR_DATA, EINVAL, "'%s' is not a file", path);
	return rc;
}

static int load(const char *path, int flags, struct ebs_index *ret, struct err *e)
{
	auto_file FILE *f = NULL;
	off_t len;
	int rc, fd;

	*ret = (struct ebs_index)EBS_INDEX_INIT;
	rc = open_file(path, flags, &ret->fd, e);
	if (rc < 0)
		return rc;
	if (flags != O_RDONLY && flock(ret->fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(
			e, ERR_TRANSIENT, EBUSY, "'%s': another controller works with it", path);
	fd = fcntl(ret->fd, F_DUPFD_CLOEXEC, 0);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f) {
		rc = err_errno(e, "'%s'", path);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	rc = take_lines(ret, f, &len, e);
	if (rc < 0)
		return err_ctx(e, "'%s'", path);
	if (flags != O_RDONLY && ftruncate(ret->fd, len) < 0)
		return err_errno(e, "'%s'", path);
	ret->length = len;
	return 0;
}

int ebs_index_open(const char *path, struct ebs_index *ret, struct err *e)
{
	return load(path, O_RDWR | O_APPEND, ret, e);
}

int ebs_index_read(const char *path, struct ebs_index *ret, struct err *e)
{
	return load(path, O_RDONLY, ret, e);
}

static int write_head(FILE *f, const struct ebs_index_new *new)
{
	const struct ebs_index_head *h = new->head;

	return fprintf(f,
		MAGIC "\nimage %" PRIu64 " %" PRIu64 " %" PRIu64 "\nvolume %" PRIu64
		      "\nkey %s\nparent %s\nsnapshot %s\n",
		h->size, h->mtime, h->inode, h->volume, h->key, h->parent, new->snapshot);
}

static int write_all(FILE *f, const struct ebs_index_new *new)
{
	int n = write_head(f, new);

	for (uint64_t b = 0; n >= 0 && new->parent &&b < new->parent->n; b++) {
		char hex[DIGEST_TEXT];

		if (!new->parent->block[b].known)
			continue;
		put_hex(new->parent->block[b].digest, hex);
		n = fprintf(f, "base %" PRIu64 " %s\n", b, hex);
	}
	return n < 0 || fflush(f) != 0 || fsync(fileno(f)) < 0 ? -1 : 0;
}

int ebs_index_create(const struct ebs_index_new *new, struct ebs_index *ret, struct err *e)
{
	char other[PATH_MAX];
	auto_file FILE *f = NULL;

	*ret = (struct ebs_index)EBS_INDEX_INIT;
	if (snprintf(other, sizeof(other), "%s" NEW, new->path) >= (int)sizeof(other))
		return err_set(e, ERR_USAGE, ENAMETOOLONG, "'%s' is too long", new->path);
	/* Whatever has that name, nothing is written through it. */
	(void)!unlink(other);
	f = fopen(other, "wxe");
	if (!f || write_all(f, new) < 0 || rename(other, new->path) < 0)
		return err_errno(e, "cannot write '%s'", new->path);
	return ebs_index_open(new->path, ret, e);
}

static int add_line(struct ebs_index *i, const char *line, struct err *e)
{
	int rc = fs_write_all(i->fd, line, strlen(line));

	/* Half a line would spoil the next. */
	if (rc < 0) {
		(void)!ftruncate(i->fd, (off_t)i->length);
		return err_set(e, ERR_SYSTEM, -rc, "write the index of blocks: %s", strerror(-rc));
	}
	i->length += (int64_t)strlen(line);
	i->unsynced++;
	if (i->unsynced < SYNC_AT)
		return 0;
	i->unsynced = 0;
	return fdatasync(i->fd) < 0 ? err_errno(e, "write the index of blocks") : 0;
}

int ebs_index_note(struct ebs_index *i, uint64_t block, const uint8_t digest[static DIGEST_SIZE],
	struct err *e)
{
	char line[LINE], hex[DIGEST_TEXT];

	put_hex(digest, hex);
	snprintf(line, sizeof(line), "block %" PRIu64 " %s\n", block, hex);
	memcpy(i->block[block].digest, digest, DIGEST_SIZE);
	i->block[block].known = i->block[block].sent = true;
	return add_line(i, line, e);
}

int ebs_index_completed(struct ebs_index *i, struct err *e)
{
	i->unsynced = SYNC_AT;
	i->complete = true;
	return add_line(i, "complete\n", e);
}

uint64_t ebs_index_sum(const struct ebs_index *i, uint8_t ret[static DIGEST_SIZE])
{
	struct digest d;
	uint64_t n = 0;

	digest_start(&d);
	for (uint64_t b = 0; b < i->n; b++) {
		if (!i->block[b].sent)
			continue;
		digest_add(&d, i->block[b].digest, DIGEST_SIZE);
		n++;
	}
	digest_end_bytes(&d, ret);
	return n;
}

void ebs_index_close(struct ebs_index *i)
{
	auto_close_fn(&i->fd);
	free(i->block);
	*i = (struct ebs_index)EBS_INDEX_INIT;
}
