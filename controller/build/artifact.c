/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/artifact.h"

#include "common/auto.h"
#include "common/digest.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PARTIAL   ".partial"
#define TAIL_SIZE 4096

const char *artifact_name(const struct build *b, const char *suffix, char out[static ARTIFACT_NAME])
{
	snprintf(out, ARTIFACT_NAME, "%s/%s%s", b->flags->name, b->key, suffix);
	return out;
}

const char *artifact_path(
	const char *dist, const struct build *b, const char *suffix, char out[static PATH_MAX])
{
	char name[ARTIFACT_NAME];

	snprintf(out, PATH_MAX, "%s/%s", dist, artifact_name(b, suffix, name));
	return out;
}

static int create(
	const char *dist, const struct build *b, const char *suffix, int *ret_fd, struct err *e)
{
	char path[PATH_MAX], dir[PATH_MAX];
	int rc;

	if (snprintf(dir, sizeof(dir), "%s/%s", dist, b->flags->name) >=
		(int)(sizeof(dir) - sizeof(b->key) - 32))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "dist '%s' is too long", dist);
	if ((rc = fs_mkdir_p(AT_FDCWD, dir, 0755, e)) < 0)
		return rc;
	artifact_path(dist, b, suffix, path);
	return fs_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644, ret_fd, e);
}

int artifact_log(const char *dist, const struct build *b, int *ret_fd, struct err *e)
{
	return create(dist, b, ".log", ret_fd, e);
}

int artifact_begin(const char *dist, const struct build *b, int *ret_fd, struct err *e)
{
	return create(dist, b, ".tar.zst" PARTIAL, ret_fd, e);
}

int artifact_keep(const char *dist, struct build *b, int fd, struct err *e)
{
	char from[PATH_MAX], to[PATH_MAX], digest[DIGEST_TEXT];
	struct stat st;
	int rc;

	artifact_path(dist, b, ".tar.zst" PARTIAL, from);
	artifact_path(dist, b, ".tar.zst", to);
	if ((rc = digest_fd(fd, to, digest, e)) < 0)
		return rc;
	if (strcmp(digest, b->digest) != 0) {
		unlink(from);
		return err_set(e, ERR_DATA, EBADMSG,
			"'%s' was damaged on its way: its SHA-256 is %.12s…, the worker's %.12s…",
			to, digest, b->digest);
	}
	if (fstat(fd, &st) < 0 || fsync(fd) < 0 || rename(from, to) < 0)
		return err_errno(e, "keep '%s'", to);
	b->bytes = (uint64_t)st.st_size;
	return 0;
}

void artifact_drop(const char *dist, const struct build *b)
{
	char path[PATH_MAX];

	unlink(artifact_path(dist, b, ".tar.zst" PARTIAL, path));
}

bool artifact_is_there(const char *dist, struct build *b)
{
	char path[PATH_MAX], digest[DIGEST_TEXT];
	struct err e = ERR_INIT;
	struct stat st;
	auto_close int fd = -1;

	artifact_path(dist, b, ".tar.zst", path);
	if (fs_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &e) < 0 || fstat(fd, &st) < 0 ||
		digest_fd(fd, path, digest, &e) < 0 || strcmp(digest, b->digest) != 0)
		return false;
	b->bytes = (uint64_t)st.st_size;
	return true;
}

static bool says_something(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] > ' ')
			return true;
	}
	return false;
}

void artifact_last_line(int log, off_t from, char *out, size_t size)
{
	char text[TAIL_SIZE];
	struct stat st;
	off_t at;
	ssize_t n;
	size_t end, begin = 0, len;

	out[0] = '\0';
	if (fstat(log, &st) < 0)
		return;
	at = st.st_size - from > TAIL_SIZE ? st.st_size - TAIL_SIZE : from;
	n = pread(log, text, sizeof(text), at);
	for (end = n > 0 ? (size_t)n : 0; end > 0; end = begin > 0 ? begin - 1 : 0) {
		begin = end;
		while (begin > 0 && text[begin - 1] != '\n')
			begin--;
		if (says_something(text + begin, end - begin))
			break;
	}
	len = end > 0 ? end - begin : 0;
	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[begin + i];

		/* Whether it is UTF-8, and what that does to a terminal, nobody knows. */
		out[i] = (char)(c < ' ' ? ' ' : c < 0x7f ? c : '?');
	}
	out[len] = '\0';
}
