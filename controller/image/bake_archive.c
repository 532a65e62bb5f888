/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of an archive of ours, from the end of the file: a skippable frame of zstd with the
 * manifest, one with the index, whose last 24 bytes are the offset of the former, the length of
 * the index, and a mark. The agent checks the rest on the machine.
 */
#include "controller/image/bake.h"

#include "common/cpu_target.h"
#include "common/fs.h"
#include "common/json.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FOOT         24
#define FRAME        8 /* magic and length */
#define MARK         "SPINDEX1"
#define MANIFEST     0x184D2A5CU
#define MANIFEST_MAX (1024 * 1024)

static int damaged(const char *path, const char *why, struct err *e)
{
	return err_set(
		e, ERR_DATA, EBADMSG, "'%s' %s: build it again by 'controller build'", path, why);
}

static int read_manifest(int fd, const struct bake_file *f, struct buf *out, struct err *e)
{
	uint64_t at;
	uint32_t head[2];
	char foot[FOOT];
	size_t len;

	if (f->bytes < FOOT || pread(fd, foot, FOOT, (off_t)(f->bytes - FOOT)) != FOOT ||
		memcmp(foot + 16, MARK, 8) != 0)
		return damaged(f->path, "has no manifest, or was cut short", e);
	memcpy(&at, foot, sizeof(at));
	at = le64toh(at);
	if (at > f->bytes - FOOT - FRAME || pread(fd, head, FRAME, (off_t)at) != FRAME ||
		le32toh(head[0]) != MANIFEST)
		return damaged(f->path, "is damaged at its end", e);
	len = le32toh(head[1]);
	if (len > MANIFEST_MAX)
		return damaged(f->path, "is damaged at its end", e);
	if (buf_reserve(out, len) < 0)
		return err_oom(e);
	if (pread(fd, out->data, len, (off_t)(at + FRAME)) != (ssize_t)len)
		return damaged(f->path, "is damaged at its end", e);
	out->len = len;
	return 0;
}

static const char *member(const json_t *manifest, const char *key)
{
	const char *text = json_string_value(json_object_get(manifest, key));

	return text ? text : "";
}

/* Compiled for more than the name promises: it would not run, or not be chosen, where it should. */
static int check_march(const struct bake_archive *a, const char *march, struct err *e)
{
	const struct cpu_target *is = cpu_target_find(march);
	const struct cpu_target *may = cpu_target_find(a->target.march);

	if (!is || !may || (is->arch == may->arch && cpu_has(&may->needs, &is->needs)))
		return 0;
	return err_set(e, ERR_DATA, ENOEXEC,
		"'%s' is compiled for '%.60s', which is more than '%s' has (%s): build it again by "
		"'controller build'",
		a->file.path, march, a->target.name, a->target.march);
}

int bake_archive_check(struct bake_archive *a, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(MANIFEST_MAX);
	auto_json json_t *manifest = NULL;
	auto_close int fd = -1;
	const char *arch;
	int rc;

	if ((rc = fs_open(AT_FDCWD, a->file.path, O_RDONLY, 0, &fd, e)) < 0 ||
		(rc = read_manifest(fd, &a->file, &text, e)) < 0 ||
		(rc = json_parse(buf_str(&text), text.len, a->file.path, &manifest, e)) < 0)
		return rc;
	arch = member(manifest, "arch");
	/* "other": no machine code is in it. */
	if (strcmp(arch, a->target.arch) != 0 && strcmp(arch, "other") != 0)
		return err_set(e, ERR_DATA, ENOEXEC,
			"'%s' is for '%.20s', but its name says %s, which is %s: build it again "
			"by 'controller build'",
			a->file.path, arch, a->target.name, a->target.arch);
	if (strcmp(member(manifest, "app"), a->app->name) != 0 ||
		strcmp(member(manifest, "key"), a->target.name) != 0)
		return err_set(e, ERR_DATA, EINVAL,
			"'%s' says of itself that it is app '%.60s' for '%.60s': it was renamed, "
			"build it again by 'controller build'",
			a->file.path, member(manifest, "app"), member(manifest, "key"));
	snprintf(a->version, sizeof(a->version), "%.127s", member(manifest, "version"));
	return check_march(a, member(manifest, "march"), e);
}
