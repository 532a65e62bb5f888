/* SPDX-License-Identifier: Apache-2.0 */
/* What bakes make and will make, as JSON and for people. */
#ifndef CONTROLLER_BAKE_REPORT_H
#define CONTROLLER_BAKE_REPORT_H

#include "controller/image/bake_order.h"

/* DIST/images/NAME.json: of one image: {format, project, name, arch, base, inputs, created, image,
 * ami, copies[{region, ami, snapshots[]}], manifest, manifest_sha256, bom, log, archives[]}.
 * Of one that was there already nothing is written but that it has become an AMI. */
must_check int bake_report_write(const struct project *p, const struct baked *b, struct err *e);

/* {format, images[]}, of the same objects with "unchanged". */
must_check int bake_report_json(
	const struct project *p, const struct baked *b, size_t n, json_t **ret, struct err *e);

/* What would be made: the base, each file with its size and digest, the steps. */
must_check int bake_report_planned(
	const struct project *p, const struct bake *b, size_t n, bool json, struct err *e);

#endif
