/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Azure Instance Metadata Service: one GET of the compute object.
 * https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
 */
#include "agent/metadata.h"

#include <errno.h>
#include <string.h>

#define AZURE_PATH "/metadata/instance/compute?api-version=2021-02-01&format=json"

/* "westeurope-1", as Kubernetes labels it; Azure numbers the zones of each region from 1. */
static void take_zone(const json_t *compute, struct metadata *m)
{
	char zone[IDENTITY_TEXT];
	int n;

	if (!metadata_member(compute, "zone", zone))
		return;
	n = snprintf(m->zone, sizeof(m->zone), "%s-%s", m->region, zone);
	if (n < 0 || (size_t)n >= sizeof(m->zone))
		m->zone[0] = '\0';
}

/* The id of an own image, else publisher:offer:sku:version of one from the market. */
static void take_image(const json_t *compute, struct metadata *m)
{
	static const char *const part[] = {"publisher", "offer", "sku", "version"};
	const json_t *image =
		json_object_get(json_object_get(compute, "storageProfile"), "imageReference");
	auto_buf struct buf text = BUF_INIT(sizeof(m->image_id));
	char value[IDENTITY_TEXT];

	if (metadata_member(image, "id", m->image_id))
		return;
	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		if (!metadata_member(image, part[i], value) ||
			buf_addf(&text, "%s%s", i ? ":" : "", value) < 0)
			return;
	}
	metadata_value(buf_str(&text), m->image_id, sizeof(m->image_id));
}

static int take_compute(const struct buf *body, void *ctx, struct err *e)
{
	struct metadata *m = ctx;
	struct metadata found = {0};
	auto_json json_t *compute = NULL;
	const char *priority;
	int rc = json_parse(buf_str(body), body->len, "compute object", &compute, e);

	if (rc < 0)
		return rc;
	if (!metadata_member(compute, "vmSize", found.instance_type) ||
		!metadata_member(compute, "vmId", found.instance_id) ||
		!metadata_member(compute, "location", found.region))
		return err_set(
			e, ERR_DATA, EPROTO, "the compute object has no vmSize, vmId or location");
	metadata_member(compute, "name", found.name);
	take_zone(compute, &found);
	take_image(compute, &found);
	/* "Low" is what Spot was called before; "" and "Regular" are neither. */
	priority = json_string_value(json_object_get(compute, "priority"));
	if (priority)
		snprintf(found.lifecycle, sizeof(found.lifecycle), "%s",
			strcasecmp(priority, "Spot") == 0 || strcasecmp(priority, "Low") == 0
				? "spot"
				: "on-demand");
	*m = found;
	return 0;
}

enum metadata_state azure_fetch(
	const struct metadata_endpoint *at, struct metadata *ret, struct err *e)
{
	static const char *const headers[] = {"Metadata: true", NULL};
	struct metadata_client c = {.at = at};
	const struct metadata_want want = {
		.method = "GET",
		.path = AZURE_PATH,
		.headers = headers,
		.request_ns = METADATA_REQUEST,
		.max_body = 4 * METADATA_BODY, /* custom data is in it */
		.take = take_compute,
		.ctx = ret,
	};

	return metadata_ask(&c, &want, e);
}
