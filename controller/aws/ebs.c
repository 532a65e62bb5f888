/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ebs.h"

#include "common/num.h"
#include "controller/aws/base64.h"
#include "controller/aws/json_call.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define CHECKSUM_TEXT 48 /* base64 of DIGEST_SIZE bytes, and more */

static json_t *tags_json(const struct ec2_tags *tags)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tags->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "Key", tags->item[i].key,
						    "Value", tags->item[i].value));
	return list;
}

bool ebs_is_id(const char *id)
{
	return strncmp(id, "snap-", 5) == 0 && id[5] && strlen(id) < EC2_ID_MAX &&
	       strspn(id + 5, "0123456789abcdef") == strlen(id + 5);
}

static int take_start(const struct json_call *c, const json_t *answer,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	const struct call shown = {.service = c->service, .action = c->target};
	const char *id = json_string_value(json_object_get(answer, "SnapshotId"));

	if (!id || !ebs_is_id(id))
		return call_bad_answer(&shown, e, "no SnapshotId");
	if (json_integer_value(json_object_get(answer, "BlockSize")) != EBS_BLOCK)
		return call_bad_answer(&shown, e, "blocks that are not of 512 KiB");
	memcpy(ret_id, id, strlen(id) + 1);
	return 0;
}

int ebs_start(struct call_client *client, const struct ebs_start *s, char ret_id[static EC2_ID_MAX],
	struct err *e)
{
	const struct json_call c = {.service = ENDPOINT_EBS,
		.target = "StartSnapshot",
		.path = "/snapshots",
		.changes = true,
		.deadline = s->deadline};
	bool encrypt = s->encrypt && !s->parent;
	const char *key = encrypt && s->kms_key && *s->kms_key ? s->kms_key : NULL;
	auto_json json_t *answer = NULL;
	int rc = json_call(client, &c,
		json_pack("{s:s, s:I, s:i, s:s*, s:s*, s:o*, s:s*, s:o}", "ClientToken", s->token,
			"VolumeSize", (json_int_t)(s->bytes / GIB), "Timeout", (int)s->minutes,
			"ParentSnapshotId", s->parent, "Description", s->description, "Encrypted",
			encrypt ? json_true() : NULL, "KmsKeyArn", key, "Tags",
			tags_json(&s->tags)),
		&answer, e);

	return rc < 0 ? rc : take_start(&c, answer, ret_id, e);
}

static int checksum_text(const uint8_t *digest, char ret[static CHECKSUM_TEXT], struct err *e)
{
	auto_buf struct buf text = BUF_INIT(CHECKSUM_TEXT - 1);

	if (base64_encode(&text, digest, DIGEST_SIZE) < 0)
		return err_oom(e);
	memcpy(ret, text.data, text.len + 1);
	return 0;
}

int ebs_put(struct call_client *client, const struct ebs_block *b, struct err *e)
{
	auto_http_response struct http_response r = {0};
	char path[128], checksum[CHECKSUM_TEXT];
	struct call c = {.service = ENDPOINT_EBS,
		.action = "PutSnapshotBlock",
		.method = "PUT",
		.path = path,
		.type = "application/octet-stream",
		.header = {{"x-amz-Data-Length", "524288"}, {"x-amz-Checksum", checksum},
			{"x-amz-Checksum-Algorithm", "SHA256"}},
		.wanted = {"x-amz-Checksum"},
		.body = b->data,
		.body_len = EBS_BLOCK,
		.changes = true,
		.deadline = b->deadline};
	struct fault fault;
	int rc = checksum_text(b->digest, checksum, e);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "/snapshots/%s/blocks/%" PRIu64, b->snapshot, b->index);
	rc = call(client, &c, &r, &fault, e);
	if (rc == 0 && strcmp(r.header[0], checksum) != 0)
		rc = call_bad_answer(&c, e, "the checksum of another block");
	return rc < 0 ? err_ctx(e, "block %" PRIu64 " of %s", b->index, b->snapshot) : 0;
}

int ebs_complete(struct call_client *client, const struct ebs_end *end, struct err *e)
{
	auto_http_response struct http_response r = {0};
	char path[128], checksum[CHECKSUM_TEXT], blocks[24];
	struct call c = {.service = ENDPOINT_EBS,
		.action = "CompleteSnapshot",
		.path = path,
		.header = {{"x-amz-ChangedBlocksCount", blocks}, {"x-amz-Checksum", checksum},
			{"x-amz-Checksum-Algorithm", "SHA256"},
			{"x-amz-Checksum-Aggregation-Method", "LINEAR"}},
		.changes = true,
		.deadline = end->deadline};
	struct fault fault;
	int rc = checksum_text(end->digest, checksum, e);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "/snapshots/completion/%s", end->snapshot);
	snprintf(blocks, sizeof(blocks), "%" PRIu64, end->blocks);
	rc = call(client, &c, &r, &fault, e);
	return rc < 0 ? err_ctx(e, "snapshot %s", end->snapshot) : 0;
}
