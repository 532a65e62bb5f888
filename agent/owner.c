/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/owner.h"

#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <string.h>

#define PASSWD     "/etc/passwd"
#define PASSWD_MAX (4 * MIB)
#define NOBODY     65534

/* The field behind the n-th colon as a number. */
static bool number_field(const char *line, unsigned n, uint32_t *ret)
{
	struct err ignored = ERR_INIT;
	char text[16];
	uint64_t number;
	size_t len;

	for (; n > 0; n--) {
		line = strchr(line, ':');
		if (!line)
			return false;
		line++;
	}
	len = strcspn(line, ":");
	if (!line[len] || len >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)len, line);
	if (num_u64(text, 0, UINT32_MAX - 1, &number, &ignored) < 0)
		return false;
	*ret = (uint32_t)number;
	return true;
}

bool owner_parse_passwd(const char *line, const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	size_t len = strlen(name);
	uint32_t uid, gid;

	if (strncmp(line, name, len) != 0 || line[len] != ':' || !number_field(line, 2, &uid) ||
		!number_field(line, 3, &gid))
		return false;
	*ret_uid = uid;
	*ret_gid = gid;
	return true;
}

int owner_policy_read(
	int rootfd, const char *job_user, bool allow_root, struct owner_policy *ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(PASSWD_MAX);
	char *rest = NULL;
	int rc;

	*ret = (struct owner_policy){.allow_root = allow_root, .self = geteuid()};
	snprintf(ret->job_user, sizeof(ret->job_user), "%s", job_user);
	rc = fs_read(rootfd, PASSWD, &text, e);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (!text.data)
		return 0;
	for (char *l = strtok_r(text.data, "\n", &rest); l && !ret->has_job_user;
		l = strtok_r(NULL, "\n", &rest))
		ret->has_job_user = owner_parse_passwd(l, job_user, &ret->job_uid, &ret->job_gid);
	return 0;
}

int owner_decide(
	const struct owner_policy *p, uid_t uid, gid_t gid, struct owner *ret, struct err *e)
{
	*ret = (struct owner){.uid = uid, .gid = gid, .group = gid, .change = p->self == 0};
	if (p->self != 0 && uid != p->self)
		return err_set(e, ERR_DATA, EPERM,
			"it belongs to user %u, and the agent runs as user %u", uid, p->self);
	if (p->self != 0 || (uid == 0 && p->allow_root))
		return 0;
	if (uid != 0) {
		/* A container's user often has group 0; no job gets root's group for that. */
		if (gid == 0)
			ret->gid = p->has_job_user && p->job_gid != 0 ? p->job_gid : NOBODY;
		return 0;
	}
	if (!p->has_job_user || p->job_uid == 0)
		return err_set(e, ERR_DATA, EPERM,
			"it belongs to root, and there is no user '%s' (JobUser=) to run it as",
			p->job_user);
	ret->uid = p->job_uid;
	ret->gid = p->job_gid;
	ret->group = p->job_gid;
	return 0;
}
