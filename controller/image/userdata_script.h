/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User data for machines whose image was not baked: a script (userdata_boot.sh) for cloud-init that
 * installs the agent's RPM and fetches the archives that fit, each checked against the digest in
 * it, before the ECS agent starts. Pure. What is in it may be read by whoever may look at the
 * instance.
 */
#ifndef CONTROLLER_USERDATA_SCRIPT_H
#define CONTROLLER_USERDATA_SCRIPT_H

#include "common/buf.h"
#include "common/digest.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

struct userdata_rpm {
	const char *arch; /* "x86_64", "aarch64": one of each at most */
	const char *name; /* at the URL */
	char digest[DIGEST_TEXT];
};

struct userdata_archive {
	const char *app; /* APP_KEY.tar.zst at the URL */
	const char *key;
	const char *arch;
	const char *march; /* "" for an architecture alone */
	char digest[DIGEST_TEXT];
};

struct userdata_script {
	const char *project; /* its name */
	const char *url;     /* of the folder that RPMs and archives are in */
	const struct userdata_rpm *rpm;
	size_t n_rpms;
	const struct userdata_archive *archive; /* those of one key side by side take less room */
	size_t n_archives;
	bool mime; /* as one part of a MIME message, as launch templates of AWS Batch want it */
};

/* https://, s3://, or http:// for this machine; without user, query and fragment. Kind usage. */
must_check int userdata_script_url(const char *url, struct err *e);

/* At most USERDATA_MAX bytes (userdata.h): kind config says how much it is over that. Names of RPMs
 * that are not printable ASCII are kind config, anything odd in the rest kind data. */
must_check int userdata_script_make(
	const struct userdata_script *u, struct buf *ret, struct err *e);

#endif
