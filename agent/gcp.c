/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Compute Engine metadata server: one GET of the instance directory.
 * https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
 */
#include "agent/metadata.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define GCP_PATH "/computeMetadata/v1/instance/?recursive=true&alt=json"

/* All attributes of the instance come with it: 512 KB is their documented limit. */
#define GCP_BODY (KIB * KIB)

/* "projects/123/zones/us-central1-a" → "us-central1-a". */
static bool take_last(const json_t *instance, const char *key, char out[static IDENTITY_TEXT])
{
	const char *path = json_string_value(json_object_get(instance, key));
	const char *slash = path ? strrchr(path, '/') : NULL;

	return metadata_value(slash ? slash + 1 : path, out, IDENTITY_TEXT);
}

/* "us-central1-a" → "us-central1". */
static bool take_region(const char *zone, char out[static IDENTITY_TEXT])
{
	const char *dash = strrchr(zone, '-');

	if (!dash || dash == zone)
		return false;
	snprintf(out, IDENTITY_TEXT, "%.*s", (int)(dash - zone), zone);
	return true;
}

static bool take_id(const json_t *instance, char out[static IDENTITY_TEXT])
{
	const json_t *id = json_object_get(instance, "id");

	if (!json_is_integer(id) || json_integer_value(id) <= 0)
		return false;
	snprintf(out, IDENTITY_TEXT, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
	return true;
}

static void take_lifecycle(const json_t *instance, struct metadata *m)
{
	const char *preemptible = json_string_value(
		json_object_get(json_object_get(instance, "scheduling"), "preemptible"));

	if (preemptible)
		snprintf(m->lifecycle, sizeof(m->lifecycle), "%s",
			strcasecmp(preemptible, "TRUE") == 0 ? "spot" : "on-demand");
}

static int take_instance(const struct buf *body, void *ctx, struct err *e)
{
	struct metadata *m = ctx;
	struct metadata found = {0};
	auto_json json_t *instance = NULL;
	int rc = json_parse(buf_str(body), body->len, "instance directory", &instance, e);

	if (rc < 0)
		return rc;
	if (!take_last(instance, "machineType", found.instance_type) ||
		!take_id(instance, found.instance_id) || !take_last(instance, "zone", found.zone) ||
		!take_region(found.zone, found.region))
		return err_set(e, ERR_DATA, EPROTO,
			"the instance directory has no machineType, id or zone");
	take_last(instance, "image", found.image_id);
	take_lifecycle(instance, &found);
	*m = found;
	return 0;
}

enum metadata_state gcp_fetch(
	const struct metadata_endpoint *at, struct metadata *ret, struct err *e)
{
	static const char *const headers[] = {"Metadata-Flavor: Google", NULL};
	struct metadata_client c = {.at = at};
	const struct metadata_want want = {
		.method = "GET",
		.path = GCP_PATH,
		.headers = headers,
		.request_ns = METADATA_REQUEST,
		.max_body = GCP_BODY,
		.take = take_instance,
		.ctx = ret,
	};

	return metadata_ask(&c, &want, e);
}
