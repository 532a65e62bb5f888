/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an archive says of itself: {format, app, key, version, created, arch, march, features[],
 * entries, bytes, largest, digest, entry}. In our own archives it is a skippable frame (archive.h),
 * beside others a file NAME.json. Hostile until checked: lengths, character sets, ranges.
 */
#ifndef AGENT_MANIFEST_H
#define AGENT_MANIFEST_H

#include "agent/cpu.h"
#include "common/digest.h"
#include "common/json.h"

#include <stdbool.h>
#include <stdint.h>

#define MANIFEST_NAME 128
#define MANIFEST_MAX  (1024 * 1024) /* bytes of JSON */

struct manifest {
	bool present;            /* false: the archive has none */
	char app[MANIFEST_NAME]; /* [A-Za-z0-9][A-Za-z0-9._+-]* */
	char key[MANIFEST_NAME]; /* "" for none */
	char version[MANIFEST_NAME];
	uint64_t created;   /* seconds since 1970 */
	enum cpu_arch arch; /* CPU_OTHER: no machine code, fits every architecture */
	char march[MANIFEST_NAME];
	struct cpu_features features;
	char unknown_feature[MANIFEST_NAME]; /* the first one this agent does not know, "" if none
					      */
	uint64_t entries;
	uint64_t bytes;   /* unpacked */
	uint64_t largest; /* bytes of the largest file */
	char digest[DIGEST_TEXT];
	char entry[256]; /* program to start, relative to the tree; "" for none */
};

/* A name as app, key, march and features have it: 1 to 127 of the characters above. */
bool manifest_is_name(const char *s);

/* format, app, key and arch are required, members not known are ignored; kind data. */
must_check int manifest_parse(
	const char *json, size_t len, const char *name, struct manifest *ret, struct err *e);

/* Without "digest" when it is empty; a fixed order of keys and no blanks, so that equal manifests
 * are equal bytes. */
must_check int manifest_text(const struct manifest *m, struct buf *out, struct err *e);

/* The JSON without its "digest" member, in the same form as manifest_text() but with the members
 * this version does not know: what the digest is made of (archive.h), also for later versions. */
must_check int manifest_undigested(
	const char *json, size_t len, const char *name, struct buf *out, struct err *e);

/* From the archive's own trailer or, for other formats, the sidecar NAME.json beside it; absent
 * both: ret->present = false. name is a path beneath dirfd as fs_open() takes it. */
must_check int manifest_read(int dirfd, const char *name, struct manifest *ret, struct err *e);

#endif
