/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd.generator(7): called by the name shared-prep-generator, writes shared.mount (named after
 * Path=) and its links. Runs at boot and at every daemon-reload: fast, no network, writes only
 * below its arguments, and never fails half way. What it has to say goes to /dev/kmsg.
 */
#ifndef AGENT_GENERATOR_H
#define AGENT_GENERATOR_H

#include "common/buf.h"
#include "common/err.h"

/* argv as systemd gives it: normal, early and late directory. Returns the exit code: 0 also where
 * the plan does not fit and there is no unit. */
int generator_main(int argc, char **argv);

/* What generator_main() does; root is "/" but in tests, dir is the normal directory. *ret_said:
 * what there is to say of it, "" for nothing. */
#define GENERATOR_SAID 256
must_check int generator_run(
	const char *root, const char *dir, char ret_said[static GENERATOR_SAID], struct err *e);

/* Pure: the text of the mount unit; options as mnt_options_text() prints them. */
must_check int generator_unit(
	const char *path, const char *options, struct buf *out, struct err *e);

/* Pure: what the configuration changes in shared-prep.service, "" for nothing: OnFailure=, and the
 * right to write to another Path= than /shared. */
struct settings;
must_check int generator_drop_in(const struct settings *s, struct buf *out, struct err *e);

/* Pure: "shared.mount" for "/shared": the escaping of systemd-escape --path --suffix=mount. */
must_check int generator_unit_name(const char *path, struct buf *out, struct err *e);

/* Pure: plan.json as prepare leaves it → the options of the mount that it describes. */
struct mnt_options;
must_check int generator_plan_options(
	const char *json, size_t len, struct mnt_options *ret, struct err *e);

#endif
