/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"
#include "controller/aws/iam.h"
#include "controller/aws/pricing.h"
#include "controller/aws/quota.h"
#include "controller/aws/s3_upload.h"
#include "controller/aws/ssm.h"
#include "controller/project/base.h"
#include "tests/aws/services.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int parameter(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	char value[SSM_VALUE_MAX];
	int rc = ssm_parameter(client, argv[0], service_deadline(), value, e);

	if (rc == 0)
		*ret = json_pack("{s:s}", "value", value);
	return rc;
}

static int parameters(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct ssm_parameters list;
	int rc = ssm_parameters(client, (const char *const *)argv, service_deadline(), &list, e);

	*ret = json_object();
	for (size_t i = 0; i < list.n; i++)
		json_object_set_new(*ret, list.item[i].name, json_string(list.item[i].value));
	free(list.item);
	return rc;
}

static json_t *role_json(const struct iam_role *role)
{
	return json_pack("{s:s, s:s}", "name", role->name, "arn", role->arn);
}

static int role(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct iam_role r;
	int rc = iam_role(client, argv[0], service_deadline(), &r, e);

	if (rc == 0)
		*ret = role_json(&r);
	return rc;
}

static int profile(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct iam_profile p;
	int rc = iam_profile(client, argv[0], service_deadline(), &p, e);

	if (rc == 0)
		*ret = json_pack("{s:s, s:s, s:s}", "name", p.name, "arn", p.arn, "role", p.role);
	return rc;
}

static int role_create(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct ec2_tag tag = {"shared-prep:run", "1"};
	const struct iam_role_new new = {.name = argv[0],
		.trust = argv[1],
		.description = "of a run",
		.tags = {&tag, 1},
		.deadline = service_deadline()};
	struct iam_role r;
	int rc = iam_role_create(client, &new, &r, e);

	if (rc == 0)
		*ret = role_json(&r);
	return rc;
}

/* WHAT NAME OTHER [DOCUMENT] */
static int iam_change(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	static const struct {
		const char *name;
		int (*change)(struct call_client *, const struct iam_link *, struct err *);
	} changes[] = {
		{"put", iam_policy_put},
		{"delete", iam_policy_delete},
		{"attach", iam_policy_attach},
		{"detach", iam_policy_detach},
		{"add", iam_profile_add_role},
		{"remove", iam_profile_remove_role},
	};
	const struct iam_link l = {argv[1], argv[2], argv[3], service_deadline()};

	(void)ret;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		if (strcmp(changes[i].name, argv[0]) == 0)
			return changes[i].change(client, &l, e);
	}
	return err_set(e, ERR_USAGE, 1, "no change '%s'", argv[0]);
}

static int profile_create(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return iam_profile_create(client, argv[0], service_deadline(), e);
}

static int profile_delete(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return iam_profile_delete(client, argv[0], service_deadline(), e);
}

static int role_delete(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return iam_role_delete(client, argv[0], service_deadline(), e);
}

static int price(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	uint64_t amount;
	int rc = pricing_on_demand(client, argv[0], service_deadline(), &amount, e);

	if (rc == 0)
		*ret = json_pack("{s:I}", "price", (json_int_t)amount);
	return rc;
}

static json_t *quota_json(const struct quota *q)
{
	return json_pack(
		"{s:s, s:s, s:I}", "code", q->code, "name", q->name, "value", (json_int_t)q->value);
}

static int quota(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct quota q;
	int rc = quota_get(client, argv[0], service_deadline(), &q, e);

	if (rc == 0)
		*ret = quota_json(&q);
	return rc;
}

static int quotas(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct quotas list;
	int rc = quota_list(client, service_deadline(), &list, e);

	(void)argv;
	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(*ret, quota_json(&list.item[i]));
	free(list.item);
	return rc;
}

static struct s3_name object(char **argv)
{
	return (struct s3_name){argv[0], argv[1], service_deadline()};
}

static int put(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct s3_name name = object(argv);
	const struct s3_body body = {argv[2], strlen(argv[2]), "text/plain"};

	(void)ret;
	return s3_put(client, &name, &body, e);
}

static int get(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct s3_name name = object(argv);
	auto_buf struct buf body = BUF_INIT(4096);
	int rc = s3_get(client, &name, &body, e);

	if (rc == 0)
		*ret = json_pack("{s:s#}", "body", buf_str(&body), (int)body.len);
	return rc;
}

static int head(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct s3_name name = object(argv);
	struct s3_info info;
	int rc = s3_head(client, &name, &info, e);

	if (rc == 0)
		*ret = json_pack("{s:I, s:s}", "size", (json_int_t)info.size, "etag", info.etag);
	return rc;
}

static int delete (struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct s3_name name = object(argv);

	(void)ret;
	return s3_delete(client, &name, e);
}

static int upload(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct s3_name name = object(argv);
	auto_close int fd = open(argv[2], O_RDONLY | O_CLOEXEC);

	(void)ret;
	return fd < 0 ? err_errno(e, "'%s'", argv[2])
		      : s3_upload(client, &name, fd, "application/zstd", e);
}

static int fetch(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct s3_name name = object(argv);
	auto_close int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	(void)ret;
	return fd < 0 ? err_errno(e, "'%s'", argv[2]) : s3_fetch(client, &name, fd, e);
}

/* NAME ARCH [KERNEL] */
static int base(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct base_request r = {.name = argv[0],
		.arch = argv[1],
		.kernel = argv[2] ? argv[2] : "",
		.deadline = service_deadline()};
	struct base b;
	int rc = base_find(client, &r, &b, e);

	if (rc == 0)
		*ret = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "id", b.id, "name", b.name,
			"arch", b.arch, "root", b.root, "bytes", (json_int_t)b.root_bytes, "kernel",
			b.kernel, "moved", b.moved);
	return rc;
}

const struct service_command service_others[] = {
	{"parameter", 1, parameter},
	{"parameters", 1, parameters},
	{"role", 1, role},
	{"role-create", 2, role_create},
	{"role-delete", 1, role_delete},
	{"profile", 1, profile},
	{"profile-create", 1, profile_create},
	{"profile-delete", 1, profile_delete},
	{"iam", 3, iam_change},
	{"price", 1, price},
	{"quota", 1, quota},
	{"quotas", 0, quotas},
	{"put", 3, put},
	{"get", 2, get},
	{"head", 2, head},
	{"delete", 2, delete},
	{"upload", 3, upload},
	{"fetch", 3, fetch},
	{"base", 2, base},
	{NULL, 0, NULL},
};
