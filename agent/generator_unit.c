/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that the generator writes; systemd.unit(5), systemd.mount(5). */
#include "agent/generator.h"
#include "agent/mnt.h"
#include "agent/settings.h"
#include "common/json.h"

#include <errno.h>
#include <string.h>

#define UNIT_NAME_MAX 255

/* Systemd's VALID_CHARS without "-" and "\", which it escapes in paths. */
static bool is_plain(char c)
{
	return c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.", c);
}

static int escape(const char *path, struct buf *out)
{
	int rc = 0;

	for (bool first = true; *path && rc == 0; first = false) {
		size_t slashes = strspn(path, "/");

		path += slashes;
		if (!*path)
			break;
		if (slashes && !first)
			rc = buf_adds(out, "-");
		for (bool start = first; rc == 0 && *path && *path != '/'; path++, start = false) {
			if (is_plain(*path) && !(start && *path == '.'))
				rc = buf_add(out, path, 1);
			else
				rc = buf_addf(out, "\\x%02x", (unsigned char)*path);
		}
	}
	return rc;
}

int generator_unit_name(const char *path, struct buf *out, struct err *e)
{
	size_t before = out->len;
	int rc = escape(path, out);

	if (rc == 0 && out->len == before)
		rc = buf_adds(out, "-");
	if (rc == 0)
		rc = buf_adds(out, ".mount");
	if (rc < 0)
		return err_oom(e);
	if (out->len - before > UNIT_NAME_MAX)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG,
			"'%.64s…' gives too long a name of a unit: set a shorter Path=", path);
	return 0;
}

/* A value with "%" doubled, which would begin a specifier. */
static int add_value(struct buf *out, const char *key, const char *value)
{
	int rc = buf_adds(out, key);

	for (; *value && rc == 0; value++)
		rc = *value == '%' ? buf_adds(out, "%%") : buf_add(out, value, 1);
	return rc == 0 ? buf_adds(out, "\n") : rc;
}

/* Nothing of what systemd 219 does not know. The links of the unit are wants: a mount that fails
 * must not keep the machine from booting. */
int generator_unit(const char *path, const char *options, struct buf *out, struct err *e)
{
	int rc =
		buf_adds(out, "# Written by shared-prep-generator at each boot and daemon-reload.\n"
			      "[Unit]\n"
			      "Description=Memory for shared-prep\n"
			      "Documentation=man:shared-prep(8)\n"
			      "DefaultDependencies=no\n");

	if (rc == 0)
		rc = add_value(out, "ConditionPathIsSymbolicLink=!", path);
	if (rc == 0)
		rc = buf_adds(out,
			"Conflicts=umount.target\n"
			"Before=umount.target local-fs.target docker.service containerd.service\n"
			"Before=shared-prep.service\n"
			"Wants=shared-prep-seal.service\n"
			"After=systemd-remount-fs.service swap.target shared-prep-seal.service\n"
			"\n"
			"[Mount]\n"
			"What=tmpfs\n"
			"Type=tmpfs\n");
	if (rc == 0)
		rc = add_value(out, "Where=", path);
	if (rc == 0)
		rc = add_value(out, "Options=", options);
	return rc < 0 ? err_oom(e) : 0;
}

int generator_drop_in(const struct settings *s, struct buf *out, struct err *e)
{
	int rc = 0;

	if (s->on_failure == ON_FAILURE_POWEROFF)
		rc = buf_adds(out, "[Unit]\n"
				   "OnFailure=poweroff.target\n"
				   "OnFailureJobMode=replace-irreversibly\n");
	if (rc == 0 && strcmp(s->path, "/shared") != 0) {
		rc = buf_adds(out, "[Service]\n");
		if (rc == 0)
			rc = add_value(out, "ReadWritePaths=-", s->path);
	}
	return rc < 0 ? err_oom(e) : 0;
}

int generator_plan_options(const char *json, size_t len, struct mnt_options *ret, struct err *e)
{
	auto_json json_t *plan = NULL;
	uint64_t size, nr_inodes;
	const char *text;
	int rc = json_parse(json, len, "plan.json", &plan, e);

	if (rc == 0)
		rc = json_get_u64(plan, "size_bytes", &size, e);
	if (rc == 0)
		rc = json_get_u64(plan, "nr_inodes", &nr_inodes, e);
	if (rc == 0)
		rc = json_get_string(plan, "options", &text, e);
	if (rc < 0)
		return rc;
	if (size == 0 || nr_inodes == 0)
		return err_set(e, ERR_DATA, EBADMSG, "plan.json: a size of 0 would be no limit");
	return mnt_options_again(text, size, nr_inodes, ret, e);
}
