/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "common/num.h"
#include "controller/image/ebs_upload.h"
#include "tests/aws/services.h"

#include <fcntl.h>
#include <string.h>

/* What the progress has told. */
struct told {
	uint64_t done, total;
	bool back; /* it went back, or beyond the end */
};

static void note(void *ctx, uint64_t done, uint64_t total)
{
	struct told *t = ctx;

	t->back |= done < t->done || done > total || (t->total && t->total != total);
	t->done = done;
	t->total = total;
}

/* 0 where the environment does not say. */
static uint64_t number(const char *name, uint64_t max)
{
	const char *text = getenv(name);
	struct err e = ERR_INIT;
	uint64_t n = 0;

	return text && num_u64(text, 1, max, &n, &e) == 0 ? n : 0;
}

/* IMAGE TOKEN FOLDER-OF-THE-JOURNAL [FORMER]; with KMS_KEY it is encrypted, VOLUME is in bytes. */
static int upload(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct ec2_tag tags[] = {{"shared-prep:run", "r"}, {"shared-prep:token", argv[1]}};
	auto_journal struct journal journal = JOURNAL_INIT;
	struct told told = {.back = false};
	struct ebs_uploaded done;
	auto_close int folder = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = folder < 0 ? err_errno(e, "'%s'", argv[2])
			    : journal_open(folder, "journal", &journal, e);

	if (rc == 0)
		rc = ebs_upload(
			&(struct ebs_upload){
				.client = client,
				.journal = &journal,
				.path = argv[0],
				.former = argv[3],
				.token = argv[1],
				.encrypt = getenv("KMS_KEY") != NULL,
				.kms_key = getenv("KMS_KEY"),
				.tags = {tags, ARRAY_LEN(tags)},
				.volume = number("VOLUME", UINT64_MAX),
				.lanes = (unsigned)number("LANES", 64),
				.deadline = service_deadline(),
				.progress = note,
				.ctx = &told,
			},
			&done, e);
	if (rc == 0)
		*ret = json_pack("{s:s, s:I, s:b, s:b, s:I}", "snapshot", done.snapshot, "sent",
			(json_int_t)done.sent, "continued", done.continued, "well",
			!told.back && told.done == told.total, "total", (json_int_t)told.total);
	return rc;
}

const struct service_command service_ebs[] = {
	{"ebs-upload", 3, upload},
	{NULL, 0, NULL},
};
